"""Pictures and masks as PNG files, drawn and packed in pure Python so that they are the same bytes anywhere.

`zlib` lends its checksums only: what its compressor writes differs between zlib, zlib-ng and vendors' builds (and so
between Python's Windows and Linux builds), and one world is the same bytes on every machine. Our pictures are runs of
one colour; `deflated` packs runs well, and nothing else.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise

Colour = tuple[int, int, int]
"""Red, green, blue; 0 to 255 each."""
Point = tuple[float, float]
"""x to the right and y downwards in pixels; whole numbers are pixel corners, so a pixel's centre is at .5."""
Span = tuple[int, int, int]
"""Row, first column, and the column after the last."""

GREYSCALE, TRUECOLOUR, INDEXED = 0, 2, 3
"""PNG colour types (W3C PNG, section 11.2.1)."""
PALETTE_SIZE = 256


class Canvas:
    """A picture to draw on. Shapes cover the pixels whose centre they contain and are clipped to the picture.

    Coordinates may be any finite numbers; a shape without area, or outside the picture, leaves no trace.
    """

    def __init__(self, width: int, height: int, background: Colour) -> None:
        if width < 1 or height < 1:
            raise ValueError(f"a picture needs at least one pixel, not {width}x{height}")
        self.width = width
        self.height = height
        self._palette: dict[Colour, int] = {check_colour(background): 0}
        self._depth = 1  # bytes a pixel: a palette index, or 3 once there are more colours than the palette holds
        # Rows follow one another as PNG has them: a zero (filter type "None"), then the pixels.
        self._rows = bytearray((1 + width) * height)

    def fill_polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fills by the even-odd rule; the last point is joined to the first."""
        self._paint(find_polygon_spans(points, self.width, self.height), colour)

    def fill_spans(self, spans: Sequence[Span], colour: Colour) -> None:
        """Fills runs of pixels."""
        inside = [(row, max(first, 0), min(after, self.width)) for row, first, after in spans if 0 <= row < self.height]
        self._paint([span for span in inside if span[1] < span[2]], colour)

    def fill_rectangle(self, left: float, top: float, width: float, height: float, colour: Colour) -> None:
        """Fills what the polygon of the same four corners would."""
        first, after = find_pixel_range(left, left + width, self.width)
        upper, under = find_pixel_range(top, top + height, self.height)
        self._paint([(row, first, after) for row in range(upper, under) if first < after], colour)

    def draw_line(self, points: Sequence[Point], colour: Colour, thickness: float = 1) -> None:
        """Draws an open line through the points, `thickness` pixels wide, with round joints and ends."""
        for start, end in pairwise(points):
            self.fill_polygon(outline_stroke(start, end, thickness), colour)
        for x, y in points:
            self.dot(x, y, thickness / 2, colour)

    def dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fills the disc around (x, y); `radius` in pixels."""
        self._paint(find_disc_spans(x, y, radius, self.width, self.height), colour)

    def png_rgb(self) -> bytes:
        """The picture in colour: with a palette while 256 colours or fewer were drawn, else 8-bit RGB."""
        if self._depth == 3:
            return encode_png(self.width, self.height, TRUECOLOUR, self._rows, distance=3)
        return encode_png(self.width, self.height, INDEXED, self._rows, distance=1, palette=list(self._palette))

    def png_truecolour(self) -> bytes:
        """The picture as 8-bit RGB whatever was drawn: readers that compare pixels with a colour see no palette."""
        if self._depth == 1:
            self._widen()
        return self.png_rgb()

    def png_grey(self) -> bytes:
        """The picture as one 8-bit channel of shape (height, width): for masks of 0 and 255."""
        if self._depth == 3:
            raise ValueError(f"a grey picture can hold {PALETTE_SIZE} colours at most; this one was drawn with more")
        rows = self._rows.translate(bytes(map(to_luma, self._palette)).ljust(PALETTE_SIZE, b"\0"))
        rows[:: 1 + self.width] = bytes(self.height)
        return encode_png(self.width, self.height, GREYSCALE, rows, distance=1)

    def _paint(self, spans: Sequence[Span], colour: Colour) -> None:
        if not spans:
            return
        ink, rows, depth, stride = self._ink(colour), self._rows, self._depth, 1 + self.width * self._depth
        for row, first, after in spans:
            start = row * stride + 1
            rows[start + first * depth : start + after * depth] = ink * (after - first)

    def _ink(self, colour: Colour) -> bytes:
        """One pixel of this colour as the rows have it."""
        check_colour(colour)
        if self._depth == 1:
            if colour in self._palette or len(self._palette) < PALETTE_SIZE:
                return bytes([self._palette.setdefault(colour, len(self._palette))])
            self._widen()
        return bytes(colour)

    def _widen(self) -> None:
        """Turns palette indices into red, green and blue."""
        channels = zip(*self._palette, strict=True)
        red, green, blue = (bytes(channel).ljust(PALETTE_SIZE, b"\0") for channel in channels)
        wide = bytearray()
        for start in range(1, len(self._rows), 1 + self.width):
            row = self._rows[start : start + self.width]
            pixels = bytearray(3 * self.width)
            pixels[0::3], pixels[1::3], pixels[2::3] = (
                row.translate(red),
                row.translate(green),
                row.translate(blue),
            )
            wide += b"\0" + pixels
        self._rows, self._depth = wide, 3


def check_colour(colour: Colour) -> Colour:
    if len(colour) != 3 or not all(0 <= channel <= 255 for channel in colour):
        raise ValueError(f"a colour is three whole numbers from 0 to 255, such as (255, 128, 0), not {colour}")
    return colour


def to_luma(colour: Colour) -> int:
    """How bright a colour is, 0 to 255 (ITU-R BT.601 weights); a grey is as bright as its channels."""
    red, green, blue = colour
    return (299 * red + 587 * green + 114 * blue) // 1000


# --- Shapes to spans. Plain float arithmetic and square roots only: IEEE 754 fixes their last bit. ---


def find_pixel_range(start: float, end: float, size: int) -> tuple[int, int]:
    """The pixels of 0 to `size` whose centre c has start <= c < end, as (first, after the last)."""
    return max(0, math.ceil(start - 0.5)), min(size, math.ceil(end - 0.5))


def find_polygon_spans(points: Sequence[Point], width: int, height: int) -> list[Span]:
    """The spans inside the closed polygon (even-odd rule, pixel centres), from the top row to the lowest."""
    if len(points) < 3:
        return []
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = find_pixel_range(min(xs), max(xs), width)
    top, bottom = find_pixel_range(min(ys), max(ys), height)
    if left >= right or top >= bottom:
        return []
    crossings: list[list[int]] = [[] for _ in range(top, bottom)]
    for start, end in zip(points, [*points[1:], points[0]], strict=True):
        add_crossings(start, end, top, bottom, crossings)
    return list(find_spans_between(crossings, top, left, right))


def add_crossings(start: Point, end: Point, top: int, bottom: int, crossings: list[list[int]]) -> None:
    """Adds, for each row from `top` whose centre line the edge crosses, the first column right of it.

    Edges are taken downwards in whichever direction they run: neighbours with a common edge neither overlap nor gap.
    """
    (x, y), (x_end, y_end) = (start, end) if start[1] <= end[1] else (end, start)
    run, drop, ceil = x_end - x, y_end - y, math.ceil
    first, after = find_pixel_range(y, y_end, bottom)
    first = max(first, top)
    columns = [ceil(x + (row + 0.5 - y) * run / drop - 0.5) for row in range(first, after)]
    for crossed, column in zip(crossings[first - top :], columns, strict=False):
        crossed.append(column)


def find_spans_between(crossings: list[list[int]], top: int, left: int, right: int) -> Iterator[Span]:
    """Each row's first to second crossing, third to fourth and so on, kept within `left` and `right`."""
    for row, columns in enumerate(crossings, top):
        columns.sort()
        for enters, leaves in zip(columns[::2], columns[1::2], strict=True):
            first = enters if enters > left else left  # noqa: FURB136  max() and min() cost a fifth of it
            after = leaves if leaves < right else right  # noqa: FURB136  as above
            if first < after:
                yield row, first, after


def find_disc_spans(x: float, y: float, radius: float, width: int, height: int) -> list[Span]:
    """The spans whose pixel centres lie within `radius` pixels of (x, y)."""
    spans = []
    top, bottom = find_pixel_range(y - radius, y + radius, height)
    for row in range(top, bottom):
        away = row + 0.5 - y
        reach = math.sqrt(max(0.0, radius * radius - away * away))
        first, after = find_pixel_range(x - reach, x + reach, width)
        if first < after:
            spans.append((row, first, after))
    return spans


def outline_stroke(start: Point, end: Point, thickness: float) -> list[Point]:
    """The four corners of a straight line `thickness` pixels wide; no corners for a line without length."""
    run, drop = end[0] - start[0], end[1] - start[1]
    length = math.sqrt(run * run + drop * drop)
    if length == 0:
        return []
    x, y = -drop / length * thickness / 2, run / length * thickness / 2
    (x1, y1), (x2, y2) = start, end
    return [(x1 + x, y1 + y), (x2 + x, y2 + y), (x2 - x, y2 - y), (x1 - x, y1 - y)]


# --- Rows to a PNG file (W3C PNG, sections 5 and 11). ---


def encode_png(
    width: int,
    height: int,
    colour_type: int,
    rows: bytes | bytearray,
    *,
    distance: int,
    palette: Sequence[Colour] = (),
) -> bytes:
    """The file of 8-bit `rows`, each led by its filter byte; `distance` is the bytes a pixel takes."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    data = b"\x78\x01" + deflate(rows, distance) + struct.pack(">I", zlib.adler32(rows))
    chunks = [encode_chunk(b"IHDR", head), encode_chunk(b"IDAT", data), encode_chunk(b"IEND", b"")]
    if palette:
        chunks.insert(1, encode_chunk(b"PLTE", b"".join(map(bytes, palette))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def encode_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# --- Deflate (RFC 1951): one block of fixed Huffman codes, whose only matches reach back by one pixel. ---


REPEATED = re.compile(rb"\0\0\0+")
"""In the differences: bytes that equal those one pixel before, at least as many as a match may have."""
SHORTEST_MATCH, LONGEST_MATCH = 3, 258
FIXED_BLOCK, END_OF_BLOCK = "110", "0000000"


def deflate(data: bytes | bytearray, distance: int) -> bytes:
    """`data` as a raw deflate stream; runs of bytes that repeat those `distance` before become matches."""
    bits, position = [FIXED_BLOCK], 0
    for repeated in REPEATED.finditer(encode_differences(data, distance), distance):
        start, end = repeated.span()
        bits += map(LITERALS.__getitem__, data[position:start])
        bits.append(encode_matches(end - start, distance))
        position = end
    bits += map(LITERALS.__getitem__, data[position:])
    text = "".join([*bits, END_OF_BLOCK])
    return int(text[::-1], 2).to_bytes((len(text) + 7) // 8, "little")  # a stream's first bit is its byte's lowest


def encode_differences(data: bytes | bytearray, distance: int) -> bytes:
    """Each byte XOR the one `distance` before it: as one big number, which is the fastest loop Python has."""
    number = int.from_bytes(data, "big")
    return (number ^ number >> 8 * distance).to_bytes(len(data), "big")


@lru_cache(maxsize=1024)
def encode_matches(length: int, distance: int) -> str:
    """The bits that repeat `length` >= 3 bytes from `distance` (1 to 4) before."""
    whole, rest = divmod(length - SHORTEST_MATCH, LONGEST_MATCH)
    lengths = [LONGEST_MATCH] * whole + [rest + SHORTEST_MATCH]
    if lengths[-1] > LONGEST_MATCH:
        lengths[-1:] = [lengths[-1] - SHORTEST_MATCH, SHORTEST_MATCH]
    reach = f"{distance - 1:05b}"
    return "".join(encode_length(part) + reach for part in lengths)


@cache
def encode_length(length: int) -> str:
    """A match's length, 3 to 258: a symbol and its extra bits, lowest first (RFC 1951, section 3.2.5)."""
    if length == LONGEST_MATCH:
        return encode_symbol(285)
    if length < 11:
        return encode_symbol(254 + length)
    extra = (length - 3).bit_length() - 3
    step, low = divmod(length - 3, 1 << extra)
    return encode_symbol(257 + 4 * extra + step) + f"{low:0{extra}b}"[::-1]


def encode_symbol(symbol: int) -> str:
    """The fixed Huffman code of a literal or length symbol (RFC 1951, section 3.2.6)."""
    if symbol < 144:
        return f"{0x30 + symbol:08b}"
    if symbol < 256:
        return f"{0x190 + symbol - 144:09b}"
    return f"{symbol - 256:07b}" if symbol < 280 else f"{0xC0 + symbol - 280:08b}"


LITERALS = [encode_symbol(byte) for byte in range(256)]
