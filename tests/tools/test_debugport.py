# SPDX-License-Identifier: BSD-2-Clause
import os
import re

import pytest

import debugport

pytestmark = pytest.mark.check


def frame(tag, payload):
    return b"\x1eBH" + tag.encode() + len(payload).to_bytes(2, "little") + payload


def decode(*pieces):
    decoder = debugport.Decoder()
    out = []
    for piece in pieces:
        for tag, payload in decoder.feed(piece):
            if out and out[-1][0] == tag == debugport.NOISE:
                out[-1] = (tag, out[-1][1] + payload)
            else:
                out.append((tag, payload))
    return out


def test_frames_keep_every_byte():
    every = bytes(range(256))
    assert decode(frame("o", every) + frame("e", b"") + frame("x", b"7")) == [
        ("o", every), ("e", b""), ("x", b"7")]


def test_frames_arrive_in_pieces():
    stream = b"noise" + frame("o", b"one") + b"\x1e more" + frame("x", b"0") + b"tail"
    whole = decode(stream)
    assert whole == [("", b"noise"), ("o", b"one"), ("", b"\x1e more"), ("x", b"0"), ("", b"tail")]
    assert decode(*(stream[i:i + 1] for i in range(len(stream)))) == whole


def test_look_alikes_are_noise():
    stream = b"\x1eB\x1eBX\x1eBHz\x01\x00a" + frame("o", b"x")
    assert decode(stream) == [("", b"\x1eB\x1eBX\x1eBHz\x01\x00a"), ("o", b"x")]


def test_frame_payload_may_look_like_a_frame():
    inner = frame("x", b"1")
    assert decode(frame("o", inner)) == [("o", inner)]


def test_constants_are_those_of_the_header():
    header = os.path.join(os.path.dirname(__file__), "../../boot/debugport.h")
    with open(header) as f:
        values = dict(re.findall(r"#define DEBUG_(\w+)\s+'?(\w+)'?", f.read()))
    magic = bytes([int(values["FRAME_MAGIC0"], 16)]) + (
        values["FRAME_MAGIC1"] + values["FRAME_MAGIC2"]).encode()
    assert magic == debugport.MAGIC
    assert int(values["FRAME_HEADER"]) == debugport.HEADER
    assert {v for k, v in values.items() if k.startswith("TAG_")} == debugport.TAGS
    assert values["TAG_STATUS"] == debugport.STATUS and values["TAG_PANIC"] == debugport.PANIC
