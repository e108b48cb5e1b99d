"""Changes of global keys: assigned to data rows, and cleared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.data_rows import DataRow
from mockserver.world.events import EventKind
from mockserver.world.jobs import Job
from mockserver.world.record import JsonText
from mockserver.world.store import Store

LONGEST_KEY = 200
"""Characters of a global key (SDK tests test_global_keys.py: test_long_global_key_validation)."""
JOBS_KEPT = 1_000
ASSIGN, CLEAR = "assignGlobalKeysToDataRows", "clearGlobalKeys"


class Assignment(NamedTuple):
    data_row_id: str
    global_key: str


class Assigned(msgspec.Struct, frozen=True):
    """The assignments by what became of them. No key is sanitized: one with stray blanks is invalid."""

    sanitized: list[Assignment] = []
    unmodified: list[Assignment] = []
    invalid: list[Assignment] = []


class Cleared(msgspec.Struct, frozen=True):
    """The keys by what became of them."""

    cleared: list[str] = []
    not_found: list[str] = []


class GlobalKeyChanges:
    """The changes of one store's global keys. Each leaves a job with its result."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(self, assignments: Sequence[Assignment]) -> Job:
        """Gives data rows their keys, one by one. Invalid are keys that another data row has, that are too long or
        empty, begin or end with a blank or have two in a row (SDK tests test_global_keys.py) or the character NUL,
        and data rows that do not exist or have another key (inferred)."""
        with self._store.change() as change:
            result = Assigned([], [], [])
            for assignment in assignments:
                if not _is_valid(change, assignment.data_row_id, assignment.global_key):
                    result.invalid.append(assignment)
                    continue
                _set_key(change, assignment.data_row_id, assignment.global_key)
                result.unmodified.append(assignment)
            return _add_job(change, ASSIGN, result)

    def clear(self, keys: Sequence[str]) -> Job:
        """Takes keys from their data rows."""
        with self._store.change() as change:
            result = Cleared([], [])
            for key in dict.fromkeys(keys):
                row = change.connection.find(DataRow, Clause("global_key = :key AND NOT deleted", key=key))
                if row is None:
                    result.not_found.append(key)
                    continue
                _set_key(change, row.id, None)
                result.cleared.append(key)
            return _add_job(change, CLEAR, result)


def _is_valid(change: Change, row_id: str, key: str) -> bool:
    if not 1 <= len(key) <= LONGEST_KEY or " ".join(key.split()) != key or "\0" in key:
        return False
    row = change.connection.find(DataRow, Clause("id = :id AND NOT deleted", id=row_id))
    if row is None or row.global_key not in (None, key):
        return False
    return row.global_key == key or not change.connection.count(
        DataRow, Clause("global_key = :key AND NOT deleted", key=key)
    )


def _set_key(change: Change, row_id: str, key: str | None) -> None:
    values = {"global_key": key, "updated_at": change.now, "last_activity_at": change.now}
    change.connection.update(DataRow, Clause("id = :id", id=row_id), **values)
    change.add_event(EventKind.DATA_ROW_UPDATED, data_row=row_id)


def _add_job(change: Change, kind: str, result: Assigned | Cleared) -> Job:
    text = JsonText(msgspec.json.encode(result).decode())
    job = Job(change.number(Job), change.new_id(), kind, text, change.now)
    change.connection.delete(Job, Clause("no <= :no", no=job.no - JOBS_KEPT))
    change.connection.insert([job])
    return job
