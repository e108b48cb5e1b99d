"""The parameters of a performance report: a period, users, batches, deleted labels, and a page of a table (SDK
performance.py 7.17.0)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import NamedTuple

from mockserver.digits import parse_digits
from mockserver.errors import BadInput, quote
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.clock import DAY
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.groups import GroupMember
from mockserver.world.records.labels import ProjectRow

MOST_DAYS = 366
MOST_IDS, MOST_GROUPS = 1_000, 25
PAGE, MOST_ON_PAGE = 50, 100
EPOCH, LAST_DAY = datetime.date(1970, 1, 1), datetime.date(9998, 12, 31)
"""The calendar has the day, the month and the year that follow the last day of a period."""
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
DELETED = {"include": "TRUE", "exclude": "NOT l.deleted", "only": "l.deleted"}
ORDERS = ("asc", "desc")


class Period(NamedTuple):
    """Whole days in UTC, both included."""

    start: datetime.date
    end: datetime.date

    def match(self, column: str) -> Clause:
        """The timestamps of the period in a column."""
        start, end = ((day - EPOCH).days * DAY for day in (self.start, self.end + datetime.timedelta(days=1)))
        return Clause(f"{column} >= :start AND {column} < :end", start=start, end=end)


class Page(NamedTuple):
    """A page of a table, sorted by one of its columns if it is given."""

    number: int
    size: int
    column: str | None
    descending: bool


def read_period(query: Mapping[str, str]) -> Period:
    """Raises BadInput."""
    start, end = (_read_day(query, name) for name in ("startDate", "endDate"))
    if not 0 <= (end - start).days < MOST_DAYS:
        raise BadInput(f"The period is {start} to {end}; expected at most {MOST_DAYS} days, the first one first")
    return Period(start, end)


def _read_day(query: Mapping[str, str], name: str) -> datetime.date:
    sent = query.get(name)
    try:
        # fromisoformat also takes 20260131 and 2026-W05-6.
        day = datetime.date.fromisoformat(sent if sent and _DAY.fullmatch(sent) else "")
    except ValueError:
        raise BadInput(f"{name} is {sent!r}; expected a day like 2026-01-31") from None
    if day > LAST_DAY:
        raise BadInput(f"{name} is {day}; expected a day until {LAST_DAY}")
    return day


def read_work(query: Mapping[str, str], worker: str) -> Clause:
    """The labels `l` that a report counts, of the users in the column `worker`. Raises BadInput."""
    deleted = read_word(query, "deletedLabels", DELETED, "include")
    within = Clause(DELETED[deleted])
    for name, condition in (
        ("userIds", f"{worker} IN :ids"),
        ("projectIds", "l.project_id IN :ids"),
    ):
        if (ids := read_ids(query, name, MOST_IDS)) is not None:
            within &= Clause(condition, ids=ids)
    if (groups := read_ids(query, "userGroupIds", MOST_GROUPS)) is not None:
        within &= match_subquery(worker, GroupMember, "user_id", Clause("group_id IN :ids", ids=groups))
    if (batches := read_ids(query, "batchIds", MOST_IDS)) is not None:
        rows = Clause("batch_id IN :ids", ids=batches)
        within &= match_subquery("l.data_row_no", ProjectRow, "data_row_no", rows)
    return within & _match_members(query)


def _match_members(query: Mapping[str, str]) -> Clause:
    """All users are members of the organization itself."""
    return Clause("FALSE") if read_word(query, "memberType", ("internal", "external"), "") == "external" else EVERYTHING


def read_ids(query: Mapping[str, str], name: str, most: int) -> list[str] | None:
    """Ids with commas between them; None if none were sent. Raises BadInput."""
    sent = query.get(name)
    if sent is None:
        return None
    ids = [part.strip() for part in sent.split(",")]
    if not all(ids) or len(ids) > most:
        raise BadInput(f"{name} is {sent[:100]!r}; expected 1 to {most:,} ids with commas between them")
    return ids


def read_word(query: Mapping[str, str], name: str, words: Mapping[str, str] | tuple[str, ...], default: str) -> str:
    """One of some words. Raises BadInput."""
    sent = query.get(name, default)
    if sent not in words and sent != default:
        raise BadInput(f"{name} is {sent[:100]!r}; expected one of {quote(words)}")
    return sent


def read_page(query: Mapping[str, str], columns: list[str]) -> Page:
    """Raises BadInput."""
    number, size = (_read_number(query, name, default) for name, default in (("page", 1), ("perPage", PAGE)))
    if size > MOST_ON_PAGE:
        raise BadInput(f"perPage is {size}; expected 1 to {MOST_ON_PAGE}")
    column = query.get("sort")
    if column is not None and column not in columns:
        raise BadInput(f"sort is {column[:100]!r}; expected one of {quote(columns)}")
    return Page(number, size, column, read_word(query, "order", ORDERS, "asc") == "desc")


def _read_number(query: Mapping[str, str], name: str, default: int) -> int:
    sent = query.get(name)
    number = default if sent is None else parse_digits(sent, 6)
    if not number:
        raise BadInput(f"{name} is {sent!r}; expected a number from 1 on")
    return number
