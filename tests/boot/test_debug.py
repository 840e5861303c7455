# SPDX-License-Identifier: BSD-2-Clause
"""The kernel that checks itself (`make debug`) finds nothing: whatever breaks the order of locks is a panic.

Which is seen only where the code runs, so a bit of everything is run. `make test T=--debug-kernel` runs all there is.
"""
import glob
import os

from machine import ROOT, Machine

ABI = sorted(os.path.basename(p)[:-2] for p in glob.glob(os.path.join(ROOT, "tests/abi/*.c")))

SCRIPTS = {
    "is-checked": "dmesg | grep -q 'debug build'",
    "containers": "leaks -o -w 2 -n 1 -- sh /leaks/containers.sh",
    "races": "leaks -o -w 1 -n 1 -- sh /leaks/races.sh",
    "virtual-machines": "leaks -o -w 2 -n 1 -- sh /leaks/machines.sh",
    "kvm": "leaks kvm_",
    "memory": "ct run -m 16m busybox tail /dev/zero; [ $? = 137 ] && ct run --rm -m 16m busybox sh -c 'cat /dev/zero >/x'; [ $? = 137 ]",
    "mounts": "mkdir /m /m/l /m/u /m/w /m/o; mount -t overlay o -o lowerdir=/bin:/m/l,upperdir=/m/u,workdir=/m/w /m/o && "
              "echo x >>/m/o/busybox && mv /m/o/ct /m/o/new && rm /m/o/vm && mkdir /m/o/d && mv /m/o/d /m/o/e && mv /m/o/new /m/o/e && umount /m/o && "
              "mkdir /m/p && mount -t devpts p /m/p && mount -o remount,mode=600 /m/p && mount -t tmpfs t /m/p && umount /m/p && umount /m/p",
    "random-calls": "ipc_calls 1 4 2000",
    **{f"abi-{name}": f"timeout 100 abi-{name} >/dev/null" for name in ABI},
}
ON_VT_X = ("is-checked", "virtual-machines", "kvm")


def check(build, emulator, names, timeout):
    add = {"/bin/leaks": os.path.join(build, "leaks/leaks"), "/leaks": os.path.join(ROOT, "tests/leaks"),
           "/tiny": os.path.join(build, "tests/guests/tiny"), "/bin/ipc_calls": os.path.join(build, "fuzz/ipc_calls"),
           **{f"/bin/abi-{name}": os.path.join(build, "abi", name) for name in ABI}}
    results = Machine(build, debug=True).run_many({name: SCRIPTS[name] for name in names}, emulator, timeout, add=add)
    wrong = {name: result for name, result in results.items() if result.status != 0}
    assert not wrong, "\n".join(f"{name}: {result}" for name, result in wrong.items())


def test_nothing_is_found(build):
    check(build, "qemu", SCRIPTS, 900)


def test_nothing_is_found_on_vt_x(build):
    check(build, "bochs", ON_VT_X, 900)
