# SPDX-License-Identifier: BSD-2-Clause
"""Every system call that the kernel implements has a row in a table of bad arguments."""
import glob
import os
import re
import subprocess

import pytest

from machine import ROOT

# Implemented, but without a row: each with the reason.
NO_ROW = {
    "iopl": "Linux can be built without it; tests/fuzz shows that it gives no port",
    "ioperm": "Linux can be built without it",
}
SYSCALL = re.compile(r"^SYSCALL\((\d+), (\w+), (\d),", re.M)
ROW = re.compile(r'\b(?:C|FORKED)\((\w+), "(\w*)"')

pytestmark = pytest.mark.check


@pytest.fixture(scope="module")
def table():
    """{name: (number, how many arguments)} of the kernel's table of calls."""
    with open(os.path.join(ROOT, "kernel/include/kernel/syscalls.def")) as f:
        return {name: (int(nr), int(nargs)) for nr, name, nargs in SYSCALL.findall(f.read())}


@pytest.fixture(scope="module")
def rows():
    """(name, kinds) of each row of each table."""
    found = []
    for path in glob.glob(os.path.join(ROOT, "tests/abi/*_args.c")):
        with open(path) as f:
            found += ROW.findall(f.read())
    return found


def implemented(build):
    """Names of the calls whose function the kernel contains; the others answer ENOSYS."""
    symbols = subprocess.run(["nm", os.path.join(build, "kernel.elf")], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    return set(re.findall(r" [TW] sys_(\w+)$", symbols, re.M))


def test_every_implemented_call_has_a_row(build, table, rows):
    calls = implemented(build)
    assert len(calls) > 200 and calls <= set(table)
    tested = {name for name, kinds in rows}
    assert calls - tested - set(NO_ROW) == set(), "give them rows in tests/abi/*_args.c"
    assert tested <= calls, "no such calls"
    assert set(NO_ROW) <= calls - tested


def test_every_argument_is_in_the_row(table, rows):
    assert [(name, kinds) for name, kinds in rows if len(kinds) != table[name][1]] == []


def test_numbers_are_those_of_linux(table):
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h") as f:
        linux = {name: int(nr) for name, nr in re.findall(r"#define __NR_(\w+) (\d+)", f.read())}
    wrong = {name: nr for name, (nr, _) in table.items() if linux.get(name, nr) != nr}
    assert wrong == {}
    assert len(set(nr for nr, _ in table.values())) == len(table)
