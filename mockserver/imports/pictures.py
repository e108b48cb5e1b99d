"""Masks that are imported: a PNG, or counts of pixels, become the spans of pixels that belong to an object.

PNG is read in pure Python, row by row, so that neither a large picture nor a dependency is kept in memory.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
import struct
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from mockserver.generate.files.raster import Span
from mockserver.imports.lines import Colour, Mask
from mockserver.imports.png_filters import MOST_SINGLE, FilteredRows, TooManySingleBytes, UnknownFilter
from mockserver.imports.problems import refuse_value

MOST_PIXELS = 64_000_000
"""Pixels of one mask."""
LONGEST_SIDE = 65_535
MOST_RUNS = 200_000
"""Runs of pixels of all objects in one picture; a mask with a smooth outline has one for each row."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""PNG colour type -> channels (W3C PNG, section 11.2.1)."""
INDEXED, GREYSCALES = 3, (0, 4)
_SET = re.compile(rb"[^\0]+")


class Spans(msgspec.Struct, frozen=True):
    """The pixels of an object in a picture of this size."""

    width: int
    height: int
    spans: list[Span]


class Header(msgspec.Struct, frozen=True):
    width: int
    height: int
    depth: int
    kind: int
    palette: bytes
    data: bytes

    @property
    def stride(self) -> int:
        """Bytes of a row, without its filter."""
        return -(-self.width * self.depth * CHANNELS[self.kind] // 8)


def decode_base64(text: str, path: str) -> bytes:
    """The bytes of a picture. Raises LineProblem."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise refuse_value(path, text, "a PNG in base64") from None


def read_mask(mask: Mask, path: str) -> Spans | None:
    """The pixels of a mask that was sent with its line; None for one that is only a URL. Raises LineProblem."""
    if mask.png is not None:
        return find_spans(decode_base64(mask.png, f"{path}.png"), None, f"{path}.png")
    if mask.counts is not None and mask.size is not None:
        return _find_counted(mask.counts, mask.size[0], mask.size[1], path)
    if mask.instance_uri is None:
        raise refuse_value(path, mask, "png, or instanceURI with colorRGB, or counts with size")
    if mask.colour is None:
        raise refuse_value(f"{path}.colorRGB", None, "the colour of the object in the picture, as [r, g, b]")
    return None


def find_spans(png: bytes, colour: Colour | None, path: str) -> Spans:
    """The pixels of one colour in a PNG; without a colour all that are not black. Raises LineProblem."""
    return find_all_spans(png, [colour], path)[0]


def find_all_spans(png: bytes, colours: Sequence[Colour | None], path: str) -> list[Spans]:
    """The pixels of each colour in a PNG. Raises LineProblem."""
    header = _read_header(png, path)
    all_spans: list[list[Span]] = [[] for _ in colours]
    last, runs = None, [[] for _ in colours]  # type: tuple[bytes | None, list[list[tuple[int, int]]]]
    count = 0
    for number, row in enumerate(_iterate_rows(header, path)):
        if row != last:  # most rows of a mask are those above them
            last = row
            runs = [[match.span() for match in _SET.finditer(_mark(header, row, colour))] for colour in colours]
        for spans, own in zip(all_spans, runs, strict=True):
            spans += [(number, first, after) for first, after in own]
        count += sum(map(len, runs))
        _check_runs(count, path)
    return [Spans(header.width, header.height, spans) for spans in all_spans]


def _find_counted(counts: list[int], height: int, width: int, path: str) -> Spans:
    """Counts of pixels outside and inside in turn, down the columns (COCO's uncompressed RLE)."""
    _check_size(width, height, path)
    if sum(counts) != width * height:
        raise refuse_value(f"{path}.counts", sum(counts), f"counts whose sum is {height} x {width} = {width * height}")
    if len(counts) > MOST_RUNS:
        raise refuse_value(f"{path}.counts", f"{len(counts):,} counts", f"at most {MOST_RUNS:,}")
    pixels = bytearray()
    for index, count in enumerate(counts):
        pixels += (b"\1" if index % 2 else b"\0") * count
    spans: list[Span] = []
    for row in range(height):
        spans += [(row, *match.span()) for match in _SET.finditer(bytes(pixels[row::height]))]
        _check_runs(len(spans), path)
    return Spans(width, height, spans)


def _check_runs(count: int, path: str) -> None:
    if count > MOST_RUNS:
        raise refuse_value(path, f"a picture with more than {count:,} runs of pixels", f"at most {MOST_RUNS:,}")


def _check_size(width: int, height: int, path: str) -> None:
    if not 0 < width * height <= MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        expected = f"1 to {MOST_PIXELS:,} pixels, at most {LONGEST_SIDE:,} on each side"
        raise refuse_value(path, f"a picture of {width} x {height}", expected)


def _read_header(png: bytes, path: str) -> Header:
    if not png.startswith(SIGNATURE):
        raise refuse_value(path, png[:16], "a PNG")
    head, palette, data = b"", b"", []
    for kind, body in _iterate_chunks(png):
        if kind == b"IHDR":
            head = body
        elif kind == b"PLTE":
            palette = body
        elif kind == b"IDAT":
            data.append(body)
    if len(head) != 13:
        raise refuse_value(path, "a PNG without a header", "a complete PNG")
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", head)
    _check_size(width, height, path)
    if kind not in CHANNELS or depth not in (1, 2, 4, 8, 16) or interlaced:
        raise refuse_value(path, f"a PNG of colour type {kind}, depth {depth}", "a PNG that is not interlaced")
    return Header(width, height, depth, kind, palette, b"".join(data))


def _iterate_chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(png):
        size, kind = struct.unpack_from(">I4s", png, at)
        yield kind, png[at + 8 : at + 8 + size]
        at += 12 + size


def _iterate_rows(header: Header, path: str) -> Iterator[bytes]:
    """Yields the bytes of each row. Raises LineProblem for a picture that ends early."""
    stride = header.stride
    step = max(1, header.depth * CHANNELS[header.kind] // 8)
    rows, inflate, rest = FilteredRows(stride, step), zlib.decompressobj(), header.data
    for _ in range(header.height):
        try:
            packed = inflate.decompress(rest, 1 + stride)
            while len(packed) <= stride and (inflate.unconsumed_tail or not inflate.eof):
                more = inflate.decompress(inflate.unconsumed_tail, 1 + stride - len(packed))
                if not more:
                    break
                packed += more
            rest = inflate.unconsumed_tail
        except zlib.error as error:
            raise refuse_value(path, f"a PNG that is damaged ({error})", "a complete PNG") from None
        if len(packed) <= stride:
            raise refuse_value(path, "a PNG that ends early", f"{header.height} rows")
        yield _undo_filter(rows, packed, path)


def _undo_filter(rows: FilteredRows, packed: bytes, path: str) -> bytes:
    try:
        return rows.undo(packed[0], packed[1:])
    except UnknownFilter:
        raise refuse_value(path, f"a PNG with the filter {packed[0]}", "a filter from 0 to 4") from None
    except TooManySingleBytes:
        what = f"a PNG of more than {MOST_SINGLE:,} bytes with the filters Average and Paeth outside of plain areas"
        raise refuse_value(path, what, "a mask of plain areas, or a PNG without filters") from None


def _mark(header: Header, row: bytes, colour: Colour | None) -> bytes:
    """A byte for each pixel: not 0 where it belongs to the object."""
    if header.depth == 16:
        row = row[::2] if colour is not None else _combine([row[::2], row[1::2]], any_of=True)
    if header.kind == INDEXED and header.depth == 8:
        return row.translate(_select_indices(header.palette, colour))
    channels = _split_channels(header, row)
    if colour is None:
        return _combine(channels, any_of=True)
    wanted = (colour[0],) * len(channels) if len(channels) == 1 else colour
    return _combine([_select(channel, value) for channel, value in zip(channels, wanted, strict=False)], any_of=False)


def _split_channels(header: Header, row: bytes) -> list[bytes]:
    """Red, green and blue, or grey, in eight bits each, of a row with at most eight. Transparency is left out."""
    if header.depth < 8:
        row = _widen(row, header.depth, scaled=header.kind != INDEXED)[: header.width]
    if header.kind == INDEXED:
        return [row.translate(header.palette[channel::3].ljust(256, b"\0")[:256]) for channel in range(3)]
    step = CHANNELS[header.kind]
    return [row[channel::step] for channel in range(1 if header.kind in GREYSCALES else 3)]


def _widen(row: bytes, depth: int, *, scaled: bool) -> bytes:
    """A byte for each pixel of a row with less than eight bits for each."""
    most = (1 << depth) - 1
    scale = 255 // most if scaled else 1
    shifts = range(8 - depth, -1, -depth)
    return bytes((value >> shift & most) * scale for value in row for shift in shifts)


@functools.lru_cache(16)
def _select_indices(palette: bytes, colour: Colour | None) -> bytes:
    """A table of the entries of a palette that are of a colour; without one, of those that are not black."""
    entries = [tuple(palette[at : at + 3]) for at in range(0, len(palette), 3)]
    chosen = [entry != (0, 0, 0) if colour is None else entry == tuple(colour) for entry in entries]
    return bytes(chosen).ljust(256, b"\0")[:256]


def _select(channel: bytes, value: int) -> bytes:
    table = bytearray(256)
    table[value] = 255
    return channel.translate(bytes(table))


def _combine(channels: list[bytes], *, any_of: bool) -> bytes:
    numbers = [int.from_bytes(channel, "big") for channel in channels]
    whole = numbers[0]
    for number in numbers[1:]:
        whole = whole | number if any_of else whole & number
    return whole.to_bytes(len(channels[0]), "big")
