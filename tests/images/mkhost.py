#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes an image of this machine's own programs: dynamically linked, with their libraries.

    mkhost.py OUT.tar

bash, perl, Python and the core utilities, as Debian built them. What they need is asked of ldd.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lib"))
import oci

PROGRAMS = ["bash", "perl", "/usr/bin/python3", "ls", "cat", "sort", "tail", "sed", "grep", "find", "tar", "gzip",
            "dd", "md5sum", "mkfifo", "touch", "rm", "stat", "tee", "head", "wc", "seq", "sleep", "timeout"]
# Of Python's library, what no test needs and what is large.
WITHOUT = {"__pycache__", "test", "idlelib", "lib2to3", "ensurepip", "distutils", "pydoc_data", "tkinter",
           "turtledemo", "unittest", "dist-packages"}


def libraries(path):
    """The files that the dynamic linker maps for a program or a library, its own included."""
    out = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    for line in out.splitlines():
        for word in line.split():
            if word.startswith("/"):
                yield word


class Tree:
    """Files by their path in the image; each comes with its libraries."""

    def __init__(self):
        self.layer, self.there = oci.Layer(), set()
        for path, mode in (("bin", 0o755), ("tmp", 0o1777), ("dev", 0o755), ("proc", 0o755), ("root", 0o700)):
            self.layer.directory(path, mode)
        self.layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n")
        self.layer.symlink("bin/sh", "bash")

    def add(self, source, path):
        if path in self.there:
            return
        self.there.add(path)
        with open(source, "rb") as f:
            data = f.read()
        self.layer.file(path, data, os.stat(source).st_mode & 0o755)
        if data[:4] == b"\x7fELF":
            for library in libraries(source):
                self.add(library, library)

    def add_folder(self, folder, without=()):
        for here, folders, files in os.walk(folder):
            folders[:] = sorted(f for f in folders if f not in without and not f.startswith("config-"))
            for name in sorted(files):
                self.add(os.path.join(here, name), os.path.join(here, name))


def main():
    tree = Tree()
    for name in PROGRAMS:
        tree.add(os.path.realpath(shutil.which(name, path="/usr/bin:/bin")), "/bin/" + os.path.basename(name))
    python = ["/usr/bin/python3", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]
    tree.add_folder(subprocess.run(python, check=True, stdout=subprocess.PIPE, text=True).stdout.strip(), WITHOUT)
    oci.write_image(sys.argv[1], [oci.Image("host", [tree.layer], {"Cmd": ["bash"], "Env": ["PATH=/bin"]})])


if __name__ == "__main__":
    main()
