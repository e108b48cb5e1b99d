"""A file of annotations as NDJSON, read twice: first for the data row of each line, then row by row."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import msgspec

from mockserver.conversion import build_decoder
from mockserver.imports.line_decoding import LONGEST_LINE, check_size, decode_loosely
from mockserver.imports.problems import LineProblem

CHUNK = 256 * 1024
MOST_LINES = 1_000_000
NOWHERE = 0
"""The number of the reference of lines that name no data row."""


class Readable(Protocol):
    """An open file (results/interface.py)."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read(self, first: int, most: int) -> bytes:
        """At most `most` bytes from the byte `first` on."""


class RowKey(NamedTuple):
    """The id or the global key of a data row."""

    row_id: str | None = None
    global_key: str | None = None


class _Head(msgspec.Struct):
    """The part of a line that says where it belongs; everything else is skipped."""

    dataRow: Any = None  # noqa: N815  the wire's word


_HEAD = build_decoder(_Head)


class AnnotationFile:
    """The lines of a file, numbered from 0. Blank lines are left out."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._offsets, self._sizes, self._owners = array("Q"), array("I"), array("I")
        self.keys: list[RowKey] = [RowKey()]
        """The data rows that the lines name, each once; lines point to them by number."""
        self.is_complete = True
        """Whether all lines were read: only MOST_LINES are."""
        self.has_objects = False
        """Whether any line is a JSON object."""
        self._index()

    def __len__(self) -> int:
        return len(self._offsets)

    def _index(self) -> None:
        numbers: dict[RowKey, int] = {}
        for offset, line in iterate_lines(self._file):
            if len(self) == MOST_LINES:
                self.is_complete = False
                return
            key = self._read_key(line)
            if key not in numbers and key != RowKey():
                numbers[key] = len(self.keys)
                self.keys.append(key)
            self._offsets.append(offset)
            self._sizes.append(len(line))
            self._owners.append(numbers.get(key, NOWHERE))

    def _read_key(self, line: bytes) -> RowKey:
        try:
            check_size(line)
            row = _HEAD.decode(line).dataRow
        except LineProblem:
            self.has_objects |= line.lstrip().startswith(b"{")
            return RowKey()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return RowKey()
        self.has_objects = True
        if not isinstance(row, dict):
            return RowKey()
        row_id, global_key = row.get("id"), row.get("globalKey")
        if isinstance(row_id, str) and global_key is None:
            return RowKey(row_id=row_id)
        if isinstance(global_key, str) and row_id is None:
            return RowKey(global_key=global_key)
        return RowKey()

    def read(self, number: int) -> bytes:
        """One line."""
        return self._file.read(self._offsets[number], self._sizes[number])

    def size(self, number: int) -> int:
        """The bytes of one line."""
        return self._sizes[number]

    def owner(self, number: int) -> int:
        """The number of the data row that a line names."""
        return self._owners[number]

    def iterate_rows(self) -> Iterator[tuple[int, list[int]]]:
        """Yields each data row's number with the numbers of its lines, in the order in which rows first appear."""
        order = sorted(range(len(self)), key=self._owners.__getitem__)
        for owner, lines in groupby(order, key=self._owners.__getitem__):
            yield owner, list(lines)


def iterate_lines(file: Readable) -> Iterator[tuple[int, bytes]]:
    """Yields the lines of a file that are not blank, each with the place of its first byte. A line that is too long is
    yielded as far as it may go."""
    at, rest = 0, b""
    while chunk := file.read(at + len(rest), CHUNK):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        for line in lines:
            yield from _yield_line(at, line)
            at += len(line) + 1
        if len(rest) > LONGEST_LINE:
            yield at, rest
            at, rest = _skip_line(file, at + len(rest)), b""
    yield from _yield_line(at, rest)


def _yield_line(at: int, line: bytes) -> Iterator[tuple[int, bytes]]:
    line = line.removesuffix(b"\r")
    if line.strip():
        yield at, line


def _skip_line(file: Readable, at: int) -> int:
    """The place after the end of a line."""
    while chunk := file.read(at, CHUNK):
        end = chunk.find(b"\n")
        if end >= 0:
            return at + end + 1
        at += len(chunk)
    return at


def read_uuid(line: bytes) -> str | None:
    """The `uuid` of a line, for the status file."""
    uuid = decode_loosely(line).get("uuid")
    return uuid if isinstance(uuid, str) else None
