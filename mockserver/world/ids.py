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
_IN_BASE_36 = tuple(high + low for high in _DIGITS for low in _DIGITS)
_MOST_MINUTES = 1_000
_MINUTES: dict[int, str] = {}

FEATURE_PREFIX = 20
"""Characters of a feature id that name its label; the rest is the feature's ordinal within the label."""
ORDINAL = 25 - FEATURE_PREFIX


SIZE = 10
"""Bytes of a hash: 16 characters of 5 bits."""


def digest(*path: object, size: int = SIZE) -> bytes:
    """A hash of the path; its parts are joined by a character that no name holds."""
    return hashlib.blake2b("\x1f".join(map(str, path)).encode(), digest_size=size).digest()


class Stem:
    """The beginning of many paths: `Stem(*path).digest(last)` is `digest(*path, last)`, in a third of the time."""

    def __init__(self, *path: object, size: int = SIZE) -> None:
        self._hash = hashlib.blake2b("\x1f".join(map(str, (*path, ""))).encode(), digest_size=size)

    def digest(self, last: object) -> bytes:
        hashed = self._hash.copy()
        hashed.update(str(last).encode())
        return hashed.digest()

    def cuid(self, at: int, last: object) -> str:
        return _as_cuid(at, self.digest(last))


def cuid(at: int, *path: object) -> str:
    """25 characters, like every id of a label, data row, project, task: `c`, then eight of the moment `at`
    (microseconds UTC, rounded down to milliseconds), so that ids grow with time, then sixteen of the path (observed
    2023-10).
    """
    return _as_cuid(at, digest(*path))


def _as_cuid(at: int, raw: bytes) -> str:
    """The hash from its last bit to its first, in parts, as small numbers are shifted faster."""
    number = int.from_bytes(raw, "big")
    a, b, c = number & _PART, number >> 30 & _PART, number >> 60
    return (
        f"c{_moment(at // 1000)}"
        f"{_PAIRS[a & 1023]}{_PAIRS[a >> 10 & 1023]}{_PAIRS[a >> 20]}"
        f"{_PAIRS[b & 1023]}{_PAIRS[b >> 10 & 1023]}{_PAIRS[b >> 20]}"
        f"{_PAIRS[c & 1023]}{_PAIRS[c >> 10]}"
    )


def _moment(milliseconds: int) -> str:
    """Eight digits in base 36. The first five change every 47 seconds and are kept."""
    high, low = divmod(milliseconds, 36**3)
    begun = _MINUTES.get(high)
    if begun is None:
        if len(_MINUTES) >= _MOST_MINUTES:
            _MINUTES.clear()
        first, rest = divmod(high % 36**5, 36**2)
        begun = _MINUTES[high] = _DIGITS[first // 36**2] + _IN_BASE_36[first % 36**2] + _IN_BASE_36[rest]
    return f"{begun}{_DIGITS[low // 36**2]}{_IN_BASE_36[low % 36**2]}"


def time_uuid(at: int, *path: object) -> str:
    """A version 1 UUID, as batches carry (sample: cc-data-processing export), of the moment `at`."""
    ticks = at * 10 + _BEFORE_1970
    rest = int.from_bytes(digest(*path, size=8), "big") & ~(0x3 << 62) | 0x2 << 62
    low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0xFFF
    return str(uuid.UUID(int=low << 96 | middle << 80 | 0x1000 << 64 | high << 64 | rest))


_BEFORE_1970 = 0x01B21DD213814000
"""Steps of 100 nanoseconds from 1582-10-15, where version 1 counts from (RFC 9562)."""


def plain_uuid(*path: object) -> str:
    """A UUID whose version is 0, as models, their runs, and queues of labelling and rework carry (observed 2025-05,
    2026-02)."""
    return _as_version(digest(*path, size=16), 0)


def random_uuid(*path: object) -> str:
    """A version 4 UUID, as queues of reviews carry (observed 2024-12)."""
    return _as_version(digest(*path, size=16), 4)


def _as_version(raw: bytes, version: int) -> str:
    number = int.from_bytes(raw, "big")
    number = number & ~(0xF << 76) | version << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))


def feature_prefix(label_id: str) -> str:
    """The first 20 characters of every feature id of that label: its moment, and what is left of its hash."""
    return label_id[:9] + label_id[14:]


def ordinal(number: int) -> str:
    """The last five characters of a feature id: the feature's number within its label, in base 36."""
    letters = ""
    for _ in range(ORDINAL):
        number, rest = divmod(number, 36)
        letters = _DIGITS[rest] + letters
    return letters
