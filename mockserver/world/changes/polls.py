"""Polls of asynchronous things. Each is counted by a transaction before it is answered, so that as many are answered
"in progress" as were requested, also if the server is killed between two of them."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.ids import digest
from mockserver.world.progression import Delay, Pace, decode_pace, progress
from mockserver.world.records.imports import AnnotationImport
from mockserver.world.records.legacy import LegacyFile
from mockserver.world.records.polls import Poll
from mockserver.world.records.tasks import Task
from mockserver.world.store import Store

MOST_KEPT = 10_000
"""Things without a record whose polls are kept, for one workspace; the oldest are forgotten."""

P = TypeVar("P", Task, LegacyFile, AnnotationImport)


class Polled(Protocol):
    """A record of something that seems to take time."""

    @property
    def pace(self) -> str: ...

    @property
    def polls(self) -> int: ...

    @property
    def created_at(self) -> int: ...


def find_share(record: Polled, now: int) -> float:
    """How much of a thing is done as clients see it; 1 means finished, and nothing below 1 does."""
    return progress(decode_pace(record.pace), polls=record.polls, elapsed=now - record.created_at)


class Polls:
    """The polls of records of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self, record: P) -> P:
        """Counts a poll, unless the thing is finished by its pace. Returns the record as it was before this poll."""
        most = _get_looks(decode_pace(record.pace))
        if record.polls >= most:
            return record
        with self._store.change() as change:
            return self._count(change, record, most)

    def _count(self, change: Change, record: P, most: int) -> P:
        table, values = type(record).TABLE, {"id": record.id, "most": most}
        row = change.connection.row(f"SELECT polls FROM {table} WHERE id = :id", {"id": record.id})
        if row is None:  # deleted in the meantime
            return record
        change.connection.run(f"UPDATE {table} SET polls = polls + 1 WHERE id = :id AND polls < :most", values)
        return msgspec.structs.replace(record, polls=row[0])


def _get_looks(pace: Pace) -> int:
    """The polls after which a thing is finished; 0 if they do not matter."""
    return pace.looks or 0 if isinstance(pace, Delay) else 0


class Processing:
    """The processing of data rows and global keys of one store, which no record describes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def poll(self, key: str, pace: Pace, *, since: int | None = None) -> bool:
        """Polls the processing that `key` names, and returns whether it is finished. Without `since`, in microseconds
        UTC, it began when it was first polled."""
        if isinstance(pace, str):
            return True
        if since is not None and pace.looks is None:
            return progress(pace, polls=0, elapsed=self._store.clock.now() - since) >= 1
        with self._store.change() as change:
            name = digest(key).hex()
            poll = change.connection.find(Poll, Clause("name = :name", name=name))
            if poll is None:
                poll = Poll(change.number(Poll), name, change.now if since is None else since, 0)
            finished = progress(pace, polls=poll.polls, elapsed=change.now - poll.since) >= 1
            if not finished:
                self._write(change, poll)
        return finished

    def _write(self, change: Change, poll: Poll) -> None:
        counted = Clause("no = :no", no=poll.no)
        if not change.connection.update(Poll, counted, polls=poll.polls + 1):
            change.connection.insert([msgspec.structs.replace(poll, polls=1)])
            change.connection.delete(Poll, Clause("no <= :last", last=poll.no - MOST_KEPT))
