# SPDX-License-Identifier: BSD-2-Clause
"""Writes container images: one tar that is an OCI image layout and a `docker save` archive at once.

    layer = Layer(); layer.file("/bin/true", data, 0o755)
    write_image("out.tar", [Image("busybox:latest", [layer], {"Cmd": ["sh"]})])

The same input gives the same bytes. The tests also use this to build images
that are wrong in a chosen way.
"""
import gzip
import hashlib
import io
import json
import os
import tarfile

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CREATED = "1970-01-01T00:00:00Z"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Layer:
    """A file-system layer; names are absolute paths."""

    def __init__(self, compress=False):
        self.compress = compress
        self._buffer = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._buffer, mode="w", format=tarfile.PAX_FORMAT)
        self._done = None

    def member(self, name, kind, mode, data=None, link="", uid=0, gid=0, device=(0, 0), pax=None):
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.linkname, info.uid, info.gid = kind, mode, link, uid, gid
        info.devmajor, info.devminor = device
        info.size = len(data) if data else 0
        info.pax_headers = pax or {}
        self._tar.addfile(info, io.BytesIO(data) if data else None)

    def directory(self, path, mode=0o755, **owner):
        self.member(path.strip("/") + "/", tarfile.DIRTYPE, mode, **owner)

    def file(self, path, data, mode=0o644, **owner):
        self.member(path.strip("/"), tarfile.REGTYPE, mode, data, **owner)

    def symlink(self, path, target, **owner):
        self.member(path.strip("/"), tarfile.SYMTYPE, 0o777, link=target, **owner)

    def hardlink(self, path, target):
        self.member(path.strip("/"), tarfile.LNKTYPE, 0o644, link=target.strip("/"))

    def whiteout(self, path):
        folder, name = os.path.split(path.strip("/"))
        self.file(f"{folder}/.wh.{name}", b"")

    def finish(self):
        """(uncompressed tar, blob as stored)"""
        if self._done is None:
            self._tar.close()
            tar = self._buffer.getvalue()
            self._done = tar, gzip.compress(tar, mtime=0) if self.compress else tar
        return self._done


class Image:
    def __init__(self, name, layers, config=None):
        self.name = name if ":" in name else name + ":latest"
        self.layers = layers
        self.config = config or {}

    def blobs(self):
        """(manifest descriptor, entry for manifest.json, {digest: blob})"""
        blobs, diff_ids, descriptors = {}, [], []
        for layer in self.layers:
            tar, blob = layer.finish()
            digest = sha256(blob)
            blobs[digest] = blob
            diff_ids.append("sha256:" + sha256(tar))
            descriptors.append({"mediaType": LAYER_TYPE + ("+gzip" if layer.compress else ""),
                                "digest": "sha256:" + digest, "size": len(blob)})
        config = as_json({
            "architecture": "amd64", "os": "linux", "created": CREATED, "config": self.config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": [{"created": CREATED, "created_by": "tools/mkimage"} for _ in diff_ids]})
        blobs[sha256(config)] = config
        manifest = as_json({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": "sha256:" + sha256(config),
                       "size": len(config)},
            "layers": descriptors})
        blobs[sha256(manifest)] = manifest
        descriptor = {
            "mediaType": MANIFEST_TYPE, "digest": "sha256:" + sha256(manifest),
            "size": len(manifest),
            "annotations": {"io.containerd.image.name": "docker.io/library/" + self.name,
                            "org.opencontainers.image.ref.name": self.name.rpartition(":")[2]}}
        docker = {"Config": "blobs/sha256/" + sha256(config), "RepoTags": [self.name],
                  "Layers": ["blobs/" + d["digest"].replace(":", "/") for d in descriptors]}
        return descriptor, docker, blobs


def image_members(images):
    """The archive's files in order, as (name, data)."""
    descriptors, docker, blobs = [], [], {}
    for image in images:
        d, m, b = image.blobs()
        descriptors.append(d)
        docker.append(m)
        blobs.update(b)
    members = [("oci-layout", as_json({"imageLayoutVersion": "1.0.0"})),
               ("index.json", as_json({"schemaVersion": 2, "mediaType": INDEX_TYPE,
                                       "manifests": descriptors})),
               ("manifest.json", as_json(docker))]
    members += [("blobs/sha256/" + digest, blobs[digest]) for digest in sorted(blobs)]
    return members


def write_members(path, members):
    new = path + ".new"
    with tarfile.open(new, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("blobs/", "blobs/sha256/"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            tar.addfile(info, io.BytesIO(data))
    os.replace(new, path)


def write_image(path, images):
    write_members(path, image_members(images))
