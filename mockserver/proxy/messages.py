"""The parts of HTTP/1.1 that a proxy reads: the head of a request, and where its body ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec

from mockserver.digits import parse_digits

MOST_HEAD = 65_536
READ = 65_536
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;|\Z)")
HOP_BY_HOP = frozenset(
    {"connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "expect", "upgrade"}
)
"""Fields that are about one connection, and not passed on (RFC 9110, 7.6.1)."""


class Malformed(Exception):
    """The bytes are no request that can be passed on."""


class Readable(Protocol):
    def recv(self, size: int, /) -> bytes: ...


class Reader:
    """Reads lines and numbers of bytes from a socket."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._buffer = stream, b""

    def read_line(self) -> bytes:
        """A line without its end. Raises Malformed, EOFError."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > MOST_HEAD:
                raise Malformed("a line is too long")
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def read_bytes(self, count: int) -> Iterator[bytes]:
        """Yields `count` bytes, in parts. Raises EOFError."""
        while count > 0:
            if not self._buffer:
                self._fill()
            part, self._buffer = self._buffer[:count], self._buffer[count:]
            count -= len(part)
            yield part

    def _fill(self) -> None:
        data = self._stream.recv(READ)
        if not data:
            raise EOFError
        self._buffer += data


class Head(msgspec.Struct, frozen=True):
    """The first line and the fields of a request."""

    method: str
    target: str
    fields: list[tuple[str, str]]

    def field(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name), None)

    def render(self, target: str, host: str) -> bytes:
        """The head for another server: one request on one connection."""
        passed_on = [(name, value) for name, value in self.fields if name.lower() not in HOP_BY_HOP | {"host"}]
        fields = [("Host", host), *passed_on, ("Connection", "close")]
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_head(reader: Reader) -> Head:
    """Raises Malformed, EOFError."""
    words = reader.read_line().decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise Malformed("the first line is not HTTP/1.1")
    fields: list[tuple[str, str]] = []
    size = 0
    while line := reader.read_line():
        size += len(line)
        name, colon, value = line.decode("latin-1").partition(":")
        if size > MOST_HEAD or not colon or not name or name != name.strip():
            raise Malformed("a header field is malformed, or there are too many")
        fields.append((name, value.strip()))
    return Head(words[0], words[1], fields)


def read_body(head: Head, reader: Reader) -> Iterator[bytes]:
    """The body as it is on the wire, chunks with their sizes. Raises Malformed, EOFError."""
    if (head.field("transfer-encoding") or "").lower() == "chunked":
        yield from _read_chunks(reader)
        return
    length = parse_digits(head.field("content-length") or "0")
    if length is None:
        raise Malformed("Content-Length is no number")
    yield from reader.read_bytes(length)


def _read_chunks(reader: Reader) -> Iterator[bytes]:
    while True:
        line = reader.read_line()
        yield line + b"\r\n"
        match = _CHUNK_SIZE.match(line)
        if match is None:
            raise Malformed("a chunk has no size")
        size = int(match[1], 16)
        if size == 0:
            break
        yield from reader.read_bytes(size)
        reader.read_line()
        yield b"\r\n"
    while trailer := reader.read_line():
        yield trailer + b"\r\n"
    yield b"\r\n"
