# SPDX-License-Identifier: BSD-2-Clause
"""From power-on to commands, on both emulators."""
import re
import time

import pytest

from machine import TIMEOUT

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])

# name: (script, status, standard output, standard error); one boot for all of them
CHECKS = {
    "status": ("exit 7", 7, "", ""),
    "streams": ("echo out; echo err >&2", 0, "out\n", "err\n"),
    "signal": ("kill -9 $$", 137, "", "Killed\n"),
    "pipeline": ("seq 1 1000 | grep 7 | wc -l", 0, "271\n", ""),
    "uname": ("uname -s -n -r -m", 0, "Linux bulkhead 6.1.0-bulkhead x86_64\n", ""),
    "init": ("cat /proc/1/comm", 0, "init\n", ""),
    "clock": ("[ $(date +%Y) -ge 2023 ] && echo right", 0, "right\n", ""),
    "files": ("cd /tmp && mkdir -p a/b && echo x >a/b/c && mv a z && cat z/b/c && rm -r z && ls -A | grep -c z",
              1, "x\n0\n", ""),
    "mounts": ("grep -c -E '^[^ ]+ /(proc|dev|dev/pts|tmp|run) ' /proc/mounts", 0, "5\n", ""),
    "no-command": ("/nowhere", 127, "", "sh: /nowhere: not found\n"),
}


@pytest.fixture(scope="module")
def checked(booter):
    """Results of all CHECKS, from one boot of each emulator."""
    results = {}

    def on(emulator):
        if emulator not in results:
            scripts = {name: check[0] for name, check in CHECKS.items()}
            results[emulator] = booter.run_many(scripts, emulator)
        return results[emulator]
    return on


@BOTH
@pytest.mark.parametrize("name", CHECKS)
def test_shell(checked, emulator, name):
    result = checked(emulator)[name]
    _, status, stdout, stderr = CHECKS[name]
    assert (result.status, result.stdout, result.stderr) == (status, stdout, stderr), str(result)


@pytest.mark.parametrize("emulator", [pytest.param("qemu", marks=pytest.mark.check), "bochs"])
def test_exec_is_8_bit_clean_and_keeps_streams_apart(machine, tmp_path, emulator):
    every = bytes(range(256)) * 40
    (tmp_path / "bytes").write_bytes(every)
    out, err, status = machine.run_bytes(
        "uname -sr >&2; cat /mnt/x/bytes; tail -c 256 /mnt/x/bytes >&2; exit 42", emulator,
        add={"/mnt/x/bytes": tmp_path / "bytes"})
    assert (out, err, status) == (every, b"Linux 6.1.0-bulkhead\n" + bytes(range(256)), 42)


def test_exec_ends_although_a_background_process_goes_on(machine):
    result = machine.run("sleep 1000 & echo started")
    assert (result.status, result.stdout) == (0, "started\n"), str(result)


def test_time_limit(machine):
    result = machine.run("echo first; sleep 10000", timeout=30)
    assert (result.status, result.stdout) == (124, "first\n"), str(result)
    assert "time limit" in result.stderr


@BOTH
def test_a_panic_ends_the_run_at_once(machine, emulator):
    begin = time.monotonic()
    result = machine.run("echo never", emulator, timeout=3000, append="init=/nowhere")
    assert (result.status, result.stdout) == (125, ""), str(result)
    assert re.search(r"the machine stopped:\r?\n(.*\n)*.*/nowhere", result.stderr), str(result)
    assert time.monotonic() - begin < TIMEOUT[emulator]


def test_power_off_before_the_commands_end(machine):
    result = machine.run("echo first; poweroff; sleep 100")
    assert (result.status, result.stdout) == (125, "first\n"), str(result)


def test_reset_before_the_commands_end(machine):
    result = machine.run("echo first; reboot; sleep 100")
    assert (result.status, result.stdout) == (125, "first\n"), str(result)


@pytest.mark.parametrize("options", [{"memory": "512M", "cpu": "EPYC,-svm,+npt"}, {"cpus": 4}, {"memory": "3G"}],
                         ids=["small-without-svm", "four-cpus", "above-2G"])
def test_other_machines(machine, options):
    result = machine.run("ct run --rm busybox echo up", **options)
    assert (result.status, result.stdout) == (0, "up\n"), str(result)
