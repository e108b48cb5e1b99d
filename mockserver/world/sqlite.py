"""The engine users run: one file per workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import ClassVar

import apsw

from mockserver.world.database import NO_VALUES, Connection, Database, Row, Values

OURS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
"""No connection of ours is used by two threads at once, so none locks a mutex for every column that is read."""
STATEMENTS_KEPT = 256
BUSY_MILLISECONDS = 10_000


class SqliteConnection(Connection):
    """BEGIN and COMMIT are written by us. The export's snapshot is opened on one thread and read on another."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self._raw = apsw.Connection(str(path), flags=OURS, statementcachesize=STATEMENTS_KEPT)
        self._raw.set_busy_timeout(BUSY_MILLISECONDS)
        self._raw.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
        self._raw.execute("PRAGMA journal_mode = WAL")

    def run(self, sql: str, params: Values = NO_VALUES) -> int:
        self._raw.execute(sql, params)
        return self._raw.changes()

    def run_many(self, sql: str, params: Sequence[Values]) -> None:
        self._raw.executemany(sql, params)

    def rows(self, sql: str, params: Values = NO_VALUES) -> list[Row]:
        return self._raw.execute(sql, params).fetchall()

    def pieces(self, sql: str, params: Values, size: int) -> Iterator[list[Row]]:
        rows = self._raw.execute(sql, params)
        while piece := list(islice(rows, size)):
            yield piece

    def insert_rows(self, table: str, names: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        self._raw.executemany(sql, rows)

    def script(self, sql: str) -> None:
        self._raw.execute(sql)

    def begin(self, *, snapshot: bool = False) -> None:
        self._raw.execute("BEGIN" if snapshot else "BEGIN IMMEDIATE")
        if snapshot:
            # A deferred transaction sees the moment of its first read, not of its BEGIN.
            self._raw.execute("SELECT 1 FROM workspace").fetchall()

    def commit(self) -> None:
        self._raw.execute("COMMIT")

    def rollback(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")

    def close(self) -> None:
        self._raw.close()


class SqliteDatabase(Database):
    """A file. `durable` files outlive the process: they wait for the disk at checkpoints."""

    SERIAL: ClassVar[str] = "INTEGER PRIMARY KEY"
    BYTES: ClassVar[str] = "BLOB"

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self.path = path
        self.durable = durable

    def connect(self) -> SqliteConnection:
        return SqliteConnection(self.path, durable=self.durable)

    def settle(self) -> None:
        """Fold the write-ahead log into the file, so that the file alone is the world and may be copied."""
        connection = apsw.Connection(str(self.path))
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()

    def back_up(self, path: Path) -> None:
        """A consistent copy of a file in use, with nothing of it in a log beside it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        source, target = apsw.Connection(str(self.path)), apsw.Connection(str(path))
        source.set_busy_timeout(BUSY_MILLISECONDS)
        try:
            # Nobody sees the copy before it is whole, so it need not survive an accident.
            target.execute("PRAGMA synchronous = OFF")
            target.execute("PRAGMA journal_mode = OFF")
            with target.backup("main", source, "main") as backup:
                backup.step()
        finally:
            source.close()
            target.close()

    def copy_to(self, path: Path) -> None:
        """A copy of a settled file, renamed into place: whoever finds it finds all of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{os.getpid()}.part")
        shutil.copyfile(self.path, half)
        half.replace(path)
