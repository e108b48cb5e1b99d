"""Changes of global keys: assigned to data rows, and cleared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.events import EventKind
from mockserver.world.records.jobs import Job
from mockserver.world.store import Store

LONGEST_KEY = 200
"""Characters of a global key (SDK tests test_global_keys.py: test_long_global_key_validation)."""
JOBS_KEPT = 1_000
ASSIGN, CLEAR = "assignGlobalKeysToDataRows", "clearGlobalKeys"


class Assignment(NamedTuple):
    data_row_id: str
    global_key: str


class Assigned(msgspec.Struct, frozen=True):
    """The assignments by their outcome. No key is sanitized: a key with stray blanks is invalid."""

    sanitized: list[Assignment] = []
    unmodified: list[Assignment] = []
    invalid: list[Assignment] = []


class Cleared(msgspec.Struct, frozen=True):
    """The keys by their outcome."""

    cleared: list[str] = []
    not_found: list[str] = []


class GlobalKeyChanges:
    """The changes of one store's global keys. Each leaves a job with its result."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def assign(self, assignments: Sequence[Assignment]) -> Job:
        """Gives data rows their keys, one by one. A key is invalid if another data row has it, if it is too long or
        empty, if it begins or ends with a blank or has two in a row (SDK tests test_global_keys.py), or if it has the
        character NUL. So is a data row that does not exist or has another key (inferred)."""
        with self._store.change() as change:
            keys = _Keys(change, [each.data_row_id for each in assignments], [each.global_key for each in assignments])
            result = Assigned([], [], [])
            for assignment in assignments:
                is_valid = keys.assign(*assignment)
                (result.unmodified if is_valid else result.invalid).append(assignment)
            keys.write()
            return _add_job(change, ASSIGN, result)

    def clear(self, keys: Sequence[str]) -> Job:
        """Takes keys from their data rows."""
        with self._store.change() as change:
            known = _Keys(change, [], keys)
            result = Cleared([], [])
            for key in dict.fromkeys(keys):
                (result.cleared if known.clear(key) else result.not_found).append(key)
            known.write()
            return _add_job(change, CLEAR, result)


class _Keys:
    """The keys of the data rows that a change names. They are read together, and written together: each data row once,
    because PostgreSQL searches all versions of a row that one transaction has written."""

    def __init__(self, change: Change, row_ids: Sequence[str], keys: Sequence[str]) -> None:
        self._change = change
        self._by_row = self._read("id", row_ids)
        self._by_key = {
            key: row_id for row_id, key in self._read("global_key", filter(_is_valid, keys)).items() if key is not None
        }
        self._changed: dict[str, str | None] = {}

    def _read(self, column: str, names: Iterable[str]) -> dict[str, str | None]:
        """The keys of data rows by their ids."""
        clause = Clause(f"{column} IN :names AND NOT deleted", names=list(dict.fromkeys(names)))
        return dict(self._change.connection.select_columns(DataRow, "id, global_key", clause))

    def assign(self, row_id: str, key: str) -> bool:
        """Gives a data row a key. Returns False if it may not have it."""
        if not _is_valid(key) or row_id not in self._by_row or self._by_row[row_id] not in (None, key):
            return False
        if self._by_key.setdefault(key, row_id) != row_id:
            return False
        self._by_row[row_id] = key
        self._set(row_id, key)
        return True

    def clear(self, key: str) -> bool:
        """Takes a key from its data row. Returns False if none has it."""
        row_id = self._by_key.pop(key, None)
        if row_id is not None:
            self._set(row_id, None)
        return row_id is not None

    def _set(self, row_id: str, key: str | None) -> None:
        self._changed[row_id] = key
        self._change.add_event(EventKind.DATA_ROW_UPDATED, data_row=row_id)

    def write(self) -> None:
        self._change.connection.run_many(
            "UPDATE data_row SET global_key = :key, updated_at = :now, last_activity_at = :now WHERE id = :id",
            [{"key": key, "now": self._change.now, "id": row_id} for row_id, key in self._changed.items()],
        )


def _is_valid(key: str) -> bool:
    return 1 <= len(key) <= LONGEST_KEY and " ".join(key.split()) == key and "\0" not in key


def _add_job(change: Change, kind: str, result: Assigned | Cleared) -> Job:
    text = JsonText(msgspec.json.encode(result).decode())
    job = Job(change.number(Job), change.new_id(), kind, text, change.now)
    change.connection.delete(Job, Clause("no <= :no", no=job.no - JOBS_KEPT))
    change.connection.insert([job])
    return job
