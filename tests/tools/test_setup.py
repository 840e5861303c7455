# SPDX-License-Identifier: BSD-2-Clause
"""tools/setup where it may not install anything: the exact command is printed, and nothing is half-done.

Programs that stand in are all that its PATH has, so that no real package manager is asked.
"""
import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USED = ["sh", "dirname", "mkdir", "cat", "rm", "tail", "env"]
COMMAND = "\n\n    apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 %s\n\n"


@pytest.fixture
def setup(tmp_path):
    """setup(missing packages, {program: script}): (standard output, standard error, status, what is in the build folder)."""
    path, build = tmp_path / "bin", tmp_path / "build"
    path.mkdir()
    for name in USED:
        (path / name).symlink_to(shutil.which(name))

    def setup(missing, programs):
        cases = "|".join(missing)
        stand_ins = {
            "id": "echo 1000",
            "dpkg": "echo amd64",
            "dpkg-query": f'for p; do :; done; case $p in {cases}) exit 1 ;; *) echo "install ok installed" ;; esac',
            "apt-get": f"echo apt-get $* >>{tmp_path}/called",
            "apt-cache": f"echo apt-cache $* >>{tmp_path}/called",
            **programs}
        for name, script in stand_ins.items():
            (path / name).write_text(f"#!/bin/sh\n{script}\n")
            (path / name).chmod(0o755)
        done = subprocess.run(["/bin/sh", ROOT + "/tools/setup", str(build)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env={"PATH": str(path), "LC_ALL": "C"}, timeout=60)
        assert not (tmp_path / "called").exists()
        return done.stdout, done.stderr, done.returncode, sorted(os.listdir(build))
    return setup


def test_without_sudo(setup):
    out, err, status, left = setup(["nasm", "zstd"], {})
    assert (out, status, left) == ("", 1, [])
    assert err == f"setup: some packages are missing. As root, run:{COMMAND % 'nasm zstd'}and then this again.\n"


def test_with_sudo_that_wants_a_password(setup):
    out, err, status, left = setup(["bochs"], {"sudo": "exit 1"})
    assert (out, status, left) == ("", 1, [])
    assert COMMAND % "bochs bochs-term" in err


def test_with_sudo_that_refuses(setup):
    out, err, status, left = setup(["nasm"], {"sudo": '[ "$*" = "-n true" ] || { echo "not allowed to run $1 $2 $3" >&2; exit 1; }'})
    assert (out, status, left) == ("  SETUP  installing nasm\n", 1, ["setup.log"])
    assert "not allowed to run apt-get -q update\n" in err
    assert COMMAND % "nasm" in err
