# SPDX-License-Identifier: BSD-2-Clause
"""What the loader says when it cannot go on; QEMU, since nothing in it depends on the CPU."""
import os
import shutil

import pytest

from machine import Machine


@pytest.fixture
def esp(build, tmp_path):
    """(a machine, the folder \\bulkhead of its ESP) without a kernel."""
    os.symlink(f"{build}/packages", tmp_path / "packages")
    shutil.copytree(f"{build}/esp/EFI", tmp_path / "esp/EFI")
    os.mkdir(tmp_path / "esp/bulkhead")
    return Machine(tmp_path), tmp_path / "esp/bulkhead"


def test_no_kernel(esp):
    machine, folder = esp
    result = machine.run("true")
    assert result.status == 125
    assert ("bulkhead loader: \\bulkhead\\kernel.elf: not found on the partition this loader came from"
            in result.stderr)


def test_not_a_kernel(esp):
    machine, folder = esp
    (folder / "kernel.elf").write_text("#!/bin/sh\n")
    result = machine.run("true")
    assert result.status == 125
    assert "bulkhead loader: \\bulkhead\\kernel.elf: not a 64-bit ELF file" in result.stderr


def test_initrd_larger_than_memory(esp, build):
    machine, folder = esp
    shutil.copy(f"{build}/esp/bulkhead/kernel.elf", folder)
    with open(folder / "initrd.cpio", "wb") as f:
        f.truncate(240 << 20)
    result = machine.run("true", memory="256M")
    assert result.status == 125
    assert "bulkhead loader: " in result.stderr
