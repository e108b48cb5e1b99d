"""The engine users run: one file per workspace."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from mockserver.world.database import NO_VALUES, Connection, Database, Row, Values


class SqliteConnection(Connection):
    """autocommit off our hands: BEGIN and COMMIT are written by us."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        # The export's snapshot is opened on one thread and read on another; never on two at once.
        self._raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._raw.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.execute("PRAGMA busy_timeout = 10000")

    def run(self, sql: str, params: Values = NO_VALUES) -> int:
        return self._raw.execute(sql, params).rowcount

    def run_many(self, sql: str, params: Sequence[Values]) -> None:
        self._raw.executemany(sql, params)

    def rows(self, sql: str, params: Values = NO_VALUES) -> list[Row]:
        return self._raw.execute(sql, params).fetchall()

    def pieces(self, sql: str, params: Values, size: int) -> Iterator[list[Row]]:
        cursor = self._raw.execute(sql, params)
        while piece := cursor.fetchmany(size):
            yield piece

    def insert_rows(self, table: str, names: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(names))
        sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"
        self._raw.executemany(sql, rows)

    def script(self, sql: str) -> None:
        self._raw.executescript(sql)

    def begin(self, *, snapshot: bool = False) -> None:
        self._raw.execute("BEGIN" if snapshot else "BEGIN IMMEDIATE")
        if snapshot:
            # A deferred transaction sees the moment of its first read, not of its BEGIN.
            self._raw.execute("SELECT 1 FROM workspace").fetchone()

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
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()

    def back_up(self, path: Path) -> None:
        """A consistent copy of a file in use, with nothing of it in a log beside it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        source, target = sqlite3.connect(self.path), sqlite3.connect(path)
        try:
            # Nobody sees the copy before it is whole, so it need not survive an accident.
            target.execute("PRAGMA synchronous = OFF")
            target.execute("PRAGMA journal_mode = OFF")
            source.backup(target)
        finally:
            source.close()
            target.close()

    def copy_to(self, path: Path) -> None:
        """A copy of a settled file, renamed into place: whoever finds it finds all of it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_name(f"{path.name}.{os.getpid()}.part")
        shutil.copyfile(self.path, half)
        half.replace(path)
