# SPDX-License-Identifier: BSD-2-Clause
"""/dev/kvm on both back ends: SVM on QEMU, VT-x on Bochs."""
import pytest

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])


@BOTH
def test_kvmtest(booter, emulator):
    result = booter.run("kvmtest", emulator, timeout=600)
    failed = [line for line in result.stdout.splitlines() if line.startswith("not ok")]
    assert (result.status, failed) == (0, []), str(result)


@pytest.mark.check
def test_a_linux_guest(machine):
    result = machine.run("vm run linux uname -n -r -m", timeout=300)
    assert result.status == 0, str(result)
    assert result.stdout.startswith("guest 6.1.0-"), str(result)


@pytest.mark.parametrize("options", ["noapic", "nox2apic", "no-kvmclock", "acpi=off"])
def test_a_linux_guest_without(machine, options):
    """None of PIC, PIT, IOAPIC and xAPIC is for show."""
    result = machine.run(f"vm run --rm --append {options} linux cat /proc/cmdline", timeout=300)
    assert options in result.stdout, str(result)


def test_a_killed_guest(machine):
    """A guest that is killed is shown as such, and nothing of it stays."""
    result = machine.run(
        "vm run -d --name a linux >/dev/null; sleep 1; vm ls | grep -c 'Up .* a$'; vm kill a; sleep 1; "
        "vm ls -a | grep -c 'Killed .* a$'; vm rm a; vm ls -aq", timeout=300)
    assert result.stdout == "1\na\n1\na\n", str(result)
