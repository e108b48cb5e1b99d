"""Sources of a `RangedResponse`: bytes in memory, files in order, or chunks that are generated while they are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Protocol

from mockserver.errors import ResourceFailed
from mockserver.http.ranged import SourceBroken

CHUNK = 128 * 1024
"""Bytes read and sent at a time. Larger reads are no faster and keep other requests waiting."""
OPENED_AHEAD = 8
"""Files of one download that are open from its beginning, so that it ends whole even if they are deleted during it. An
SDK downloads file by file; a stream of a million rows has thousands, and no process may open so many."""
BEGINNING = 64 * 1024
"""Bytes. A generated body that is shorter is sent with its length, a longer one without."""


class BytesSource:
    """Bytes in memory."""

    blocking = counting = False

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.tag = hashlib.blake2b(content, digest_size=12).hexdigest()

    def size(self, *, exact: bool) -> int:
        return len(self._content)

    def chunks(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield self._content[first:end]

    def close(self) -> None:
        pass


class OpenFile(Protocol):
    """A file that stays readable when its name is deleted. Its methods raise OSError, ResourceFailed."""

    @property
    def size(self) -> int:
        """Its bytes."""

    def read(self, first: int, most: int) -> bytes:
        """Returns at most `most` bytes from the byte `first` on; none after the end."""

    def close(self) -> None:
        """Gives back what is held open."""


class FilesSource:
    """Files in order as one body. Their names and their size are the tag: a file never changes under its name."""

    counting = False

    def __init__(
        self,
        names: Sequence[str],
        size: int,
        open_file: Callable[[str], OpenFile],
        *,
        remote: bool = False,
        ahead: int = OPENED_AHEAD,
    ) -> None:
        """`size` in bytes, of all files together. `remote`: each read takes as long as a network does. The first
        `ahead` files are opened now.

        Raises OSError when one of the first files cannot be opened.
        """
        self._names, self._size, self._open_file, self.blocking = names, size, open_file, remote
        self._opened: dict[int, OpenFile] = {}
        try:
            for index, name in enumerate(self._names[:ahead]):
                self._opened[index] = open_file(name)
        except BaseException:
            self.close()
            raise

    @property
    def tag(self) -> str:
        name = "/".join("/".join(name.split("/")[-3:]) for name in self._names)
        return hashlib.blake2b(f"{name}/{self._size}".encode(), digest_size=12).hexdigest()

    def size(self, *, exact: bool) -> int:
        return self._size

    def chunks(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        end = self._size if end is None else end
        for index, name in enumerate(self._names):
            if end <= 0:
                return
            try:
                with closing(self._take(index, name)) as file:
                    size = file.size
                    yield from _read(file, first, min(size, end), name)
            except (OSError, ResourceFailed) as error:
                reason = (error.strerror or "deleted") if isinstance(error, OSError) else error.message
                raise SourceBroken(f"{name}: {reason}") from error
            first, end = max(0, first - size), end - size
        if end > 0:
            raise SourceBroken(f"{self._names[-1]} ends {end} bytes too soon")

    def _take(self, index: int, name: str) -> OpenFile:
        opened = self._opened.pop(index, None)
        return self._open_file(name) if opened is None else opened

    def close(self) -> None:
        for file in self._opened.values():
            file.close()


class GeneratedSource:
    """Chunks that `generate` yields. Each call of it yields the same ones."""

    blocking = counting = True

    def __init__(self, generate: Callable[[], Iterator[bytes]], tag: str) -> None:
        self._generate, self.tag = generate, tag
        self._begun: Iterator[bytes] | None = None

    def size(self, *, exact: bool) -> int | None:
        """Generates the beginning, from which `chunks` goes on. With `exact` it generates all, to count the bytes."""
        if exact:
            return sum(map(len, self._generate()))
        chunks = self._generate()
        beginning = bytearray()
        for chunk in chunks:
            beginning += chunk
            if len(beginning) >= BEGINNING:
                self._begun = chain([bytes(beginning)], chunks)
                return None
        self._begun = iter([bytes(beginning)])
        return len(beginning)

    def chunks(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        if first == 0 and end is None:
            return self._generate() if self._begun is None else self._begun
        return _cut(self._generate(), first, end)

    def close(self) -> None:
        pass


def _read(file: OpenFile, first: int, end: int, name: str) -> Iterator[bytes]:
    """Yields a file's bytes from `first` to before `end`. Raises SourceBroken when it ends before."""
    while first < end and (chunk := file.read(first, min(CHUNK, end - first))):
        first += len(chunk)
        yield chunk
    if first < end:
        raise SourceBroken(f"{name} was cut while it was sent, {end - first} bytes too soon")


def _cut(chunks: Iterator[bytes], first: int, end: int | None) -> Iterator[bytes]:
    """Yields the bytes from `first` to before `end`, and generates nothing after them."""
    start = 0
    for chunk in chunks:
        next_start = start + len(chunk)
        if next_start > first:
            yield chunk[max(first - start, 0) : None if end is None else end - start]
        start = next_start
        if end is not None and start >= end:
            return
