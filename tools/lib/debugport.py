# SPDX-License-Identifier: BSD-2-Clause
"""The frames of boot/debugport.h, as they come out of an emulator."""

MAGIC = b"\x1eBH"
HEADER = 6

STDOUT, STDERR, STATUS, PANIC, LOG, STARTED = "o", "e", "x", "p", "l", "b"
TAGS = {STDOUT, STDERR, STATUS, PANIC, LOG, STARTED}
NOISE = ""  # bytes outside any frame


class Decoder:
    def __init__(self):
        self._pending = b""

    def feed(self, data):
        """Yields (tag, payload) for each frame completed by `data`, and (NOISE, bytes) between."""
        self._pending += data
        noise = bytearray()
        while self._pending:
            buffer = self._pending
            if not self._could_be_frame(buffer):
                skip = buffer.find(MAGIC[:1], 1)
                skip = len(buffer) if skip < 0 else skip
                noise += buffer[:skip]
                self._pending = buffer[skip:]
                continue
            if len(buffer) < HEADER:
                break
            length = buffer[4] | buffer[5] << 8
            if len(buffer) < HEADER + length:
                break
            if noise:
                yield NOISE, bytes(noise)
                noise.clear()
            self._pending = buffer[HEADER + length:]
            yield chr(buffer[3]), buffer[HEADER:HEADER + length]
        if noise:
            yield NOISE, bytes(noise)

    @staticmethod
    def _could_be_frame(buffer):
        known = buffer[:3]
        return MAGIC.startswith(known) and (len(buffer) < 4 or chr(buffer[3]) in TAGS)
