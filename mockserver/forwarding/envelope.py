"""A request and its answer on the way between two replicas: the messages of ASGI, inside one exchange of HTTP.

The request is the body of a POST: its head with a length in front, and its own body. The answer is the body of a 200,
in frames. So headers, HEAD, 204 and compression need no care, the owner knows the client's address, and a requested
failure of a connection is a frame: if the connection between replicas ends, then a replica was lost.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
from starlette.types import Scope

from mockserver.workspaces.naming import WorkspaceName

PATH = "/_mock/forwarded"
"""The path of the POST. Only a request with the secret of the database is taken there."""
SECRET_HEADER = b"mockserver-forwarded"
NOT_OWNER_HEADER = b"mockserver-not-owner"
NOT_OWNER = 421
"""The status with this header says that the replica neither serves the workspace nor can take it over."""
UNREADABLE = 400
"""The status for an envelope that cannot be read."""
CONTENT_TYPE = b"application/vnd.mockserver.forwarded"
MOST_HEAD = 1024 * 1024
"""Bytes of a head. The head of a client's request has at most 64 KiB."""

_LENGTH = struct.Struct(">I")
_FRAME = struct.Struct(">BI")


class Kind(IntEnum):
    """The kind of a frame of an answer."""

    START = 1
    """Status and headers."""
    BODY = 2
    LAST = 3
    """The last bytes of the body."""
    WRITE = 4
    """Bytes that are written to the client's connection beside the answer."""
    CLOSE = 5
    """The connection of the client ends."""
    RESET = 6
    """The connection of the client is reset."""


class Frame(NamedTuple):
    kind: Kind
    payload: bytes


_SCOPE_KEYS = ("method", "scheme", "path", "raw_path", "query_string", "http_version")


def pack_head(scope: Scope, name: WorkspaceName, number: int) -> bytes:
    """Packs a request without its body, for the replica with this number."""
    values = [scope[key] for key in _SCOPE_KEYS]
    packed = msgspec.msgpack.encode([*values, scope["headers"], scope.get("client"), scope.get("server"), name, number])
    return _LENGTH.pack(len(packed)) + packed


class Head(NamedTuple):
    """A request without its body: the keys of its scope, the workspace that it is about, and the number of the replica
    that it was sent to. A replica that was stopped for a while may have another number when it reads the request, which
    has then been sent elsewhere."""

    scope: dict[str, Any]
    name: WorkspaceName
    number: int


def find_head_end(data: bytes) -> int | None:
    """Returns where the body begins; None if the length of the head is not there yet. Raises ValueError."""
    if len(data) < _LENGTH.size:
        return None
    size: int = _LENGTH.unpack_from(data)[0]
    if size > MOST_HEAD:
        raise ValueError(f"a head of {size} bytes")
    return _LENGTH.size + size


def unpack_head(data: bytes) -> Head:
    """Unpacks a head with its length. Raises ValueError."""
    try:
        *values, headers, client, server, name, number = msgspec.msgpack.decode(data[_LENGTH.size :])
        scope = dict(zip(_SCOPE_KEYS, values, strict=True))
        scope["headers"] = [(field, value) for field, value in headers]
        scope["client"], scope["server"] = _address(client), _address(server)
        return Head(scope, WorkspaceName(*name), int(number))
    except (msgspec.DecodeError, TypeError) as error:
        raise ValueError(f"the head has another form: {error}") from None


def _address(pair: list[Any] | None) -> tuple[Any, ...] | None:
    return None if pair is None else tuple(pair)


def pack_frame(kind: Kind, payload: bytes = b"") -> bytes:
    return _FRAME.pack(kind, len(payload)) + payload


def pack_start(status: int, headers: Any) -> bytes:
    """Packs status and headers of an answer."""
    pairs = [(bytes(field), bytes(value)) for field, value in headers]
    return pack_frame(Kind.START, msgspec.msgpack.encode((status, pairs)))


def unpack_start(payload: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    status, pairs = msgspec.msgpack.decode(payload)
    return status, [(field, value) for field, value in pairs]


class FrameReader:
    """Divides received bytes into frames, however they are cut. Long bodies are passed on in parts, not collected."""

    def __init__(self) -> None:
        self._held = b""
        self._kind = Kind.BODY
        self._left = 0
        """Bytes of the current frame that were not received yet."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yields the frames, and parts of them, that are complete with these bytes. Raises ValueError."""
        if self._held:
            data, self._held = self._held + data, b""
        while data:
            if not self._left:
                if len(data) < _FRAME.size:
                    break
                number, self._left = _FRAME.unpack_from(data)
                self._kind, data = Kind(number), data[_FRAME.size :]
                if self._left:
                    continue
                yield Frame(self._kind, b"")
            elif len(data) >= self._left:
                payload, data, self._left = data[: self._left], data[self._left :], 0
                yield Frame(self._kind, payload)
            elif self._kind == Kind.START:
                break
            else:
                self._left -= len(data)
                yield Frame(Kind.BODY if self._kind == Kind.LAST else self._kind, data)
                data = b""
        self._held = data
