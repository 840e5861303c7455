# SPDX-License-Identifier: BSD-2-Clause
"""The system calls of our own programs, from init to vmm: none that Bulkhead lacks.

On Debian's kernel strace sees all of them, because it watches init; on Bulkhead the kernel says what it
does not know. The same script runs on both.
"""
import os
import re
import shutil

import pytest

from abi.test_calls import implemented
from images.mkhost import libraries

# Every command of ct and vm, and most options. Its last word says that all went as it should.
SCRIPT = r"""set -e
fails() { want=$1; shift; s=0; "$@" >/dev/null 2>&1 || s=$?; [ $s = $want ] || exit 1; }
ct images >/dev/null; ct rmi busybox >/dev/null
ct load -qi /var/lib/bulkhead/images/busybox.tar >/dev/null
echo in | ct run -i --rm busybox cat >/dev/null
fails 3 ct run --rm busybox sh -c 'echo err >&2; exit 3'
fails 127 ct run --rm busybox /nosuch
fails 137 ct run --rm -m 8m busybox tail /dev/zero
fails 125 ct run --rm -u nosuch busybox true
mkdir /tmp/v
ct run --rm --pids-limit 50 -e A=1 -w /tmp/w -u nobody -h box --read-only --cap-drop ALL --cap-add CHOWN \
    --security-opt no-new-privileges -v /tmp/v:/data:ro --tmpfs /t:size=1m busybox touch /t/x
ct create --name c -v /tmp/v:/data busybox sh -c 'echo up; touch /data/x; exec sleep 1000' >/dev/null
ct start c >/dev/null
until ct logs --tail 1 c | grep -q up; do sleep 0.1; done
ct exec c sh -c 'ps >/dev/null; rm -r /etc'
ct exec -u 1000 -w / c id >/dev/null
ct logs -f c >/tmp/follow & follow=$!
ct attach c >/tmp/attach </dev/null & attach=$!
ct ps -a >/dev/null; ct inspect c >/dev/null; ct inspect busybox >/dev/null
ct stop -t 0 c >/dev/null
wait $follow; wait $attach || true
ct start c >/dev/null; ct kill c >/dev/null; ct wait c >/dev/null; ct rm c >/dev/null

run="vm run -m 64 --append"
$run tiny=off --rm /tiny >/dev/null
$run tiny=spin -d --name g /tiny >/dev/null
vm ls >/dev/null; vm logs g >/dev/null
vm stop -t 0 g >/dev/null; vm start g >/dev/null; vm kill g >/dev/null; vm wait g >/dev/null; vm rm g >/dev/null
$run tiny=reset -d --name g /tiny >/dev/null
until vm logs g | grep -c tiny | grep -q '[3-9]'; do sleep 0.1; done
$run tiny=touch -d --name h /tiny >/dev/null
vm rm -f g h >/dev/null
echo done
"""

# Init goes on from here; strace is the grandchild. KVM's modules are no program's of ours.
WATCH = r"""#!/bin/sh
for module in /lib/kvm/*; do insmod $module 2>/dev/null; done
exec /mnt/strace -D -f -qqq -e signal=none -s 0 -o /trace /sbin/init
"""
# As much of the trace as there is now: reading it makes it longer.
NAMES = r"head -c $(stat -c %s /trace) /trace | sed -n 's/^[0-9]* *\([a-z_0-9]*\)(.*/\1/p' | sort -u"

# Made on Linux, and not there on Bulkhead: each with the reason.
MISSING = {}
# A trace without these is none of our programs.
CORE = {"accept4", "capset", "clone", "connect", "execve", "exit_group", "futex", "getdents64", "ioctl", "kill", "mkdir",
        "mmap", "mount", "openat", "pivot_root", "prctl", "recvmsg", "rt_sigaction", "sendmsg", "setns", "setsid",
        "socket", "unshare", "wait4"}


def strace():
    """What to add for strace: itself and its libraries."""
    program = shutil.which("strace")
    assert program, "strace is not installed"
    return {"/mnt/strace": program, **{path: os.path.realpath(path) for path in libraries(program)}}


@pytest.fixture
def script(tmp_path):
    (tmp_path / "script").write_text(SCRIPT)
    return tmp_path / "script"


def test_every_call_of_ours_is_implemented(machine, build, script, tmp_path):
    watch, names_of = tmp_path / "watch", tmp_path / "names"
    watch.write_text(WATCH)
    watch.chmod(0o755)
    names_of.write_text(NAMES)
    add = {"/watch": watch, "/mnt/names": names_of, "/mnt/script": script, "/tiny": build + "/tests/guests/tiny", **strace()}
    console = machine.console(linux=True, append="rdinit=/watch", add=add)
    assert console.command("sh /mnt/script 2>&1").endswith("done\n")  # after the kernel's word on the memory limit
    console.send("ct run -it --rm busybox sh\r")
    console.expect("/ # ", timeout=60)
    console.send("exit 7\r")
    console.prompt()
    assert console.command("echo $?") == "7\n"
    names = set(console.command("sh /mnt/names").split())
    assert len(names) > 80 and CORE <= names, f"{sorted(CORE - names)} missing of {sorted(names)}"
    missing = names - implemented(build)
    assert missing == set(MISSING), "implement them, or say in MISSING why not"


def test_the_kernel_knows_every_call_of_ours(machine, build, script):
    result = machine.run("sh /mnt/script || exit; vm run --rm linux true; dmesg", append="syscall_trace", timeout=300,
                         add={"/mnt/script": script, "/tiny": build + "/tests/guests/tiny"})
    assert result.status == 0 and result.stdout.startswith("done\n"), str(result)
    assert re.findall(".*is not implemented.*", result.stdout) == []
