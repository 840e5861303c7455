# SPDX-License-Identifier: BSD-2-Clause
"""The console as a person has it."""
import pytest

from machine import COLUMNS, PROMPT, ROWS

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])
INSIDE = "/ # "  # a container's prompt


def inside(console, line, timeout=-1):
    """Type a line at a container's prompt; returns what it prints."""
    return console.command(line, timeout, INSIDE)


def interrupt_sleep(console, prompt):
    console.start("sleep 1000")
    console.send("\x03")
    console.prompt(prompt=prompt)


def shell_in_a_container(console):
    """As the README promises it; /v is a folder of the host."""
    # The window changes when /v/go appears: the terminal tells its foreground, which is ct.
    console.command("mkdir /tmp/v")
    console.command("(until [ -e /tmp/v/go ]; do sleep 0.1; done; stty -F /dev/ttyS0 rows 30 cols 100) &")
    console.send("ct run -it --rm -v /tmp/v:/v busybox sh\r")
    console.prompt(prompt=INSIDE)
    assert inside(console, "stty size") == f"{ROWS} {COLUMNS}\n"
    interrupt_sleep(console, INSIDE)
    assert inside(console, "echo $?; cat /proc/1/comm") == "130\nsh\n"
    # One line, as a shell that edits the next one draws its prompt anew; and no process, which would be
    # the foreground and get the signal.
    wait = "trap 'stty size >/v/s' WINCH; >/v/go; until [ -s /v/s ]; do :; done; cat /v/s"
    assert inside(console, wait) == "30 100\n"
    console.send("exit 7\r")
    console.prompt()
    assert console.command("echo $?") == "7\n"
    assert console.command("stty size") == "30 100\n"
    console.command(f"stty rows {ROWS} cols {COLUMNS}")


def shell_beside_a_process(console):
    console.command("ct run -d --name d busybox sleep 1000")
    console.send("ct exec -it d sh\r")
    console.prompt(prompt=INSIDE)
    assert inside(console, "stty size; cat /proc/1/comm") == f"{ROWS} {COLUMNS}\nsleep\n"
    interrupt_sleep(console, INSIDE)
    console.send("exit 3\r")
    console.prompt()
    assert console.command("echo $?; ct ps -q | wc -l; ct rm -f d") == "3\n1\nd\n"


@BOTH
def test_console(machine, emulator):
    console = machine.console(emulator)
    assert console.command("echo $((6 * 7))") == "42\n"
    assert console.command("stty size") == f"{ROWS} {COLUMNS}\n"
    assert console.command("tty") == "/dev/ttyS0\n"

    interrupt_sleep(console, PROMPT)
    assert console.command("echo $?") == "130\n"

    console.start("sleep 1000")
    console.send("\x1a")
    console.prompt()
    assert "Stopped" in console.command("jobs")
    assert "sleep 1000" in console.command("kill %1; wait; fg; true")

    shell_in_a_container(console)
    shell_beside_a_process(console)

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
