from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.generate.files.raster import Canvas, Colour, Point, deflate

BLACK: Colour = (0, 0, 0)
WHITE: Colour = (255, 255, 255)
RED: Colour = (200, 30, 30)

Pixels = list[list[Colour]]
"""Rows of pixels."""


# --- A decoder written from the PNG specification, for the files we make: 8 bits, filter type 0, no interlace. ---


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, body) of every chunk; checks the signature, every CRC and that nothing follows the end."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    kinds_and_bodies, position = [], 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (crc,) = struct.unpack_from(">I", data, position + 8 + length)
        assert crc == zlib.crc32(kind + body)
        kinds_and_bodies.append((kind, body))
        position += 12 + length
    return kinds_and_bodies


def decode(data: bytes) -> tuple[int, Pixels]:
    """The PNG colour type and the pixels."""
    by_kind = dict(chunks(data))
    assert [kind for kind, _ in chunks(data)] == [b"IHDR", *([b"PLTE"] if b"PLTE" in by_kind else []), b"IDAT", b"IEND"]
    width, height, bits, colour_type, *rest = struct.unpack(">IIBBBBB", by_kind[b"IHDR"])
    assert (bits, rest, by_kind[b"IEND"]) == (8, [0, 0, 0], b"")

    depth = 3 if colour_type == 2 else 1
    stride = 1 + width * depth
    raw = zlib.decompress(by_kind[b"IDAT"])
    assert len(raw) == stride * height
    rows = [raw[start : start + stride] for start in range(0, len(raw), stride)]
    assert {row[0] for row in rows} == {0}

    colours = triples(by_kind.get(b"PLTE", b""))
    if colour_type == 2:
        return colour_type, [triples(row[1:]) for row in rows]
    if colour_type == 3:
        return colour_type, [[colours[index] for index in row[1:]] for row in rows]
    return colour_type, [[(grey, grey, grey) for grey in row[1:]] for row in rows]


def triples(data: bytes) -> list[Colour]:
    return list(zip(data[0::3], data[1::3], data[2::3], strict=True))


def pixels(canvas: Canvas) -> Pixels:
    return decode(canvas.png_rgb())[1]


def find_pixels(canvas: Canvas, colour: Colour = WHITE) -> set[tuple[int, int]]:
    """(x, y) of every pixel of this colour."""
    return {(x, y) for y, row in enumerate(pixels(canvas)) for x, pixel in enumerate(row) if pixel == colour}


def inside(points: Sequence[Point], x: int, y: int) -> bool:
    """Even-odd, in exact arithmetic: how many edges pass to the left of the pixel's centre or through it."""
    centre_x, centre_y = x + Fraction(1, 2), y + Fraction(1, 2)
    corners = [(Fraction(a), Fraction(b)) for a, b in points]
    crossed = 0
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (y1 <= centre_y) != (y2 <= centre_y):
            crossed += x1 + (centre_y - y1) * (x2 - x1) / (y2 - y1) <= centre_x
    return crossed % 2 == 1


SIZE = 16
quarters = st.integers(-4 * SIZE, 8 * SIZE).map(lambda quarter: quarter / 4)
quarter_points = st.lists(st.tuples(quarters, quarters), min_size=3, max_size=8)
any_number = st.floats(-1e6, 1e6, allow_nan=False)
any_points = st.lists(st.tuples(any_number, any_number), max_size=8)
colours = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


# --- Filling ---


@given(points=quarter_points)
def test_a_polygon_covers_exactly_the_pixels_whose_centre_it_contains(points: list[Point]) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.fill_polygon(points, WHITE)
    assert find_pixels(canvas) == {(x, y) for x in range(SIZE) for y in range(SIZE) if inside(points, x, y)}


@given(left=st.integers(0, 10), top=st.integers(0, 10), width=st.integers(0, 6), height=st.integers(0, 6))
def test_a_rectangle_covers_width_times_height_pixels_also_when_drawn_as_a_polygon(
    left: int, top: int, width: int, height: int
) -> None:
    as_rectangle, as_polygon = Canvas(SIZE, SIZE, BLACK), Canvas(SIZE, SIZE, BLACK)
    as_rectangle.fill_rectangle(left, top, width, height, WHITE)
    right, bottom = left + width, top + height
    as_polygon.fill_polygon([(left, top), (right, top), (right, bottom), (left, bottom)], WHITE)

    assert len(find_pixels(as_polygon)) == width * height
    assert as_rectangle.png_rgb() == as_polygon.png_rgb()


@given(points=any_points)
def test_a_filling_stays_inside_the_bounding_box(points: list[Point]) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.fill_polygon(points, WHITE)
    for x, y in find_pixels(canvas):
        assert min(point[0] for point in points) <= x + 0.5 <= max(point[0] for point in points)
        assert min(point[1] for point in points) <= y + 0.5 <= max(point[1] for point in points)


@given(points=any_points)
def test_direction_and_starting_corner_do_not_matter(points: list[Point]) -> None:
    one, other = Canvas(SIZE, SIZE, BLACK), Canvas(SIZE, SIZE, BLACK)
    one.fill_polygon(points, WHITE)
    other.fill_polygon([*points[1:], *points[:1]][::-1], WHITE)
    assert one.png_rgb() == other.png_rgb()


@given(start=st.tuples(quarters, quarters), end=st.tuples(quarters, quarters))
def test_neighbours_neither_overlap_nor_leave_a_gap(start: Point, end: Point) -> None:
    # The picture's frame is cut by one line: what is left of it, and what is right of it.
    left, right = Canvas(SIZE, SIZE, BLACK), Canvas(SIZE, SIZE, BLACK)
    left.fill_polygon([(-99, start[1]), start, end, (-99, end[1])], WHITE)
    right.fill_polygon([(99, start[1]), start, end, (99, end[1])], WHITE)

    rows = {y for y in range(SIZE) if min(start[1], end[1]) <= y + 0.5 < max(start[1], end[1])}
    assert not find_pixels(left) & find_pixels(right)
    assert find_pixels(left) | find_pixels(right) == {(x, y) for x in range(SIZE) for y in rows}


def test_a_polygon_that_crosses_itself_is_hollow_where_it_covers_itself_twice() -> None:
    canvas = Canvas(6, 6, BLACK)
    outer, inner = [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0)], [(2, 2), (4, 2), (4, 4), (2, 4), (2, 2)]
    canvas.fill_polygon([*outer, *inner], WHITE)
    assert len(find_pixels(canvas)) == 36 - 4


@pytest.mark.parametrize(
    "points", [[], [(3, 3)], [(1, 1), (9, 9)], [(2, 2), (9, 2), (5, 2)], [(4, 4)] * 5, [(-9, -9), (-1, -9), (-9, -1)]]
)
def test_a_polygon_without_area_or_outside_leaves_no_trace(points: list[Point]) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.fill_polygon(points, RED)
    assert canvas.png_rgb() == Canvas(SIZE, SIZE, BLACK).png_rgb()


# --- The other shapes ---


def test_shapes_are_clipped_to_the_picture() -> None:
    canvas = Canvas(4, 3, BLACK)
    canvas.fill_rectangle(-50, -50, 1000, 1000, WHITE)
    canvas.dot(-1, -1, 2.5, RED)
    assert find_pixels(canvas, RED) == {(0, 0)}
    assert len(find_pixels(canvas)) == 4 * 3 - 1


def test_a_line_is_as_wide_as_its_thickness() -> None:
    canvas = Canvas(20, 20, BLACK)
    canvas.draw_line([(0, 10), (20, 10)], WHITE, 4)
    assert find_pixels(canvas) == {(x, y) for x in range(20) for y in range(8, 12)}


@given(end=st.tuples(quarters, quarters))
def test_a_line_of_one_pixel_has_no_gaps(end: Point) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.draw_line([(8, 8), end], WHITE)
    xs, ys = {x for x, _ in find_pixels(canvas)}, {y for _, y in find_pixels(canvas)}
    assert all(column in xs for column in range(min(xs, default=0), max(xs, default=-1)))
    assert all(row in ys for row in range(min(ys, default=0), max(ys, default=-1)))


@given(x=quarters, y=quarters, radius=st.integers(0, 40).map(lambda quarter: quarter / 4))
def test_a_dot_covers_the_centres_within_its_radius(x: float, y: float, radius: float) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.dot(x, y, radius, WHITE)
    away = {(a, b): (a + 0.5 - x) ** 2 + (b + 0.5 - y) ** 2 for a in range(SIZE) for b in range(SIZE)}
    # A centre exactly on the rim belongs to the dot on its left and upper side only.
    assert {place for place, square in away.items() if square < radius**2} <= find_pixels(canvas)
    assert find_pixels(canvas) <= {place for place, square in away.items() if square <= radius**2}


# --- Files ---


@settings(max_examples=30)
@given(background=colours, strokes=st.lists(st.tuples(quarter_points, colours), max_size=4))
def test_a_picture_of_few_colours_is_read_back_from_an_indexed_file(
    background: Colour, strokes: list[tuple[list[Point], Colour]]
) -> None:
    canvas, expected = Canvas(SIZE, SIZE, background), [[background] * SIZE for _ in range(SIZE)]
    for points, colour in strokes:
        canvas.fill_polygon(points, colour)
        for y, row in enumerate(expected):
            row[:] = [colour if inside(points, x, y) else pixel for x, pixel in enumerate(row)]

    assert decode(canvas.png_rgb()) == (3, expected)


@pytest.mark.parametrize(("count", "colour_type"), [(255, 3), (256, 3), (257, 2), (600, 2)])
def test_a_picture_becomes_truecolour_with_the_257th_colour(count: int, colour_type: int) -> None:
    painted_colours = [(number % 256, number // 256, 7) for number in range(count)]
    canvas = Canvas(30, 20, painted_colours[0])
    for number, colour in enumerate(painted_colours):
        canvas.fill_rectangle(number % 30, number // 30, 1, 1, colour)

    decoded_type, rows = decode(canvas.png_rgb())

    assert decoded_type == colour_type
    assert [pixel for row in rows for pixel in row][:count] == painted_colours


@given(points=quarter_points)
def test_a_mask_is_one_channel_of_0_and_255(points: list[Point]) -> None:
    canvas = Canvas(SIZE, SIZE, BLACK)
    canvas.fill_polygon(points, WHITE)
    assert decode(canvas.png_grey()) == (0, pixels(canvas))


def test_a_mask_on_a_white_ground_is_read_back_too() -> None:
    canvas = Canvas(5, 4, WHITE)
    canvas.fill_rectangle(1, 1, 2, 2, BLACK)
    assert decode(canvas.png_grey()) == (0, pixels(canvas))


def test_a_grey_picture_of_too_many_colours_is_refused() -> None:
    canvas = Canvas(300, 1, BLACK)
    for x in range(300):
        canvas.fill_rectangle(x, 0, 1, 1, (x % 256, x // 256, 1))
    with pytest.raises(ValueError, match="256 colours at most"):
        canvas.png_grey()


@given(data=st.binary(min_size=4), distance=st.integers(1, 4))
def test_any_bytes_come_back_from_our_deflate(data: bytes, distance: int) -> None:
    assert zlib.decompress(deflate(data, distance), wbits=-15) == data


def test_a_run_of_any_length_comes_back_from_our_deflate() -> None:
    for length in [*range(1, 800), 2**16, 10**6]:
        data = b"\0ab" + b"a" * length + b"c"
        assert zlib.decompress(deflate(data, 1), wbits=-15) == data


def test_a_flat_picture_is_a_small_file() -> None:
    assert len(Canvas(2560, 1707, RED).png_rgb()) < 30_000


def test_the_bytes_of_a_picture_never_change() -> None:
    # A changed digest is a changed world for everybody who pinned a seed: say so in the changelog.
    canvas = Canvas(320, 200, (214, 226, 233))
    canvas.fill_polygon([(10.3, 20.7), (301.1, 44.9), (160.5, 190.2)], (40, 90, 160))
    canvas.draw_line([(5, 5), (200.25, 100.75), (310, 8)], RED, 3.5)
    canvas.dot(80.1, 120.9, 33.3, (250, 200, 40))
    for frame in ((40, 30, 120, 2), (40, 118, 120, 2), (40, 30, 2, 90), (158, 30, 2, 90)):
        canvas.fill_rectangle(*frame, BLACK)
    assert (
        hashlib.sha256(canvas.png_rgb()).hexdigest()
        == "e84bcb9752d22347eaa01162b67d8ae7bc59654812d841f5c5e6a8b8eac3aaff"
    )
    assert (
        hashlib.sha256(canvas.png_grey()).hexdigest()
        == "092e3b4fe4a6138cfa1a8995ff8c5478573d65e9d15dc541828b6534a2422a96"
    )


# --- Refusals ---


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-1, 3)])
def test_a_picture_without_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Canvas(*size, BLACK)


@pytest.mark.parametrize("colour", [(256, 0, 0), (0, -1, 0)])
def test_a_colour_out_of_range_is_refused(colour: Colour) -> None:
    with pytest.raises(ValueError, match="three whole numbers from 0 to 255"):
        Canvas(4, 4, BLACK).fill_rectangle(0, 0, 2, 2, colour)


@given(st.lists(st.tuples(quarter_points, colours), max_size=4))
def test_truecolour_holds_the_same_pixels_without_a_palette(strokes: list[tuple[list[Point], Colour]]) -> None:
    """Readers of composite masks compare pixels with `color_rgb`."""
    indexed, true = Canvas(SIZE, SIZE, BLACK), Canvas(SIZE, SIZE, BLACK)
    for points, colour in strokes:
        indexed.fill_polygon(points, colour)
        true.fill_polygon(points, colour)
    (_, seen), (kind, same) = decode(indexed.png_rgb()), decode(true.png_truecolour())
    assert (kind, same) == (2, seen)
