"""The filters of PNG: what is undone is what a writer has filtered, whatever the picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.imports.png_filters import MOST_SINGLE, FilteredRows, TooManySingleBytes, UnknownFilter

STEPS = st.integers(1, 8)
FILTERS = st.integers(0, 4)


def predict(kind: int, left: int, up: int, corner: int) -> int:
    """The prediction of a filter, as section 9.2 of W3C PNG defines it."""
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda value: abs(guess - value))
    return (0, left, up, (left + up) // 2)[kind]


def apply_filter(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """A row as a writer filters it."""
    padded, padded_above = bytes(step) + row, bytes(step) + above
    return bytes((row[at] - predict(kind, padded[at], above[at], padded_above[at])) & 255 for at in range(len(row)))


@st.composite
def pictures(draw: st.DrawFn) -> tuple[int, list[bytes]]:
    """Bytes of a pixel, and rows of plain areas, as masks have them, and of anything."""
    step, width = draw(STEPS), draw(st.integers(1, 12))
    pixel = st.binary(min_size=step, max_size=step)
    plain = st.lists(st.tuples(pixel, st.integers(1, 6)), min_size=1, max_size=4).map(
        lambda areas: (b"".join(colour * count for colour, count in areas) + bytes(step * width))[: step * width]
    )
    anything = st.binary(min_size=step * width, max_size=step * width)
    rows = draw(st.lists(plain | anything, min_size=1, max_size=6))
    return step, [row for row in rows for _ in range(draw(st.integers(1, 2)))]


@given(picture=pictures(), filters=st.lists(FILTERS, min_size=12, max_size=12))
def test_a_filtered_picture_is_read_as_it_was(picture: tuple[int, list[bytes]], filters: list[int]) -> None:
    step, rows = picture
    above = bytes(len(rows[0]))
    reader = FilteredRows(len(rows[0]), step)
    for kind, row in zip(filters, rows, strict=False):
        assert reader.undo(kind, apply_filter(kind, row, above, step)) == row, kind
        above = row


@given(kind=st.integers(5, 255), row=st.sampled_from([b"\0", b"\1"]))
def test_an_unknown_filter_is_refused(kind: int, row: bytes) -> None:
    with pytest.raises(UnknownFilter):
        FilteredRows(1, 1).undo(kind, row)


def test_the_bytes_of_plain_areas_are_not_counted() -> None:
    """A mask of a thousand rows of 64 thousand pixels, of which all but the first are like the row above."""
    size = 65_000
    assert 1000 * size > MOST_SINGLE
    reader = FilteredRows(size, 1)
    first = reader.undo(1, b"\7" + bytes(size - 1))
    assert [reader.undo(4, bytes(size)) == first for _ in range(1000)] == [True] * 1000


@pytest.mark.parametrize("kind", [3, 4])
def test_a_picture_that_takes_too_long_is_refused(kind: int) -> None:
    reader = FilteredRows(100, 1, most_single=1000)
    for _ in range(10):
        reader.undo(kind, b"\1" * 100)
    with pytest.raises(TooManySingleBytes):
        reader.undo(kind, b"\1" * 100)
