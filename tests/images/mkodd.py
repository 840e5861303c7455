#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes archives that `ct load` must take, each of which is unusual in one way.

    mkodd.py --build BUILD FOLDER

writes FOLDER/*.tar; what each is about stands where it is made. Unlike those of
mkbad.py their images run: they have a busybox.
"""
import argparse
import json
import os
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lib"))
import mkhostile
import oci


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def sparse_file(layer, name, size, *parts):
    """As GNU tar 1.0 writes it: where its data is, then the data; the rest is holes."""
    parts = list(parts) + [(size, b"")]
    where = "".join(f"{number}\n" for number in [len(parts)] + [n for at, data in parts for n in (at, len(data))]).encode()
    layer.member("GNUSparseFile.0/" + name, tarfile.REGTYPE, 0o644, where.ljust(512, b"\0") + b"".join(data for _, data in parts),
                 pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name, "GNU.sparse.realsize": str(size)})


def sparse_files(layer):
    sparse_file(layer, "hole", 1 << 30)
    sparse_file(layer, "tail", 5 << 20, (0, b"data"))
    sparse_file(layer, "holes", 3 << 20, (1 << 20, b"a" * 4096), (2 << 20, b"b" * 4096))


LARGE = 16 << 20  # test_ct.py knows it


class Odd:
    """One image as archive members, to be changed before they are written."""

    def __init__(self, low, name="odd:one", fill=lambda layer: None, **config):
        self.image = oci.Image(name, [low, mkhostile.made(fill)], {"Cmd": ["sh"], **config})
        self.descriptor, self.docker, self.blobs = self.image.blobs()

    def members(self, docker=True):
        index = {"schemaVersion": 2, "mediaType": oci.INDEX_TYPE, "manifests": [self.descriptor]}
        members = [("oci-layout", oci.as_json({"imageLayoutVersion": "1.0.0"})), ("index.json", oci.as_json(index))]
        if docker:
            members.append(("manifest.json", oci.as_json([self.docker])))
        return members + [("blobs/sha256/" + digest, self.blobs[digest]) for digest in sorted(self.blobs)]

    def add_layer(self, blob):
        """A layer the configuration has some other diff_id for."""
        config = json.loads(self.blobs.pop(self.docker["Config"].rpartition("/")[2]))
        config["rootfs"]["diff_ids"].append("sha256:" + "ab" * 32)
        config = oci.as_json(config)
        manifest = json.loads(self.blobs.pop(self.descriptor["digest"].partition(":")[2]))
        manifest["config"].update(digest="sha256:" + oci.sha256(config), size=len(config))
        manifest["layers"].append({"mediaType": oci.LAYER_TYPE + "+zstd", "digest": "sha256:" + oci.sha256(blob), "size": len(blob)})
        manifest = oci.as_json(manifest)
        self.blobs.update({oci.sha256(data): data for data in (blob, config, manifest)})
        self.descriptor.update(digest="sha256:" + oci.sha256(manifest), size=len(manifest))
        self.docker.update(Config="blobs/sha256/" + oci.sha256(config))
        self.docker["Layers"].append("blobs/sha256/" + oci.sha256(blob))

    def name(self, full=None, tag=None):
        names = {"io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag}
        self.descriptor["annotations"] = {key: name for key, name in names.items() if name}
        return self


def archives(build):
    """(name, members)"""
    low = mkhostile.base(build)

    # named by its digest, without a tag, as containerd writes images that were pulled that way
    one = Odd(low, fill=lambda l: l.file("which", b"one\n"))
    two = Odd(low, fill=lambda l: l.file("which", b"two\n"))
    yield "one", one.members()
    # a layer that takes all day: behind its tar's end there is more to hash than anybody waits for
    slow = Odd(low, name="slow:one")
    slow.add_layer(zstd(mkhostile.made(lambda l: l.directory("x")).finish()[0]) + zstd(bytes(64 << 20)) * 512)
    yield "slow", slow.members()

    yield "sparse", Odd(low, fill=sparse_files).members()
    yield "large", Odd(low, name="large:one", fill=lambda l: l.file("big", bytes(LARGE))).members()

    # as skopeo and podman write oci-archive: only a tag
    yield "tagged", Odd(low).name(tag="v1").members(docker=False)

    # a second name that cannot be recorded, as no file can be called that
    two.docker["RepoTags"].append("odd/" + "x" * 300 + ":one")
    yield "long-name", two.members()

    yield "pinned", two.name("docker.io/library/odd@" + two.descriptor["digest"]).members(docker=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("folder")
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    for name, members in archives(args.build):
        oci.write_members(os.path.join(args.folder, name + ".tar"), members)


if __name__ == "__main__":
    main()
