# SPDX-License-Identifier: BSD-2-Clause
"""Writes cpio archives in the newc format, the same bytes for the same input.

File data that could be mapped starts at a multiple of the page size, so that a
kernel which finds the archive page aligned in memory can adopt the pages. The
format has no field for that: the name is padded with more NULs than the one
it needs, which every reader takes as part of its terminator.
"""
import os
import stat

PAGE = 4096
HEADER = 110
TRAILER = "TRAILER!!!"
NAME_MAX = 4096  # what Linux accepts, the NULs included


class Archive:
    def __init__(self):
        self._out = bytearray()
        self._inode = 0
        self._names = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0), links=1, align=False):
        raw = name.encode() + b"\0"
        if align:
            pad = -(len(self._out) + HEADER + len(raw)) % PAGE
            if len(raw) + pad > NAME_MAX:
                self._entry(".", stat.S_IFDIR | 0o755, links=2)  # shifts what follows
                pad = -(len(self._out) + HEADER + len(raw)) % PAGE
            raw += b"\0" * pad
        if name != TRAILER:
            self._inode += 1
        fields = (self._inode if name != TRAILER else 0, mode, 0, 0, links, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(raw), 0)
        self._out += b"070701" + b"".join(b"%08X" % f for f in fields) + raw
        self._out += b"\0" * (-len(self._out) % 4)
        self._out += data
        self._out += b"\0" * (-len(self._out) % 4)

    def _add(self, path, mode, **more):
        name = path.strip("/")
        if not name or name in self._names:
            return
        self._names.add(name)
        self._entry(name, mode, **more)

    def has(self, path):
        return path.strip("/") in self._names

    def directory(self, path, mode=0o755):
        self._add(path, stat.S_IFDIR | mode, links=2)

    def parents(self, path, modes=None):
        """The directories above `path` that are not there yet."""
        parts = path.strip("/").split("/")[:-1]
        for i in range(1, len(parts) + 1):
            parent = "/".join(parts[:i])
            self.directory(parent, (modes or {}).get("/" + parent, 0o755))

    def file(self, path, data, mode=0o644):
        self._add(path, stat.S_IFREG | mode, data=data, align=len(data) >= PAGE)

    def symlink(self, path, target):
        self._add(path, stat.S_IFLNK | 0o777, data=target.encode())

    def device(self, path, kind, major, minor, mode=0o600):
        self._add(path, (stat.S_IFCHR if kind == "c" else stat.S_IFBLK) | mode, rdev=(major, minor))

    def host(self, source, path, modes=None):
        """A file, symlink or directory tree of the build host, as `path`."""
        status = os.lstat(source)
        if stat.S_ISLNK(status.st_mode):
            self.parents(path, modes)
            self.symlink(path, os.readlink(source))
        elif stat.S_ISDIR(status.st_mode):
            self.parents(path, modes)
            self.directory(path, stat.S_IMODE(status.st_mode) & 0o755)
            for name in sorted(os.listdir(source)):
                self.host(os.path.join(source, name), path.rstrip("/") + "/" + name, modes)
        else:
            self.parents(path, modes)
            with open(source, "rb") as f:
                self.file(path, f.read(), 0o755 if status.st_mode & 0o111 else 0o644)

    def bytes(self):
        out = Archive()
        out._out = bytearray(self._out)
        out._entry(TRAILER, 0)
        out._out += b"\0" * (-len(out._out) % 512)
        return bytes(out._out)

    def write(self, path):
        new = path + ".new"
        with open(new, "wb") as f:
            f.write(self.bytes())
        os.replace(new, path)
