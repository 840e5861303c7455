# SPDX-License-Identifier: BSD-2-Clause
"""The console as a person has it."""
import pytest

from machine import COLUMNS, ROWS

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])


@BOTH
def test_console(machine, emulator):
    console = machine.console(emulator)
    assert console.command("echo $((6 * 7))") == "42\n"
    assert console.command("stty size") == f"{ROWS} {COLUMNS}\n"
    assert console.command("tty") == "/dev/ttyS0\n"

    console.send("sleep 1000\r")
    console.expect("sleep 1000\r\n")
    console.send("\x03")
    console.prompt()
    assert console.command("echo $?") == "130\n"

    console.send("sleep 1000\r")
    console.expect("sleep 1000\r\n")
    console.send("\x1a")
    console.prompt()
    assert "Stopped" in console.command("jobs")
    assert "sleep 1000" in console.command("kill %1; wait; fg; true")

    console.send("poweroff\r")
    assert console.ended() == 0


def test_a_shell_that_ends_is_replaced(machine):
    console = machine.console()
    pid = console.command("echo $$")
    console.send("exit\r")
    console.prompt()
    assert console.command("echo $$") != pid


@BOTH
def test_control_bracket_leaves(machine, emulator):
    console = machine.console(emulator)
    console.send("\x1d")
    assert console.ended(timeout=10) == 0


def test_reboot_comes_back(machine):
    console = machine.console()
    console.command("touch /tmp/here")
    console.send("reboot\r")
    console.expect("Bulkhead\\.")  # the shell may prompt once more before it goes
    console.prompt()
    assert console.command("ls /tmp") == ""
