"""The filters of the rows of a PNG, undone (W3C PNG, section 9.2).

Masks are mostly plain areas, and a picture may have 16 million pixels, so rows are worked on as a whole where a filter
allows it, and plain areas are copied from the row above.
"""

from __future__ import annotations

import functools
import re

NONE, PAETH = 0, 4
MOST_SINGLE = 8_000_000
"""Bytes of one picture that are worked on one by one, for some seconds: those of rows with the filter Average, and with
Paeth those outside of plain areas. Even a photograph of 2 million pixels in colour has fewer."""
_NOT_ZERO = re.compile(rb"[^\0]")


class UnknownFilter(Exception):
    """The row names a filter that PNG does not have."""


class TooManySingleBytes(Exception):
    """The picture has too many bytes that are worked on one by one."""


class FilteredRows:
    """Undoes the filters of the rows of one picture, from the top to the bottom."""

    def __init__(self, stride: int, step: int, most_single: int = MOST_SINGLE) -> None:
        """`stride` are the bytes of a row, `step` those of a pixel, at least 1."""
        self._above, self._step = bytes(stride), step
        self._single_left = most_single

    def undo(self, kind: int, row: bytes) -> bytes:
        """The next row as it was before it was filtered. Raises UnknownFilter, TooManySingleBytes."""
        self._above = self._undo(kind, row)
        return self._above

    def _undo(self, kind: int, row: bytes) -> bytes:
        if kind == NONE or (not any(row) and not any(self._above) and kind <= PAETH):
            return row
        match kind:
            case 1:
                return _sum_up(row, self._step)
            case 2:
                return _add(row, self._above)
            case 3:
                self._count(len(row))
                return _undo_average(row, self._above, self._step)
            case 4:
                whole, single = _undo_paeth(row, self._above, self._step)
                self._count(single)
                return whole
        raise UnknownFilter(kind)

    def _count(self, single: int) -> None:
        self._single_left -= single
        if self._single_left < 0:
            raise TooManySingleBytes


@functools.lru_cache(8)
def _build_masks(size: int) -> tuple[int, int]:
    """The highest bit of each of so many bytes, and all other bits."""
    return int.from_bytes(b"\x80" * size, "big"), int.from_bytes(b"\x7f" * size, "big")


def _add_numbers(one: int, other: int, size: int) -> int:
    """The sums of the bytes of two numbers, modulo 256: no carry goes from one byte to the next."""
    highest, rest = _build_masks(size)
    return ((one & rest) + (other & rest)) ^ ((one ^ other) & highest)


def _add(row: bytes, above: bytes) -> bytes:
    size = len(row)
    return _add_numbers(int.from_bytes(row, "big"), int.from_bytes(above, "big"), size).to_bytes(size, "big")


def _sum_up(row: bytes, step: int) -> bytes:
    """Each byte and all before it in the same channel: sums of 2 pixels, then of 4, of 8 …"""
    size, total = len(row), int.from_bytes(row, "big")
    distance = step
    while distance < size:
        total = _add_numbers(total, total >> 8 * distance, size)
        distance *= 2
    return total.to_bytes(size, "big")


def _undo_average(row: bytes, above: bytes, step: int) -> bytes:
    whole = bytearray(row)
    for at, up in enumerate(above):
        left = whole[at - step] if at >= step else 0
        whole[at] = (row[at] + (left + up) // 2) & 255
    return bytes(whole)


def _undo_paeth(row: bytes, above: bytes, step: int) -> tuple[bytes, int]:
    """The row, and how many of its bytes were worked on one by one.

    The prediction is exactly `up` where the pixel to the left is as the one above it, so where nothing was added to
    the prediction, a row that has become like the one above stays so.
    """
    whole = bytearray(row)
    at, single, size = 0, 0, len(row)
    while at < size:
        if row[at] == 0 and _is_like_above(whole, above, at, step):
            end = _find_change(row, at)
            whole[at:end] = above[at:end]
            at = end
            continue
        left, corner = (whole[at - step], above[at - step]) if at >= step else (0, 0)
        whole[at] = (row[at] + _predict(left, above[at], corner)) & 255
        at += 1
        single += 1
    return bytes(whole), single


def _is_like_above(whole: bytearray, above: bytes, at: int, step: int) -> bool:
    """Whether the bytes of one pixel in front of a place are those above them."""
    start = max(0, at - step)
    return whole[start:at] == above[start:at]


def _find_change(row: bytes, at: int) -> int:
    """The next byte that is not 0, or the end."""
    match = _NOT_ZERO.search(row, at)
    return len(row) if match is None else match.start()


def _predict(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner
