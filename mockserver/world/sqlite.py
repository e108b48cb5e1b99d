"""The engine users run: one file per workspace."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import apsw

from mockserver.world.database import NO_VALUES, Connection, Database, Values
from mockserver.world.migrations import FIRST_FORMAT, FORMAT, list_migrations
from mockserver.world.record import Row
from mockserver.world.schema import schema_parts
from mockserver.world.short_reads import STEPS, TakesLong, is_spent, spend

FLAGS = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_NOMUTEX
"""No connection is used by two threads at the same time, so none locks a mutex for every column that is read."""
STATEMENTS_KEPT = 256
BUSY_MILLISECONDS = 10_000
UNSAFE = "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF"
"""For a file that nobody else opens before it is whole: it need not survive an accident, it is made again."""
LARGE_TABLES = 4 * 1024 * 1024
"""Bytes of tables from which on it is faster to copy the other tables row by row. That takes three times as long as
copying pages (12 ms against 4 for a world of 1.5 MB)."""

SETTLED = slice(18, 20)
"""The bytes of a file's header that are 1 if the file alone is the world, and 2 if a write-ahead log may belong to it
(sqlite.org/fileformat.html)."""
ALONE = b"\x01\x01"
WITH_LOG = b"\x02\x02"
VERSION = slice(60, 64)
"""The bytes of `user_version` in the header."""


def translate(statements: str) -> str:
    """Statements of the portable schema in SQLite's types."""
    return statements.replace("SERIAL", "INTEGER PRIMARY KEY").replace("BYTES", "BLOB")


class SqliteConnection(Connection):
    """A connection whose BEGIN and COMMIT are statements. A snapshot is opened on one thread and read on another."""

    def __init__(self, path: Path, *, durable: bool, private: bool) -> None:
        self._raw = apsw.Connection(str(path), flags=FLAGS, statementcachesize=STATEMENTS_KEPT)
        self._raw.set_busy_timeout(BUSY_MILLISECONDS)
        # Without it SQLite prepares many statements again each time a value is bound, to plan for that value: a read
        # of no subscriptions took 24 us, and takes 5.
        self._raw.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        if private:
            self._raw.execute(UNSAFE)
            return
        self._raw.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
        self._raw.execute("PRAGMA journal_mode = WAL")

    def run(self, sql: str, params: Values = NO_VALUES) -> int:
        self._raw.execute(sql, params)
        return self._raw.changes()

    def run_many(self, sql: str, params: Sequence[Values]) -> None:
        self._raw.executemany(sql, params)

    def rows(self, sql: str, params: Values = NO_VALUES) -> list[Row]:
        try:
            return self._raw.execute(sql, params).fetchall()
        except apsw.InterruptError:
            if is_spent():
                raise TakesLong from None
            raise

    def end_long_reads(self) -> None:
        self._raw.set_progress_handler(spend, STEPS)

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

    def interrupt(self) -> None:
        self._raw.interrupt()

    def close_deleted(self) -> None:
        """Does not write the log into the file, which the last connection does otherwise. Measured: 0.1 ms less."""
        self._raw.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._raw.close()

    def copy_small_world_to(self, path: Path) -> bool:
        """Copies the file, into which its log is written first; returns False if it is large, or if the log cannot be
        written now. Nothing may change in the meantime. Raises OSError, apsw.Error.

        Measured for 1 MB: 0.4 ms, and 2.2 ms to read the pages one by one (`read_small_world`).
        """
        [(pages,)] = self._raw.execute("PRAGMA page_count")
        [(page_size,)] = self._raw.execute("PRAGMA page_size")
        if pages * page_size > LARGE_TABLES:
            return False
        [(busy, pages_of_log, copied_pages)] = self._raw.execute("PRAGMA wal_checkpoint(PASSIVE)")
        if busy or pages_of_log != copied_pages:
            return False
        shutil.copyfile(self._raw.filename, path)
        with path.open("r+b") as copy:
            copy.seek(SETTLED.start)
            copy.write(ALONE)
        return True

    def read_small_world(self) -> bytes | None:
        """The content of a settled file with this world; None if it is large. Raises apsw.Error.

        Measured: 0.3 ms for 1.5 MB, and a copy by SQLite into another file 1.3 ms.
        """
        [(pages,)] = self._raw.execute("PRAGMA page_count")
        [(page_size,)] = self._raw.execute("PRAGMA page_size")
        if pages * page_size > LARGE_TABLES:
            return None
        content = bytearray(self._raw.serialize("main"))
        content[SETTLED] = ALONE
        return bytes(content)


class SqliteDatabase(Database):
    """A file. `durable` files outlive the process: they wait for the disk at checkpoints.

    A `private` file is one that nobody else opens before it is whole: it has no journal, so it alone is the world.
    """

    def __init__(self, path: Path, *, durable: bool = False, private: bool = False) -> None:
        self.path = path
        self.durable = durable
        self.private = private

    def connect(self) -> SqliteConnection:
        return SqliteConnection(self.path, durable=self.durable, private=self.private)

    def create_tables(self, connection: Connection) -> None:
        connection.script(translate(schema_parts()[0]) + f"; PRAGMA user_version = {FORMAT}")

    def create_indexes(self, connection: Connection) -> None:
        connection.script(schema_parts()[1])

    def migrate(self) -> None:
        """Brings a file of an older version to this one, in one transaction. Raises apsw.Error, OSError."""
        if _read_version(self.path) >= FORMAT:
            return  # a log beside the file is never older than it
        connection = apsw.Connection(str(self.path), flags=FLAGS)
        try:
            [(version,)] = connection.execute("PRAGMA user_version")
            if (version or FIRST_FORMAT) >= FORMAT:
                return
            connection.set_busy_timeout(BUSY_MILLISECONDS)
            steps = [step for each in list_migrations(version or FIRST_FORMAT) for step in each.statements]
            connection.execute(
                "; ".join(["BEGIN", *map(translate, steps), f"PRAGMA user_version = {FORMAT}", "COMMIT"])
            )
        finally:
            connection.close()

    def settle(self) -> None:
        """Folds the write-ahead log into the file, so that the file alone is the world and may be copied."""
        connection = apsw.Connection(str(self.path))
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()

    def find_damage(self, *, whole: bool) -> str | None:
        """The damage of the file in SQLite's words, or None. Raises apsw.Error.

        `whole` reads every page; else only the tables' definitions are read.
        """
        connection = apsw.Connection(str(self.path), flags=FLAGS)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            results = connection.execute("PRAGMA quick_check(1)").fetchall() if whole else [("ok",)]
        finally:
            connection.close()
        return None if results == [("ok",)] else str(results[0][0]).splitlines()[-1]

    def copy_to(self, path: Path) -> None:
        """Copies a settled file to a path that nobody reads before it is complete. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.path, path)

    def expect_log(self) -> None:
        """Marks a settled file that no connection has opened as one with a write-ahead log, as the first connection
        would do in a transaction of its own. Raises OSError.

        Measured: 0.25 ms less for opening a new file and changing it.
        """
        with self.path.open("r+b", buffering=0) as file:
            file.seek(SETTLED.start)
            file.write(WITH_LOG)

    def copy_live_to(self, path: Path, *, without: Sequence[str]) -> None:
        """Copies a file in use, as it is at one moment, into one settled file. The tables `without` may be left empty.

        SQLite copies pages, so those tables come along where they are small; where they are large only the others are
        read, row by row. Raises apsw.Error.
        """
        source = apsw.Connection(str(self.path))
        source.set_busy_timeout(BUSY_MILLISECONDS)
        try:
            source.execute("BEGIN")
            marks = ", ".join("?" * len(without))
            [(left_out,)] = source.execute(
                f"SELECT COALESCE(SUM(pgsize), 0) FROM dbstat WHERE aggregate = TRUE AND name IN ({marks})",
                tuple(without),
            )
            if left_out > LARGE_TABLES:
                _copy_tables(source, path, without)
            else:
                _copy_pages(source, path)
        finally:
            source.close()


def _read_version(path: Path) -> int:
    """The version in the header of a file. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return int.from_bytes(file.read(VERSION.stop)[VERSION], "big")


def _copy_pages(source: apsw.Connection, path: Path) -> None:
    target = apsw.Connection(str(path))
    try:
        target.execute(UNSAFE)
        with target.backup("main", source, "main") as backup:
            backup.step()
    finally:
        target.close()


def _copy_tables(source: apsw.Connection, path: Path, without: Sequence[str]) -> None:
    """Within the open transaction of `source`, which the attached copy does not see."""
    target = apsw.Connection(str(path))
    try:
        target.execute(UNSAFE).fetchall()  # journal_mode answers a row, and nothing behind it runs before that is read
        target.execute("BEGIN")
        schema = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"
        parts = [(str(kind), str(name), str(sql)) for kind, name, sql in source.execute(schema)]
        for name, sql in [(name, sql) for kind, name, sql in parts if kind == "table"]:
            target.execute(sql)
            if name not in without:
                rows = source.execute(f"SELECT * FROM {name}")
                marks = ", ".join("?" * len(target.execute(f"PRAGMA table_info({name})").fetchall()))
                target.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        for sql in [sql for kind, _, sql in parts if kind == "index"]:
            target.execute(sql)
        [(version,)] = source.execute("PRAGMA user_version")
        target.execute(f"PRAGMA user_version = {version:d}")
        target.execute("COMMIT")
    finally:
        target.close()
