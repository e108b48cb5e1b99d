"""Chance is a hash of its path: the same wherever it is drawn."""

from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate.chance import Chance, Chances

PATH = st.lists(st.text("abc") | st.integers(0, 9), min_size=1, max_size=4)


@given(PATH, st.integers(0, 99), st.integers(1, 30))
def test_many_rows_of_numbers_are_the_rows_of_their_paths(path: list[object], last: int, count: int) -> None:
    one, other = Chance(*path, last), Chances(*path).derive(last)
    assert [one.next_word() for _ in range(count)] == [other.next_word() for _ in range(count)]


@given(PATH, PATH)
def test_other_paths_have_other_numbers(first: list[object], second: list[object]) -> None:
    same = [str(part) for part in first] == [str(part) for part in second]
    assert ([Chance(*first).next_word() for _ in range(2)] == [Chance(*second).next_word() for _ in range(2)]) == same


@given(PATH, st.integers(-50, 50), st.integers(0, 50))
def test_numbers_lie_between_their_bounds(path: list[object], low: int, length: int) -> None:
    chance = Chance(*path)
    assert all(low <= chance.randint(low, low + length) <= low + length for _ in range(20))
