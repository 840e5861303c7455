# SPDX-License-Identifier: BSD-2-Clause
"""The monitor and kvmtest on Debian's kernel with kvm-amd, in the emulated machine.

The same binaries run on Bulkhead; what they do here is what they have to do there.
"""
import re

import pytest

from machine import LINUX_KVM as KVM

GUEST = "/var/lib/bulkhead/guests/linux"


def vmm(options="", append="", command=None, kernel=f"{GUEST}/kernel", memory=256, limit="timeout 120 "):
    line = (f'{limit}vmm --memory {memory} --kernel {kernel} --initrd {GUEST}/initrd '
            f'--append "$(cat {GUEST}/cmdline) {append}" {options}')
    return line + (f" -- {command}" if command else "") + "\n"


# What a guest says about itself; the clock source is right if its time moves as the host's does.
LOOK = ('sh -c "uname -r; cat /proc/interrupts; cat /sys/devices/system/clocksource/clocksource0/'
        'current_clocksource; ls /sys/bus/pci/devices; exit 7"')

# name: script. All of them in one boot.
SCRIPTS = {
    "no-kvm": vmm(),
    "plain": KVM + vmm("--status-fd 3 --log-fd 4 3>/tmp/status 4>/tmp/log", command=LOOK) +
             "s=$?; cat /tmp/status; exit $s",
    "noapic": vmm(append="noapic", command=LOOK),
    "nox2apic": vmm(append="nox2apic", command=LOOK),
    "no-kvmclock": vmm(append="no-kvmclock", command=LOOK),
    "acpi-off": vmm(append="acpi=off", command=LOOK),
    "words": vmm(command="printf '[%s]' 'two words' \"it's\" '$HOME' ''"),
    "input": "seq 1 1200 | " + vmm(command="sh -c 'sleep 2; head -n 1200 | md5sum'") +
             "seq 1 1200 | md5sum",
    "output": vmm(command="seq 1 1200").strip() + " | md5sum; seq 1 1200 | md5sum",
    "clock": vmm(command="sh -c 'date +%s; sleep 10; date +%s'").strip() + " | while read guest; do echo $guest $(date +%s); done",
    "power-button": "mkfifo /tmp/ctl\n"
                    "(until grep -qs guest: /tmp/out; do sleep 0.1; done; echo powerbutton) >/tmp/ctl &\n" +
                    vmm("--control-fd 5 --status-fd 3 3>/tmp/status 5<>/tmp/ctl >/tmp/out") + "cat /tmp/out /tmp/status",
    "supervisor-gone": "sleep 4 | " + vmm("--control-fd 5 --status-fd 3 3>/tmp/status 5<&0") +
                       "cat /tmp/status",
    "reset-register": vmm("--no-reboot --status-fd 3 3>/tmp/status", command="reboot -f") +
                      "cat /tmp/status",
    "keyboard-reset": vmm("--no-reboot --status-fd 3 3>/tmp/status", "reboot=k", "reboot -f") +
                      "cat /tmp/status",
    "triple-fault": vmm("--no-reboot --status-fd 3 3>/tmp/status", "reboot=t", "reboot -f") +
                    "s=$?; cat /tmp/status; exit $s",
    "killed": "rm -f /tmp/status\n"
              "(until grep -qs started /tmp/status; do sleep 0.1; done; kill $(pidof vmm)) &\n" + vmm("--status-fd 3 3>/tmp/status") +
              "s=$?; cat /tmp/status; exit $s",
    "sandbox": vmm("--name demo --uid 4321 --log-fd 9 9>/tmp/log", command="sleep 100").strip() +
               " &\nuntil "
               "p=$(pidof vmm | tr ' ' '\\n' | while read p; do grep -q '^NSpid:.*\t1$' /proc/$p/status && echo $p; done); "
               "grep -qs '^Seccomp:.2$' /proc/$p/status; do sleep 0.1; done\n"
               "cat /proc/$p/comm; cat /proc/$p/status; ls -A /proc/$p/root | wc -l\n"
               "for n in ipc mnt pid uts; do [ $(readlink /proc/$p/ns/$n) = $(readlink /proc/$$/ns/$n) ] && echo shared $n; done\n"
               "ls -l /proc/$p/fd | sed -n 's/.* -> //p'; ps | grep 'vm demo' | grep -vc grep\n"
               "kill $p",
    "not-a-kernel": vmm(kernel="/bin/busybox"),
    "no-such-kernel": vmm(kernel="/nowhere"),
    "cut-kernel": f"head -c 1000000 {GUEST}/kernel >/tmp/cut\n" + vmm(kernel="/tmp/cut"),
    "small-memory": vmm(memory=48),
    "initrd-too-large": vmm(memory=68),
    "large-memory": vmm(memory=100000),
    "unknown-option": vmm("--nonsense"),
    "bad-number": vmm("--cpus 1x"),
    "bad-descriptor": vmm("--log-fd 77"),
    "not-root": f"su -s /bin/sh nobody -c 'vmm --kernel {GUEST}/kernel'",
    "kvmtest": "kvmtest",
}


@pytest.fixture(scope="module")
def results(booter):
    return booter.run_many(SCRIPTS, linux=True, timeout=600)


@pytest.mark.parametrize("name, interrupts, clocks", [
    ("plain", "IO-APIC", {"kvm-clock", "tsc"}),
    ("noapic", "XT-PIC", {"kvm-clock", "tsc"}),
    ("nox2apic", "IO-APIC", {"kvm-clock", "tsc"}),
    ("no-kvmclock", "IO-APIC", {"acpi_pm", "tsc"}),
    ("acpi-off", "XT-PIC", {"kvm-clock", "tsc"}),
])
def test_guest_boots(results, name, interrupts, clocks):
    result = results[name]
    assert result.status == 7, str(result)
    assert re.search(r"^6\.1\.0-\d+-cloud-amd64\r*$", result.stdout, re.M), str(result)
    assert re.search(rf"4: .*{interrupts}.*ttyS0", result.stdout), str(result)
    assert re.search(r"^(%s)\r*$" % "|".join(clocks), result.stdout, re.M), str(result)
    assert "0000:00:00.0" in result.stdout, str(result)


def test_status_lines(results):
    assert results["plain"].stdout.endswith("started\nexited 7\n"), str(results["plain"])


def test_words_arrive_as_given(results):
    result = results["words"]
    assert (result.status, result.stdout) == (0, "[two words][it's][$HOME][]"), str(result)


def test_nothing_of_the_input_is_lost(results):
    guest, host = results["input"].stdout.splitlines()
    assert guest == host, str(results["input"])


def test_nothing_of_the_output_is_lost(results):
    guest, host = results["output"].stdout.splitlines()
    assert guest == host, str(results["output"])


def test_clock(results):
    """The guest's moves as the host's does, which is asked when a line arrives."""
    guest, host, guest_after, host_after = map(int, results["clock"].stdout.split())
    assert guest_after - guest >= 9, str(results["clock"])
    assert abs((guest_after - guest) - (host_after - host)) <= 2 and abs(host_after - guest_after) <= 3, str(results["clock"])


def test_power_button(results):
    assert results["power-button"].stdout.endswith("started\npoweroff\n"), str(results["power-button"])


def test_end_of_control_descriptor_stops(results):
    assert "stopped its supervisor is gone" in results["supervisor-gone"].stdout


@pytest.mark.parametrize("name", ["reset-register", "keyboard-reset"])
def test_reboot_without_reboot_ends(results, name):
    assert results[name].stdout.endswith("started\nreboot\n"), str(results[name])


def test_triple_fault_is_a_crash(results):
    result = results["triple-fault"]
    assert result.stdout.endswith("crashed guest shut itself down: triple fault\n"), str(result)
    assert result.status == 126


def test_signal_ends(results):
    result = results["killed"]
    assert result.stdout.endswith("stopped stopped by signal 15\n"), str(result)
    assert result.status == 143


def test_sandbox(results):
    lines = results["sandbox"].stdout.splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert lines[0] == "demo", str(results["sandbox"])
    assert status["Uid"].split() == ["4321"] * 4 and status["Gid"].split() == ["4321"] * 4
    assert status["Groups"].strip() == ""
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert not any(line.startswith("shared ") for line in lines), str(results["sandbox"])
    rest = lines[lines.index("0", [n for n, line in enumerate(lines) if ":\t" in line][-1]):]
    allowed = re.compile(r"/dev/null|/dev/kvm|/tmp/\.(out|err)|/tmp/log|anon_inode:.*|"
                         + re.escape(GUEST) + r"/(kernel|initrd)")
    descriptors = [line for line in rest[1:] if "/" in line or "anon" in line]
    assert len(descriptors) >= 8 and all(allowed.fullmatch(d) for d in descriptors), descriptors


@pytest.mark.parametrize("name, message", [
    ("no-kvm", "cannot open /dev/kvm: .*VT-x .*AMD SVM"),
    ("not-a-kernel", "cannot boot /bin/busybox: not a Linux kernel"),
    ("no-such-kernel", "cannot open the kernel /nowhere: No such file or directory"),
    ("cut-kernel", "cannot boot /tmp/cut: the kernel is cut short"),
    ("small-memory", r"kernel does not fit: it needs \d+ MiB of memory, the VM has 48; use -m"),
    ("initrd-too-large", r"initrd does not fit: kernel and initrd need \d+ MiB"),
    ("large-memory", r"not enough memory: the VM is to have 100000 MiB, the machine has \d+ left"),
    ("unknown-option", "unrecognized option '--nonsense'"),
    ("bad-number", "--cpus 1x: a number from 1 to 16 is needed"),
    ("bad-descriptor", "--log-fd 77: no such descriptor is open"),
    ("not-root", "run vmm as root, or with --no-sandbox"),
])
def test_mistake_gets_a_clear_line(results, name, message):
    result = results[name]
    assert result.status == 125, str(result)
    assert re.search(message, result.stderr), str(result)
    assert len(result.stderr.splitlines()) <= 2 and result.stdout == "", str(result)


def test_kvmtest_passes_on_linux(results):
    result = results["kvmtest"]
    assert result.status == 0 and "not ok" not in result.stdout, str(result)
    assert "# SKIP" not in result.stdout, str(result)


def test_console(machine):
    """The guest's shell, typed at; its restart; its end."""
    console = machine.console(linux=True)
    console.command(KVM.strip())
    console.send(vmm("--status-fd 3 3>/tmp/status", limit="").strip() + "\r")
    console.expect("guest:/# ", timeout=120)
    console.send("echo $((6 * 7)); free | grep -c Mem\r")
    console.expect("42\r+\n1\r+\n")
    console.expect("guest:/# ")
    console.start("sleep 1000")
    console.send("\x03")
    console.expect("guest:/# ")
    console.send("reboot -f\r")
    console.expect("built-in shell.*guest:/# ")
    console.send("poweroff -f\r")
    console.prompt(timeout=300)
    assert re.search("started\nrestarting .*0xcf9\npoweroff\n", console.command("cat /tmp/status"))
