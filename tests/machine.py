# SPDX-License-Identifier: BSD-2-Clause
"""Runs things on Bulkhead (or on Debian's kernel with the same initrd) through tools/boot."""
import os
import re
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass

import pexpect

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOOT = os.path.join(ROOT, "tools/boot")

# Wall time. Bochs takes 10 to 15 s to the loader, more on a busy machine.
TIMEOUT = {"qemu": 120, "bochs": 300}
PROMPT = "bulkhead:/# "

# For a VM on Debian's kernel. KVM takes the TSC's rate when it is loaded, and the kernel refines that rate some seconds
# after its start: loaded before, KVM cannot give guests the rate it has noted, and theirs get no timer interrupts (by the
# TSC deadline) any more.
LINUX_KVM = ("until [ $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource) != tsc-early ]; do sleep 0.1; done; "
             "for module in /lib/kvm/*; do insmod $module 2>/dev/null || :; done\n")
ROWS, COLUMNS = 31, 97  # of the terminal that a console is shown on: nobody's default


@dataclass
class Result:
    stdout: str
    stderr: str
    status: int

    def __str__(self):
        return f"status {self.status}\n--- stdout\n{self.stdout}--- stderr\n{self.stderr}"


class Console:
    """A machine with its console, as a person has it."""

    def __init__(self, command, emulator, log, timeout):
        self.emulator = emulator
        self.spawn = pexpect.spawn(command[0], command[1:], timeout=timeout or TIMEOUT[emulator],
                                   encoding="utf-8", codec_errors="replace", dimensions=(ROWS, COLUMNS))
        self._log = open(log, "a")
        self.spawn.logfile_read = self._log

    def prompt(self, timeout=-1, prompt=PROMPT):
        """Wait for the shell; returns what came before."""
        self.spawn.expect_exact(prompt, timeout=timeout)
        return self.spawn.before

    def send(self, text):
        self.spawn.send(text)

    def expect(self, pattern, timeout=-1):
        self.spawn.expect(pattern, timeout=timeout)
        return self.spawn.match

    def command(self, line, timeout=-1, prompt=PROMPT):
        """Type a line at the prompt; returns what it prints, without echo and carriage returns."""
        self.spawn.send(line + "\r")
        out = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.prompt(timeout, prompt)).replace("\r", "")
        return out.split("\n", 1)[1] if "\n" in out else ""

    def start(self, program, timeout=-1):
        """Type a program at the prompt and wait until it has the terminal: what is typed earlier may find it in the
        shell's mode still, where ^C is a character and not a signal.
        """
        self.spawn.send(f"sh -c 'echo +; exec {program}'\r")
        self.spawn.expect("\n\\+\r+\n", timeout=timeout)

    def ended(self, timeout=-1):
        """Wait for the end of the machine; returns the status of tools/boot."""
        self.spawn.expect(pexpect.EOF, timeout=timeout)
        self.spawn.close()
        return self.spawn.exitstatus

    def close(self):
        if self.spawn.isalive():
            self.spawn.kill(signal.SIGTERM)
        self.spawn.close(force=True)
        self._log.close()


class Machine:
    def __init__(self, build, debug=False):
        self.build, self.debug = os.path.abspath(build), debug
        self._consoles = []

    def _command(self, emulator, linux=False, add=None, append="", cpu=None, cpus=None, memory=None,
                 accel="tcg", icount=False):
        command = [BOOT, "--build", self.build, "--emulator", emulator]
        if emulator == "qemu":
            command += ["--accel", accel]
        if linux:
            command.append("--linux")
        elif self.debug:
            command.append("--debug")
        if icount:
            command.append("--icount")
        for path, source in (add or {}).items():
            command += ["--add", f"{source}:{path}"]
        for name, value in (("append", append), ("cpu", cpu), ("cpus", cpus), ("memory", memory)):
            if value:
                command.append(f"--{name}={value}")
        return command

    def run_bytes(self, commands, emulator="qemu", timeout=None, **options):
        """(stdout, stderr, status) of a shell script, as bytes. Options: see _command()."""
        command = self._command(emulator, **options)
        command += ["--timeout", str(timeout or TIMEOUT[emulator]), "--exec", commands]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        return done.stdout, done.stderr, done.returncode

    def run(self, commands, emulator="qemu", timeout=None, **options):
        out, err, status = self.run_bytes(commands, emulator, timeout, **options)
        return Result(out.decode(errors="replace"), err.decode(errors="replace"), status)

    def run_many(self, scripts, emulator="qemu", timeout=None, **options):
        """Several scripts {name: text} in one boot, each in a shell of its own; {name: Result}.

        A script that the machine does not survive has status None, and so have those after it.
        """
        mark = "@" + uuid.uuid4().hex
        parts = []
        for name, text in scripts.items():
            parts.append(f"sh -c {quote(text)} >/tmp/.out 2>/tmp/.err </dev/null; s=$?\n"
                         f"echo '{mark} {name}'; cat /tmp/.out\n"
                         f"echo '{mark} err'; cat /tmp/.err; echo \"{mark} $s\"\n")
        whole = self.run("".join(parts), emulator, timeout, **options)
        results = {}
        pattern = rf"{mark} (\S+)\n(.*?){mark} err\n(.*?){mark} (\d+)\n"
        for name, out, err, status in re.findall(pattern, whole.stdout, re.S):
            results[name] = Result(out, err, int(status))
        for name in scripts:
            results.setdefault(name, Result("", f"not reached: {whole}", None))
        return results

    def console(self, emulator="qemu", timeout=None, **options):
        """The machine at its first prompt; the timeout is for each thing waited for."""
        log = os.path.join(self.build, "console.log")
        with open(log, "a") as f:
            f.write(f"\n==== {time.ctime()} {emulator} {options}\n")
        console = Console(self._command(emulator, **options), emulator, log, timeout)
        self._consoles.append(console)
        console.prompt()
        return console

    def close_consoles(self):
        while self._consoles:
            self._consoles.pop().close()


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"
