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
_PAIRS = tuple(_DIGITS[pair & 31] + _DIGITS[pair >> 5] for pair in range(1024))
_SHIFTS = tuple(range(0, 120, 10))

FEATURE_PREFIX = 20
"""Characters of a feature id that name its label; the rest is the feature's ordinal within the label."""
ORDINAL = 25 - FEATURE_PREFIX


def digest(*path: object, size: int = 15) -> bytes:
    """A hash of the path; its parts are joined by a character that no name of ours holds."""
    return hashlib.blake2b("\x1f".join(map(str, path)).encode(), digest_size=size).digest()


def cuid(*path: object) -> str:
    """25 characters, `c` first, like every id of a label, data row, project, task (sample)."""
    number = int.from_bytes(digest(*path), "big")
    return "c" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


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
