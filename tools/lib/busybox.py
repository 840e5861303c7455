# SPDX-License-Identifier: BSD-2-Clause
"""Debian's static busybox, as tools/setup unpacked it."""
import os
import subprocess
import sys

# Kept out of /sbin and of PATH: they need what no kernel here has, or clash with our own.
NOT_LINKED = {"init", "linuxrc", "dpkg", "dpkg-deb", "rpm", "rpm2cpio", "run-init", "busybox"}
# Where scripts look for them by absolute path.
IN_SBIN = {"poweroff", "reboot", "halt", "ifconfig", "route", "ip", "mdev", "modprobe", "insmod",
           "sysctl", "pivot_root", "switch_root", "swapon", "swapoff", "udhcpc"}


def path(build):
    for folder in ("bin", "usr/bin"):
        found = os.path.join(build, "packages", folder, "busybox")
        if os.path.exists(found):
            return found
    sys.exit(f"{build}/packages has no busybox: run tools/setup")


def read(build):
    with open(path(build), "rb") as f:
        return f.read()


def links(build):
    """(path, target) of a symlink for each applet, relative so that they work under any root."""
    names = subprocess.run([path(build), "--list"], stdout=subprocess.PIPE, check=True, text=True)
    out = []
    for name in sorted(names.stdout.split()):
        if name in NOT_LINKED:
            continue
        if name in IN_SBIN:
            out.append((f"/sbin/{name}", "../bin/busybox"))
        else:
            out.append((f"/bin/{name}", "busybox"))
    return out
