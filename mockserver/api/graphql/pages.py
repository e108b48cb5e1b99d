"""Pages of lists: by `skip` and `first`, or by a cursor, which is null after the last page (SDK pagination.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypedDict, TypeVar

import msgspec

from mockserver.digits import parse_digits
from mockserver.errors import BadInput

T = TypeVar("T")


class Window(TypedDict, total=False):
    """Arguments of a list that is read by its positions."""

    skip: int
    first: int | None


class PageInfo(msgspec.Struct, frozen=True):
    """A cursor is a text, except that of data rows in a model run, which is the last data row."""

    start_cursor: str | None
    end_cursor: Any
    has_next_page: bool


class Page(msgspec.Struct, frozen=True):
    nodes: list[Any]
    page_info: Any
    total_count: int | None = None


def cut_window(items: Sequence[T], skip: int = 0, first: int | None = None) -> list[T]:
    """The part of a list that lies in a window."""
    return list(items[skip : None if first is None else skip + first])


def parse_cursor(after: str | None) -> int:
    """The number in a cursor, which is that of the last record; 0 without a cursor. Raises BadInput."""
    if not after:
        return 0
    number = parse_digits(after)
    if number is None:
        raise BadInput(f"Unknown cursor {after!r}; pass an endCursor exactly as the server returned it, or omit it")
    return number


def get_number(record: Any) -> str:
    """The cursor of a record that has a number."""
    return str(record.no)


def get_id(record: Any) -> str:
    """The cursor of a record that is listed by its id."""
    return str(record.id)


def build_page(
    records: Sequence[Any],
    first: int | None,
    *,
    cursor: Callable[[Any], Any] = get_number,
    total: int | None = None,
) -> Page:
    """A page of the first records. `records` has one more than the page holds, if there are so many."""
    nodes, more = cut_window(records, first=first), first is not None and len(records) > first
    return Page(nodes, PageInfo(None, cursor(nodes[-1]) if more and nodes else None, more), total)
