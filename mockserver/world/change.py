"""An open transaction of the store: what a family of changes works with."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import JsonText, R, Record
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.labels import Body


class Change:
    """One open transaction: the connection to write with, the clock's time, and the events to append.

    Only `Store.change` opens one.
    """

    def __init__(self, connection: Connection, now: int) -> None:
        self.connection = connection
        self.now = now
        self.backdated = False
        """Whether `now` is a time that the clock has passed: then later activity on a data row stays the last."""
        self.events: list[Event] = []

    def new_id(self, *, at: int | None = None) -> str:
        """Returns an id of the timestamp `at` (default: now) that no workspace, no life of this workspace and no
        earlier call has given."""
        self.connection.run("UPDATE workspace SET sequence = sequence + 1")
        seed, incarnation, sequence = self.connection.rows("SELECT seed, incarnation, sequence FROM workspace")[0]
        return ids.cuid(self.now if at is None else at, "run", seed, incarnation, sequence)

    def new_ids(self, count: int) -> list[str]:
        """Returns as many new ids, in the time of one."""
        self.connection.run("UPDATE workspace SET sequence = sequence + :count", {"count": count})
        seed, incarnation, last = self.connection.rows("SELECT seed, incarnation, sequence FROM workspace")[0]
        stem = ids.Stem("run", seed, incarnation)
        return [stem.cuid(self.now, sequence) for sequence in range(last - count + 1, last + 1)]

    def number(self, kind: type[Record]) -> int:
        """The number of the next row of a table with numbered rows."""
        return self.connection.next_number(kind)

    def body_id(self) -> int:
        """The id of the next body."""
        return int(self.connection.select_columns(Body, "COALESCE(MAX(id), 0) + 1")[0][0])

    def touch(self, data_row_no: int) -> None:
        """Notes activity on a data row: exports find it by `last_activity_at`."""
        self.touch_rows(Clause("no = :no", no=data_row_no))

    def touch_rows(self, rows: Clause) -> None:
        """Notes activity on all data rows that meet a condition."""
        if self.backdated:
            rows &= Clause("last_activity_at < :now", now=self.now)
        self.connection.update(DataRow, rows, last_activity_at=self.now)

    def one(self, kind: type[R], record_id: str) -> R:
        """The record with this id that is not marked deleted. Raises NotFound."""
        return self.connection.one_by_id(kind, record_id)

    @property
    def next_event_no(self) -> int:
        """The number of the next event."""
        return self.events[-1].no + 1 if self.events else self.number(Event)

    def add_event(
        self,
        kind: EventKind,
        *,
        project: str | None = None,
        data_row: str | None = None,
        label: str | None = None,
        **details: Any,
    ) -> None:
        """Adds an event, which is written when the change is committed."""
        no = self.next_event_no
        text = JsonText(orjson.dumps(details, option=orjson.OPT_SORT_KEYS).decode()) if details else _NO_DETAILS
        self.events.append(Event(no, kind, self.now, project, data_row, label, text))


_NO_DETAILS = JsonText("{}")
