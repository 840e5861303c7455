# SPDX-License-Identifier: BSD-2-Clause
"""The kernel outlives random system calls, and nothing is lost to them."""
import os

import pytest

# Counts of objects when the last program is gone and the caches have been emptied; the shell's own are the same both times.
COUNT = "while pidof ipc_calls >/dev/null; do sleep 0.1; done; echo 3 > /proc/sys/vm/drop_caches; awk '/^(unix_sock|file|thread|mm|vma|process) / {print $1, $2}' /proc/slabinfo"


def outlives(machine, seeds, calls):
    program = os.path.join(machine.build, "fuzz/ipc_calls")
    script = f"ipc_calls 0 3 500 >/dev/null; ({COUNT}) >/tmp/before; ipc_calls 1 {seeds} {calls}; " \
             f"({COUNT}) >/tmp/after; diff /tmp/before /tmp/after"
    result = machine.run(script, timeout=1500, add={"/bin/ipc_calls": program})
    assert result.stdout == "done\n", result
    assert result.status == 0


def test_random_calls(machine):
    outlives(machine, 12, 2000)


@pytest.mark.soak
def test_many_random_calls(machine):
    outlives(machine, 1000, 5000)
