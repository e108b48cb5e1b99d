"""A state of an older version becomes one of this version, with the same tables as a new one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from contract_tests.rules.commands.starting import ready, serve_in
from contract_tests.rules.storage.test_state import FORK, MADE, home, original, start_and_stop, world
from mockserver.storage.manifest import read_workspace_manifest
from mockserver.storage.world_files import checksum_of
from mockserver.testing.control import Control
from mockserver.world.migrations import CHECKSUMS, FIRST_FORMAT, FORMAT, MIGRATIONS
from mockserver.world.schema import schema_parts
from mockserver.world.sqlite import SqliteDatabase, translate

__all__ = ["original"]
OLDEST = Path(__file__).with_name("schema_2.sql")


def read_tables(schema: str) -> dict[str, list[str]]:
    """The columns of the tables of a schema."""
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.executescript(translate(schema))
        tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {table: [column[1] for column in raw.execute(f"PRAGMA table_info({table})")] for table in tables}


def list_removals(schema: str = "") -> list[str]:
    """The statements that remove what format 2 does not have; `schema` precedes the names of tables."""
    oldest, newest = read_tables(OLDEST.read_text()), read_tables(schema_parts()[0])
    return [f"DROP TABLE {schema}{table}" for table in newest.keys() - oldest.keys()] + [
        f"ALTER TABLE {schema}{table} DROP COLUMN {column}"
        for table in newest.keys() & oldest.keys()
        for column in newest[table]
        if column not in oldest[table]
    ]


def read_columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The columns and indexes of each table: names, types, constraints, in order."""
    with sqlite3.connect(path) as raw:
        names = [name for (name,) in raw.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        columns = {name: raw.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
        indexes = raw.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY name").fetchall()
    return columns | {"indexes": indexes}


def test_a_migrated_file_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "old.sqlite", SqliteDatabase(tmp_path / "new.sqlite")
    with sqlite3.connect(old) as raw:
        raw.executescript(translate(OLDEST.read_text()))
    SqliteDatabase(old).migrate()
    connection = new.connect()
    new.create_tables(connection)
    new.create_indexes(connection)
    connection.close()
    assert read_columns(old) == read_columns(new.path)
    SqliteDatabase(old).migrate()
    assert read_columns(old) == read_columns(new.path), "what was migrated is not migrated again"


def test_each_format_has_one_migration() -> None:
    assert [migration.format for migration in MIGRATIONS] == list(range(FIRST_FORMAT + 1, FORMAT + 1))
    assert sorted(CHECKSUMS) == list(range(FIRST_FORMAT, FORMAT))


@pytest.fixture
def older(original: Path, tmp_path: Path) -> Path:
    """A state as format 2 left it: a workspace, and a fork with its origin."""
    state = shutil.copytree(original, tmp_path / "state")
    paths = [world(state, key) for key in ("mock-api-key", MADE, FORK)]
    for path in [*paths, home(state, FORK) / "origin.sqlite"]:
        with sqlite3.connect(path) as raw:
            raw.executescript(
                "; ".join(list_removals())
                + "; CREATE TABLE parameter_override (id TEXT PRIMARY KEY); PRAGMA user_version = 0"
            )
        raw.close()
    manifest = state / "manifest.json"
    manifest.write_text(
        f'{{"format": 2, "tables": "{CHECKSUMS[2]}", "written_by": "0.0.1", "product": "labelbox-mockserver"}}'
    )
    seal_origin(state)
    return state


def seal_origin(state: Path) -> None:
    """Gives the fork's manifest the checksum of its origin."""
    folder = home(state, FORK)
    manifest = read_workspace_manifest(folder)
    checksum = checksum_of(folder / "origin.sqlite")
    msgspec.structs.replace(manifest, origin_checksum=checksum).write(folder, durable=False)


def test_a_state_folder_of_an_older_version_is_served_and_reset(older: Path, tmp_path: Path) -> None:
    assert start_and_stop(older, tmp_path)[0] == {"mock-api-key", MADE, FORK}
    with sqlite3.connect(world(older, MADE)) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert raw.execute("SELECT key_revoked, files FROM workspace").fetchone() == (0, "[]")
    with serve_in(tmp_path, "--state", str(older), "--scenario", "empty") as process:
        control = Control(ready(process, tmp_path)["url"])
        assert control.call("POST", "reset", {}, api_key=FORK)["api_key"] == FORK
