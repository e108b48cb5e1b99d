"""The results that a server keeps: what finds them, and how much of the memory they take."""

from sys import getsizeof
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.world.postgres.kept_reads import LARGEST, MOST_BYTES, MOST_ROWS, KeptReads, Key, build_key


def create_key(params: dict[str, Any], *, life: int = 1, sql: str = "SELECT") -> Key:
    key = build_key(life, sql, params)
    assert key is not None
    return key


def test_a_result_belongs_to_the_state_in_which_its_query_began() -> None:
    reads, key = KeptReads(), create_key({"id": "a"})
    reads.keep(key, 1, [("before",)])
    assert reads.find(key, 2) is None
    rows = reads.find(key, 1)
    assert rows == [("before",)]
    rows.clear()
    assert reads.find(key, 1) == [("before",)], "what a caller does with the rows changes nothing"
    assert reads.find(create_key({"id": "a"}, life=2), 1) is None
    assert reads.find(create_key({"id": "b"}), 1) is None


@pytest.mark.parametrize("value", [[], {}, bytearray(b"a"), ["a"], (["a"],), 0.0])
def test_queries_with_parameters_that_can_be_changed_or_are_equal_to_others_have_no_key(value: Any) -> None:
    assert build_key(1, "SELECT", {"value": value}) is None


def test_results_are_kept_within_bounds() -> None:
    reads = KeptReads()
    for large in ([("x" * LARGEST,)], [(1,)] * (MOST_ROWS + 1)):
        reads.keep(create_key({}), 1, large)
        assert reads.find(create_key({}), 1) is None
    row = [("x" * (LARGEST // 2),)]
    keys = [create_key({"no": number}) for number in range(3 * MOST_BYTES // LARGEST)]
    for key in keys:
        reads.keep(key, 1, row)
        assert reads.find(keys[0], 1) == row, "those that are used stay"
    remaining = [key for key in keys if reads.find(key, 1) is not None]
    assert len(remaining) * LARGEST // 2 <= MOST_BYTES
    assert keys[-1] in remaining


texts = st.sampled_from(["", "x", "é", "€" * 100, "🙂" * 1000, "x" * 20_000])
cells = st.one_of(texts, texts.map(str.encode), st.none(), st.integers(-(2**63), 2**63), st.booleans())
queries = st.tuples(
    texts, st.dictionaries(st.sampled_from("abcdef"), cells), st.lists(st.tuples(*[cells] * 6), max_size=20)
)


@given(st.lists(queries, min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_results_with_their_queries_take_no_more_than_is_said(batch: list[tuple[str, dict[str, Any], Any]]) -> None:
    """Texts of queries and parameters count as well: a list of ids is one parameter of up to a megabyte."""
    reads = KeptReads()
    for life in range(100):
        for sql, params, rows in batch:
            reads.keep(create_key(params, life=life, sql=sql), 1, rows)
    assert sum(map(measure_all, reads._results.items())) + getsizeof(reads._results) <= MOST_BYTES


def measure_all(value: Any) -> int:
    """The bytes of a value and of everything in it."""
    inner = sum(map(measure_all, value)) if isinstance(value, (tuple, list)) else 0
    return 0 if isinstance(value, type) else getsizeof(value) + inner
