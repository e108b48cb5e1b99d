"""Conditions that are put together, on both engines."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection, Database
from mockserver.world.sqlite import SqliteDatabase

NUMBERS = range(6)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A table `t` of every pair of numbers below 6, and a text beside them."""
    database: Database
    if request.param == "sqlite":
        database = SqliteDatabase(tmp_path_factory.mktemp("clauses") / "t.sqlite")
    else:
        database = request.getfixturevalue("catalog").create_life("clauses")
    connection = database.connect()
    connection.begin()
    connection.script("CREATE TABLE t (x BIGINT NOT NULL, y BIGINT NOT NULL, s TEXT NOT NULL)")
    rows = [{"x": x, "y": y, "s": f"{x}:{y} %s é"} for x, y in itertools.product(NUMBERS, NUMBERS)]
    connection.run_many("INSERT INTO t VALUES (:x, :y, :s)", rows)
    connection.commit()
    yield connection
    connection.close()


def pairs(table: Connection, clause: Clause) -> set[tuple[Any, ...]]:
    return set(table.rows(f"SELECT x, y FROM t WHERE {clause.sql}", clause.params))


NUMBER = st.sampled_from(NUMBERS)
# Parameters on purpose called the same.
SIMPLE = st.one_of(
    st.just(EVERYTHING),
    st.just(Clause("x < y")),
    st.builds(lambda value: Clause("x = :value", value=value), NUMBER),
    st.builds(lambda value: Clause("y <> :value", value=value), NUMBER),
    st.builds(lambda value, other: Clause("x >= :value AND y < :other", value=value, other=other), NUMBER, NUMBER),
    st.builds(lambda value, other: Clause("x = :value OR y = :other", value=value, other=other), NUMBER, NUMBER),
    st.builds(lambda values: Clause("x IN :value", value=values), st.lists(NUMBER, max_size=3)),
    st.builds(lambda values, value: Clause("x IN :value OR y = :v", value=values, v=value), st.lists(NUMBER), NUMBER),
)
CLAUSE = st.recursive(SIMPLE, lambda inner: st.builds(Clause.__and__, inner, inner), max_leaves=8)


@given(first=CLAUSE, second=CLAUSE)
@settings(max_examples=150, deadline=None)
def test_both_conditions_hold_whatever_their_parameters_are_called(
    table: Connection, first: Clause, second: Clause
) -> None:
    assert pairs(table, first & second) == pairs(table, first) & pairs(table, second)


@given(first=CLAUSE, second=CLAUSE)
def test_no_parameter_is_lost_or_left_over(first: Clause, second: Clause) -> None:
    both = first & second
    assert set(re.findall(r":([a-z]\w*)", both.sql)) == set(both.params)
    assert sorted(both.params.values()) == sorted([*first.params.values(), *second.params.values()])


@given(CLAUSE)
def test_everything_is_the_neutral_condition(clause: Clause) -> None:
    assert EVERYTHING & clause == clause & EVERYTHING == clause


@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20))
@settings(max_examples=40, deadline=None)
def test_a_list_selects_its_members(table: Connection, values: list[int]) -> None:
    assert pairs(table, Clause("x IN :values", values=values)) == {
        pair for pair in pairs(table, EVERYTHING) if pair[0] in values
    }


def test_nothing_is_in_an_empty_list(table: Connection) -> None:
    assert pairs(table, Clause("x IN :values", values=[])) == set()
    assert pairs(table, Clause("x IN :values", values=()) & Clause("y = :value", value=1)) == set()


@pytest.mark.parametrize("count", [2, 150, 2000])
def test_a_condition_of_many_conditions_is_still_one(table: Connection, count: int) -> None:
    clause = EVERYTHING
    for _ in range(count):
        clause &= Clause("x <> :value", value=3)
    assert len(pairs(table, clause)) == 30


def test_a_list_of_twenty_thousand_is_one_parameter(table: Connection) -> None:
    """SDKs ask for 20,000 global keys at a time; named parameters cost SQLite the square of their number."""
    clause = Clause("s IN :names", names=[f"name {number}" for number in range(20_000)] + ["1:2 %s é"])
    assert len(clause.params) == 1
    assert pairs(table, clause) == {(1, 2)}


@pytest.mark.parametrize("text", ["1:2 %s é", "%s", "%(x)s", "':x", ":x", "%", "'; DROP TABLE t; --", "\\"])
def test_texts_are_values_and_never_sql(table: Connection, text: str) -> None:
    expected = {(1, 2)} if text == "1:2 %s é" else set()
    assert pairs(table, Clause("s = :text", text=text)) == expected
    assert pairs(table, Clause("s IN :texts", texts=[text, text])) == expected


def test_a_percent_sign_in_our_sql_stays_what_it_is(table: Connection) -> None:
    assert pairs(table, Clause("s LIKE '1% %' AND y = :y", y=4)) == {(1, 4)}
