"""Pages of what has numbers: the cursor is the last one's number; null behind the last page (SDK pagination.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from mockserver.errors import BadInput


class PageInfo(msgspec.Struct, frozen=True):
    start_cursor: str | None
    end_cursor: str | None
    has_next_page: bool


class Page(msgspec.Struct, frozen=True):
    nodes: list[Any]
    page_info: Any
    total_count: int | None = None


class Numbered(Protocol):
    @property
    def no(self) -> int: ...


def position(after: str | None) -> int:
    """The number that a cursor names; 0, which is before all, without one. Raises BadInput."""
    if not after:
        return 0
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise BadInput(f"The cursor {after!r} is none of this server's; give an endCursor as it came, or none")
    return int(after)


def page_of(found: Sequence[Numbered], first: int, *, total: int | None = None) -> Page:
    """`found` are one more than the page holds, if there are so many."""
    nodes, more = list(found[:first]), len(found) > first
    return Page(nodes, PageInfo(None, str(nodes[-1].no) if more and nodes else None, more), total)
