#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes image archives that `ct load` must refuse, and a few that it must take.

    mkbad.py FOLDER

writes FOLDER/good-*.tar* and FOLDER/bad-*.tar*, and FOLDER/expect: for each bad
one a line "NAME<TAB>REGEX" of what the message must say. Everything is made
from one small image, so that what differs is only what is wrong with it.
"""
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/lib"))
import oci

TRUNCATIONS = 50


def base_layer(compress=False):
    layer = oci.Layer(compress)
    layer.directory("bin", 0o755)
    layer.file("bin/true", b"\x7fELF" + bytes(range(256)) * 40, 0o755)
    layer.directory("etc", 0o755)
    layer.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    layer.symlink("etc/link", "/etc/passwd")
    return layer


def second_layer():
    layer = oci.Layer()
    layer.whiteout("etc/link")
    layer.file("etc/.wh..wh..opq", b"")
    layer.file("etc/group", b"root:x:0:\n")
    layer.hardlink("etc/group2", "etc/group")
    return layer


def image(layers=None, name="t:one", **config):
    return oci.Image(name, layers or [base_layer(), second_layer()], {"Cmd": ["/bin/true"], **config})


def tar_bytes(members, form=tarfile.USTAR_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o644
            if data is None:
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def replace(members, name, change):
    found = [n for n, _ in members if n == name]
    assert found, name
    return [(n, change(d) if n == name else d) for n, d in members]


def flip(at):
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def rewrite(members, name, change):
    """Changes JSON; what refers to it by digest is left alone, unless it is the index."""
    return replace(members, name, lambda data: oci.as_json(change(json.loads(data))))


def old_docker(img):
    """The form of docker save before it wrote OCI layouts: index last, layer.tar a link."""
    _, docker, blobs = img.blobs()
    config = docker["Config"].rpartition("/")[2]
    members, layers = [], []
    for number, path in enumerate(docker["Layers"]):
        digest = path.rpartition("/")[2]
        members.append((f"{digest}.tar", blobs[digest]))
        members.append((f"{number:064x}/VERSION", b"1.0"))
        members.append((f"{number:064x}/layer.tar", f"../{digest}.tar"))
        layers.append(f"{number:064x}/layer.tar")
    members.append((f"{config}.json", blobs[config]))
    manifest = [{"Config": f"{config}.json", "RepoTags": docker["RepoTags"], "Layers": layers}]
    members.append(("manifest.json", oci.as_json(manifest)))
    members.append(("repositories", b"{}"))
    return members


def hostile_layers():
    """(name, layer, what the refusal says)"""
    def one(fill):
        layer = oci.Layer()
        layer.directory("dir", 0o755)
        fill(layer)
        return layer

    def through_link(layer):
        layer.symlink("dir/out", "/etc")
        layer.member("dir/out/evil", tarfile.REGTYPE, 0o644, b"x")

    def through_relative_link(layer):
        layer.symlink("up", "..")
        layer.member("up/evil", tarfile.REGTYPE, 0o644, b"x")

    def directory_through_link(layer):
        layer.symlink("out", "/tmp")
        layer.member("out/sub/", tarfile.DIRTYPE, 0o755)

    def through_file(layer):
        layer.file("plain", b"x")
        layer.member("plain/evil", tarfile.REGTYPE, 0o644, b"x")

    member = tarfile.REGTYPE
    yield "dotdot", one(lambda l: l.member("../evil", member, 0o644, b"x")), r'"\.\./evil".*"\.\."'
    yield "dotdot-inside", one(lambda l: l.member("dir/../../evil", member, 0o644, b"x")), r'"\.\."'
    yield "absolute", one(lambda l: l.member("/etc/evil", member, 0o644, b"x")), "absolute"
    yield "through-link", one(through_link), "no directory"
    yield "through-relative-link", one(through_relative_link), "no directory"
    yield "directory-through-link", one(directory_through_link), "no directory"
    yield "through-file", one(through_file), "no directory"
    yield "hardlink-out", one(lambda l: l.member("x", tarfile.LNKTYPE, 0o644, link="../../etc/passwd")), "outside"
    yield "hardlink-missing", one(lambda l: l.member("x", tarfile.LNKTYPE, 0o644, link="/etc/shadow")), "does not have"
    yield "whiteout-of-nothing", one(lambda l: l.member("dir/.wh.", member, 0, b"")), "whiteout"
    yield "whiteout-of-parent", one(lambda l: l.member("dir/.wh...", member, 0, b"")), "whiteout"


def flipped():
    """One byte wrong in each kind of blob; the message names it."""
    img = image([base_layer(True)])
    descriptor, docker, blobs = img.blobs()
    manifest = descriptor["digest"].partition(":")[2]
    config = docker["Config"].rpartition("/")[2]
    layer = docker["Layers"][0].rpartition("/")[2]
    members = oci.image_members([img])
    for what, digest in ("manifest", manifest), ("config", config), ("layer", layer):
        path = f"blobs/sha256/{digest}"
        size = len(blobs[digest])
        for at in 0, size // 3, size // 2, size - 1:
            yield f"flip-{what}-{at}", tar_bytes(replace(members, path, flip(at))), f"{what} sha256:{digest}"
    index = dict(members)["index.json"]
    for mark in b'"schemaVersion"', b'"manifests"', b'"digest"', b'"size"', b'"mediaType"':
        at = index.index(mark) + 2
        yield (f"flip-index-{mark.strip(bytes([34])).decode()}",
               tar_bytes(replace(members, "index.json", flip(at))), "index.json")
    at = index.index(b"sha256:") + 12
    yield "flip-index-digest-value", tar_bytes(replace(members, "index.json", flip(at))), "sha256:"


def inconsistent():
    """Right blobs that do not fit together."""
    members = oci.image_members([image()])

    def wrong_diff_id():
        img = image([base_layer(True)])
        original = img.blobs

        def blobs():
            descriptor, docker, found = original()
            path = docker["Config"].rpartition("/")[2]
            config = json.loads(found.pop(path))
            config["rootfs"]["diff_ids"][0] = "sha256:" + "ab" * 32
            config = oci.as_json(config)
            old = descriptor["digest"].partition(":")[2]
            manifest = json.loads(found.pop(old))
            manifest["config"].update(digest="sha256:" + oci.sha256(config), size=len(config))
            manifest = oci.as_json(manifest)
            found[oci.sha256(config)] = config
            found[oci.sha256(manifest)] = manifest
            descriptor.update(digest="sha256:" + oci.sha256(manifest), size=len(manifest))
            docker["Config"] = "blobs/sha256/" + oci.sha256(config)
            return descriptor, docker, found
        img.blobs = blobs
        return oci.image_members([img])

    def edited(change):
        return tar_bytes(rewrite(members, "index.json", change))

    def many_manifests(members):
        """Indexes within indexes: few bytes, and no end of manifests."""
        def index(of, times):
            entry = {"mediaType": oci.INDEX_TYPE, "digest": "sha256:" + oci.sha256(of), "size": len(of)}
            return oci.as_json({"schemaVersion": 2, "manifests": [entry] * times})
        inner = index(b"", 0)
        middle = index(inner, 250)
        blobs = [("blobs/sha256/" + oci.sha256(data), data) for data in (inner, middle)]
        return [(n, index(middle, 5) if n == "index.json" else d) for n, d in members] + blobs

    def set_in(**values):
        def change(index):
            index["manifests"][0].update(values)
            return index
        return change

    def no_size(index):
        del index["manifests"][0]["size"]
        return index

    yield "wrong-diff-id", tar_bytes(wrong_diff_id()), "layer sha256:.*diff_id"
    yield "size-too-large", edited(set_in(size=10 ** 6)), "bytes instead of"
    yield "size-negative", edited(set_in(size=-1)), "size"
    yield "size-no-number", edited(set_in(size="12")), "size"
    yield "size-missing", edited(no_size), "size"
    yield "digest-md5", edited(set_in(digest="md5:00")), "digest"
    yield "digest-path", edited(set_in(digest="sha256:../../etc/passwd")), "digest"
    yield "media-type", edited(set_in(mediaType="application/x-nothing")), "mediaType"
    yield "other-machine", edited(set_in(platform={"os": "linux", "architecture": "arm64"})), "linux/amd64"
    yield "schema", edited(lambda i: {**i, "schemaVersion": 3}), "schemaVersion"
    yield "no-manifests", edited(lambda i: {"schemaVersion": 2}), "manifests"
    yield "index-is-array", edited(lambda i: [i]), "index.json"
    yield "deep-json", tar_bytes(replace(members, "index.json", lambda d: b"[" * 100000)), "index.json"
    yield "duplicate-keys", tar_bytes(replace(members, "index.json", lambda d: d[:-1] + b',"schemaVersion":2}')), "index.json"
    yield "bad-reference", edited(set_in(annotations={"io.containerd.image.name": "../../x:y z"})), "reference"
    yield "pinned-to-another", edited(set_in(annotations={"io.containerd.image.name": "t@sha256:" + "ab" * 32})), "its digest is another"
    yield "too-many-manifests", tar_bytes(many_manifests(members)), "more than 1024 manifests"
    yield "layout", tar_bytes(replace(members, "oci-layout", lambda d: b'{"imageLayoutVersion":"9"}')), "oci-layout"
    yield "no-layout", tar_bytes([m for m in members if m[0] != "oci-layout"]), "oci-layout"
    for what in "manifest", "config", "layer":
        descriptor, docker, _ = image().blobs()
        digest = {"manifest": descriptor["digest"].partition(":")[2],
                  "config": docker["Config"].rpartition("/")[2],
                  "layer": docker["Layers"][1].rpartition("/")[2]}[what]
        yield f"missing-{what}", tar_bytes([m for m in members if digest not in m[0]]), f"{what} sha256:{digest}.*missing"


def not_images():
    yield "empty", b"", "empty"
    yield "text", b"hello\n" * 1000, "tar"
    yield "random", bytes((i * 7919 >> 3) & 255 for i in range(20000)), "tar"
    yield "other-tar", tar_bytes([("hello", b"x")]), "neither"
    yield "gzip-of-nothing", gzip.compress(b"", mtime=0), "empty"
    yield "manifest-empty", tar_bytes([("manifest.json", b"[]")]), "neither"
    yield "manifest-null", tar_bytes([("manifest.json", b"null")]), "manifest.json"
    yield "docker-config-gone", tar_bytes([("manifest.json", b'[{"Config":"x.json","Layers":[]}]')]), "x.json"
    yield "docker-config-outside", tar_bytes([("manifest.json", b'[{"Config":"../../etc/passwd","Layers":[]}]')]), "missing"
    yield "link-loop", tar_bytes([("index.json", "index.json"), ("manifest.json", b'[{"Config":"index.json","Layers":[]}]')]), "missing"


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    expect = []

    def good(name, data):
        with open(os.path.join(folder, f"good-{name}"), "wb") as f:
            f.write(data)

    def bad(name, data, regex):
        re.compile(regex)
        with open(os.path.join(folder, f"bad-{name}.tar"), "wb") as f:
            f.write(data)
        expect.append(f"bad-{name}.tar\t{regex}\n")

    plain = tar_bytes(oci.image_members([image()]))
    good("oci.tar", plain)
    good("oci.tar.gz", gzip.compress(plain, mtime=0))
    good("gzip-layer.tar", tar_bytes(oci.image_members([image([base_layer(True), second_layer()])])))
    good("docker-old.tar", tar_bytes(old_docker(image())))
    good("pax.tar", tar_bytes([("./" + n, d) for n, d in oci.image_members([image()])], tarfile.PAX_FORMAT))
    good("oci.tar.zst", subprocess.run(["zstd", "-q", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout)

    for number in range(TRUNCATIONS):
        bad(f"cut-{number}", plain[:len(plain) * number // TRUNCATIONS], "is truncated: |is empty|is no intact tar archive")
    packed = gzip.compress(plain, mtime=0)
    for number in range(1, 10):
        bad(f"cut-gzip-{number}", packed[:len(packed) * number // 10], ".")
    old = tar_bytes(old_docker(image()))
    for number in range(1, 10):
        bad(f"cut-docker-{number}", old[:len(old) * number // 10], ".")
    for name, layer, regex in hostile_layers():
        bad(f"layer-{name}", tar_bytes(oci.image_members([image([base_layer(), layer])])), f"layer sha256:.*{regex}")
    for source in flipped(), inconsistent(), not_images():
        for name, data, regex in source:
            bad(name, data, regex)
    with open(os.path.join(folder, "expect"), "w") as f:
        f.writelines(expect)


if __name__ == "__main__":
    main()
