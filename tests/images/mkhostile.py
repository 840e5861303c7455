#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes an archive of images that are well formed and mean harm, or are merely unusual.

    mkhostile.py --build BUILD OUT.tar

They try what has got containers out of their root elsewhere: links where the
runtime mounts, working directories among its descriptors, scripts that execute
the runtime itself.
"""
import argparse
import os
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lib"))
import busybox
import oci

APPLETS = ["sh", "ls", "cat", "id", "pwd", "mount", "grep", "sleep", "head", "env", "wc"]


def base(build):
    layer = oci.Layer()
    layer.directory("bin")
    layer.directory("tmp", 0o1777)
    layer.file("bin/busybox", busybox.read(build), 0o755)
    for name in APPLETS:
        layer.symlink("bin/" + name, "busybox")
    return layer


def made(fill):
    layer = oci.Layer()
    fill(layer)
    return layer


def masks(layer):
    layer.directory("dev")
    layer.symlink("dev/null", "/proc/sys/kernel/core_pattern")
    layer.symlink("dev/pts", "/tmp")
    layer.symlink("dev/console", "/proc/sysrq-trigger")


def accounts(layer):
    layer.directory("etc")
    layer.member("etc/passwd", tarfile.FIFOTYPE, 0o644)


def numbers(layer):
    layer.directory("etc")
    layer.file("etc/passwd", b"1000:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\nnamed:x:1001:7::/home/named:/bin/sh\n")
    layer.file("etc/group", b"1000:x:0:\n4294967296:x:0:\n1002:x:0:named\n")


def names(layer):
    layer.directory("h\u00e9")
    layer.file("h\u00e9/\u65e5\u672c", b"x")
    layer.file("l" * 200 + "/" + "m" * 150, b"y")


START = b"""#!/bin/sh
trap 'echo stopped; exit 7' USR2
trap 'echo terminated; exit 8' TERM
echo "$0 $# $1 $2"
echo "$GREETING $(pwd) $(id -u):$(id -g) $HOME"
echo ready
while :; do sleep 0.1; done
"""


def fields(layer):
    layer.directory("etc")
    layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nworker:x:1234:100::/home/of/worker:/bin/sh\n")
    layer.file("etc/group", b"root:x:0:\nstaff:x:56:\n")
    layer.file("bin/start", START, 0o755)


def images(build):
    low = base(build)

    def image(name, fill, **config):
        return oci.Image(name, [low, made(fill)], {"Cmd": ["sh"], **config})

    yield image("devlink", lambda l: l.symlink("dev", "/../../tmp/outside"))
    yield image("proclink", lambda l: l.symlink("proc", "/tmp"))
    yield image("syslink", lambda l: l.symlink("sys", "/tmp"))
    yield image("etclink", lambda l: l.symlink("etc", "/../../tmp/outside"))
    yield image("uplink", lambda l: l.symlink("up", "/../../../tmp"))
    yield image("masks", masks)
    yield image("intodev", lambda l: (l.symlink("a", "/dev"), l.symlink("b", "/dev")))
    yield image("accounts", accounts)
    yield image("numbers", numbers)
    yield image("names", names)
    # every field that says how an image is run
    yield image("fields", fields, Env=["GREETING=good day", "PATH=/bin"], Entrypoint=["start", "entry"], Cmd=["two words"],
                WorkingDir="/work/deep", User="worker:staff", StopSignal="SIGUSR2")
    yield image("environment", lambda l: l.directory("x"), Env=["TERM=dumb", "HOSTNAME=mine", "PATH=/bin", "EMPTY="])
    yield image("selfexe", lambda l: l.file("bin/x", b"#!/proc/self/exe\n", 0o755), Entrypoint=["/bin/x"])
    for number in range(3, 12):
        yield image(f"cwd{number}", lambda l: l.directory("x"), WorkingDir=f"/proc/self/fd/{number}")
    yield image("cwdup", lambda l: l.directory("x"), WorkingDir="/../../../proc/1/root")

    lower = made(lambda l: (l.directory("d"), l.file("d/low", b"1"), l.file("gone", b"1")))
    empty = oci.Layer()
    hide = made(lambda l: (l.whiteout("d"), l.whiteout("gone")))
    again = made(lambda l: (l.directory("d"), l.file("d/high", b"2")))
    opaque = made(lambda l: (l.directory("d"), l.file("d/high", b"2"), l.file("d/.wh..wh..opq", b"")))
    over = made(lambda l: (l.whiteout("d"), l.file("d/high", b"2")))
    yield oci.Image("whiteout", [low, empty, lower, empty, hide, again], {"Cmd": ["sh"]})
    yield oci.Image("opaque", [low, lower, opaque], {"Cmd": ["sh"]})
    yield oci.Image("over", [low, lower, over], {"Cmd": ["sh"]})
    # the order of a layer's entries does not matter to what its whiteouts hide
    after = made(lambda l: (l.directory("d"), l.file("d/high", b"2"), l.whiteout("d")))
    yield oci.Image("after", [low, lower, after], {"Cmd": ["sh"]})
    # a directory that has been hidden, and in the same layer becomes a file after all
    unmade = made(lambda l: (l.directory("d"), l.file("d/.wh..wh..opq", b""), l.directory("n/n"), l.whiteout("n/n"),
                             l.file("d", b"3"), l.symlink("n", "/bin")))
    yield oci.Image("unmade", [low, lower, unmade], {"Cmd": ["sh"]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("out")
    args = parser.parse_args()
    oci.write_image(args.out, list(images(args.build)))


if __name__ == "__main__":
    main()
