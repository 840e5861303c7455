# SPDX-License-Identifier: BSD-2-Clause
"""EFI system partitions: a FAT32 file system over the whole disk, made with mtools, no root needed."""
import os
import subprocess

# Bochs addresses the disk by cylinders of this size; a tail beyond them would be out of reach.
CYLINDER = 16 * 63 * 512
SMALLEST = 130  # cylinders: below that it would not be FAT32


def _mtools(*command):
    env = dict(os.environ, MTOOLSRC="/dev/null", MTOOLS_SKIP_CHECK="1")
    subprocess.run(command, check=True, env=env, stdin=subprocess.DEVNULL)


def _size(path):
    if os.path.isdir(path):
        return sum(_size(os.path.join(path, name)) + 4096 for name in os.listdir(path))
    return os.path.getsize(path)


def make(image, tree, extra):
    """A disk image with the files of the folder `tree`, and `extra` files in \\bulkhead."""
    total = _size(tree) + sum(_size(path) for path in extra)
    cylinders = max(SMALLEST, (total * 21 // 20 + 4 * 1024 * 1024) // CYLINDER + 1)
    with open(image, "wb") as f:
        f.truncate(cylinders * CYLINDER)
    _mtools("mformat", "-i", image, "-F", "-h", "16", "-s", "63", "-t", str(cylinders),
            "-v", "BULKHEAD", "::")
    _mtools("mcopy", "-i", image, "-s", *(os.path.join(tree, n) for n in sorted(os.listdir(tree))),
            "::/")
    if extra:
        _mtools("mcopy", "-i", image, "-o", *extra, "::/bulkhead/")
