"""Volumes as DICOM files (NEMA PS3.10): grey pictures of 8 bits, one for each frame, not compressed."""

from __future__ import annotations

import hashlib
import struct

BYTE_PICTURES = "1.2.840.10008.5.1.4.1.1.7.2"
"""Multi-frame Grayscale Byte Secondary Capture (PS3.4, B.5): what pictures of 8 bits without a scanner are."""
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLEMENTATION = "2.25.297391846140713924501927830042371590011"
"""Made once from a random UUID, as PS3.5, B.2 lets anyone do."""
LONG_FORM = {"OB", "OW", "SQ", "UN", "UT"}


def encode_dicom(width: int, height: int, frames: list[bytes], *, name: str) -> bytes:
    """A file of frames of `height` rows of `width` bytes. Its unique ids come from `name`."""
    if any(len(frame) != width * height for frame in frames) or not frames:
        raise ValueError(f"expected frames of {width} * {height} bytes, at least one")
    instance = build_uid(name, "instance")
    about = (
        encode_element(0x0002, 0x0001, "OB", b"\0\1")
        + encode_element(0x0002, 0x0002, "UI", BYTE_PICTURES)
        + encode_element(0x0002, 0x0003, "UI", instance)
        + encode_element(0x0002, 0x0010, "UI", EXPLICIT_LITTLE_ENDIAN)
        + encode_element(0x0002, 0x0012, "UI", IMPLEMENTATION)
    )
    length = encode_element(0x0002, 0x0000, "UL", struct.pack("<I", len(about)))
    return bytes(128) + b"DICM" + length + about + encode_data_set(width, height, frames, name, instance)


def encode_data_set(width: int, height: int, frames: list[bytes], name: str, instance: str) -> bytes:
    """The patient, the study and the pixels, by ascending tag (PS3.3, A.8.3)."""
    elements: list[tuple[int, int, str, str | bytes | int]] = [
        (0x0008, 0x0016, "UI", BYTE_PICTURES),
        (0x0008, 0x0018, "UI", instance),
        (0x0008, 0x0020, "DA", "20241201"),
        (0x0008, 0x0030, "TM", "120000"),
        (0x0008, 0x0050, "SH", ""),
        (0x0008, 0x0060, "CS", "OT"),
        (0x0008, 0x0064, "CS", "SYN"),
        (0x0008, 0x0090, "PN", ""),
        (0x0010, 0x0010, "PN", "Mock^Volume"),
        (0x0010, 0x0020, "LO", build_uid(name, "patient")[-16:]),
        (0x0010, 0x0030, "DA", ""),
        (0x0010, 0x0040, "CS", "O"),
        (0x0018, 0x2001, "IS", "\\".join(str(1 + index) for index in range(len(frames)))),
        (0x0020, 0x000D, "UI", build_uid(name, "study")),
        (0x0020, 0x000E, "UI", build_uid(name, "series")),
        (0x0020, 0x0010, "SH", "1"),
        (0x0020, 0x0011, "IS", "1"),
        (0x0020, 0x0013, "IS", "1"),
        (0x0028, 0x0002, "US", 1),
        (0x0028, 0x0004, "CS", "MONOCHROME2"),
        (0x0028, 0x0008, "IS", str(len(frames))),
        (0x0028, 0x0009, "AT", struct.pack("<HH", 0x0018, 0x2001)),  # frames follow by their numbers
        (0x0028, 0x0010, "US", height),
        (0x0028, 0x0011, "US", width),
        (0x0028, 0x0100, "US", 8),
        (0x0028, 0x0101, "US", 8),
        (0x0028, 0x0102, "US", 7),
        (0x0028, 0x0103, "US", 0),
        (0x0028, 0x0301, "CS", "NO"),
        (0x0028, 0x1052, "DS", "0"),
        (0x0028, 0x1053, "DS", "1"),
        (0x0028, 0x1054, "LO", "US"),
        (0x2050, 0x0020, "CS", "IDENTITY"),
        (0x7FE0, 0x0010, "OB", b"".join(frames)),
    ]
    return b"".join(encode_element(*each) for each in elements)


def encode_element(group: int, number: int, kind: str, value: str | bytes | int) -> bytes:
    """A tag, its kind, its length and its value, filled up to an even length (PS3.5, 7.1.2)."""
    if isinstance(value, int):
        value = struct.pack("<H", value)
    if isinstance(value, str):
        filler = b"\0" if kind == "UI" else b" "
        value = value.encode("ascii")
        value += filler * (len(value) % 2)
    value += b"\0" * (len(value) % 2)
    head = struct.pack("<HH", group, number) + kind.encode()
    return head + (struct.pack("<2xI", len(value)) if kind in LONG_FORM else struct.pack("<H", len(value))) + value


def build_uid(*path: str) -> str:
    """A unique id under the root that needs no registration (PS3.5, B.2)."""
    number = int.from_bytes(hashlib.blake2b("\x1f".join(path).encode(), digest_size=15).digest(), "big")
    return f"2.25.{number}"
