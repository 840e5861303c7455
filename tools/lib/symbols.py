# SPDX-License-Identifier: BSD-2-Clause
"""What the addresses in a panic are called."""
import bisect
import re
import subprocess

ADDRESS = re.compile(r"\b(?:0x)?(ffffffff[0-9a-f]{8})\b")


def _output(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, errors="replace").stdout.splitlines()


def explain(text, kernel):
    """A line for each address of `kernel`'s in the text: a function's with its line, a variable's. "" without binutils."""
    addresses = list(dict.fromkeys(ADDRESS.findall(text)))
    try:
        symbols = [line.split() for line in _output("nm", "-n", "--defined-only", kernel)] if addresses else []
        starts = [int(symbol[0], 16) for symbol in symbols]
        out = []
        for address in addresses:
            # Most are where a call returns to, which may be another function's already.
            at = int(address, 16)
            i = bisect.bisect_right(starts, at - 1) - 1
            if i >= 0 and symbols[i][1] in "tT":
                function, where = _output("addr2line", "-f", "-s", "-e", kernel, f"{at - 1:x}")[:2]
                out.append(f"  {address} {function} at {where}\n")
                continue
            i = bisect.bisect_right(starts, at) - 1
            if i >= 0 and i + 1 < len(starts):
                out.append(f"  {address} {symbols[i][2]}+{at - starts[i]}\n")
        return "".join(out)
    except (OSError, ValueError):
        return ""
