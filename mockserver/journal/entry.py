"""One request with its answer, as the journal keeps it: raw, because most entries are never read."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from mockserver.journal.notes import Notes

OVERHEAD = 800
"""Bytes of an entry beside what a client can make long, measured by tracemalloc on 64-bit CPython 3.11."""
OF_UNKNOWN = 200
"""Bytes of a word that was not understood, beside its texts."""
OF_TEXT = 60
"""Bytes of a text, beside its characters."""

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
        """Bytes that the entry takes, by all that a client can make long."""
        size = OVERHEAD + len(self.request_body) + len(self.answer_body) + len(self.headers) + len(self.answer_headers)
        size += len(self.query) + measure_text(self.path)
        if self.operation is not None:
            size += measure_text(self.operation.name or "") + sum(map(measure_text, self.operation.root_fields))
        for _kind, received, nearest, message in self.unknown:
            size += OF_UNKNOWN + sum(map(measure_text, (received, message, *nearest)))
        return size


def measure_text(text: str) -> int:
    """Bytes that a text takes at most: one widest character makes all others as wide."""
    return OF_TEXT + len(text) * (1 if text.isascii() else 4)


def pack_headers(headers: Headers) -> bytes:
    """The headers as one text, a line for each name and each value: neither has a line feed."""
    return b"\n".join(chain.from_iterable(headers))


def unpack_headers(packed: bytes) -> list[tuple[str, str]]:
    """The headers of a packed text, names in lower case."""
    lines = packed.decode("latin-1").split("\n")
    return [(name.lower(), value) for name, value in zip(lines[::2], lines[1::2], strict=False)]
