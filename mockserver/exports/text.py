"""How Export V2 writes moments, strings and bodies.

Rows are written as text, not built as objects and encoded: most of a row is a body that already is JSON, and the
rest is ids and moments. It is three times as fast, and memory stays flat.
"""

from __future__ import annotations

import codecs
import datetime
from json.encoder import encode_basestring_ascii

_MINUTES: dict[int, str] = {}
_MOST_MINUTES = 100_000
_SECONDS = tuple(f"{second:02}" for second in range(60))


def moment(microseconds: int) -> str:
    """`2023-05-16T11:50:48.000+00:00`: milliseconds and a numeric offset (sample: cc-data-processing)."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    minute, second = divmod(seconds, 60)
    start = _MINUTES.get(minute) or _minute(minute)
    if fraction < 1000:
        return f"{start}{_SECONDS[second]}.000+00:00"
    return f"{start}{_SECONDS[second]}.{fraction // 1000:03}+00:00"


def _minute(minute: int) -> str:
    """`2023-05-16T11:50:`, kept: the moments of a world crowd in few minutes."""
    if len(_MINUTES) >= _MOST_MINUTES:
        _MINUTES.clear()
    moment_ = _EPOCH + datetime.timedelta(minutes=minute)
    return _MINUTES.setdefault(minute, moment_.strftime("%Y-%m-%dT%H:%M:"))


def quoted(text: str) -> str:
    r"""A JSON string in ASCII: whatever lies outside is `\uXXXX` (wire traps 9 and 10)."""
    return encode_basestring_ascii(text)


def ascii_json(text: str) -> str:
    r"""The same JSON with every character outside ASCII as `\uXXXX`."""
    return text if text.isascii() else text.encode("ascii", _ESCAPE).decode("ascii")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError), "this handler is only used to encode"
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ESCAPE = "mockserver.json-escape"
# The ascii codec skips what is ASCII at memory speed and calls us for each run that is not; a regular expression
# takes a hundred times longer to find the runs.
codecs.register_error(_ESCAPE, _escaped)
