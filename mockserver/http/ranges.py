"""The Range header: the requested bytes of a body (RFC 9110, section 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

_ONE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


class Part(NamedTuple):
    """Bytes `first` to `last`, inclusive, counted from 0."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def parse_range(header: str | None, total: int) -> Part | None:
    """Parses the one requested part; None when the whole body is the answer: no header, several parts, or a header that
    cannot be parsed. Raises ValueError when the part is outside the body."""
    match = _ONE.fullmatch((header or "").strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        part = Part(max(total - int(last), 0), total - 1)
    else:
        part = Part(int(first), min(int(last), total - 1) if last else total - 1)
    if first and last and int(last) < int(first):
        return None
    if part.size <= 0:
        raise ValueError(f"bytes {part.first}- of {total}")
    return part
