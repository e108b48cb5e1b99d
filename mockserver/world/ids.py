"""Ids in the service's shapes, all of them hashes.

The generated world's ids come from (seed, path): the same on every machine. Ids made at run time come from (seed,
incarnation, sequence): an incarnation is drawn anew for each life of a workspace, because the SDK caches task
results by id for the whole process (wire trap 13: export_task.py `_get_metadata_header` is an lru_cache).
"""

from __future__ import annotations

import hashlib
import uuid

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# Ten bits at a time: a large world has millions of ids.
_PART = (1 << 30) - 1
_PAIRS = tuple(_DIGITS[pair & 31] + _DIGITS[pair >> 5] for pair in range(1024))

FEATURE_PREFIX = 20
"""Characters of a feature id that name its label; the rest is the feature's ordinal within the label."""
ORDINAL = 25 - FEATURE_PREFIX


SIZE = 15
"""Bytes of a hash: 24 characters of 5 bits."""


def digest(*path: object, size: int = SIZE) -> bytes:
    """A hash of the path; its parts are joined by a character that no name of ours holds."""
    return hashlib.blake2b("\x1f".join(map(str, path)).encode(), digest_size=size).digest()


class Stem:
    """Where many paths begin: `Stem(*path).digest(last)` is `digest(*path, last)`, in a third of the time."""

    def __init__(self, *path: object, size: int = SIZE) -> None:
        self._hash = hashlib.blake2b("\x1f".join(map(str, (*path, ""))).encode(), digest_size=size)

    def digest(self, last: object) -> bytes:
        hashed = self._hash.copy()
        hashed.update(str(last).encode())
        return hashed.digest()

    def cuid(self, last: object) -> str:
        return _as_cuid(self.digest(last))


def cuid(*path: object) -> str:
    """25 characters, `c` first, like every id of a label, data row, project, task (sample)."""
    return _as_cuid(digest(*path))


def _as_cuid(raw: bytes) -> str:
    """From the last bit to the first, in four parts, as small numbers are shifted faster."""
    number = int.from_bytes(raw, "big")
    a, b, c, d = number & _PART, number >> 30 & _PART, number >> 60 & _PART, number >> 90
    return (
        f"c{_PAIRS[a & 1023]}{_PAIRS[a >> 10 & 1023]}{_PAIRS[a >> 20]}"
        f"{_PAIRS[b & 1023]}{_PAIRS[b >> 10 & 1023]}{_PAIRS[b >> 20]}"
        f"{_PAIRS[c & 1023]}{_PAIRS[c >> 10 & 1023]}{_PAIRS[c >> 20]}"
        f"{_PAIRS[d & 1023]}{_PAIRS[d >> 10 & 1023]}{_PAIRS[d >> 20]}"
    )


def time_uuid(*path: object) -> str:
    """A version 1 UUID, as batches carry (sample: cc-data-processing export)."""
    return _as_version(digest(*path, size=16), 1)


def random_uuid(*path: object) -> str:
    """A version 4 UUID, as task queues carry (sample: cc-data-processing export)."""
    return _as_version(digest(*path, size=16), 4)


def _as_version(raw: bytes, version: int) -> str:
    number = int.from_bytes(raw, "big")
    number = number & ~(0xF << 76) | version << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def feature_prefix(label_id: str) -> str:
    """The first 20 characters of every feature id of that label."""
    return "c" + label_id[6:]


def ordinal(number: int) -> str:
    """The last five characters of a feature id: the feature's number within its label, in base 36."""
    letters = ""
    for _ in range(ORDINAL):
        number, rest = divmod(number, 36)
        letters = _DIGITS[rest] + letters
    return letters
