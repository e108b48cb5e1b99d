"""Clips as MP4 files (ISO 14496-12 and -15): one track of H.264, its index in front, so that players need not seek."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction

from mockserver.generate.files import h264

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
"""Shown as it is: neither turned nor scaled."""


def encode_mp4(width: int, height: int, frame_rate: float, clip: Iterable[h264.Cells]) -> bytes:
    """A clip of cells of 16 x 16 pixels; `width` and `height` in pixels, even; `frame_rate` in pictures a second."""
    samples = [struct.pack(">I", len(unit)) + unit for unit in h264.encode_pictures(clip)]
    if not samples:
        raise ValueError("a clip needs at least one picture")
    rate = Fraction(str(frame_rate))
    kind = encode_box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2avc1mp41")
    # The index says where the pictures begin. That depends on the index's length, which does not depend on its values.
    start = len(kind) + len(encode_index(width, height, rate, samples, 0)) + 8
    return kind + encode_index(width, height, rate, samples, start) + encode_box(b"mdat", b"".join(samples))


def encode_index(width: int, height: int, rate: Fraction, samples: list[bytes], start: int) -> bytes:
    """`moov`: what the file holds. Times count in ticks of `rate.numerator` a second."""
    ticks, length = rate.numerator, rate.denominator * len(samples)
    movie = encode_full_box(b"mvhd", struct.pack(">4I", 0, 0, ticks, length), encode_movie_rest())
    duration = (
        struct.pack(">5I8x4H", 0, 0, 1, 0, length, 0, 0, 0, 0) + MATRIX + struct.pack(">II", width << 16, height << 16)
    )
    media = encode_full_box(b"mdhd", struct.pack(">4I2H", 0, 0, ticks, length, 0x55C4, 0))
    handler = encode_full_box(b"hdlr", struct.pack(">I4s12x", 0, b"vide") + b"clip\0")
    information = encode_box(
        b"minf",
        encode_full_box(b"vmhd", bytes(8), flags=1),
        encode_box(b"dinf", encode_full_box(b"dref", struct.pack(">I", 1), encode_full_box(b"url ", flags=1))),
        encode_table(width, height, rate, samples, start),
    )
    return encode_box(
        b"moov",
        movie,
        encode_box(
            b"trak", encode_full_box(b"tkhd", duration, flags=3), encode_box(b"mdia", media, handler, information)
        ),
    )


def encode_movie_rest() -> bytes:
    """Speed 1, volume 1, and the number of the next track."""
    return struct.pack(">IH10x", 0x10000, 0x100) + MATRIX + bytes(24) + struct.pack(">I", 2)


def encode_table(width: int, height: int, rate: Fraction, samples: list[bytes], start: int) -> bytes:
    """`stbl`: how each picture is coded, how long it is shown, and where it is."""
    count = len(samples)
    return encode_box(
        b"stbl",
        encode_full_box(b"stsd", struct.pack(">I", 1), encode_avc1(width, height)),
        encode_full_box(b"stts", struct.pack(">3I", 1, count, rate.denominator)),
        encode_full_box(b"stss", struct.pack(">2I", 1, 1)),
        encode_full_box(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        encode_full_box(b"stsz", struct.pack(f">2I{count}I", 0, count, *map(len, samples))),
        encode_full_box(b"stco", struct.pack(">2I", 1, start)),
    )


def encode_avc1(width: int, height: int) -> bytes:
    """The coding, with the two sets that the pictures refer to (ISO 14496-15, 5.3.3)."""
    sequence, picture = h264.encode_sequence_set(width, height), h264.encode_picture_set()
    sets = b"\1" + sequence[1:4] + b"\xff\xe1" + encode_with_length(sequence) + b"\1" + encode_with_length(picture)
    head = struct.pack(">6xH16xHH3IH32xHh", 1, width, height, 72 << 16, 72 << 16, 0, 1, 24, -1)
    return encode_box(b"avc1", head, encode_box(b"avcC", sets))


def encode_with_length(unit: bytes) -> bytes:
    return struct.pack(">H", len(unit)) + unit


def encode_box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I", 8 + len(body)) + kind + body


def encode_full_box(kind: bytes, *contents: bytes, flags: int = 0) -> bytes:
    """A box of version 0."""
    return encode_box(kind, struct.pack(">I", flags), *contents)
