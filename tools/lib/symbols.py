# SPDX-License-Identifier: BSD-2-Clause
"""What the addresses in a panic are called."""
import re
import subprocess

ADDRESS = re.compile(r"\b(?:0x)?(ffffffff[0-9a-f]{8})\b")


def explain(text, kernel):
    """A line for each address of `kernel`'s code in the text: function, file and line. "" without binutils."""
    addresses = list(dict.fromkeys(ADDRESS.findall(text)))
    if not addresses:
        return ""
    try:
        # -s: file names without folders, which are the build machine's. Most addresses are where a call returns
        # to, which may be another function's already.
        calls = [f"{int(address, 16) - 1:x}" for address in addresses]
        done = subprocess.run(["addr2line", "-f", "-s", "-e", kernel, *calls], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace")
    except OSError:
        return ""
    lines = done.stdout.splitlines()
    names = zip(addresses, lines[::2], lines[1::2])
    return "".join(f"  {address} {function} at {where}\n" for address, function, where in names if function != "??")
