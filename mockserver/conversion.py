"""JSON and MessagePack into typed values, for threads that may begin at the same moment.

msgspec examines a type when it is first used, and keeps what it found with the type. A second thread that uses the
same type during that reads the half-finished record, and the process ends with a segmentation fault (msgspec 0.22,
observed 2026-11). So a type is examined here once, under a lock, before any thread uses it.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

_examined: set[Any] = set()
_lock = threading.Lock()


@overload
def decode(content: bytes | str, kind: type[T]) -> T: ...
@overload
def decode(content: bytes | str, kind: Any) -> Any: ...
def decode(content: bytes | str, kind: Any) -> Any:
    """Returns a JSON text as `kind`. Raises msgspec.DecodeError, and its ValidationError with the path of the value."""
    examine(kind)
    return msgspec.json.decode(content, type=kind)


def unpack(content: bytes, kind: type[T]) -> T:
    """Returns MessagePack as `kind`. Raises msgspec.DecodeError."""
    examine(kind)
    return msgspec.msgpack.decode(content, type=kind)


def convert(value: Any, kind: type[T], *, strict: bool = True) -> T:
    """Returns a decoded value as `kind`; unless `strict`, numbers may be texts. Raises msgspec.ValidationError."""
    examine(kind)
    return msgspec.convert(value, kind, strict=strict)


@overload
def build_decoder(kind: type[T]) -> msgspec.json.Decoder[T]: ...
@overload
def build_decoder(kind: Any) -> msgspec.json.Decoder[Any]: ...
def build_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """Returns a decoder of a type that is decoded very often."""
    examine(kind)
    return msgspec.json.Decoder(kind)


def examine(kind: Any) -> None:
    """Lets msgspec examine a type, and every type in it, if it has not."""
    if kind not in _examined:
        with _lock:
            msgspec.json.Decoder(kind)
            _examined.add(kind)
