# SPDX-License-Identifier: BSD-2-Clause
"""Whether this machine can run Bulkhead, and VMs inside it, on KVM.

A /dev/kvm node alone proves nothing: the CPU must have VT-x or AMD-V, the
module must offer it to guests, and a VM must really start.
"""
import os
import re
import subprocess
import tempfile

ROM_SIZE = 64 * 1024
ANSWER = 0x15  # isa-debug-exit turns it into the status 2 * 0x15 + 1


def _read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def _vm_starts():
    """QEMU with a ROM whose reset vector writes ANSWER to isa-debug-exit."""
    code = bytes([0xB0, ANSWER, 0xE6, 0xF4, 0xF4])  # mov al, ANSWER; out 0xf4, al; hlt
    rom = bytearray(b"\xf4" * ROM_SIZE)
    rom[-16:-16 + len(code)] = code
    with tempfile.NamedTemporaryFile() as f:
        f.write(rom)
        f.flush()
        try:
            run = subprocess.run(
                ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "16", "-nodefaults",
                 "-display", "none", "-bios", f.name, "-device",
                 "isa-debug-exit,iobase=0xf4,iosize=4"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            return False
    return run.returncode == 2 * ANSWER + 1


def why_not():
    """None if KVM with nesting works here, otherwise what is missing."""
    if not re.search(r"^flags\s*:.*\b(svm|vmx)\b", _read("/proc/cpuinfo"), re.M):
        return "the CPU offers neither VT-x nor AMD-V"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm cannot be opened"
    nested = [_read(f"/sys/module/{m}/parameters/nested").strip() for m in ("kvm_intel", "kvm_amd")]
    if not any(n in ("1", "Y", "y") for n in nested):
        return "the kvm module does not nest"
    if not _vm_starts():
        return "a test VM did not start"
    return None
