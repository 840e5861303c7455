# SPDX-License-Identifier: BSD-2-Clause
"""The demo image is what the OCI image specification and `docker load` ask for."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest

pytestmark = pytest.mark.check

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.fixture(params=["plain", "gzip"])
def image(request, build, tmp_path):
    out = tmp_path / "image.tar"
    more = ["--gzip"] if request.param == "gzip" else []
    subprocess.run([ROOT + "/tools/mkimage", "--build", build, *more, str(out)], check=True)
    with tarfile.open(out) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}


def blob(image, descriptor):
    data = image["blobs/" + descriptor["digest"].replace(":", "/")]
    assert sha256(data) == descriptor["digest"] and len(data) == descriptor["size"]
    return data


def test_every_digest_is_right(image):
    assert json.loads(image["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (descriptor,) = json.loads(image["index.json"])["manifests"]
    manifest = json.loads(blob(image, descriptor))
    config = json.loads(blob(image, manifest["config"]))
    layers = [blob(image, layer) for layer in manifest["layers"]]
    plain = [gzip.decompress(d) if d[:2] == b"\x1f\x8b" else d for d in layers]
    assert config["rootfs"]["diff_ids"] == [sha256(d) for d in plain]
    assert config["config"]["Cmd"] == ["sh"]

    (docker,) = json.loads(image["manifest.json"])
    assert docker["RepoTags"] == ["busybox:latest"]
    assert json.loads(image[docker["Config"]]) == config
    assert [image[name] for name in docker["Layers"]] == layers

    with tarfile.open(fileobj=io.BytesIO(plain[0])) as tar:
        names = {m.name: m for m in tar}
    assert names["bin/busybox"].mode == 0o755
    assert names["bin/sh"].issym() and names["tmp"].mode == 0o1777
