"""One request with its answer, as the journal keeps it: raw, because most entries are never read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from mockserver.journal.notes import Notes

OVERHEAD = 1_200
"""Bytes of an entry beside its bodies, measured by tracemalloc on 64-bit CPython 3.11 with the headers of an SDK."""

Headers = Iterable[tuple[bytes, bytes]]


class Entry(Notes):
    """One request. Of each body the beginning is kept, and the number of all its bytes.

    Thousands of entries are kept, and every collection of Python's garbage visits each object that may refer to others:
    so headers are one text, and the notes about the request are its entry.
    """

    __slots__ = (
        "answer_body",
        "answer_bytes",
        "answer_headers",
        "client",
        "complete",
        "headers",
        "method",
        "number",
        "path",
        "query",
        "request_body",
        "request_bytes",
        "route",
        "seconds",
        "size",
        "started",
        "status",
        "world_time",
    )

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        """Within its journal, from 1."""
        self.world_time: int | None = None
        """Microseconds UTC of the workspace's clock when the answer had ended."""
        self.started = 0
        """Microseconds since 1970."""
        self.seconds = 0.0
        self.client: tuple[str, int] | None = None
        self.method = self.path = ""
        self.query = b""
        self.route: str | None = None
        self.headers = b""
        self.request_body = self.answer_body = b""
        self.request_bytes = self.answer_bytes = 0
        self.status: int | None = None
        self.answer_headers = b""
        self.complete = False
        self.size = OVERHEAD
        """Bytes that the entry takes, an estimate."""

    def header(self, name: str) -> str | None:
        """The value of a header of the request; None without it."""
        return next((value for known, value in unpack_headers(self.headers) if known == name), None)

    def measure(self) -> int:
        """Bytes that the entry takes, by its bodies and headers."""
        return OVERHEAD + len(self.request_body) + len(self.answer_body) + len(self.path) + len(self.headers)


def pack_headers(headers: Headers) -> bytes:
    """The headers as one text, a line for each name and each value: neither has a line feed."""
    return b"\n".join(chain.from_iterable(headers))


def unpack_headers(packed: bytes) -> list[tuple[str, str]]:
    """The headers of a packed text, names in lower case."""
    lines = packed.decode("latin-1").split("\n")
    return [(name.lower(), value) for name, value in zip(lines[::2], lines[1::2], strict=False)]
