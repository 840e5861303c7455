# SPDX-License-Identifier: BSD-2-Clause
"""Virtual machines: `vm` on Bulkhead, on AMD SVM (QEMU) and on Intel VT-x (Bochs).

Each check is a script with the status and output it must have. One boot of each emulator
runs all of them: a Linux guest takes 4 s of ours there under QEMU, 20 s under Bochs, so that
one guest answers as many questions as it can. A tiny kernel of our own (tests/guests/tiny_kernel.asm)
starts at once and stands for guests that are up to no good.
"""
import os
import re

import pytest

from machine import COLUMNS, ROWS

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])
GUEST = "/var/lib/bulkhead/guests/linux"
KERNEL = r"6\.1\.0-\d+-cloud-amd64"
ID = r"[0-9a-f]{12}"

# What comes before each script. wait_for and the like give up after a long time, not never.
PRELUDE = r"""
wait_for() { tries=0; until "$@" >/dev/null 2>&1; do tries=$((tries+1)); [ $tries -lt 600 ] || { echo "waited in vain for: $*" >&2; exit 99; }; sleep 0.2; done; }
says() { vm logs "$1" | grep -q "$2"; }
listed() { vm ls -a | grep -q "$1"; }
monitor() { ps -o pid,args | sed -n "s/^ *\([0-9]*\) {$1} vm $1\$/\1/p"; }
alone() { wait_for sh -c '! pidof bulkhead-sup'; }
world() { alone; ps -o comm >/tmp/ps; sort /tmp/ps; find /run/bulkhead /sys/fs/cgroup -type d; cat /proc/mounts; ls -A /run/bulkhead/*/.names; }
"""

# ---- mistakes: one clear line, status 125, and nothing is left ------------------------------

IS = r"a guest is a folder with kernel, initrd and cmdline; the last two may be empty"

# name: (script, pattern of the line on standard error[, status])
MISTAKES = {
    "no-such-guest": ("vm run nosuch", r"no such guest: nosuch \(a guest is a folder in \S+, or a path to one\)"),
    "no-such-folder": ("vm run /no/such", r"no such guest: /no/such .*"),
    "not-a-folder": ("vm run /etc/passwd", r"no such guest: /etc/passwd .*"),
    "no-kernel": ("mkdir -p /tmp/g; : >/tmp/g/initrd; : >/tmp/g/cmdline; vm run /tmp/g",
                  rf"cannot read the kernel /tmp/g/kernel \({IS}\): No such file or directory"),
    "no-initrd": (f"mkdir -p /tmp/g; rm -f /tmp/g/*; ln -s {GUEST}/kernel /tmp/g/kernel; : >/tmp/g/cmdline; vm run /tmp/g",
                  rf"cannot read the initrd /tmp/g/initrd \({IS}\): No such file or directory"),
    "no-cmdline": (f"mkdir -p /tmp/g; rm -f /tmp/g/*; ln -s {GUEST}/kernel /tmp/g/kernel; : >/tmp/g/initrd; vm run /tmp/g",
                   rf"cannot read the cmdline /tmp/g/cmdline \({IS}\): No such file or directory"),
    "long-cmdline": (f"mkdir -p /tmp/g; rm -f /tmp/g/*; head -c 3000 /dev/zero | tr '\\0' x >/tmp/g/cmdline; vm run /tmp/g",
                     r"the cmdline /tmp/g/cmdline is too long: at most \d+ bytes"),
    "no-such-kernel": ("vm run --kernel /no/such linux", r"cannot read the kernel /no/such .*: No such file or directory"),
    "no-such-initrd": ("vm run --initrd /no/such linux", r"cannot read the initrd /no/such .*: No such file or directory"),
    "kernel-is-a-folder": ("vm run --kernel /tmp linux", r"the kernel /tmp is not a file"),
    "not-a-kernel": ("vm run --kernel /bin/busybox linux", r"cannot boot /bin/busybox: not a Linux kernel.*"),
    "empty-kernel": (": >/tmp/k; vm run --kernel /tmp/k linux", r"cannot boot /tmp/k: not a Linux kernel: the file is too short.*"),
    "cut-kernel": (f"head -c 1000000 {GUEST}/kernel >/tmp/k; vm run --kernel /tmp/k linux",
                   r"cannot boot /tmp/k: the kernel is cut short.*"),
    "cut-in-the-header": (f"head -c 600 {GUEST}/kernel >/tmp/k; vm run --kernel /tmp/k linux",
                          r"cannot boot /tmp/k: not a Linux kernel: the file is too short.*"),
    "kernel-too-large": ("vm run -m 48 linux", r"\S+/kernel does not fit: it needs \d+ MiB of memory, the VM has 48; use -m \d+m or more"),
    "initrd-too-large": ("head -c 20000000 /dev/zero >/tmp/k; vm run -m 72 --initrd /tmp/k linux", r"\S+ does not fit: kernel and initrd need \d+ MiB.*; use -m \d+m or more"),
    "command-line-too-long": ("vm run --append $(head -c 3000 /dev/zero | tr '\\0' x) linux",
                              r"the kernel('s)? command line is too long.*"),
    "too-much-memory": ("vm run -m 100g linux",
                        r"not enough memory: the VM is to have 102400 MiB, the machine has \d+ left; use -m with less"),
    "far-too-much-memory": ("vm run -m 1000000t linux", r".*--memory.*"),
    "no-size": ("vm run -m 12x linux", r"invalid size for --memory: '12x'.*"),
    "no-memory": ("vm run -m 0 linux", r"invalid size for --memory: '0'.*"),
    "unknown-option": ("vm run --nosuch linux", r"unknown flag: --nosuch \(see 'vm run --help'\)"),
    "unknown-letter": ("vm run -Z linux", r"unknown shorthand flag: 'Z' in -Z \(see 'vm run --help'\)"),
    "no-value": ("vm run -m", r"flag needs an argument: 'm' in -m \(see 'vm run --help'\)"),
    "no-guest": ("vm run", r"usage: vm run \[OPTIONS\] GUEST \[CMD\] \[ARG\.\.\.\] \(see 'vm run --help'\)"),
    "no-name": ("vm run --name '' linux", r'invalid name: "".*'),
    "bad-name": ("vm run --name 'a b' linux", r'invalid name "a b": only .* are allowed.*'),
    "path-as-name": ("vm run --name ../x linux", r'invalid name "../x": only .* are allowed.*'),
    "unknown-command": ("vm nosuch", r"'nosuch' is not a command \(see 'vm --help'\)", 1),
    **{f"{command}-what": (f"vm {command}", rf"usage: vm {command} .*VM.*", 1)
       for command in ("console", "logs", "start", "stop", "kill", "wait", "rm")},
    **{f"{command}-nobody": (f"vm {command} nosuch", r"no such VM: nosuch", 1)
       for command in ("console", "logs", "start", "stop", "kill", "wait", "rm")},
}

# What of these is up to the CPU or the monitor; the rest would be the same again.
MISTAKES_ON_BOCHS = ["not-a-kernel", "cut-kernel", "kernel-too-large", "too-much-memory"]

# The first VM ever makes folders that stay; they are no trace of it.
FIRST = "vm run --kernel /bin/busybox linux 2>/dev/null"
MISTAKE = PRELUDE + "world >/tmp/before; ( %s ); s=$?; rm -f /tmp/k; world >/tmp/after; " \
    "diff /tmp/before /tmp/after >&2; exit $s"

# ---- everything else ------------------------------------------------------------------------

TITLES = r"VM ID +GUEST +MEMORY +CREATED +STATUS +NAMES\n"


def tiny(what, options):
    """A `vm run` of the tiny guest."""
    return f"vm run {options} -m 64 --append tiny={what} /tiny"


def row(guest, mib, status, name):
    return rf"{ID} +{guest} +{mib}MiB +.* ago +{status} +{name}\n"


# Whatever a guest does, the shell and a container go on beside it; nothing is left of it.
COUNT = r"""
ct run -d --name beside busybox sh -c 'n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done' >/dev/null
"""
GOES_ON = r"""
wait_for sh -c 'ct logs --tail 1 beside | grep .'
n=$(ct logs --tail 1 beside)
echo $((6 * 7)); ct run --rm busybox echo alive
wait_for sh -c "[ \$(ct logs --tail 1 beside) -gt $((n + 5)) ]"
"""

# It never gives its CPU back, or goes on under a storm of interrupts; then it is killed.
BESIDE = COUNT + "%s >/dev/null; wait_for says bad '%s'\n" + GOES_ON + r"""
vm ls | grep -c 'Up .* bad$'
%s bad; vm wait bad; vm ls -a | grep -c 'Killed .* bad$'
vm rm bad; ct rm -f beside; monitor bad; vm ls -aq
"""
BESIDE_SAYS = r"42\nalive\n1\nbad\n137\n1\nbad\nbeside\n"

# It ends by itself, with this reason.
BESIDE_CRASH = COUNT + "%s >/dev/null; vm wait bad; vm logs bad | tr -d '\\r'; vm ls -a | sed -n 's/.*Crashed .* ago (\\(.*\\)) .*/\\1/p'\n" + \
    GOES_ON + "vm rm bad; ct rm -f beside; monitor bad; vm ls -aq"
BESIDE_CRASH_SAYS = r"126\n%s%s\n42\nalive\nbad\nbeside\n"
CANNOT = r"guest executed an instruction that cannot be emulated at rip 0x%s"


def beside(what, says="tiny", kill="vm kill"):
    return BESIDE % (tiny(what, "-d --name bad"), says, kill), 0, BESIDE_SAYS


def beside_crash(what, reason, says=r"tiny\n"):
    return BESIDE_CRASH % tiny(what, "-d --name bad"), 0, BESIDE_CRASH_SAYS % (says, reason)


# name: (script, status, pattern of the whole standard output[, of standard error])
CHECKS = {
    "spinning-with-interrupts-off": beside("deaf"),
    "spinning-with-interrupts-on": beside("spin"),
    "halted-for-ever": beside("halt"),
    "deaf-to-the-power-button": beside("spin", kill="vm stop -t 1"),
    "hostile-ports": beside("ports", "all ports done"),
    "hostile-msrs": beside("msrs", "all MSRs done"),
    "hostile-device-memory": beside("mmio", "all MMIO done"),
    "hostile-tables": beside_crash("tables", CANNOT % r"10\w+", r"tiny\n\nall tables done\n"),
    "no-memory-for-the-idt": beside_crash("idt", r"internal error 3 of the hypervisor at rip 0x10\w+"),
    "input-past-memory": beside_crash("ins", CANNOT % r"10\w+"),
    "output-past-memory": beside_crash("string", CANNOT % r"10\w+"),
    "init-for-itself": beside_crash("self", CANNOT % "fff0"),
    "triple-fault-beside": beside_crash("fault", r"guest shut itself down: triple fault", r"(tiny\n){3}"),
    "outside-of-memory-beside": beside_crash("outside", CANNOT % "10000000"),
    "triple-fault": (
        f"{tiny('fault', '--name bad')}; s=$?; vm ls -a; vm rm bad; exit $s", 126,
        r"(tiny\r\n){3}" + TITLES + row("/tiny", 64, r"Crashed .* ago \(guest shut itself down: triple fault\)", "bad") + "bad\n",
        rf"vm: {ID} crashed: guest shut itself down: triple fault\n"),
    "triple-fault-no-reboot": (
        f"{tiny('fault', '--rm --no-reboot')}", 126, r"tiny\r\n", r"(vm: .*triple fault\n)?"),
    "outside-of-memory": (
        f"{tiny('outside', '--name bad')}; s=$?; vm ls -a | grep -c 'Crashed .*cannot be emulated at rip 0x10000000'; "
        "vm rm bad; exit $s", 126, r"tiny\r\n1\nbad\n", rf"vm: {ID} crashed: .*\n"),
    "power-off": (
        f"{tiny('off', '--name off')}; echo $?; vm ls; vm ls -a; vm start off; vm wait off; vm logs off; "
        "vm rm off; vm ls -aq", 0,
        r"tiny\r\n0\n" + TITLES + TITLES + row("/tiny", 64, r"Exited \(0\) .* ago", "off") + r"off\n0\n(tiny\r\n){2}off\n"),
    "reset": (
        f"{tiny('reset', '-d --name again')} >/dev/null; wait_for sh -c '[ $(vm logs again | grep -c tiny) -ge 4 ]'; vm ls | grep -c 'Up .* again$'; "
        "vm rm -f again; "
        f"{tiny('reset', '--name once --no-reboot')}; echo $?; vm ls -a | grep -c 'Exited (0) .* once$'; vm rm once", 0,
        r"1\nagain\ntiny\r\n0\n1\nonce\n"),
    "removed-when-it-ends": (f"{tiny('off', '--rm')}; vm ls -aq", 0, r"tiny\r\n"),
    "detached": (
        f"{tiny('halt', '-d')} >/tmp/id; id=$(cat /tmp/id); echo ${{#id}}; vm ls; p=$(echo $id | cut -c 1-6); "
        "vm rm $p; vm kill $p >/dev/null; vm wait $p; vm rm $p >/dev/null; vm ls -aq", 0,
        r"64\n" + TITLES + row("/tiny", 64, r"Up .*", r"[a-z]+_[a-z]+") + r"137\n",
        r"vm: VM [0-9a-f]{6} is running: stop it first, or force its removal with -f\n"),
    "name-in-use": (
        f"{tiny('halt', '-d --name twice')} >/dev/null; {tiny('halt', '--name twice')}; s=$?; vm ls -q | wc -l; "
        "vm rm -f twice; exit $s", 125, r"1\ntwice\n",
        rf'vm: the name "twice" is already in use by VM {ID}: remove it \(vm rm twice\) or take another name\n'),
    "killing-run-changes-nothing": (
        f"{tiny('halt', '--name k')} >/tmp/k0 & wait_for sh -c '[ $(wc -l </tmp/k0) = 1 ]'; kill -9 $!; cat /tmp/k0; vm logs -f k >/tmp/k1 & "
        "wait_for grep tiny /tmp/k1; kill -9 $!; vm ls | grep -c 'Up .* k$'; monitor k | wc -l; vm rm -f k", 0, r"tiny\r\n1\n1\nk\n"),
    "ended-is-not-running": (
        f"{tiny('off', '--name e')}; vm kill e; vm stop e; vm console e </dev/null; vm rm e", 0, r"tiny\r\ne\ne\n",
        r"vm: VM e is not running\nvm: .*\n"),
    "help": (
        "vm --help; for c in run ls console logs start stop kill wait rm; do vm $c --help || echo $c: $?; done", 0, r"(?s).*"),

    # A Linux guest: what it says about itself, and what becomes of its command.
    "look": (
        "vm run --name look linux sh -c 'uname -r; uname -m; grep -c ^processor /proc/cpuinfo; free -k | grep Mem; "
        "echo $((6 * 7)) $((1 << 40)); printf \"[%s]\" \"$1\" \"$2\" \"$3\" \"$4\" \"$5\"; shift 5; echo; "
        "echo $# $1 ${1000}; exit 5' sh 'two words' \"it's\" '$HOME' '' 'a\nb' $(seq 1000); s=$?; "
        "vm ls; vm ls -a; vm logs --kernel look | grep -c 'reboot: Power down'; vm rm look; vm ls -aq; exit $s", 5,
        rf"{KERNEL}\nx86_64\n1\nMem: +(\d+) +\d+ +\d+ .*\n42 1099511627776\n\[two words\]\[it's\]\[\$HOME\]\[\]\[a\nb\]\n1000 1 1000\n" +
        TITLES + TITLES + row("linux", 256, r"Exited \(5\) .* ago", "look") + r"1\nlook\n"),
    "hardware": (
        "sed -n 's/^\\(vendor_id\\|model name\\|flags\\)[^:]*: /\\1=/p' /proc/cpuinfo; echo ==; "
        "vm run --rm linux sh -c 'sed -n \"s/^\\(vendor_id\\|model name\\|flags\\)[^:]*: /\\1=/p\" /proc/cpuinfo; echo ==; "
        "for d in /sys/bus/pci/devices/*; do echo ${d##*/} $(cat $d/vendor $d/device $d/class); done'", 0,
        r"(?s).*==\n.*==\n0000:00:00\.0 0x8086 0x1237 0x060000\n"),
    **{f"reboot={how}": (
        f"timeout 100 vm run --name re --no-reboot --append reboot={how} linux reboot -f; echo $?; "
        "vm ls -a | sed -n 's/.*\\(Exited (0)\\|(guest .*)\\) .*re$/\\1/p'; vm rm re", 0, *patterns)
       for how, *patterns in (("k", r"0\nExited \(0\)\nre\n"),
                            ("t", r"126\n\(guest shut itself down: triple fault\)\nre\n", r"vm: .*: triple fault\n"))},
    "stop-right-after-run": (
        "vm run -d --name s linux >/dev/null; vm stop -t 600 s; vm ls -a; vm rm s", 0,
        r"s\n" + TITLES + row("linux", 256, r"Exited \(0\) .* ago", "s") + r"s\n"),

    # One of them and three containers at once; each script goes on where the last one ended.
    "four-start": (
        "vm run -d --name box linux sh -c 'while :; do read up idle </proc/uptime; echo T $(date +%s) $up; echo kernel >/dev/ttyS1; sleep 0.2; done' "
        ">/tmp/id; "
        "for i in 1 2 3; do ct run -d --name c$i busybox sh -c 'n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done' >/dev/null; done; "
        "wait_for says box '^T [0-9]'; vm ls; ct ps | grep -c 'Up .* c[123]$'", 0,
        TITLES + row("linux", 256, r"Up .*", "box") + r"3\n"),
    "four-names": ("top -b -n 1 | grep -c 'vm box$'; ps -o comm,args | grep -c '^box  *{box} vm box$'", 0, r"1\n1\n"),
    "four-clock": (
        "look() { i=0; while [ $((i += 1)) -le 10 ]; do set -- $(vm logs --tail 2 box | sed -n '1s/^T //p'); read up idle </proc/uptime; "
        "echo ${1:-0} ${2:-0} $(date +%s) $up; sleep 0.2; done; }; look; echo; sleep 8; look", 0,
        r"([\d.]+ [\d.]+ \d+ [\d.]+\n){10}\n([\d.]+ [\d.]+ \d+ [\d.]+\n){10}"),
    "four-sandbox": (
        "p=$(monitor box); cat /proc/$p/comm; cat /proc/$p/status; echo ==; ls -A /proc/$p/root | wc -l; "
        "for n in ipc mnt pid uts; do [ $(readlink /proc/$p/ns/$n) = $(readlink /proc/self/ns/$n) ] && echo shared $n; done; "
        "ls -l /proc/$p/fd | sed -n 's/.* -> //p'", 0, r"(?s)box\n.*\n==\n.*"),
    "four-logs": (
        "vm logs --tail 3 box | grep -c ''; vm logs --kernel box | wc -l; for i in 1 2 3; do ct logs --tail 3 c$i | wc -l; done", 0,
        r"3\n\d+\n3\n3\n3\n"),
    "four-clients": (
        "rm -f /tmp/k?; vm logs -f box >/tmp/k1 & vm logs -f box >/tmp/k2 & ct logs -f c1 >/tmp/k3 & ct attach c2 >/tmp/k4 & "
        "for i in 1 2 3 4; do wait_for [ -s /tmp/k$i ]; done; kill -9 $(jobs -p); "
        "n=$(vm logs box | wc -l); for i in 1 2 3; do eval n$i=$(ct logs --tail 1 c$i); done; "
        "wait_for sh -c \"[ \\$(vm logs box | wc -l) -gt $n ]\"; "
        "for i in 1 2 3; do eval m=\\$n$i; wait_for sh -c \"[ \\$(ct logs --tail 1 c$i) -gt $m ]\"; done; "
        "vm ls -q | wc -l; ct ps -q | wc -l", 0, r"1\n3\n"),
    "four-end": (
        "ct stop -t 0 c1; ct kill c2; ct rm -f c3; ct rm c1 c2; vm ls -q | wc -l; vm stop -t 600 box; "
        "vm ls -a | sed -n 's/.*\\(Exited\\|Killed\\|Crashed\\).* box$/\\1/p'; vm rm box", 0,
        r"c1\nc2\nc3\nc1\nc2\n1\nbox\nExited\nbox\n"),

    # None of PIC, PIT, IO-APIC, xAPIC and kvmclock is for show.
    **{f"linux-{name}": (
        f"vm run --rm --append {option} linux sh -c 'cat /proc/cmdline /proc/interrupts "
        "/sys/devices/system/clocksource/clocksource0/current_clocksource; dmesg | grep -i apic; exit 7'", 7, r"(?s).*")
       for name, option in (("noapic", "noapic"), ("nox2apic", "nox2apic"), ("no-kvmclock", "no-kvmclock"), ("acpi-off", "acpi=off"))},

    "nothing-left": (
        "alone; vm ls -aq; ls -A /run/bulkhead/vm; ls -A /run/bulkhead/vm/.names; ls -d /sys/fs/cgroup/vm/*/; "
        "ps -o args | grep -cE '^(vm|vmm|bulkhead-sup|/.*bulkhead-sup)( |$)'", 1, r"\.names\n0\n", r"ls: /sys/fs/cgroup/vm/\S+: No such file.*\n"),
}


def mistakes_on(emulator):
    return MISTAKES if emulator == "qemu" else MISTAKES_ON_BOCHS


def checks_on(emulator):
    # "four-end" has as much of VT-x as the first, and the console's test restarts a guest there
    slow = ["stop-right-after-run", "reboot=k", "reboot=t"] if emulator == "bochs" else []
    return [name for name in CHECKS if name not in slow]


def on_both(names):
    return [(emulator, name) for emulator in ("qemu", "bochs") for name in names(emulator)]


@pytest.fixture(scope="module")
def results(booter, build):
    """results(emulator)[name] of all checks, from one boot of each emulator."""
    seen = {}

    def on(emulator):
        if emulator not in seen:
            scripts = {"first": FIRST}
            scripts.update({name: MISTAKE % MISTAKES[name][0] for name in mistakes_on(emulator)})
            scripts.update({name: PRELUDE + CHECKS[name][0] for name in checks_on(emulator)})
            seen[emulator] = booter.run_many(scripts, emulator, timeout=1200,
                                             add={"/tiny": os.path.join(build, "tests/guests/tiny")})
        return seen[emulator]
    return on


@pytest.mark.parametrize("emulator, name", on_both(mistakes_on))
def test_mistake_gets_a_clear_line(results, emulator, name):
    result = results(emulator)[name]
    _, message, *status = MISTAKES[name]
    assert result.status == (status[0] if status else 125), str(result)
    assert re.fullmatch(f"vm: {message}\n", result.stderr) and result.stdout == "", str(result)


@pytest.mark.parametrize("emulator, name", on_both(checks_on))
def test_vm(results, emulator, name):
    result = results(emulator)[name]
    _, status, stdout, *stderr = CHECKS[name]
    assert result.status == status, str(result)
    assert re.fullmatch(stdout, result.stdout), str(result)
    assert re.fullmatch(stderr[0] if stderr else "", result.stderr), str(result)


@BOTH
def test_memory_of_a_guest(results, emulator):
    """The guest has what -m says, but for what its kernel keeps."""
    total = int(re.search(r"Mem: +(\d+)", results(emulator)["look"].stdout)[1])
    assert 180 << 10 < total < 256 << 10


@BOTH
def test_clock_of_a_guest(results, emulator):
    """Over 10 s of ours the guest's clocks move as far. What it says is seen late, more or less; least
    late is where it seems to be furthest ahead."""
    looks = [[[float(word) for word in line.split()] for line in part.splitlines()]
             for part in results(emulator)["four-clock"].stdout.split("\n\n")]
    first, last = (max(part, key=lambda look: look[1] - look[3]) for part in looks)
    date, up, host_date, host_up = (b - a for a, b in zip(first, last))
    assert host_up > 7 and abs(up - host_up) < 1 and abs(date - host_date) < 2, looks  # dates are whole seconds
    assert abs(last[0] - last[2]) <= 5, looks


@BOTH
def test_sandbox(results, emulator):
    result = results(emulator)["four-sandbox"]
    status, rest = result.stdout.split("==\n")
    status = dict(re.findall(r"^(\w+):\t(.*)$", status, re.M))
    uid = status["Uid"].split()
    assert int(uid[0]) >= 100000 and uid == uid[:1] * 4 and status["Gid"].split() == uid, str(result)
    assert status["Groups"].strip() == "" and status["NoNewPrivs"] == "1", str(result)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, str(result)
    files, *others = rest.splitlines()
    assert files == "0" and not any(line.startswith("shared ") for line in others), str(result)
    allowed = re.compile(r"/dev/null|(/dev)?/kvm|/dev/pts/\d+|pipe:\[\d+\]|socket:\[\d+\]|anon_inode:.*|"
                         + re.escape(GUEST) + r"/(kernel|initrd)")
    assert len(others) >= 10 and all(allowed.fullmatch(line) for line in others), str(result)


@BOTH
@pytest.mark.parametrize("name, option, interrupts, clocks", [
    ("linux-noapic", "noapic", "XT-PIC", "kvm-clock|tsc|tsc-early"),
    ("linux-nox2apic", "nox2apic", "IO-APIC", "kvm-clock|tsc|tsc-early"),
    ("linux-no-kvmclock", "no-kvmclock", "IO-APIC", "acpi_pm|tsc|tsc-early"),
    ("linux-acpi-off", "acpi=off", "XT-PIC", "kvm-clock|tsc|tsc-early"),
])
def test_guest_without(results, emulator, name, option, interrupts, clocks):
    result = results(emulator)[name]
    assert re.search(rf"^.* {option}\n", result.stdout), str(result)
    assert re.search(rf"4: .*{interrupts}.*ttyS0", result.stdout), str(result)
    assert re.search(rf"^({clocks})$", result.stdout, re.M), str(result)
    timer = "0" if option == "acpi=off" else "LOC"  # without an APIC it is the PIT that ticks
    assert int(re.search(rf"^ *{timer}: +(\d+) ", result.stdout, re.M)[1]) > 0, str(result)
    if option in ("nox2apic", "no-kvmclock"):
        assert ("x2apic enabled" in result.stdout) == (option != "nox2apic"), str(result)


@BOTH
def test_hardware_of_a_guest(results, emulator):
    """The guest has the host's CPU, knows that it is a guest, and finds a PCI bus (in the check's pattern)."""
    host, guest = (dict(re.findall(r"^(\w+(?: \w+)?)=(.*)$", part, re.M))
                   for part in results(emulator)["hardware"].stdout.split("==\n")[:2])
    assert guest["vendor_id"] == host["vendor_id"] and guest["model name"] == host["model name"]
    assert "hypervisor" in guest["flags"].split(), guest
    assert {"svm", "vmx"}.isdisjoint(guest["flags"].split()), guest


@BOTH
def test_help(results, emulator):
    text = results(emulator)["help"].stdout
    for command, options in {
            "run": "-d, --detach --rm --name -m, --memory --kernel --initrd --append --no-reboot", "ls": "-a, --all -q, --quiet",
            "console": "", "logs": "-f, --follow -n, --tail", "start": "", "stop": "-t, --time", "kill": "-s, --signal",
            "wait": "", "rm": "-f, --force"}.items():
        assert re.search(rf"^  {command} +[A-Z]", text, re.M), command  # the overview
        page = re.search(rf"^Usage:  vm {command}( |\n)(.|\n)*?(?=^Usage|\Z)", text, re.M)[0]
        for option in options.replace(", ", ",").split():
            assert re.search(rf"^ +{option.replace(',', ', ')}\b", page, re.M), (command, option)


# ---- at the console ---------------------------------------------------------------------------

PROMPT = "guest:/# "
DETACH = "\x10\x11"  # Ctrl-P Ctrl-Q


def typed(console, line, prompt=PROMPT):
    """Type a line at a shell with this prompt; what it prints."""
    console.send(line + "\r")
    console.spawn.expect_exact(prompt, timeout=300)
    out = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.spawn.before).replace("\r", "")
    return out.split("\n", 1)[1] if "\n" in out else ""


def detach(console):
    console.send(DETACH)
    console.expect("detached")
    console.prompt()


@BOTH
def test_a_guest_at_the_console(machine, emulator):
    """A person's hour with a VM: its shell, away from it and back, a restart, its end."""
    console = machine.console(emulator)
    console.send("vm run --name box linux\r")
    console.spawn.expect_exact(PROMPT, timeout=600)
    assert re.fullmatch(KERNEL + "\n", typed(console, "uname -r"))
    assert re.search(r"^processor\t: 0$", typed(console, "cat /proc/cpuinfo"), re.M)
    assert re.search(r"^Mem: +2\d{5} ", typed(console, "free"), re.M)
    assert typed(console, "echo $((6 * 7)); tty; id -un") == "42\n/dev/ttyS0\nroot\n"

    console.start("sleep 1000")
    console.send("\x03")
    console.spawn.expect_exact(PROMPT)
    assert typed(console, "echo $?") == "130\n"
    for _ in range(100):  # passed on to the guest, some time
        if typed(console, "stty size") == f"{ROWS} {COLUMNS}\n":
            break
    else:
        assert False, "the size of the window does not reach the guest"

    detach(console)
    assert re.search(r" Up .* box\n", console.command("vm ls"))
    for i in "123":
        console.command(f"ct run -dit --name c{i} busybox sh")
    assert console.command("ct ps -q | wc -l") == "3\n"
    for i in "123":
        console.send(f"ct attach c{i}\r")
        console.expect("attach")
        assert f"in {i}" in typed(console, f"echo in {i}", "/ # ")
        detach(console)
        assert f"in {i}" in console.command(f"ct logs c{i}")

    # Its client is killed: the VM does not care.
    console.send("(sleep 2; kill -9 $(pidof vm)) & vm console box\r")
    console.expect("Killed")
    console.prompt()
    console.command("stty sane")
    assert re.search(r" Up .* box\n", console.command("vm ls"))

    console.send("vm console box\r")
    console.expect("console box\r+\n")
    assert typed(console, "echo $((5 * 5))").endswith("25\n")
    typed(console, "touch /tmp/here")
    console.send("reboot\r")
    console.expect("built-in shell", timeout=600)  # the old one may prompt once more before it goes
    console.spawn.expect_exact(PROMPT)
    assert typed(console, "ls /tmp") == ""
    console.send("poweroff\r")
    console.expect("poweroff\r+\n")
    console.prompt(timeout=300)
    assert re.search(r" Exited \(0\) .* box\n", console.command("vm ls -a"))

    assert console.command("ct rm -f c1 c2 c3; vm rm box; vm ls -aq; ct ps -aq") == "c1\nc2\nc3\nbox\n"
    console.send("poweroff\r")
    assert console.ended() == 0


# ---- machines without ---------------------------------------------------------------------------

WITHOUT = {
    ("qemu", "EPYC,-svm"): r"no VT-x or SVM",
    ("qemu", "EPYC,+svm,-npt"): r"no nested paging",
    ("bochs", "core2_penryn_t9600"): r"VT-x without .*",
    ("bochs", "p4_prescott_celeron_336"): r"no VT-x or SVM",
}


@pytest.mark.parametrize("emulator, cpu", WITHOUT)
def test_a_machine_without_virtualization(machine, emulator, cpu):
    result = machine.run(f"{FIRST}\n{MISTAKE}" % "vm run linux", emulator, cpu=cpu)
    needs = r"a VM needs VT-x \(with EPT and unrestricted guest\) or AMD SVM \(with nested paging\), " \
            r"present in the CPU and turned on in the firmware"
    assert result.status == 125 and result.stdout == "", str(result)
    assert re.fullmatch(rf"vm: cannot open /dev/kvm: {WITHOUT[emulator, cpu]}: {needs}\n", result.stderr), str(result)


# ---- again and again ------------------------------------------------------------------------------

AGAIN = """
i=0
while [ $i -lt 30 ]; do
    i=$((i + 1))
    timeout 120 vm run --name a linux sh -c 'exit 3' || [ $? = 3 ] || { echo "command, round $i"; vm logs --kernel a; exit 1; }
    vm rm -f a
    (sleep 5; echo poweroff) | timeout 120 vm run --name b linux >/tmp/out || { echo "poweroff, round $i"; vm logs --kernel b; exit 1; }
    vm rm -f b
done
"""


@pytest.mark.soak
def test_guests_always_end(machine):
    result = machine.run(AGAIN, timeout=1800)
    assert (result.status, result.stderr) == (0, ""), str(result)
