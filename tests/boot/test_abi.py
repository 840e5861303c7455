# SPDX-License-Identifier: BSD-2-Clause
"""The programs of tests/abi: what they print on the build host is what they print on Bulkhead."""
import glob
import os
import subprocess

import pytest

from machine import ROOT

NAMES = sorted(os.path.basename(p)[:-2] for p in glob.glob(os.path.join(ROOT, "tests/abi/*.c"))) + ["threads-pie"]


# The shell stays in the group, and with it the cat.
CHARGES = r"""
echo +pids >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/charges /sys/fs/cgroup/others
echo $$ >/sys/fs/cgroup/charges/cgroup.procs
/bin/abi-threads >/dev/null
cat /sys/fs/cgroup/charges/pids.current
/bin/abi-threads leader-exits &
until grep -q '^State:.Z' /proc/$!/task/$!/status; do sleep 0.1; done
echo $! >/sys/fs/cgroup/others/cgroup.procs
cat /sys/fs/cgroup/charges/pids.current /sys/fs/cgroup/others/pids.current
kill -9 $!; wait
cat /sys/fs/cgroup/charges/pids.current /sys/fs/cgroup/others/pids.current
"""


@pytest.fixture(scope="module")
def on_bulkhead(booter):
    """Results of all programs, from one boot."""
    add = {f"/bin/abi-{n}": os.path.join(booter.build, "abi", n) for n in NAMES}
    scripts = {n: f"timeout 100 /bin/abi-{n} 2>&1" for n in NAMES}
    scripts["charges"] = CHARGES
    scripts["avx-has"] = "/bin/abi-avx has"
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


def test_threads_are_charged_where_their_process_is(on_bulkhead):
    """Whatever the order they exit in, and wherever it has been moved to meanwhile."""
    assert on_bulkhead["charges"].stdout == "2\n2\n2\n2\n0\n", on_bulkhead["charges"]


def test_there_is_avx(on_bulkhead):
    """What abi-avx is about."""
    assert on_bulkhead["avx-has"].stdout == "yes\n"
