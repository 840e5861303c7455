# SPDX-License-Identifier: BSD-2-Clause
"""/dev/kvm on both back ends: SVM on QEMU, VT-x on Bochs."""
import os
import re
import subprocess

import pytest

BOTH = pytest.mark.parametrize("emulator", ["qemu", "bochs"])


@BOTH
def test_kvmtest(booter, emulator):
    result = booter.run("kvmtest", emulator, timeout=600)
    failed = [line for line in result.stdout.splitlines() if line.startswith("not ok")]
    assert (result.status, failed) == (0, []), str(result)
    names = subprocess.run([os.path.join(booter.build, "bin/kvmtest"), "-l"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.split()
    assert re.findall(r"^ok \d+ (\S+)$", result.stdout, re.M) == names, str(result)  # "# SKIP" is no such end


@pytest.mark.check
def test_a_container_and_a_linux_guest(machine):
    """The one boot of `make check`: a little of everything."""
    result = machine.run("uname -sr >&2; ct run --rm busybox echo container; vm run linux uname -n -r -m; exit 42", timeout=300)
    assert (result.status, result.stderr) == (42, "Linux 6.1.0-bulkhead\n"), str(result)
    assert result.stdout.startswith("container\nguest 6.1.0-"), str(result)
