# SPDX-License-Identifier: BSD-2-Clause
"""From power-on to commands, on both emulators."""
import re
import time

import pytest

from machine import TIMEOUT

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])

MEMORY = "awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo"  # in MiB

# name: (script, status, standard output, standard error); one boot for all of them
CHECKS = {
    "status": ("exit 7", 7, "", ""),
    "streams": ("echo out; echo err >&2", 0, "out\n", "err\n"),
    "signal": ("kill -9 $$", 137, "", "Killed\n"),
    "pipeline": ("seq 1 1000 | grep 7 | wc -l", 0, "271\n", ""),
    "uname": ("uname -s -n -r -m", 0, "Linux bulkhead 6.1.0-bulkhead x86_64\n", ""),
    "init": ("cat /proc/1/comm", 0, "init\n", ""),
    # HOST_TIME is this machine's at the start; a busy one takes minutes until the script runs
    "clock": ("past=$(( $(date +%s) - HOST_TIME )); [ $past -ge -60 ] && [ $past -le 600 ] && echo right", 0, "right\n", ""),
    "memory": (f"[ $({MEMORY}) -ge 970 ] && [ $({MEMORY}) -le 1024 ] && echo right", 0, "right\n", ""),
    "log": ("dmesg | grep -c -E '^\\[ *[0-9]+\\.[0-9]{6}\\] (mm: [0-9]+ MiB of memory|hv: (svm|vmx)|initrd: [0-9]+ files)'",
            0, "3\n", ""),
    "tar": ("cd /tmp && mkdir -p t/a && echo x >t/a/f && chmod 640 t/a/f && ln -s f t/a/l && head -c 300000 /dev/urandom >t/r && "
            "tar czf t.tgz t && mv t u && tar xzf t.tgz && diff -r t u && stat -c %a t/a/f && readlink t/a/l && tar tzf t.tgz | sort; "
            "rm -r t u t.tgz", 0, "640\nf\nt/\nt/a/\nt/a/f\nt/a/l\nt/r\n", ""),
    "find": ("mkdir -p /tmp/f/a/b && cd /tmp/f && echo 1 >a/1.c && : >a/b/2.c && : >a/3.h && ln -s 1.c a/4.c && "
             "find . -name '*.c' -type f | sort; find . -type f -size 0 -exec echo {} + | wc -w; find . -name 3.h -exec rm {} +; "
             "find . | wc -l; rm -r /tmp/f", 0, "./a/1.c\n./a/b/2.c\n2\n6\n", ""),
    "sort": (r"printf 'b 10 x\na 9 z\nc 10 a\n' | sort -k2,2n -k3,3 | cut -c1 | tr -d '\n'; echo; printf '3\n1\n3\n' | sort -rnu",
             0, "acb\n3\n1\n", ""),
    "awk": (r'''printf 'a 1\nb 2.5\na 3\n' | awk '{ n[$1] += $2 } END { printf "%.1f %d %s\n", n["a"], n["b"], NR }' ''',
            0, "4.0 2 3\n", ""),
    "files": ("cd /tmp && mkdir -p a/b && echo x >a/b/c && mv a z && cat z/b/c && rm -r z && ls -A | grep -c z",
              1, "x\n0\n", ""),
    "mounts": ("grep -c -E '^[^ ]+ /(proc|dev|dev/pts|tmp|run) ' /proc/mounts", 0, "5\n", ""),
    "avx": ("abi-avx has; abi-avx", 0, "yes\nsched_setaffinity(0, sizeof(set), &set): 0\nvector registers: kept\n", ""),
    "no-command": ("/nowhere", 127, "", "sh: /nowhere: not found\n"),
}


@pytest.fixture(scope="module")
def checked(booter):
    """Results of all CHECKS, from one boot of each emulator."""
    results = {}

    def on(emulator):
        if emulator not in results:
            now = str(int(time.time()))
            scripts = {name: check[0].replace("HOST_TIME", now) for name, check in CHECKS.items()}
            results[emulator] = booter.run_many(scripts, emulator, add={"/bin/abi-avx": booter.build + "/abi/avx"})
        return results[emulator]
    return on


@BOTH
@pytest.mark.parametrize("name", CHECKS)
def test_shell(checked, emulator, name):
    result = checked(emulator)[name]
    _, status, stdout, stderr = CHECKS[name]
    assert (result.status, result.stdout, result.stderr) == (status, stdout, stderr), str(result)


@BOTH
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
    assert re.search(r"\n  ffffffff[0-9a-f]{8} init_main at thread.c:\d+\r?\n", result.stderr), str(result)
    assert time.monotonic() - begin < TIMEOUT[emulator]


def test_power_off_before_the_commands_end(machine):
    result = machine.run("echo first; poweroff; sleep 100")
    assert (result.status, result.stdout) == (125, "first\n"), str(result)


def test_reset_before_the_commands_end(machine):
    result = machine.run("echo first; reboot; sleep 100")
    assert (result.status, result.stdout) == (125, "first\n"), str(result)


@pytest.mark.parametrize("options, mib", [({"memory": "512M", "cpu": "EPYC,-svm,+npt"}, 512), ({"cpus": 4}, 1024),
                                          ({"memory": "3G"}, 3072)],
                         ids=["small-without-svm", "four-cpus", "above-2G"])
def test_other_machines(machine, options, mib):
    result = machine.run(f"ct run --rm busybox echo up; {MEMORY}", **options)
    up, total = result.stdout.split()
    assert (result.status, up) == (0, "up"), str(result)
    assert 0.92 * mib <= int(total) <= mib, str(result)
