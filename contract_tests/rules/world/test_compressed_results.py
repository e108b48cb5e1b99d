"""Results in PostgreSQL are compressed by LZ4, whether or not PostgreSQL has that."""

import random
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.databases import create_database
from mockserver.results.database_results import DatabaseResults
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.files import PART, compress, decompress
from mockserver.world.postgres.migration import is_current, prepare
from mockserver.world.postgres.pool import Pool
from mockserver.world.postgres.tables import DATA

CONTENT = b'{"data_row": {"id": "a"}}\n' * 100_000
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


def write(results: DatabaseResults, name: str, content: bytes = CONTENT) -> None:
    writer = results.create(name)
    writer.write(content)
    writer.close()


def read(results: DatabaseResults, name: str) -> bytes:
    reader = results.open(name)
    return reader.read(0, reader.size)


def list_lengths(raw: psycopg.Connection) -> list[int]:
    """The bytes of each part as it is kept, in the order in which they were written."""
    return [size for (size,) in raw.execute(f"SELECT octet_length(content) FROM {DATA}.result_part ORDER BY 1")]


def downgrade(raw: psycopg.Connection, steps: int) -> None:
    """Makes a database one of a version that kept all parts as they are, or let PostgreSQL compress them."""
    raw.execute(f"ALTER TABLE {DATA}.result_part ALTER COLUMN content SET STORAGE EXTENDED")
    for part in range(0, len(CONTENT), PART):
        content = CONTENT[part : part + PART]
        update = f"UPDATE {DATA}.result_part SET content = %s WHERE part = %s"
        raw.execute(update.encode(), [content, part // PART])
    raw.execute(f"UPDATE {DATA}.state SET own = {steps}")
    raw.execute("SELECT pg_advisory_unlock_all()")


@given(content=st.binary(max_size=200) | st.binary(max_size=5).map(lambda few: few * 500))
def test_what_is_kept_is_read_as_it_was_and_never_longer(content: bytes) -> None:
    packed = compress(content)
    assert len(packed) <= len(content)
    assert decompress(bytes(packed), len(content)) == content


def test_results_are_compressed(raw: psycopg.Connection) -> None:
    prepare(raw)
    pool, results = create_results(raw, "life")
    write(results, "a")
    assert read(results, "a") == CONTENT
    assert sum(list_lengths(raw)) < len(CONTENT) / 10
    pool.close()


def test_results_that_cannot_be_compressed_are_kept_as_they_are(raw: psycopg.Connection) -> None:
    prepare(raw)
    pool, results = create_results(raw, "life")
    content = random.Random(0).randbytes(2 * PART + 5)
    write(results, "a", content)
    assert read(results, "a") == content
    assert list_lengths(raw) == [5, PART, PART]
    pool.close()


@pytest.mark.parametrize("steps", [2, 3])
def test_results_of_an_earlier_version_are_read_beside_later_ones(raw: psycopg.Connection, steps: int) -> None:
    prepare(raw)
    pool, results = create_results(raw, "life")
    write(results, "earlier")
    downgrade(raw, steps)
    assert not is_current(raw), "servers of that version do not serve what they cannot read"
    prepare(raw)
    assert is_current(raw)
    write(results, "later")
    assert read(results, "earlier") == read(results, "later") == CONTENT
    pool.close()


@pytest.mark.parametrize("code", ["feature_not_supported", "syntax_error"])
@pytest.mark.parametrize("is_new", [False, True])
def test_a_database_without_lz4_keeps_the_same(raw: psycopg.Connection, code: str, is_new: bool) -> None:
    """PostgreSQL may be built without it, and version 13 does not know the statement."""
    if not is_new:
        prepare(raw)
        downgrade(raw, 2)
    raw.execute((REFUSE_LZ4 % code).encode())
    prepare(raw)
    assert is_current(raw)
    pool, results = create_results(raw, "life")
    write(results, "a")
    assert read(results, "a") == CONTENT
    assert sum(list_lengths(raw)) < len(CONTENT) / 10
    pool.close()
