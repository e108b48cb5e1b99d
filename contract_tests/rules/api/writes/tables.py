"""The rows of a served workspace, read from the database that its server keeps it in: SQLite or PostgreSQL."""

import hashlib
import sqlite3
from pathlib import Path
from typing import Any, Protocol

import orjson
import psycopg

from contract_tests.serving import ServedWorld
from mockserver.world.postgres.tables import DATA, LIFE, WORLD, list_tables

Rows = dict[str, list[Any]]
"""The rows of a workspace by table."""


class Tables(Protocol):
    """The tables of one life of a workspace."""

    def read_version(self) -> int:
        """Another number after every commit that has changed a row."""

    def read_table(self, name: str) -> list[Any]:
        """All rows of a table."""

    def close(self) -> None: ...


def open_tables(server: ServedWorld, api_key: str) -> Tables:
    """The tables of the life that the server serves now."""
    if server.state_kind == "folder":
        return FolderTables(_find_file(server.state_folder, api_key))
    return PostgresTables(server.database, api_key)


class FolderTables:
    """The tables of a database file."""

    def __init__(self, file: Path) -> None:
        self._raw = sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)

    def read_version(self) -> int:
        """sqlite.org/pragma.html#pragma_data_version."""
        return int(self._raw.execute("PRAGMA data_version").fetchone()[0])

    def read_table(self, name: str) -> list[Any]:
        columns = next(table.names for table in list_tables() if table.name == name)
        return self._raw.execute(f"SELECT {columns} FROM {name}").fetchall()

    def close(self) -> None:
        self._raw.close()


class PostgresTables:
    """The rows of one life in the tables of all lives."""

    def __init__(self, address: str, api_key: str) -> None:
        self._raw = psycopg.connect(address, autocommit=True)
        query = f"SELECT content FROM {DATA}.manifest"
        manifests = [orjson.loads(content) for (content,) in self._raw.execute(query.encode())]
        [name] = [manifest["life"] for manifest in manifests if manifest["api_key"] == api_key]
        number = f"SELECT set_config('{LIFE}', no::text, false), no FROM {DATA}.life WHERE name = %s"
        [(_, self._life)] = self._raw.execute(number.encode(), [name])
        # Each change of a row gives it another place or another transaction.
        self._versions = " UNION ALL ".join(
            f"SELECT count(*), sum(hashtextextended(concat(ctid, xmin), 0)) FROM {DATA}.{table.name}"
            f" WHERE life = {self._life:d}"
            for table in list_tables()
        )

    def read_version(self) -> int:
        versions = self._raw.execute(self._versions.encode(), prepare=True).fetchall()
        return int(hashlib.sha256(repr(versions).encode()).hexdigest(), 16)

    def read_table(self, name: str) -> list[Any]:
        """In an order of their own, because a change gives a row another place."""
        return sorted(self._raw.execute(f"SELECT * FROM {WORLD}.{name}".encode()), key=repr)

    def close(self) -> None:
        self._raw.close()


def _find_file(state: Path, api_key: str) -> Path:
    """The file of the life that is served."""
    for path in state.glob("workspaces/*/workspace.json"):
        manifest = orjson.loads(path.read_bytes())
        if manifest["api_key"] == api_key:
            return path.parent / str(manifest["life"]) / "world.sqlite"
    raise AssertionError("the workspace is gone")
