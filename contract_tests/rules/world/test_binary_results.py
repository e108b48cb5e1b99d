"""Results of PostgreSQL are sent in its binary form: the values are those that its text form gives."""

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.database import PostgresDatabase
from mockserver.world.postgres.statements import translate

NUMBERS = "(VALUES (CAST(1 AS BIGINT)), (2)) AS numbers (n)"
VALUES: dict[str, Any] = {
    "CAST('é€🙂' AS TEXT)": "é€🙂",
    "CAST('' AS TEXT)": "",
    "'of no type'": "of no type",
    "MIN('b') || 'c'": "bc",
    "decode('00ff0a5c', 'hex')": b"\x00\xff\n\\",
    "decode('', 'hex')": b"",
    "CAST(-9223372036854775808 AS BIGINT)": -(2**63),
    "CAST(9223372036854775807 AS BIGINT)": 2**63 - 1,
    "CAST(7 AS INTEGER)": 7,
    "CAST(-7 AS SMALLINT)": -7,
    "CAST(0.1 AS DOUBLE PRECISION)": 0.1,
    "CAST('-0' AS DOUBLE PRECISION)": -0.0,
    "CAST('1e308' AS DOUBLE PRECISION)": 1e308,
    "CAST('Infinity' AS DOUBLE PRECISION)": float("inf"),
    "CAST('NaN' AS DOUBLE PRECISION)": float("nan"),
    "COUNT(*)": 1,
    f"(SELECT SUM(n) FROM {NUMBERS})": Decimal(3),
    f"(SELECT AVG(n) FROM {NUMBERS})": Decimal("1.5000000000000000"),
    f"(SELECT SUM(n) FROM {NUMBERS} WHERE n > 2)": None,
    "SUM(CAST(9223372036854775807 AS BIGINT)) + 1": Decimal(2**63),
    "CAST('-0.00' AS NUMERIC)": Decimal("0.00"),
    "CAST(1.5 AS DOUBLE PRECISION) + SUM(1)": 2.5,
    "TRUE": True,
    "EXISTS (SELECT 1 WHERE FALSE)": False,
    "1 = ANY('{1,2}')": True,
    "CAST(NULL AS TEXT)": None,
    "CAST(NULL AS BYTEA)": None,
    "CAST(NULL AS BIGINT)": None,
    "NULL": None,
}
PARAMETERS: list[Any] = ["a", "", "é🙂", b"\x00\xff", b"", 0, -1, 2**40, 0.1, True, None]


@pytest.fixture
def database(catalog: Catalog) -> PostgresDatabase:
    return PostgresDatabase(catalog.pool, 0, None)


def read_all(database: PostgresDatabase, sql: str, params: dict[str, Any]) -> list[Any]:
    """The one value of a query by each way: outside of a transaction, within one, and in batches."""
    connection = database.connect()
    values = [connection.value(sql, params)]
    connection.begin(snapshot=True)
    values.append(connection.value(sql, params))
    [[row]] = connection.pieces(sql, params, 10)
    connection.close()
    return [*values, *row]


def read_text(database: PostgresDatabase, sql: str, params: dict[str, Any]) -> Any:
    with psycopg.connect(database.pool.dsn) as raw:
        row = raw.execute(translate(sql), params, binary=False).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("expression", "value"), VALUES.items())
def test_each_type_is_the_same_as_in_text(database: PostgresDatabase, expression: str, value: Any) -> None:
    sql = f"SELECT {expression}"
    values = [*read_all(database, sql, {}), read_text(database, sql, {})]
    assert [(type(each), repr(each)) for each in values] == [(type(value), repr(value))] * 4


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_parameter_is_the_same_as_in_text(database: PostgresDatabase, parameter: Any) -> None:
    kind = {str: "TEXT", bytes: "BYTEA", int: "BIGINT", float: "DOUBLE PRECISION", bool: "BOOLEAN"}
    sql = f"SELECT CAST(:value AS {kind.get(type(parameter), 'TEXT')})"
    values = [*read_all(database, sql, {"value": parameter}), read_text(database, sql, {"value": parameter})]
    assert [repr(value) for value in values] == [repr(parameter)] * 4


def test_a_text_with_nul_is_found_nowhere(database: PostgresDatabase) -> None:
    connection = database.connect()
    sql, params = "SELECT 1 WHERE 'a' = :text", {"text": "a\0"}
    assert connection.rows(sql, params) == []
    connection.begin(snapshot=True)
    assert list(connection.pieces(sql, params, 10)) == []
    connection.close()
