# SPDX-License-Identifier: BSD-2-Clause
"""The programs of tests/abi: what they print on the build host is what they print on Bulkhead."""
import glob
import os
import subprocess

import pytest

from machine import ROOT

NAMES = sorted(os.path.basename(p)[:-2] for p in glob.glob(os.path.join(ROOT, "tests/abi/*.c")))


@pytest.fixture(scope="module")
def on_bulkhead(booter):
    """Results of all programs, from one boot."""
    add = {f"/bin/abi-{n}": os.path.join(booter.build, "abi", n) for n in NAMES}
    scripts = {n: f"timeout 100 /bin/abi-{n} 2>&1" for n in NAMES}
    return booter.run_many(scripts, timeout=600, add=add)


def on_linux(build, name):
    done = subprocess.run([os.path.join(build, "abi", name)], stdin=subprocess.DEVNULL, timeout=100,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    assert done.returncode == 0, done.stdout
    return done.stdout.decode()


@pytest.mark.parametrize("name", NAMES)
def test_same_as_on_linux(on_bulkhead, build, name):
    result = on_bulkhead[name]
    assert result.stdout.splitlines() == on_linux(build, name).splitlines()
    assert result.status == 0
