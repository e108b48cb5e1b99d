"""How Export V2 writes moments and characters."""

from __future__ import annotations

import datetime
import functools
import re
from json.encoder import encode_basestring_ascii

_NOT_ASCII = re.compile("[^\x00-\x7f]+")


def moment(microseconds: int) -> str:
    """`2023-05-16T11:50:48.000+00:00`: milliseconds and a numeric offset (sample: cc-data-processing)."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    day, second = divmod(seconds, 86_400)
    minute, second = divmod(second, 60)
    return f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}.{fraction // 1000:03}+00:00"


@functools.lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def ascii_json(text: bytes) -> bytes:
    r"""The same JSON with every character outside ASCII as `\uXXXX` (wire traps 9 and 10)."""
    if text.isascii():
        return text
    return _NOT_ASCII.sub(lambda match: encode_basestring_ascii(match[0])[1:-1], text.decode()).encode()
