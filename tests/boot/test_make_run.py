# SPDX-License-Identifier: BSD-2-Clause
"""What a newcomer types first: `make run` in a clean clone, then `poweroff`."""
import os
import shutil
import subprocess

import pexpect

from machine import PROMPT, ROOT


def test_a_clean_clone_reaches_the_prompt(build, tmp_path):
    clone = tmp_path / "bulkhead"
    subprocess.run(["git", "clone", "-q", ROOT, str(clone)], check=True)
    os.mkdir(clone / "build")
    shutil.copytree(os.path.join(build, "packages"), clone / "build/packages")  # downloaded once is enough
    with open(os.path.join(build, "make-run.log"), "w") as log:
        make = pexpect.spawn("make", ["run"], cwd=clone, encoding="utf-8", codec_errors="replace",
                             timeout=900, logfile=log)
        try:
            make.expect_exact(PROMPT)
            assert "ct run" in make.before and "vm run" in make.before  # what to try
            make.send("poweroff\r")
            make.expect(pexpect.EOF, timeout=120)
            make.close()
        finally:
            make.close(force=True)
    assert make.exitstatus == 0
    dirty = subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], check=True, stdout=subprocess.PIPE)
    assert dirty.stdout == b""
