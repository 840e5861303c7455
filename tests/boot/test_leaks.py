# SPDX-License-Identifier: BSD-2-Clause
"""Whatever comes and goes leaves the machine as it was: to the page, to the object, to the name."""
import os
import re

import pytest

from machine import LINUX_KVM, ROOT


def additions(build):
    """What is needed besides the image."""
    return {
        "/bin/leaks": os.path.join(build, "leaks/leaks"),
        "/leaks": os.path.join(ROOT, "tests/leaks"),
        "/tiny": os.path.join(build, "tests/guests/tiny"),
    }


def run_leaks(booter, calls, emulator="qemu", **options):
    """Calls of leaks in one boot, straight from its shell: what run_many() writes are files, too."""
    script = (LINUX_KVM if options.get("linux") else "") + "s=0\n" + "".join(f"leaks {c} || s=1\n" for c in calls) + "exit $s"
    result = booter.run(script, emulator, add=additions(booter.build), **options)
    plans = len(re.findall(r"^1\.\.[1-9]", result.stdout, re.M))
    assert (result.status, plans) == (0, len(calls)), str(result)
    assert not re.search("^not ok", result.stdout, re.M), str(result)


def containers(warm_up, rounds):
    return f"-w {warm_up} -n {rounds} -- sh /leaks/containers.sh"


def machines(warm_up, rounds):
    return f"-w {warm_up} -n {rounds} -- sh /leaks/machines.sh"


def races(warm_up, rounds):
    # The image is loaded anew each time: its names and inodes may spread over more or fewer slabs.
    return f"-o -w {warm_up} -n {rounds} -- sh /leaks/races.sh"


# The numbers are the acceptance test's: after 20 of each to warm up, 200 containers and 20 VMs.
def test_containers_and_machines(booter):
    run_leaks(booter, [containers(20, 200), machines(20, 20)], timeout=1200)


def test_races(booter):
    """Started, named, loaded and removed at the same moment, from the very first: all or nothing."""
    run_leaks(booter, [races(2, 12)], timeout=1200)


def test_exhaustion(booter):
    """No space in / or /run, no memory in a group or in the whole machine: refused, survived, and given back."""
    run_leaks(booter, ["-o -w 1 -n 2 -- sh /leaks/full_root.sh", "-w 6 -n 6 -- sh /leaks/exhaustion.sh"],
              memory="512M", timeout=900)


def test_on_vt_x(booter):
    """Each way that a container ends once after a warm-up of the same; test_all_on_vt_x has them all."""
    run_leaks(booter, [containers(10, 10), machines(20, 20), "kvm_"], "bochs", timeout=1500)


@pytest.mark.soak
def test_all_on_vt_x(booter):
    run_leaks(booter, [containers(20, 200), machines(20, 20), ""], "bochs", timeout=7200)


def test_areas(booter):
    """Each area of the kernel, what it refuses and what is killed in the middle included."""
    run_leaks(booter, [""], timeout=1200)


def test_areas_on_linux(booter):
    """They ask for nothing that Linux refuses."""
    run_leaks(booter, ["-r -w 3"], linux=True, timeout=600)
