"""Clips as MP4 files (ISO 14496-12 and -15): one track of H.264, its index in front, so that players need not seek."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction

from mockserver.generate.files import h264

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""Shown as it is: neither turned nor scaled."""


def mp4(width: int, height: int, frame_rate: float, clip: Iterable[h264.Cells]) -> bytes:
    """A clip of cells of 16 x 16 pixels; `width` and `height` in pixels, even; `frame_rate` in pictures a second."""
    samples = [struct.pack(">I", len(unit)) + unit for unit in h264.pictures(clip)]
    if not samples:
        raise ValueError("a clip needs at least one picture")
    rate = Fraction(str(frame_rate))
    kind = box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2avc1mp41")
    # The index tells where the pictures begin, which depends on its own length, which does not depend on what it tells.
    start = len(kind) + len(index(width, height, rate, samples, 0)) + 8
    return kind + index(width, height, rate, samples, start) + box(b"mdat", b"".join(samples))


def index(width: int, height: int, rate: Fraction, samples: list[bytes], start: int) -> bytes:
    """`moov`: what the file holds. Times count in ticks of `rate.numerator` a second."""
    ticks, length = rate.numerator, rate.denominator * len(samples)
    movie = full(b"mvhd", struct.pack(">4I", 0, 0, ticks, length), movie_rest())
    shown = (
        struct.pack(">5I8x4H", 0, 0, 1, 0, length, 0, 0, 0, 0) + MATRIX + struct.pack(">II", width << 16, height << 16)
    )
    media = full(b"mdhd", struct.pack(">4I2H", 0, 0, ticks, length, 0x55C4, 0))
    handler = full(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"clip\0")
    information = box(
        b"minf",
        full(b"vmhd", bytes(8), flags=1),
        box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", flags=1))),
        table(width, height, rate, samples, start),
    )
    return box(b"moov", movie, box(b"trak", full(b"tkhd", shown, flags=3), box(b"mdia", media, handler, information)))


def movie_rest() -> bytes:
    """Speed 1, volume 1, and the number of the next track."""
    return struct.pack(">IH10x", 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)


def table(width: int, height: int, rate: Fraction, samples: list[bytes], start: int) -> bytes:
    """`stbl`: how each picture is coded, how long it is shown, and where it stands."""
    count = len(samples)
    return box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), avc1(width, height)),
        full(b"stts", struct.pack(">3I", 1, count, rate.denominator)),
        full(b"stss", struct.pack(">2I", 1, 1)),
        full(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        full(b"stsz", struct.pack(f">2I{count}I", 0, count, *map(len, samples))),
        full(b"stco", struct.pack(">2I", 1, start)),
    )


def avc1(width: int, height: int) -> bytes:
    """The coding, with the two sets that the pictures refer to (ISO 14496-15, 5.3.3)."""
    sequence, picture = h264.sequence_set(width, height), h264.picture_set()
    sets = b"\1" + sequence[1:4] + b"\xff\xe1" + counted(sequence) + b"\1" + counted(picture)
    head = struct.pack(">6xH16xHH3IH32xHh", 1, width, height, 72 << 16, 72 << 16, 0, 1, 24, -1)
    return box(b"avc1", head, box(b"avcC", sets))


def counted(unit: bytes) -> bytes:
    return struct.pack(">H", len(unit)) + unit


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full(kind: bytes, *contents: bytes, flags: int = 0) -> bytes:
    """A box of version 0."""
    return box(kind, struct.pack(">I", flags), *contents)
