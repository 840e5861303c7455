# SPDX-License-Identifier: BSD-2-Clause
"""tools/boot without an emulator: its options, the emulators' command lines, and what it makes of what they say.

Where something has to run, a script that is called qemu-system-x86_64 stands in.
"""
import importlib.util
import os
import stat
import subprocess
import sys
from importlib.machinery import SourceFileLoader

import pytest

import emulators
import kvm
import terminal

pytestmark = pytest.mark.check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOOT = os.path.join(ROOT, "tools/boot")


@pytest.fixture(scope="module")
def boot():
    loader = SourceFileLoader("tools_boot", BOOT)
    write_cache, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tools_boot", loader))
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = write_cache
    return module


@pytest.fixture
def no_kvm(monkeypatch):
    monkeypatch.setattr(kvm, "why_not", lambda: "not here")


@pytest.fixture
def yes_kvm(monkeypatch):
    monkeypatch.setattr(kvm, "why_not", lambda: None)


# ---- options ----------------------------------------------------------------------------------

def test_defaults(boot, no_kvm):
    o = boot.parse([])
    assert (o.emulator, o.accel, o.cpu, o.cpus, o.memory, o.add, o.append, o.exec, o.timeout, o.gdb) == (
        "qemu", "tcg", None, 1, 1024, [], [], None, None, None)
    assert not (o.icount or o.linux or o.verbose)
    assert o.build == os.path.join(ROOT, "build")


def test_every_option(boot, no_kvm):
    o = boot.parse("--emulator bochs --cpu some --cpus 2 --memory 3G --add a:/b --add c:d:/e --append one --append two=3 "
                   "--exec true --timeout 2.5 --ips 7 --verbose --build /x/../y".split())
    assert (o.emulator, o.accel, o.cpu, o.cpus, o.memory) == ("bochs", "tcg", "some", 2, 3072)
    assert o.add == [("a", "/b"), ("c:d", "/e")] and o.append == ["one", "two=3"]
    assert (o.exec, o.timeout, o.ips, o.verbose, o.build) == ("true", 2.5, 7, True, "/y")


@pytest.mark.parametrize("text, mib", [
    ("512", 512), ("512M", 512), ("512MiB", 512), ("2g", 2048), ("2GB", 2048), ("4096k", 4), ("1500K", 1)])
def test_sizes(boot, text, mib):
    assert boot.parse(["--accel=tcg", "--memory", text]).memory == mib


def test_a_script_has_a_time_limit(boot, no_kvm):
    assert boot.parse(["--exec", "true"]).timeout == 300
    assert boot.parse(["--exec", "true", "--timeout", "5"]).timeout == 5


@pytest.mark.parametrize("options, port", [("--gdb", 1234), ("--gdb 5000", 5000)])
def test_gdb(boot, no_kvm, options, port):
    assert boot.parse(options.split()).gdb == port


def test_acceleration(boot, yes_kvm):
    assert boot.parse([]).accel == boot.parse(["--accel", "kvm"]).accel == "kvm"
    assert boot.parse(["--accel", "tcg"]).accel == "tcg"
    assert boot.parse(["--icount"]).accel == boot.parse(["--emulator", "bochs"]).accel == "tcg"


@pytest.mark.parametrize("options, why", [
    ("--nosuch", "unrecognized arguments: --nosuch"),
    ("--mem 1G", "unrecognized arguments: --mem 1G"),  # no abbreviations
    ("stray", "unrecognized arguments: stray"),
    ("--emulator vmware", "invalid choice: 'vmware'"),
    ("--accel hvf", "invalid choice: 'hvf'"),
    ("--accel kvm", "--accel kvm: not here"),
    ("--accel kvm --emulator bochs", "--accel kvm needs --emulator qemu, without --icount"),
    ("--debug --linux", "--debug is a kernel of ours"),
    ("--accel kvm --icount", "--accel kvm needs --emulator qemu, without --icount"),
    ("--cpus many", "invalid int value: 'many'"),
    ("--memory", "expected one argument"),
    ("--memory lots", "not a size: lots"),
    ("--memory -5", "not a size: -5"),
    ("--memory 0", "too small: 0"),
    ("--memory 1023k", "too small: 1023k"),
    ("--add file", "not FILE:/path: file"),
    ("--add file:path", "not FILE:/path: file:path"),
    ("--add file:/tmp/x", "init mounts something over it"),
    ("--add file:/proc", "init mounts something over it"),
    ("--timeout soon", "invalid float value: 'soon'"),
    ("--gdb here", "invalid int value: 'here'"),
    ("--ips fast", "invalid int value: 'fast'"),
])
def test_wrong_options(boot, no_kvm, capsys, options, why):
    with pytest.raises(SystemExit) as ended:
        boot.parse(options.split())
    assert ended.value.code == 2 and why in capsys.readouterr().err


def test_kernel_command_line(boot, no_kvm, monkeypatch):
    def cmdline(*options):
        return boot.kernel_cmdline(boot.parse(list(options)))

    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(terminal, "size", lambda fd: "80x24")
    assert cmdline() == "console_size=80x24 TERM=dumb"
    assert cmdline("--append", "a b", "--append=c=d") == "console_size=80x24 TERM=dumb a b c=d"
    assert cmdline("--exec", "true", "--append", "quiet") == "quiet"
    assert cmdline("--exec", "true") == ""
    monkeypatch.setattr(terminal, "size", lambda fd: None)
    monkeypatch.delenv("TERM")
    assert cmdline() == "TERM=vt100"


# ---- the emulators' command lines ----------------------------------------------------------------

def qemu(boot, build, tmp_path, *options, tty=None, linux=None):
    o = boot.parse(["--build", build, *options])
    return emulators.Qemu(o, str(tmp_path)).command("/the/disk", 7, None if tty else 8, tty, linux)


def follows(command, option, value):
    return (option, value) in zip(command, command[1:])


def test_qemu(boot, no_kvm, build, tmp_path):
    command = qemu(boot, build, tmp_path, "--exec", "true")
    for option, value in {"-accel": "tcg,thread=multi", "-cpu": "EPYC,+svm,+npt", "-smp": "1", "-m": "1024",
                          "-display": "none", "-serial": "chardev:com1"}.items():
        assert follows(command, option, value), (option, command)
    assert os.path.basename(command[0]) == "qemu-system-x86_64"
    assert follows(command, "-chardev", "file,id=debug,path=/dev/fd/7")
    assert follows(command, "-chardev", "file,id=com1,path=/dev/fd/8")
    assert any(word.endswith("file=/the/disk") for word in command)
    assert "-no-reboot" in command and "-gdb" not in command and "-icount" not in command


def test_qemu_as_asked_for(boot, yes_kvm, build, tmp_path):
    command = qemu(boot, build, tmp_path, "--cpus", "4", "--memory", "3G", "--gdb", "99", tty="/dev/pts/9")
    for option, value in {"-accel": "kvm", "-cpu": "host", "-smp": "4", "-m": "3072", "-gdb": "tcp::99"}.items():
        assert follows(command, option, value), (option, command)
    assert "-S" in command and "-no-reboot" not in command
    assert follows(command, "-chardev", "serial,id=com1,path=/dev/pts/9")
    command = qemu(boot, build, tmp_path, "--icount", "--cpu", "max", "--exec", "true")
    assert follows(command, "-accel", "tcg,thread=single") and follows(command, "-cpu", "max")
    assert follows(command, "-icount", "shift=0,sleep=off")


def test_qemu_with_linux(boot, no_kvm, build, tmp_path):
    class Linux:
        kernel, initrd, cmdline = "/k", "/i", "some words"
    command = qemu(boot, build, tmp_path, "--linux", "--exec", "true", linux=Linux)
    assert command[-6:] == ["-kernel", "/k", "-initrd", "/i", "-append", "some words"]
    assert "if=pflash" not in " ".join(command)


def bochs(boot, build, tmp_path, *options, tty=None):
    o = boot.parse(["--build", build, "--emulator", "bochs", *options])
    command = emulators.Bochs(o, str(tmp_path)).command("/the/disk", 7, None if tty else 8, tty)
    assert os.path.basename(command[0]) == "bochs" and command[1:] == ["-q", "-f", "bochsrc", "-rc", "rc"]
    return (tmp_path / "bochsrc").read_text().splitlines()


def test_bochs(boot, build, tmp_path):
    config = bochs(boot, build, tmp_path, "--exec", "true")
    assert config[2].startswith("cpu: model=corei7_haswell_4770, count=1, ips=40000000,")
    assert "memory: guest=1024, host=1024" in config and "clock: sync=none" in config
    assert "com1: enabled=1, mode=file, dev=/dev/fd/8" in config
    assert any('path="/the/disk"' in line for line in config)


def test_bochs_as_asked_for(boot, build, tmp_path):
    config = bochs(boot, build, tmp_path, "--cpu", "some", "--cpus", "2", "--memory", "2G", "--ips", "5", tty="/dev/pts/9")
    assert config[2].startswith("cpu: model=some, count=2, ips=5,")
    assert "memory: guest=2048, host=2048" in config and "clock: sync=slowdown" in config
    assert "com1: enabled=1, mode=term, dev=/dev/pts/9" in config


@pytest.mark.parametrize("options", ["--gdb", "--icount"])
def test_bochs_cannot(boot, build, tmp_path, options):
    with pytest.raises(emulators.Unusable, match=f"{options} needs --emulator qemu"):
        bochs(boot, build, tmp_path, options)


# ---- KVM ------------------------------------------------------------------------------------------

FLAGS = "processor\t: 0\nflags\t\t: fpu %s sse\n"


@pytest.mark.parametrize("flags, device, nested, starts, why", [
    ("lm", True, {"kvm_amd": "1\n"}, True, "the CPU offers neither VT-x nor AMD-V"),
    ("svm_lock", True, {"kvm_amd": "1\n"}, True, "the CPU offers neither VT-x nor AMD-V"),
    ("svm", False, {"kvm_amd": "1\n"}, True, "/dev/kvm cannot be opened"),
    ("svm", True, {}, True, "the kvm module does not nest"),
    ("vmx", True, {"kvm_intel": "N\n"}, True, "the kvm module does not nest"),
    ("vmx", True, {"kvm_intel": "Y\n"}, False, "a test VM did not start"),
    ("vmx", True, {"kvm_intel": "Y\n"}, True, None),
    ("svm", True, {"kvm_amd": "1\n"}, True, None),
])
def test_kvm_is_taken_only_when_it_nests(monkeypatch, flags, device, nested, starts, why):
    files = {"/proc/cpuinfo": FLAGS % flags}
    files.update({f"/sys/module/{module}/parameters/nested": text for module, text in nested.items()})
    monkeypatch.setattr(kvm, "_read", lambda path: files.get(path, ""))
    monkeypatch.setattr(kvm.os, "access", lambda path, mode: device and path == "/dev/kvm")
    monkeypatch.setattr(kvm, "_vm_starts", lambda: starts)
    assert kvm.why_not() == why


# ---- runs, with a stand-in -------------------------------------------------------------------------

# Frames of boot/debugport.h: started, and a tag with a text.
STAND_IN = r"""#!/bin/sh
debug=$(echo "$*" | sed 's/.*id=debug,path=\([^ ]*\) .*/\1/')
frame() { printf "\\036BH$1\\$(printf %o ${#2})\\000%s" "$2" >"$debug"; }
started() { frame b ''; }
"""


@pytest.fixture
def run(build, tmp_path):
    """run(script of the emulator, options): (standard output, standard error, status)."""
    def run(script, *options, stdin=subprocess.DEVNULL):
        program = tmp_path / "bin/qemu-system-x86_64"
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN + script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        done = subprocess.run([BOOT, "--build", build, "--accel", "tcg", *options], stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                              env=dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}"))
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout, done.stderr, done.returncode
    return run


def test_the_status_of_the_commands(run):
    out, err, status = run("started; frame o out; frame e err; frame x 42; sleep 60", "--exec", "true")
    assert (out, err, status) == ("out", "err", 42)


ALLOWED = "started; frame o \"$(sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status)\"; frame x 0; sleep 60"


def test_svm_is_emulated_on_one_cpu(run):
    assert int(run(ALLOWED, "--exec", "true")[0]) in os.sched_getaffinity(0)


def test_each_run_claims_another_cpu():
    family = f"test-{os.getpid()}"  # runs that go on beside this test have theirs
    claims = [emulators.claim_cpu(family) for _ in os.sched_getaffinity(0)]
    assert {cpu for cpu, _ in claims} == os.sched_getaffinity(0)
    cpu, claim = emulators.claim_cpu(family)
    assert cpu in os.sched_getaffinity(0) and claim is None
    claims[-1][1].close()
    assert emulators.claim_cpu(family)[0] == claims[-1][0]


def test_runs_that_see_no_claim_do_not_all_take_one_cpu():
    cpus = {emulators.claim_cpu(f"test-{os.getpid()}-{i}")[0] for i in range(64)}
    assert len(cpus) > 1 or len(os.sched_getaffinity(0)) == 1


def test_no_claim_is_possible():
    cpu, claim = emulators.claim_cpu("longer than a name may be" * 10)
    assert cpu in os.sched_getaffinity(0) and claim is None


def test_no_svm_no_binding(run):
    all_cpus = open("/proc/self/status").read().split("Cpus_allowed_list:\t")[1].split()[0]
    assert run(ALLOWED, "--cpu", "EPYC,-svm", "--exec", "true")[0] == all_cpus


@pytest.mark.parametrize("stdin", ["null", "file"])
def test_standard_input_may_be_anything(run, tmp_path, stdin):
    typed = tmp_path / "typed"
    typed.write_text("poweroff\n")
    with open("/dev/null" if stdin == "null" else typed) as f:
        assert run("started", stdin=f)[2] == 0


# name: (script of the emulator, status, what standard error must have)
BROKEN = {
    "ended-before-the-loader": ("echo no such CPU >&2; exit 1", 125, "the machine never came up: qemu ended with status 1: it gave up\r\nno such CPU"),
    "powered-off-before-the-loader": ("exit 0", 125, "the machine never came up: qemu ended with status 0: it powered off"),
    "killed-before-the-loader": ("kill -9 $$", 125, "the machine never came up: qemu ended with status -9"),
    "ended-before-the-commands": ("started; exit 0", 125, "the machine stopped before the commands ended: it powered off"),
    "reset": ("started; started; sleep 60", 125, "the machine was reset before the commands ended"),
    "panic": ("started; frame p 'no init'; sleep 60", 125, "the machine stopped:\r\nno init"),
    "no-status": ("started; frame x nonsense; sleep 60", 125, ""),
    "silent": ("started; echo the console >$(echo \"$*\" | sed 's/.*id=com1,path=\\([^ ]*\\) .*/\\1/'); sleep 60", 124,
               "time limit of 2 s\r\nboot: the end of its console:\r\n    the console"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_machine_that_breaks(run, name):
    script, wanted, why = BROKEN[name]
    out, err, status = run(script, "--exec", "true", *(["--timeout", "2"] if name == "silent" else []))
    assert (out, status) == ("", wanted) and why.replace("\r", "") in err, err


def test_a_console_that_never_comes_up(run):
    for options in [], ["--linux"]:
        assert run("exit 1", *options)[2] == 125
    assert run("exit 0")[2] == 125
    assert run("started")[2] == 0


def test_no_emulator(run, build, tmp_path):
    script = ["--exec", "true"]
    assert run("", *script, "--add", "/no/such:/x")[1:] == ("boot: --add /no/such: no such file\n", 127)
    assert run("", *script, "--emulator", "bochs", "--linux")[2] == 127
    assert run("", *script, "--build", str(tmp_path))[2] == 127
    (tmp_path / "bin/qemu-system-x86_64").write_text("#!/no/such\n")
    done = subprocess.run([BOOT, "--build", build, "--accel", "tcg", *script], stderr=subprocess.PIPE, text=True,
                          env=dict(os.environ, PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}"))
    assert done.returncode == 127 and "cannot execute" in done.stderr, done.stderr
