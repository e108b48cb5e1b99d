"""Requests are compared with many patterns in bounded work, and as each pattern alone says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.conversion import convert
from mockserver.errors import BadInput
from mockserver.journal.comparison import MOST_SEARCHED, Comparison
from mockserver.journal.entry import Entry, pack_headers
from mockserver.journal.notes import Operation
from mockserver.journal.searching import SHORT_PART, SHORT_TEXT, Glob, search_for
from mockserver.journal.selection import Pattern
from mockserver.journal.verification import (
    MOST_DIFFERENCES,
    MOST_EXPECTED,
    MOST_SUGGESTED,
    Expectation,
    find_differences,
)

KEY = "the-key-of-tests"
LETTERS = st.text("ab*", max_size=12)


def build_entry(
    number: int, *, path: str = "/graphql", name: str | None = None, body: bytes = b"", **more: Any
) -> Entry:
    entry = Entry()
    entry.number, entry.path, entry.method, entry.request_body = number, path, more.get("method", "POST"), body
    entry.status = more.get("status", 200)
    entry.headers = pack_headers([(b"Authorization", more.get("key", KEY).encode())])
    if name is not None:
        entry.operation = Operation(name, "query", ("user",))
    return entry


def fits_by_definition(pattern: str, text: str) -> bool:
    """Whether a text is like a pattern with asterisks, by the definition: tried at each place."""
    first, star, rest = pattern.partition("*")
    if not star:
        return text == pattern
    return text.startswith(first) and any(
        fits_by_definition(rest, text[place:]) for place in range(len(first), len(text) + 1)
    )


@given(pattern=LETTERS, text=LETTERS)
def test_an_asterisk_is_any_text(pattern: str, text: str) -> None:
    assert Glob(pattern).fits(text) == fits_by_definition(pattern, text)


@given(
    part=st.text("ab", min_size=1, max_size=6), times=st.sampled_from([1, SHORT_PART]),
    text=st.text("ab", max_size=40), around=st.sampled_from([0, SHORT_TEXT]),
    start=st.integers(0, 50), end=st.integers(0, 50),
)  # fmt: skip
def test_a_search_ends_where_find_does(part: str, times: int, text: str, around: int, start: int, end: int) -> None:
    """Parts and texts of both sizes: they are searched in different ways."""
    part, text = part * times, text + part * times + "c" * around + text
    end = max(len(text) - end, start)
    expected = text.find(part, start, end)
    assert search_for(part)(text, start, end) == (-1 if expected < 0 else expected + len(part))
    raw = text.encode()
    assert search_for(part.encode())(raw, start, end) == (-1 if expected < 0 else expected + len(part))


def test_a_part_that_ends_in_spaces_is_not_seen_beyond_the_end() -> None:
    part = "a" * SHORT_PART + "  "
    assert search_for(part)("a" * SHORT_PART, 0, SHORT_PART) == -1


PATTERNS = st.builds(
    Pattern,
    operation=st.sampled_from([None, "user", "A", "B", ""]), path=st.sampled_from([None, "/a", "/*", "*b", "*"]),
    method=st.sampled_from([None, "get", "POST"]), status=st.sampled_from([None, 200, 404]),
    key=st.sampled_from([None, "own", "other", "none"]), contains=st.sampled_from([None, "", "x", "xy"]),
)  # fmt: skip
ENTRIES = st.lists(
    st.fixed_dictionaries({
        "path": st.sampled_from(["/a", "/ab"]), "name": st.sampled_from([None, "A", "B"]),
        "body": st.sampled_from([b"", b"x", b"wxyz"]), "method": st.sampled_from(["GET", "POST"]),
        "status": st.sampled_from([200, 404]), "key": st.sampled_from([KEY, "another-key", ""]),
    }),
    max_size=8,
)  # fmt: skip


def fits(pattern: Pattern, facts: dict[str, Any]) -> bool:
    """Whether an entry of these facts is like a pattern, one word after another."""
    names = {facts["name"], "user"} if facts["name"] else set()
    key = {KEY: "own", "": "none"}.get(facts["key"], "other")
    return (
        (pattern.operation is None or pattern.operation in names)
        and (pattern.path is None or fits_by_definition(pattern.path, facts["path"]))
        and (pattern.method is None or pattern.method.upper() == facts["method"])
        and (pattern.status is None or pattern.status == facts["status"])
        and (pattern.key is None or pattern.key == key)
        and (pattern.contains is None or pattern.contains.encode() in facts["body"])
    )


@given(facts=ENTRIES, patterns=st.lists(PATTERNS, min_size=1, max_size=4))
def test_each_of_many_patterns_fits_what_it_fits_alone(facts: list[dict[str, Any]], patterns: list[Pattern]) -> None:
    entries = [build_entry(number, **each) for number, each in enumerate(facts)]
    compared = Comparison(entries, patterns, KEY)
    for pattern in patterns:
        assert [entry.number for entry in compared.list_fitting(pattern)] == [
            number for number, each in enumerate(facts) if fits(pattern, each)
        ]


# Bounds


@pytest.mark.parametrize(("entries", "field"), [
    ([build_entry(1, body=b"a" * (MOST_SEARCHED // 100))], "contains"),
    ([build_entry(number) for number in range(2_000)], "contains"),
    ([build_entry(number, path=f"/{number}") for number in range(2_000)], "path"),
], ids=["one large body", "many small ones", "many paths"])  # fmt: skip
def test_what_all_patterns_search_is_bounded(entries: list[Entry], field: str) -> None:
    expected = [convert({field: f"*/*{number}"}, Expectation) for number in range(MOST_EXPECTED)]
    with pytest.raises(BadInput, match="would search more than 268,435,456 bytes"):
        find_differences(entries, expected, KEY, in_order=False, only=False)


def test_equal_patterns_are_searched_once() -> None:
    compared = Comparison([build_entry(1, body=b"a" * (MOST_SEARCHED // 100))], [Pattern(contains="a")], KEY)
    assert all(compared.find(Pattern(contains="a")) == {0} for _ in range(MOST_EXPECTED))


def test_only_some_differences_are_described() -> None:
    """Each suggestion compares hundreds of words, and a message is cut after 2,000 characters."""
    entries = [build_entry(number, name=f"Q{number}") for number in range(2_000)]
    expected = [Expectation(operation=f"A{number}") for number in range(MOST_EXPECTED)]
    differences = find_differences(entries, expected, KEY, in_order=True, only=True)
    assert sum("the nearest operations" in each for each in differences) == MOST_SUGGESTED
    assert differences[MOST_DIFFERENCES] == f"{MOST_EXPECTED - MOST_DIFFERENCES} more expectations are not met"


def test_only_some_requests_in_a_wrong_order_are_described() -> None:
    expected = [Expectation()] * MOST_EXPECTED
    assert len(find_differences([build_entry(1)], expected, KEY, in_order=True, only=False)) == MOST_DIFFERENCES
