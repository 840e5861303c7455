# SPDX-License-Identifier: BSD-2-Clause
"""The user's terminal while it is the machine's console."""
import contextlib
import os
import pty
import termios
import tty

LEAVE = b"\x1d"  # Ctrl-]


@contextlib.contextmanager
def raw(fd):
    """Every key goes to the machine as it is, Ctrl-C too; afterwards the terminal is as before."""
    if not os.isatty(fd):
        yield
        return
    saved = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, saved)


def open_pty():
    """(our end, the emulator's end, its path); raw, so that nothing is echoed or translated."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave, os.ttyname(slave)


def size(fd):
    try:
        columns, rows = os.get_terminal_size(fd)
    except OSError:
        return None
    return f"{columns}x{rows}" if columns and rows else None
