"""Chunk arithmetic: which file of a result stream holds which bytes and lines. Pure.

Offsets and lines are global, zero-based and inclusive, as the SDK reads them (export_task.py 7.17.0:118-129). Files
end at a newline: readers of 3.56-5.2.1 parse each file by itself (wire trap 11).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import msgspec

TARGET = 4 * 1024 * 1024
"""Bytes. Every chunk costs the SDK a query and a connection; above 8 MiB only its memory grows."""


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """One file of a stream."""

    start: int
    end: int
    first_line: int
    last_line: int
    file: str


class Stream(msgspec.Struct, frozen=True):
    """All files of one stream, in order. The metadata header of an empty stream is null on the wire, not zeros."""

    chunks: tuple[Chunk, ...] = ()

    @property
    def total_size(self) -> int:
        return self.chunks[-1].end + 1 if self.chunks else 0

    @property
    def total_lines(self) -> int:
        return self.chunks[-1].last_line + 1 if self.chunks else 0

    def find_by_offset(self, offset: int) -> Chunk | None:
        """The file that holds a byte; None outside of the stream."""
        if not 0 <= offset < self.total_size:
            return None
        return self.chunks[bisect_right(self.chunks, offset, key=lambda chunk: chunk.start) - 1]

    def find_by_line(self, line: int) -> Chunk | None:
        """The file that holds a line; None outside of the stream."""
        if not 0 <= line < self.total_lines:
            return None
        return self.chunks[bisect_right(self.chunks, line, key=lambda chunk: chunk.first_line) - 1]


class ChunkPlanner:
    """Decides, batch by batch, to which file a run of whole lines goes.

    A file is closed before it would exceed `target` bytes; a batch that is larger than `target` gets a file of its own.
    """

    def __init__(self, target: int = TARGET) -> None:
        self._target = target
        self._files: list[list[int]] = []
        self._bytes = 0
        self._lines = 0

    def place(self, size: int, lines: int) -> str:
        """The name of the file that the next `size` bytes, which are `lines` whole lines, belong to."""
        if not self._files or self._bytes - self._files[-1][0] + size > self._target:
            self._files.append([self._bytes, self._lines])
        self._bytes += size
        self._lines += lines
        return format_file_name(len(self._files) - 1)

    def build_stream(self) -> Stream:
        """The stream of everything that was placed so far."""
        starts = [*self._files, [self._bytes, self._lines]]
        return Stream(
            tuple(
                Chunk(start, following - 1, line, following_line - 1, format_file_name(index))
                for index, ((start, line), (following, following_line)) in enumerate(pairwise(starts))
            )
        )


def build_single_stream(size: int, lines: int) -> Stream:
    """A stream of one file."""
    return Stream((Chunk(0, size - 1, 0, lines - 1, format_file_name(0)),))


def format_file_name(index: int) -> str:
    """`0.ndjson`, `1.ndjson`, …"""
    return f"{index}.ndjson"
