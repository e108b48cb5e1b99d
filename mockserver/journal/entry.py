"""One request with its answer, as the journal keeps it: raw, because most entries are never read."""

from __future__ import annotations

from mockserver.journal.notes import Notes

OVERHEAD = 3_000
"""Bytes of an entry beside its bodies, measured by tracemalloc on 64-bit CPython 3.11 with the headers of an SDK: some
2,800."""

Headers = list[tuple[bytes, bytes]]


class Entry:
    """One request. Of each body the beginning is kept, and the number of all its bytes."""

    __slots__ = (
        "answer_body",
        "answer_bytes",
        "answer_headers",
        "client",
        "complete",
        "headers",
        "method",
        "notes",
        "number",
        "path",
        "query",
        "request_body",
        "request_bytes",
        "route",
        "seconds",
        "started",
        "status",
        "world_time",
    )

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
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
        self.headers: Headers = []
        self.request_body = self.answer_body = b""
        self.request_bytes = self.answer_bytes = 0
        self.status: int | None = None
        self.answer_headers: Headers = []
        self.complete = False

    @property
    def size(self) -> int:
        """Bytes that the entry takes, an estimate."""
        return OVERHEAD + len(self.request_body) + len(self.answer_body)

    def header(self, name: bytes) -> str | None:
        """The value of a header of the request; None without it."""
        for known, value in self.headers:
            if known == name:
                return value.decode("latin-1")
        return None
