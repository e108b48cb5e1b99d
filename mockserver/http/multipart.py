"""Bodies of multipart/form-data, read while they are received: no part is held in memory unless its sink holds it.

Only what clients of GraphQL uploads send is read (RFC 7578): parts with a name, and perhaps a file name and a type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.requests import Request

from mockserver.digits import parse_digits
from mockserver.errors import BadInput, BodyTooLarge
from mockserver.http.threads import call_off_loop

MOST_HEADER = 16 * 1024
"""Bytes of one header of a part. SDKs put the free text of an import's name into one."""
MOST_HEADERS_OF_PART = 8
"""Headers of one part. Clients send two or three."""
MOST_PARTS = 20
"""Parts of one body. SDKs send three."""
MOST_BOUNDARY = 200
"""Characters; RFC 2046 allows 70."""

_PARAMETER = re.compile(r';\s*([A-Za-z]+)(\*?)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))')


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


async def read_multipart(
    request: Request, open_sink: Callable[[Part], Sink], most: int, *, remote: bool = False
) -> None:
    """Writes every part of the body to the sink that `open_sink` returns for it. `remote`: sinks write to a network.

    Raises BadInput for a body that is malformed or ends too soon, BodyTooLarge as soon as it is known to have more than
    `most` bytes, ClientDisconnect, and what the sinks raise.
    """
    announced = parse_digits(request.headers.get("content-length", "0"), 20)
    if announced is not None and announced > most:
        raise BodyTooLarge(f"The body has {announced} bytes; at most {most} are read")
    reader = PartReader(parse_boundary(request.headers.get("content-type", "")), open_sink)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BodyTooLarge(f"The body has more than {most} bytes; at most {most} are read")
        await call_off_loop(remote, reader.feed, chunk)
    reader.finish()


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


class PartReader:
    """Divides a body into parts, however it is cut into chunks, and writes each to its sink."""

    def __init__(self, boundary: bytes, open_sink: Callable[[Part], Sink]) -> None:
        self._open_sink = open_sink
        self._sink: Sink | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._name, self._value = bytearray(), bytearray()
        self._parts = 0
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._open,
                "on_part_data": self._write,
                "on_part_end": self._close,
                "on_end": self._end,
            },
            max_header_count=MOST_HEADERS_OF_PART,
            max_header_size=MOST_HEADER,
        )

    def feed(self, data: bytes) -> None:
        """Reads the next bytes. Raises BadInput."""
        try:
            self._parser.write(data)
        except MultipartParseError as error:
            raise BadInput(
                f"The multipart body is malformed ({error}); expected parts as RFC 7578 describes them, each with at "
                f"most {MOST_HEADERS_OF_PART} headers of {MOST_HEADER} bytes"
            ) from None

    def finish(self) -> None:
        """Raises BadInput unless the last part was complete."""
        if not self._ended:
            raise BadInput(
                "The multipart body ends in the middle of a part; expected a last line with the boundary and --"
            )

    # The parser calls these

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise BadInput(f"The multipart body has more than {MOST_PARTS} parts; SDKs send three")
        self._headers.clear()

    def _end_header(self) -> None:
        self._headers.append((bytes(self._name), bytes(self._value)))
        self._name.clear()
        self._value.clear()

    def _open(self) -> None:
        self._sink = self._open_sink(build_part(self._headers))

    def _write(self, data: bytes, start: int, end: int) -> None:
        assert self._sink is not None
        self._sink.write(data[start:end])

    def _close(self) -> None:
        assert self._sink is not None
        self._sink.close()

    def _end(self) -> None:
        self._ended = True


def build_part(headers: list[tuple[bytes, bytes]]) -> Part:
    """The part that has these headers (name and value). Raises BadInput when it has no name."""
    texts = {name.decode("utf-8", "replace").lower(): value.decode("utf-8", "replace") for name, value in headers}
    parameters: dict[str, str] = {}
    for name, extended, quoted, plain in _find(texts.get("content-disposition", "")):
        value = re.sub(r'\\(["\\])', r"\1", quoted) or plain
        parameters[name] = unquote(value.rpartition("''")[2]) if extended else value
    if "name" not in parameters:
        raise BadInput(
            'A part of the multipart body has no name; expected Content-Disposition: form-data; name="operations"'
        )
    return Part(parameters["name"], parameters.get("filename"), texts.get("content-type", "").strip() or None)
