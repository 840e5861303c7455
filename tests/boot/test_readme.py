# SPDX-License-Identifier: BSD-2-Clause
"""The README's tour is a script: its commands must print what it shows."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROMPT = "bulkhead:/# "


def tour():
    """[(command, expected output)] from the README's console block."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        block = re.search(r"```console\n(.*?)```", f.read(), re.S).group(1)
    steps = []
    for line in block.splitlines():
        if line.startswith(PROMPT):
            steps.append([line[len(PROMPT):], ""])
        else:
            steps[-1][1] += line + "\n"
    return steps


def matches(expected, got):
    """`…` stands for anything within a line; runs of blanks are one (columns follow the widest value)."""
    pattern = ".*".join(re.escape(re.sub(" +", " ", part)) for part in expected.split("…"))
    return re.fullmatch(pattern, re.sub(" +", " ", got)) is not None


def test_tour(machine):
    steps = tour()
    assert len(steps) > 10
    script = "".join(f"echo '@@{i}'\n{command}\n" for i, (command, _) in enumerate(steps))
    result = machine.run(script, timeout=240)
    parts = re.split(r"@@\d+\n", result.stdout)[1:]
    assert len(parts) == len(steps), result.stdout + result.stderr
    for (command, expected), got in zip(steps, parts):
        assert matches(expected, got), f"{PROMPT}{command}\nexpected:\n{expected}\ngot:\n{got}"
