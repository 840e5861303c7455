# SPDX-License-Identifier: BSD-2-Clause
"""`make bench` is in order: every program measures everything it should. No figure is judged here."""
import os
import re
import sys

from machine import ROOT

sys.path.insert(0, os.path.join(ROOT, "tests/bench"))
import bench


def documented():
    """{figure: program} of the table in tests/bench/README.md."""
    with open(os.path.join(ROOT, "tests/bench/README.md"), encoding="utf-8") as f:
        return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", f.read(), re.M))


def test_programs(machine):
    figures = dict(bench.figures(machine, bench.SMOKE))
    wrong = {name: value for name, value in figures.items() if float(value) <= 0}
    assert not wrong, wrong
    table = documented()
    assert set(figures) - set(table) == set(), "not in tests/bench/README.md"
    missing = {name for name, by in table.items() if by in ("calls", "exits", "timed", "typed")} - set(figures)
    assert not missing
    assert {"container_memory_kib", "vm_memory_beyond_ram_kib"} <= set(figures)


def test_exits_on_vt_x(machine):
    figures = dict(bench.figures(machine, bench.SMOKE_EXITS, "bochs"))
    assert set(figures) == {name for name, by in documented().items() if by == "exits"}
    assert min(map(float, figures.values())) > 0


def test_time_of_the_first_prompt(machine):
    console = machine.console()
    log = console.command("dmesg | grep 'first input'")
    assert re.search(r"^\[ *\d+\.\d{6}\] tty: the console waits for its first input$", log, re.M), log
