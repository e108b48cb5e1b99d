"""Pictures with objects over them: a picture, the frames of a clip, the slices of a volume."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from mockserver.console.drawn import Bar, Drawing, Frame, Json, Masks, Source
from mockserver.console.shapes import draw_object

MOST_FRAMES = 400
"""Frames that are drawn; of longer clips these come first."""


def draw_picture(source: Source) -> Drawing:
    shapes = [shape for item in source.objects for shape in draw_object(item, source.masks)]
    return Drawing("picture", *source.size, frames=[Frame(0, shapes)])


def list_frames(frames: Any, masks: Masks) -> list[Frame]:
    """Draws the objects of each frame. A mask is drawn in its key frames."""
    drawn = []
    for number in sorted(map(int, frames or {}))[:MOST_FRAMES]:
        at_frame = {key: [mask for mask in all_of if mask.get("frame") == number] for key, all_of in masks.items()}
        objects = (frames[str(number)].get("objects") or {}).values()
        drawn.append(Frame(number, [shape for item in objects for shape in draw_object(item, at_frame)]))
    return drawn


def list_bars(segments: Any, end: float) -> list[Bar]:
    return [
        Bar(feature, 100 * first / end, max(0.4, 100 * (last - first) / end))
        for feature, ranges in (segments or {}).items()
        for first, last in ranges
    ]


def draw_clip(source: Source) -> Drawing:
    frames, count = source.annotations.get("frames"), int(source.attributes.get("frame_count") or 1)
    bars = list_bars(source.annotations.get("segments"), count)
    rate = float(source.attributes.get("frame_rate") or 30)
    return Drawing("clip", *source.size, frames=list_frames(frames, source.masks), bars=bars, rate=rate)


def draw_volume(source: Source) -> Drawing:
    """The axial slices, whose pixels end the file: grey, of 8 bits, not compressed."""
    width, height = map(int, source.size)
    content = source.content or b""
    groups = source.annotations.get("groups") or {}
    axial: Json = next((group for group in groups.values() if group.get("name") == "Axial"), {})
    masks = {
        key: [mask for mask in all_of if mask.get("plane") in (None, "Axial")] for key, all_of in source.masks.items()
    }
    drawn = {frame.number: frame.shapes for frame in list_frames(axial.get("frames"), masks)}
    count = _read_frame_count(content) or max(drawn, default=1)
    pixels = (
        content.rstrip(b"\0")[-width * height * count :] if len(content) % 2 else content[-width * height * count :]
    )
    frames = [
        Frame(number, drawn.get(number, []), [], _encode_picture(pixels, width, height, number - 1))
        for number in range(1, min(count, MOST_FRAMES) + 1)
    ]
    return Drawing("slices", width, height, frames=frames)


def _read_frame_count(content: bytes) -> int:
    """Reads Number of Frames (0028,0008), a text of digits in an explicit little-endian file."""
    place = content.find(b"\x28\x00\x08\x00IS")
    if place < 0:
        return 0
    (length,) = struct.unpack_from("<H", content, place + 6)
    return int(content[place + 8 : place + 8 + length].decode("ascii").strip(" \0") or 0)


def _encode_picture(pixels: bytes, width: int, height: int, number: int) -> str | None:
    """Encodes a grey picture as PNG in a data URL."""
    picture = pixels[number * width * height : (number + 1) * width * height]
    if len(picture) != width * height:
        return None
    lines = b"".join(b"\0" + picture[start : start + width] for start in range(0, len(picture), width))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
