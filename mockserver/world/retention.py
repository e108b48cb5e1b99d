"""Retention of events, deliveries and attempts, by bytes and by days of the world's clock.

Deliveries that have ended are only looked at, so the oldest go first, a few at a time: the pages that they free are
written again, and the file does not grow. Deliveries that wait to be sent are a promise, and are dropped only when they
pass a limit of their own; their subscription counts them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import takewhile

import msgspec

from mockserver.settings import DEFAULT_OUTBOX_LIMIT
from mockserver.world.changes.deliveries import count_dropped
from mockserver.world.clause import Clause
from mockserver.world.clock import DAY
from mockserver.world.database import Connection
from mockserver.world.record import Row
from mockserver.world.records.events import Event
from mockserver.world.records.webhooks import Attempt, Delivery, DeliveryState
from mockserver.world.store import Store

LOG = logging.getLogger(__name__)

MEGABYTE = 1024 * 1024
DONE_SHARE = 32
"""Ended deliveries take at most this part of the limit, 32 MiB of 1,024: some 2,700 messages of 12 kB. Forks copy
them."""
DAYS = 30
"""Days of the world's clock that ended deliveries are kept: longer than any results, and than the longest schedule."""
BUSY = 4
"""How many times their part ended deliveries may take before they are deleted although there is something to send."""
EVENTS = 100_000
"""Events that are kept without a delivery, some 25 MB: a replay can send them."""
ATTEMPTS = 100
"""Attempts of one delivery that are kept, the newest: its schedule has 50 at most, and a redelivery begins it anew."""
CHECKS = 16
"""Checks while all ended deliveries could be replaced once. Without new ones there is one check each day of the world's
clock."""
BETWEEN_PARTS = 0.05
"""Seconds between two deletions, for others to get their turn."""
WHEN_BUSY = 0.2
"""Seconds until the next check whether there is still something to send."""
PART = 100
"""Deliveries or events deleted in one transaction; BUSY times as many when the file grows faster than it is idle."""
PART_BYTES = 2 * MEGABYTE
"""Bytes deleted in one transaction: some milliseconds, in which nothing else can be changed."""
UNKNOWN = 32 * 1024
"""Bytes that a delivery is estimated at before any is counted."""
ROW = 500
"""Bytes of a delivery beside its body: headers, address and the entries of its indexes."""
ATTEMPT = 250
"""Bytes of an attempt beside the answer."""

_SIZE = f"length(body) + {ROW}"
_ATTEMPT_SIZE = f"length(answer) + length(answer_headers) + length(reason) + {ATTEMPT}"
_DONE = (DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.STOPPED)


class OldDelivery(msgspec.Struct, frozen=True, array_like=True):
    """A delivery that may be deleted."""

    no: int
    subscription_id: str
    made_at: int
    size: int


class Retention:
    """The retention of one store; used by one thread at a time."""

    def __init__(self, store: Store, limit: int = DEFAULT_OUTBOX_LIMIT * MEGABYTE) -> None:
        """`limit` is in bytes, of the deliveries that wait."""
        self._store, self._limit = store, limit
        self._done_limit = limit // DONE_SHARE
        self._bytes = self._rows = 0
        self._newest_delivery = self._newest_attempt = self._passed_event = 0
        self._attempts = 0
        self._checking = True
        self._day = 0

    def is_due(self, newest: int, attempts: int) -> bool:
        """Whether it is time to prune. `newest` is the number of the newest delivery; so many attempts were recorded
        since the last call."""
        self._attempts += attempts
        each = self._bytes // self._rows if self._rows else UNKNOWN
        new = (newest - self._newest_delivery + self._attempts) * each
        self._checking |= new >= self._done_limit // CHECKS or self._store.clock.now() // DAY != self._day
        return self._checking

    def prune(self, *, idle: bool) -> float | None:
        """Deletes a part of the records that are too old or too many. Returns the seconds after which to go on, or None
        when that was all.

        While there is something to send, not `idle`, ended deliveries are kept longer, as deleting takes time from
        sending.
        """
        self._count()
        parts = 1 if idle else BUSY
        before = self._store.clock.now() - DAYS * DAY
        with self._store.reading() as connection:
            pending = connection.count(Delivery, Clause("state = :state", state=DeliveryState.PENDING))
            waiting = self._bytes * pending // max(self._rows, 1)
            too_much = self._bytes - waiting - self._done_limit
            done = self._find_ended(connection, too_much - self._done_limit * (parts - 1), before, parts)
            over = min(waiting - self._limit, PART_BYTES * parts)
            dropped = self._find_oldest(connection, [DeliveryState.PENDING], over, parts)
        if done or dropped:
            self._delete(done, dropped)
            return BETWEEN_PARTS
        if self._prune_events(before, parts):
            return BETWEEN_PARTS
        if too_much > 0 and not idle:
            return WHEN_BUSY
        self._passed_event = self._attempts = 0
        self._day = self._store.clock.now() // DAY
        self._checking = False
        return None

    def _count(self) -> None:
        """Adds the bytes of new records: a sum over all of them would read the whole file."""
        with self._store.reading() as connection:
            row = connection.row(
                f"SELECT SUM({_SIZE}), COUNT(*), MAX(no) FROM outbox WHERE no > :no", {"no": self._newest_delivery}
            )
            if row is not None and row[1]:
                self._bytes, self._rows, self._newest_delivery = self._bytes + row[0], self._rows + row[1], row[2]
            row = connection.row(
                f"SELECT SUM({_ATTEMPT_SIZE}), MAX(no) FROM attempt WHERE no > :no", {"no": self._newest_attempt}
            )
            if row is None or row[1] is None:
                return
            self._bytes += row[0]
            often = connection.rows(
                "SELECT delivery_no, MAX(number) FROM attempt"
                f" WHERE no > :no AND number > {ATTEMPTS} GROUP BY delivery_no",
                {"no": self._newest_attempt},
            )
        self._newest_attempt = row[1]
        if often:
            self._delete_attempts(often)

    def _delete_attempts(self, often: list[Row]) -> None:
        """Deletes the oldest attempts of deliveries that have too many."""
        with self._store.change() as change:
            for delivery_no, number in often:
                last = number - ATTEMPTS
                old = Clause("delivery_no = :delivery AND number <= :last", delivery=delivery_no, last=last)
                self._bytes -= change.connection.value(_SUM_OF_ATTEMPTS + old.sql, old.params)
                change.connection.delete(Attempt, old)

    def _find_ended(self, connection: Connection, too_much: int, before: int, parts: int) -> list[OldDelivery]:
        """The oldest ended deliveries, as many as are too many or too old."""
        ended: list[OldDelivery] = []
        for old in self._find_oldest(connection, _DONE, PART_BYTES * parts, parts):
            if too_much <= 0 and old.made_at >= before:
                break
            ended.append(old)
            too_much -= old.size
        return ended

    def _find_oldest(self, connection: Connection, states: Sequence[str], most: int, parts: int) -> list[OldDelivery]:
        """The oldest deliveries in these states, up to so many bytes. Never the newest delivery of all: its number must
        not be given again."""
        if most <= 0:
            return []
        sql = (
            f"SELECT no, subscription_id, made_at, {_SIZE} FROM outbox WHERE state = :state AND no < :newest"
            " ORDER BY no LIMIT :first"
        )
        candidates: list[OldDelivery] = []
        for state in states:  # one by one: the index has each in order
            values = {"state": state, "newest": self._newest_delivery, "first": PART * parts}
            candidates += [OldDelivery(*row) for row in connection.rows(sql, values)]
        oldest: list[OldDelivery] = []
        for old in sorted(candidates, key=lambda old: old.no)[: PART * parts]:
            if most <= 0:
                break
            oldest.append(old)
            most -= old.size
        return oldest

    def _delete(self, done: list[OldDelivery], dropped: list[OldDelivery]) -> None:
        gone = done + dropped
        with self._store.change() as change:
            attempts = Clause("delivery_no IN :nos", nos=[old.no for old in gone])
            size = change.connection.value(_SUM_OF_ATTEMPTS + attempts.sql, attempts.params)
            change.connection.delete(Attempt, attempts)
            change.connection.delete(Delivery, Clause("no IN :nos", nos=[old.no for old in gone]))
            for old in dropped:
                count_dropped(change, old.subscription_id, 1)
        self._bytes -= size + sum(old.size for old in gone)
        self._rows -= len(gone)
        if dropped:
            LOG.warning(
                "%s messages were dropped before they were delivered: those that wait exceed --outbox-limit (%s MiB)",
                len(dropped), self._limit // MEGABYTE,
            )  # fmt: skip

    def _prune_events(self, before: int, parts: int) -> bool:
        """Deletes a part of the events that are too old or too many, except those of kept deliveries. Returns whether
        there may be more. Never deletes the newest: its number must not be given again."""
        with self._store.reading() as connection:
            newest = connection.value("SELECT COALESCE(MAX(no), 0) FROM event")
            unchecked = Clause("no > :passed AND no < :newest", passed=self._passed_event, newest=newest)
            oldest = connection.select(Event, unchecked, order="no", first=PART * parts)
        over = [event.no for event in takewhile(lambda event: event.at < before or newest - event.no >= EVENTS, oldest)]
        if not over:
            return False
        with self._store.change() as change:
            change.connection.delete(Event, Clause("no IN :nos", nos=over) & _WITHOUT_DELIVERY)
        self._passed_event = over[-1]
        return True


_SUM_OF_ATTEMPTS = f"SELECT COALESCE(SUM({_ATTEMPT_SIZE}), 0) FROM attempt WHERE "
_WITHOUT_DELIVERY = Clause("NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_no = event.no)")
