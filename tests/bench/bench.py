#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measures what things cost on Bulkhead: one line "name value unit" per figure.

Times are instructions of the emulated CPU (README.md): on QEMU by -icount, on Bochs by
its clock. With --peer the same programs run on Debian's kernel instead, with
mitigations off, on the same emulated machine.
"""
import argparse
import os
import re
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(here), os.path.join(here, "../../tools/lib")]
import cpio
from machine import LINUX_KVM, Machine

MEMORY_MIB = 1024
GUEST_MIB = 64
IDLE_CONTAINERS = 8
PROGRAMS = ("calls", "exits", "timed", "typed")
TIMEOUT = 1800  # of one boot, in seconds of a slow machine

UNITS = {"_bytes": "bytes", "_kib": "KiB"}  # by the end of the name; others are instructions

PATH = "export PATH=/bench:$PATH\n"

CT_RUN = "ct run --rm busybox true"
VM_TINY = "vm run --rm --no-reboot -m 32 --append q /bench/guest"
VM_LINUX = "vm run --rm --initrd /bench/first.cpio linux"
SPIN = "sh -c 'while :; do :; done'"

# What the first run leaves behind for the next (the unpacked image, slabs, page tables) is no part
# of an instance's price: each kind is started and removed once before it is measured.
TIMES = f"""
{CT_RUN}
timed -r 9 ct_run {CT_RUN}
{VM_TINY} >/dev/null
timed -r 9 -o vm_run_tiny {VM_TINY}
timed -r 3 -o vm_run_linux {VM_LINUX}
"""

# $count containers; memory is looked at every $pause seconds.
MEMORY = f"""
free_kib() {{ # when nothing changes any more
    last=
    while now=$(awk '/^MemFree/ {{ print $2 }}' /proc/meminfo); [ "$now" != "$last" ]; do
        last=$now
        sleep $pause
    done
    echo $now
}}
containers() {{ # a command for each
    for i in $(seq $count); do "$@" c$i >/dev/null; done
}}
idle_container() {{ ct run -d --name $1 busybox sleep 100000; }}
idle_vm() {{ vm run -d --name $1 -m {GUEST_MIB} --append i /bench/guest; }}

containers idle_container; containers ct rm -f
before=$(free_kib); containers idle_container
echo container_memory_kib $(( (before - $(free_kib)) / $count ))
containers ct rm -f
idle_vm v >/dev/null; sleep $pause; vm rm -f v >/dev/null
before=$(free_kib); idle_vm v >/dev/null
echo vm_memory_beyond_ram_kib $((before - $(free_kib) - {GUEST_MIB} * 1024))
vm rm -f v >/dev/null
"""

# The prompt, $rounds times each.
TYPED = f"""
typed -r $rounds prompt_true true
typed -r $rounds prompt_bin_true /bin/true
for i in 1 2 3; do ct run -d --name c$i busybox {SPIN} >/dev/null; done
vm run -d --name v -m {GUEST_MIB} --append b /bench/guest >/dev/null
sleep 0.2 # no longer: instructions count now
[ $(ct ps -q | wc -l) = 3 ] && [ $(vm ls -q | wc -l) = 1 ] # they are there, and none has failed
typed -r $rounds prompt_true_busy true
typed -r $rounds prompt_bin_true_busy /bin/true
"""

INSTANCES = f"count={IDLE_CONTAINERS} pause=2 rounds=5\n" + TIMES + MEMORY + TYPED

# Every program does a little of everything: is it still in order?
SMOKE_EXITS = "exits -r 1 -n 20\n"
SMOKE = f"""
calls -r 1 -d 1000
{SMOKE_EXITS}
timed -r 1 ct_run {CT_RUN}
timed -r 1 -o vm_run_tiny {VM_TINY}
timed -r 1 -o vm_run_linux {VM_LINUX}
count=2 pause=0.5 rounds=1
""" + MEMORY + TYPED
SCRIPTS = {"calls": "calls\n", "exits": "exits\n", "instances": INSTANCES}


def fail(what):
    sys.exit(f"bench: {what}")


def show(name, value):
    unit = next((u for ending, u in UNITS.items() if name.endswith(ending)), "instructions")
    print(name, value, unit, flush=True)


def make_first(build):
    """An initial RAM disk whose /init is the program `first`."""
    folder = os.path.join(build, "bench")
    archive = cpio.Archive()
    archive.directory("/dev")
    archive.device("/dev/console", "c", 5, 1)
    archive.host(os.path.join(folder, "first"), "/init")
    archive.write(os.path.join(folder, "first.cpio"))


def figures(machine, script, emulator="qemu", linux=False, **options):
    """[(name, value)] of what the programs print in one boot."""
    make_first(machine.build)
    add = {f"/bench/{name}": os.path.join(machine.build, "bench", name)
           for name in PROGRAMS + ("guest", "first.cpio")}
    text = "set -e\n" + PATH + (LINUX_KVM if linux else "") + script
    result = machine.run(text, emulator, timeout=TIMEOUT, add=add, linux=linux, **options)
    if result.status != 0:
        fail(f"a program failed: {result}")
    return re.findall(r"^([a-z]\w*) (-?[0-9.]+)$", result.stdout, re.M)


def show_sizes(machine):
    for name, path in (("kernel_image_bytes", "kernel.elf"), ("initrd_bytes", "initrd.cpio")):
        show(name, os.path.getsize(os.path.join(machine.build, "esp/bulkhead", path)))


def show_boot(machine):
    """From the firmware's hand-over to a prompt, and the memory that is gone by then."""
    console = machine.console(timeout=TIMEOUT, icount=True, memory=f"{MEMORY_MIB}M")
    log = console.command("dmesg | grep 'first input'")
    free = console.command("awk '/^MemFree/ { print $2 }' /proc/meminfo").strip()
    machine.close_consoles()
    seconds = re.search(r"\[ *(\d+)\.(\d{6})\]", log)
    if not seconds or not free.isdigit():
        fail(f"no time of the first prompt in the log: {log!r}, or no free memory: {free!r}")
    show("boot_to_prompt", int(seconds[1] + seconds[2]) * 1000)
    show("memory_not_free_kib", MEMORY_MIB * 1024 - int(free))


def main():
    parts = ("sizes", "boot", *SCRIPTS, "vmx")
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--peer", action="store_true", help="on Debian's kernel")
    parser.add_argument("part", nargs="*", help="of: " + " ".join(parts) + " (all)")
    options = parser.parse_args()
    wrong = [p for p in options.part if p not in parts]
    if wrong:
        parser.error(f"{wrong[0]}: no such part; there are {' '.join(parts)}")
    wanted = options.part or parts
    machine = Machine(options.build)

    if "sizes" in wanted and not options.peer:
        show_sizes(machine)
    if "boot" in wanted and not options.peer:
        show_boot(machine)
    script = "".join(text for name, text in SCRIPTS.items() if name in wanted)
    if script:
        for name, value in figures(machine, script, linux=options.peer, icount=True):
            show(name, value)
    if "vmx" in wanted and not options.peer:
        for name, value in figures(machine, SCRIPTS["exits"], "bochs"):
            show("vmx_" + name, value)


if __name__ == "__main__":
    main()
