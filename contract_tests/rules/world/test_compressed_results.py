"""Results in PostgreSQL are compressed by LZ4, where it has that."""

from collections.abc import Iterator

import psycopg
import pytest

from contract_tests.databases import create_database
from mockserver.results.database_results import DatabaseResults
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.migration import is_current, prepare
from mockserver.world.postgres.pool import Pool
from mockserver.world.postgres.tables import DATA

CONTENT = b'{"data_row": {"id": "a"}}\n' * 100_000
BEFORE = 2
"""The steps of a database whose results are not compressed."""
REFUSE_LZ4 = """
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_query() ~ 'lz4' THEN RAISE EXCEPTION 'no LZ4' USING ERRCODE = '%s'; END IF;
END $$;
CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def raw() -> Iterator[psycopg.Connection]:
    with psycopg.connect(create_database(), autocommit=True) as raw:
        yield raw


def create_results(raw: psycopg.Connection, name: str) -> tuple[Pool, DatabaseResults]:
    pool = Pool(raw.info.dsn, most=5)
    return pool, DatabaseResults(Catalog(pool).create_life(name))


def write(results: DatabaseResults, name: str) -> None:
    writer = results.create(name)
    writer.write(CONTENT)
    writer.close()


def read(results: DatabaseResults, name: str) -> bytes:
    reader = results.open(name)
    return reader.read(0, reader.size)


def list_compressions(raw: psycopg.Connection) -> list[str | None]:
    """The compression of each part that is long, in the order in which they were written."""
    return [how for (how,) in raw.execute(f"SELECT pg_column_compression(content) FROM {DATA}.result_part")]


def downgrade(raw: psycopg.Connection) -> None:
    """Makes a database one of the version that did not compress."""
    raw.execute(f"ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTERNAL")
    raw.execute(f"ALTER TABLE {DATA}.result_part ALTER COLUMN content SET COMPRESSION default")
    raw.execute(f"UPDATE {DATA}.state SET own = {BEFORE}")


def test_results_of_a_new_database_are_compressed(raw: psycopg.Connection) -> None:
    prepare(raw)
    pool, results = create_results(raw, "life")
    write(results, "a")
    assert read(results, "a") == CONTENT
    assert set(list_compressions(raw)) == {"lz4"}
    pool.close()


def test_results_of_an_earlier_version_stay_and_later_ones_are_compressed(raw: psycopg.Connection) -> None:
    prepare(raw)
    downgrade(raw)
    pool, results = create_results(raw, "life")
    write(results, "earlier")
    before = list_compressions(raw)
    raw.execute("SELECT pg_advisory_unlock_all()")
    prepare(raw)
    assert is_current(raw)
    write(results, "later")
    assert read(results, "earlier") == read(results, "later") == CONTENT
    after = list_compressions(raw)
    assert (set(before), after[: len(before)], set(after[len(before) :])) == ({None}, before, {"lz4"})
    pool.close()


@pytest.mark.parametrize("code", ["feature_not_supported", "syntax_error"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_database_without_lz4_keeps_results_as_they_are(raw: psycopg.Connection, code: str, is_new: bool) -> None:
    """PostgreSQL may be built without it, and version 13 does not know the statement."""
    if not is_new:
        prepare(raw)
        downgrade(raw)
        raw.execute("SELECT pg_advisory_unlock_all()")
    raw.execute((REFUSE_LZ4 % code).encode())
    prepare(raw)
    assert is_current(raw)
    pool, results = create_results(raw, "life")
    write(results, "a")
    assert read(results, "a") == CONTENT
    assert set(list_compressions(raw)) == {None}
    pool.close()
