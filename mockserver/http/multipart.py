"""Bodies of multipart/form-data, read while they are received: no part is held in memory unless its sink holds it.

Only what clients of GraphQL uploads send is read (RFC 7578): parts with a name, and perhaps a file name and a type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from starlette.requests import Request

from mockserver.errors import BadInput, BodyTooLarge

MOST_HEADERS = 16 * 1024
"""Bytes of the headers of one part. SDKs put the free text of an import's name into them."""
MOST_PARTS = 20
"""Parts of one body. SDKs send three."""
MOST_BOUNDARY = 200
"""Characters; RFC 2046 allows 70."""

_PARAMETER = re.compile(r';\s*([A-Za-z]+)(\*?)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))')
_END, _LINE = b"--", b"\r\n"


class Part(NamedTuple):
    """The headers of a part: its name, and the name and content type of its file if it is one."""

    name: str
    file_name: str | None
    content_type: str | None


class Sink(Protocol):
    """The place that the bytes of a part are written to."""

    def write(self, data: bytes, /) -> object:
        """Appends bytes."""

    def close(self) -> object:
        """Is called when the part is complete."""


async def read_multipart(request: Request, open_sink: Callable[[Part], Sink], most: int) -> None:
    """Writes every part of the body to the sink that `open_sink` returns for it.

    Raises BadInput for a body that is malformed or ends too soon, BodyTooLarge as soon as it is known to have more than
    `most` bytes, ClientDisconnect, and what the sinks raise.
    """
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:20]) > most:
        raise BodyTooLarge(f"The body has {announced} bytes; at most {most} are read")
    parser = MultipartParser(parse_boundary(request.headers.get("content-type", "")), open_sink)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BodyTooLarge(f"The body has more than {most} bytes; at most {most} are read")
        parser.feed(chunk)
    parser.finish()


def parse_boundary(content_type: str) -> bytes:
    """The boundary that a Content-Type names. Raises BadInput."""
    kind, _, rest = content_type.partition(";")
    parameters: dict[str, str] = {
        name.lower(): quoted or plain for name, _, quoted, plain in _PARAMETER.findall(f";{rest}")
    }
    boundary = parameters.get("boundary", "")
    if kind.strip().lower() != "multipart/form-data" or not boundary or len(boundary) > MOST_BOUNDARY:
        raise BadInput(
            f"The Content-Type is {content_type[:200]!r}; expected multipart/form-data with a boundary of at most "
            f"{MOST_BOUNDARY} characters"
        )
    return boundary.encode("latin-1", "replace")


def _find(text: str) -> Iterator[tuple[str, str, str, str]]:
    """The parameters of a header: name, `*` for one in the form of RFC 8187, value in quotes, value without."""
    for match in _PARAMETER.finditer(text):
        yield match[1].lower(), match[2], match[3] or "", match[4] or ""


class MultipartParser:
    """Divides a body into parts, however it is cut into chunks."""

    def __init__(self, boundary: bytes, open_sink: Callable[[Part], Sink]) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._open_sink = open_sink
        self._rest = bytearray(_LINE)  # the first delimiter has no line in front of it
        self._read = self._read_preamble
        self._sink: Sink | None = None
        self._parts = 0
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Reads the next bytes. Raises BadInput."""
        if self._ended:
            return  # an epilogue, which is ignored
        self._rest += data
        while self._read():
            pass

    def finish(self) -> None:
        """Raises BadInput unless the last part was complete."""
        if not self._ended:
            raise BadInput(
                "The multipart body ends in the middle of a part; expected a last line with the boundary and --"
            )

    def _read_preamble(self) -> bool:
        return self._read_to_delimiter()

    def _read_to_delimiter(self) -> bool:
        """Writes what is known to be content, and goes on behind the delimiter. False when more bytes are needed."""
        at = self._rest.find(self._delimiter)
        known = at if at >= 0 else max(len(self._rest) - len(self._delimiter) + 1, 0)
        if known and self._sink is not None:
            self._sink.write(bytes(memoryview(self._rest)[:known]))
        del self._rest[: known + (len(self._delimiter) if at >= 0 else 0)]
        if at < 0:
            return False
        if self._sink is not None:
            self._sink.close()
            self._sink = None
        self._read = self._read_line_end
        return True

    def _read_line_end(self) -> bool:
        """Reads what is behind a delimiter: the end of the line, or the sign of the last one."""
        if len(self._rest) < len(_END):
            return False
        if self._rest.startswith(_END):
            self._ended = True
            return False
        at = self._rest.find(_LINE)
        if (at > 0 and self._rest[:at].strip(b" \t")) or (at < 0 and len(self._rest) > MOST_HEADERS):
            raise BadInput("A boundary of the multipart body has text behind it; expected the end of the line")
        if at < 0:
            return False
        del self._rest[:at]  # the line break stays in front of the headers
        self._read = self._read_headers
        return True

    def _read_headers(self) -> bool:
        at = self._rest.find(b"\r\n\r\n")
        if at < 0 and len(self._rest) <= MOST_HEADERS:
            return False
        self._parts += 1
        if not 0 <= at <= MOST_HEADERS or self._parts > MOST_PARTS:
            raise BadInput(
                f"The multipart body has more than {MOST_PARTS} parts, or headers of more than {MOST_HEADERS} bytes"
            )
        part = parse_headers(bytes(self._rest[:at]))
        del self._rest[: at + 4]
        self._sink = self._open_sink(part)
        self._read = self._read_to_delimiter
        return True


def parse_headers(text: bytes) -> Part:
    """The headers of a part. Raises BadInput when it has no name."""
    headers: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    parameters: dict[str, str] = {}
    for name, extended, quoted, plain in _find(headers.get("content-disposition", "")):
        value = re.sub(r'\\(["\\])', r"\1", quoted) or plain
        parameters[name] = unquote(value.rpartition("''")[2]) if extended else value
    if "name" not in parameters:
        raise BadInput(
            'A part of the multipart body has no name; expected Content-Disposition: form-data; name="operations"'
        )
    return Part(parameters["name"], parameters.get("filename"), headers.get("content-type") or None)
