# SPDX-License-Identifier: BSD-2-Clause
import os

import pytest

import cpio

pytestmark = pytest.mark.check


def entries(data):
    """(name, mode, data offset, data) by a reader of its own."""
    at, out = 0, []
    while True:
        assert data[at:at + 6] == b"070701" and at % 4 == 0
        fields = [int(data[at + 6 + i * 8:at + 14 + i * 8], 16) for i in range(13)]
        name = data[at + 110:at + 110 + fields[11]]
        assert len(name) == fields[11] <= cpio.NAME_MAX and name.endswith(b"\0")
        start = (at + 110 + fields[11] + 3) & ~3
        name = name.rstrip(b"\0").decode()
        if name == cpio.TRAILER:
            return out
        out.append((name, fields[1], start, data[start:start + fields[6]]))
        at = (start + fields[6] + 3) & ~3


def test_large_files_start_at_a_page():
    archive = cpio.Archive()
    for i in range(300):
        archive.file(f"f{i}", bytes([i % 251]) * (4096 + 37 * i))
        archive.file("s" + "x" * (i % 90) + str(i), b"small")
    found = {name: (start, data) for name, _, start, data in entries(archive.bytes())}
    assert len([n for n in found if n != "."]) == 600
    for i in range(300):
        start, data = found[f"f{i}"]
        assert start % 4096 == 0
        assert data == bytes([i % 251]) * (4096 + 37 * i)


def test_parents_once_with_their_modes():
    archive = cpio.Archive()
    for name in ("a", "b"):
        archive.parents(f"/tmp/x/{name}", {"/tmp": 0o1777})
        archive.file(f"/tmp/x/{name}", b"")
    assert [(n, oct(m)) for n, m, _, _ in entries(archive.bytes())] == [
        ("tmp", "0o41777"), ("tmp/x", "0o40755"), ("tmp/x/a", "0o100644"), ("tmp/x/b", "0o100644")]


def test_host_trees_are_reproducible(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("z", "a", "m"):
        (tmp_path / "d" / name).write_text(name)
    os.symlink("a", tmp_path / "d" / "link")
    os.chmod(tmp_path / "d" / "z", 0o4775)
    one, two = cpio.Archive(), cpio.Archive()
    one.host(str(tmp_path / "d"), "/usr/d")
    os.utime(tmp_path / "d" / "a", (1, 1))
    two.host(str(tmp_path / "d"), "/usr/d")
    assert one.bytes() == two.bytes()
    assert [(n, oct(m)) for n, m, _, _ in entries(one.bytes())] == [
        ("usr", "0o40755"), ("usr/d", "0o40755"), ("usr/d/a", "0o100644"),
        ("usr/d/link", "0o120777"), ("usr/d/m", "0o100644"), ("usr/d/z", "0o100755")]
