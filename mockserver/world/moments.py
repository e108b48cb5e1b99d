"""Timestamps as exports write them."""

from __future__ import annotations

import datetime

_HOURS: dict[int, str] = {}
_MOST_HOURS = 10_000
_SIXTY = tuple(f"{number:02}" for number in range(60))
_SECONDS = tuple(f"{minute}:{second}" for minute in _SIXTY for second in _SIXTY)
_ENDS = tuple(f".{millisecond:03}+00:00" for millisecond in range(1000))
_ZULU_ENDS = tuple(f".{millisecond:03}Z" for millisecond in range(1000))


def format_moment(microseconds: int) -> str:
    """`2023-05-16T11:50:48.000+00:00`: milliseconds and a numeric offset (sample: cc-data-processing).

    From tables, as a row with every section has ten of them: a fifth of strftime's time. The timestamps of a world
    lie in few hours.
    """
    second = microseconds // 1_000_000
    hour = second // 3600
    return f"{_HOURS.get(hour) or _format_hour(hour)}{_SECONDS[second % 3600]}{_ENDS[microseconds // 1000 % 1000]}"


def format_zulu(microseconds: int) -> str:
    """`2022-04-07T13:36:51.412Z`: the same timestamp in Export V1 (sample: video notebook of 2022-04)."""
    second = microseconds // 1_000_000
    hour = second // 3600
    return f"{_HOURS.get(hour) or _format_hour(hour)}{_SECONDS[second % 3600]}{_ZULU_ENDS[microseconds // 1000 % 1000]}"


def format_nearest_second(microseconds: int) -> str:
    """The nearest second, in the format of `format_moment`."""
    second = (microseconds + 500_000) // 1_000_000
    hour = second // 3600
    return f"{_HOURS.get(hour) or _format_hour(hour)}{_SECONDS[second % 3600]}.000+00:00"


def round_to_second(microseconds: int) -> int:
    """The nearest second: timestamps of labels are rounded, not cut (observed 2023-10, 2026-07)."""
    return (microseconds + 500_000) // 1_000_000 * 1_000_000


def parse_moment(text: str) -> int:
    """Microseconds in UTC of a moment in ISO 8601, which without an offset is one in UTC. Raises TypeError, ValueError,
    and OverflowError for a moment that is in no year from 1 to 9999 in UTC."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return (moment.astimezone(datetime.UTC) - _START) // datetime.timedelta(microseconds=1)


def _format_hour(hour: int) -> str:
    """`2023-05-16T11:`, from a cache."""
    if len(_HOURS) >= _MOST_HOURS:
        _HOURS.clear()
    return _HOURS.setdefault(hour, f"{_EPOCH + datetime.timedelta(days=hour // 24)}T{hour % 24:02}:")


_EPOCH = datetime.date(1970, 1, 1)
_START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
