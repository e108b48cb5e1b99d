"""How much of what was told is kept: events, messages and tries, by bytes and by days of the world's clock.

What is done is only looked at, so the oldest of it goes first, a little at a time: the pages it frees are written
again, and the file stays as large as it was. What waits to be sent is a promise, and goes only when it passes a limit
of its own; its subscription counts what was dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import takewhile

import msgspec

from mockserver.settings import DEFAULT_OUTBOX_LIMIT
from mockserver.world.clock import DAY
from mockserver.world.database import Clause, Connection, Row
from mockserver.world.events import Event
from mockserver.world.store import Store
from mockserver.world.webhooks import Attempt, Delivery, DeliveryState

LOG = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
DONE_SHARE = 32
"""What is done takes at most this part of the limit, 32 MiB of 1,024: some 2,700 messages of 12 kB. Forks copy it."""
DAYS = 30
"""Days of the world's clock that what is done is kept: longer than any results, and than the longest schedule."""
BUSY = 4
"""How many times its part may be done before it is deleted although there is something to send."""
EVENTS = 100_000
"""Events that are kept without a message, some 25 MB: a replay can tell of them."""
TRIES = 100
"""Tries of one message that are kept, the newest: its schedule has 50 at most, and every redelivery begins it anew."""
LOOKS = 16
"""Looks while what is done could be replaced once. Without any message, one look each day of the world's clock."""
BETWEEN_PARTS = 0.05
"""Seconds between two deletions, for others to get their turn."""
WHEN_BUSY = 0.2
"""Seconds until the next look whether there is still something to send."""
PART = 100
"""Messages or events deleted in one transaction; BUSY times as many when the file grows faster than it is idle."""
PART_BYTES = 2 * MEGABYTE
"""Bytes deleted in one transaction: some milliseconds, in which nothing else can be changed."""
UNKNOWN = 32 * 1024
"""Bytes that a message is taken for as long as none was counted."""
ROW = 500
"""Bytes that a message takes beside its body: headers, address and the entries of its indexes."""
TRY = 250
"""Bytes that a try takes beside the answer."""

_SIZE = f"length(body) + {ROW}"
_TRY_SIZE = f"length(answer) + length(answer_headers) + length(reason) + {TRY}"
_DONE = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.STOPPED)


class Old(msgspec.Struct, frozen=True, array_like=True):
    """A message that may go."""

    no: int
    subscription_id: str
    made_at: int
    size: int


class Retention:
    """Belongs to a store; used by one thread at a time."""

    def __init__(self, store: Store, limit: int = DEFAULT_OUTBOX_LIMIT * MEGABYTE) -> None:
        """`limit` in bytes, of what waits."""
        self._store, self._limit = store, limit
        self._done_limit = limit // DONE_SHARE
        self._bytes = self._rows = 0
        self._newest_message = self._newest_try = self._passed_event = 0
        self._tries = 0
        self._looking = True
        self._day = 0

    def due(self, newest: int, tries: int) -> bool:
        """Whether it is time to look. `newest` is the number of the newest message, `tries` came since the last
        call."""
        self._tries += tries
        each = self._bytes // self._rows if self._rows else UNKNOWN
        new = (newest - self._newest_message + self._tries) * each
        self._looking |= new >= self._done_limit // LOOKS or self._store.clock.now() // DAY != self._day
        return self._looking

    def prune(self, *, idle: bool) -> float | None:
        """Delete a part of what is too old or too much. The seconds after which to go on, or None when that was all.

        While there is something to send, not `idle`, what is done waits longer: deleting takes time from sending.
        """
        self._count()
        parts = 1 if idle else BUSY
        before = self._store.clock.now() - DAYS * DAY
        with self._store.reading() as connection:
            pending = connection.count(Delivery, Clause("state = :state", state=DeliveryState.PENDING))
            waiting = self._bytes * pending // max(self._rows, 1)
            too_much = self._bytes - waiting - self._done_limit
            done = self._done(connection, too_much - self._done_limit * (parts - 1), before, parts)
            over = min(waiting - self._limit, PART_BYTES * parts)
            dropped = self._oldest(connection, [DeliveryState.PENDING], over, parts)
        if done or dropped:
            self._delete(done, dropped)
            return BETWEEN_PARTS
        if self._prune_events(before, parts):
            return BETWEEN_PARTS
        if too_much > 0 and not idle:
            return WHEN_BUSY
        self._passed_event = self._tries = 0
        self._day = self._store.clock.now() // DAY
        self._looking = False
        return None

    def _count(self) -> None:
        """Add what has come since the last time: a sum over all of it would read the whole file."""
        with self._store.reading() as connection:
            row = connection.row(
                f"SELECT SUM({_SIZE}), COUNT(*), MAX(no) FROM outbox WHERE no > :no", {"no": self._newest_message}
            )
            if row is not None and row[1]:
                self._bytes, self._rows, self._newest_message = self._bytes + row[0], self._rows + row[1], row[2]
            row = connection.row(
                f"SELECT SUM({_TRY_SIZE}), MAX(no) FROM attempt WHERE no > :no", {"no": self._newest_try}
            )
            if row is None or row[1] is None:
                return
            self._bytes += row[0]
            often = connection.rows(
                "SELECT delivery_no, MAX(number) FROM attempt"
                f" WHERE no > :no AND number > {TRIES} GROUP BY delivery_no",
                {"no": self._newest_try},
            )
        self._newest_try = row[1]
        if often:
            self._forget_tries(often)

    def _forget_tries(self, often: list[Row]) -> None:
        """The oldest of messages that were tried again and again."""
        with self._store.change() as change:
            for delivery_no, number in often:
                old = Clause("delivery_no = :delivery AND number <= :last", delivery=delivery_no, last=number - TRIES)
                self._bytes -= change.connection.value(_SUM_OF_TRIES + old.sql, old.params)
                change.connection.delete(Attempt, old)

    def _done(self, connection: Connection, too_much: int, before: int, parts: int) -> list[Old]:
        """The oldest that are done, as many as are too much or too old."""
        found: list[Old] = []
        for old in self._oldest(connection, _DONE, PART_BYTES * parts, parts):
            if too_much <= 0 and old.made_at >= before:
                break
            found.append(old)
            too_much -= old.size
        return found

    def _oldest(self, connection: Connection, states: Sequence[str], most: int, parts: int) -> list[Old]:
        """Of these states, so many bytes. Never the newest message of all: its number must not come again."""
        if most <= 0:
            return []
        sql = (
            f"SELECT no, subscription_id, made_at, {_SIZE} FROM outbox WHERE state = :state AND no < :newest"
            " ORDER BY no LIMIT :first"
        )
        found: list[Old] = []
        for state in states:  # one by one: the index has each in order
            values = {"state": state, "newest": self._newest_message, "first": PART * parts}
            found += [Old(*row) for row in connection.rows(sql, values)]
        kept: list[Old] = []
        for old in sorted(found, key=lambda old: old.no)[: PART * parts]:
            if most <= 0:
                break
            kept.append(old)
            most -= old.size
        return kept

    def _delete(self, done: list[Old], dropped: list[Old]) -> None:
        gone = done + dropped
        with self._store.change() as change:
            here = Clause("delivery_no IN :nos", nos=[old.no for old in gone])
            tries = change.connection.value(_SUM_OF_TRIES + here.sql, here.params)
            change.connection.delete(Attempt, here)
            change.connection.delete(Delivery, Clause("no IN :nos", nos=[old.no for old in gone]))
            for old in dropped:
                change.connection.run(_DROPPED, {"id": old.subscription_id})
        self._bytes -= tries + sum(old.size for old in gone)
        self._rows -= len(gone)
        if dropped:
            LOG.warning(
                "%s messages were dropped before they were delivered: what waits passes --outbox-limit (%s MiB)",
                len(dropped), self._limit // MEGABYTE,
            )  # fmt: skip

    def _prune_events(self, before: int, parts: int) -> bool:
        """A part of the events that are too old or too many, without those that a kept message tells of; whether there
        may be more. Never the newest: its number must not come again."""
        with self._store.reading() as connection:
            newest = connection.value("SELECT COALESCE(MAX(no), 0) FROM event")
            here = Clause("no > :passed AND no < :newest", passed=self._passed_event, newest=newest)
            oldest = connection.select(Event, here, order="no", first=PART * parts)
        over = [event.no for event in takewhile(lambda event: event.at < before or newest - event.no >= EVENTS, oldest)]
        if not over:
            return False
        with self._store.change() as change:
            change.connection.delete(Event, Clause("no IN :nos", nos=over) & _UNTOLD)
        self._passed_event = over[-1]
        return True


_SUM_OF_TRIES = f"SELECT COALESCE(SUM({_TRY_SIZE}), 0) FROM attempt WHERE "
_UNTOLD = Clause("NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_no = event.no)")
_DROPPED = "UPDATE subscription SET dropped = dropped + 1 WHERE id = :id"
