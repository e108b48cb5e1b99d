"""Messages and the search for the nearest known word: whatever a client sends, both are bounded."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.api.asking import EXPORT, ask, export_input, get
from contract_tests.serving import ServedWorld
from mockserver.errors import MOST_MESSAGE, BadInput, MalformedRequest, WireError, nearest, shorten

WITHIN_SECONDS = 0.25
"""Measured: 0.03. By difflib the same words took from 3 seconds to minutes."""
HOSTILE = {
    "a path repeated": "graphqlv1frames" * 4000,
    "one letter": "a" * 60_000,
    "two letters": "ab" * 30_000,
    "slashes": "/" * 60_000,
    "templates": "{project}/" * 6000,
}


@pytest.mark.parametrize(
    ("word", "known", "best"),
    [
        ("grapql", ["graphql", "graph", "masks"], "graphql"),
        ("defualt", ["default", "empty", "forms"], "default"),
        ("NAME", ["id", "name", "createdAt"], "name"),
        ("x", ["xy", "yz"], "xy"),
        ("", ["only"], "only"),
    ],
)
def test_the_nearest_word_comes_first(word: str, known: list[str], best: str) -> None:
    assert nearest(word, known)[0] == best


@given(word=st.text(max_size=300), known=st.sets(st.text(max_size=30), max_size=20), most=st.integers(1, 9))
def test_a_list_of_the_nearest_is_empty_only_when_nothing_is_known(word: str, known: set[str], most: int) -> None:
    nearest_words = nearest(word, known, most=most)
    assert len(nearest_words) == min(most, len(known))
    assert set(nearest_words) <= known


@pytest.mark.parametrize("word", HOSTILE.values(), ids=list(HOSTILE))
def test_the_search_takes_no_longer_for_a_word_made_to_be_slow(word: str) -> None:
    """Known words are often the client's own, so they are made to be slow too."""
    known = [f"{word}{number}" for number in range(5000)]
    fastest = min(seconds_of_a_search(word, known) for _ in range(3))
    assert fastest < WITHIN_SECONDS


def seconds_of_a_search(word: str, known: list[str]) -> float:
    started = time.thread_time()  # of this thread alone: other programs on the machine do not count
    nearest(word, known)
    return time.thread_time() - started


@pytest.mark.parametrize("word", HOSTILE.values(), ids=list(HOSTILE))
def test_a_long_path_is_repeated_in_part(server: ServedWorld, word: str) -> None:
    answer = get(server, f"/{word}".replace("{", "%7B").replace("}", "%7D")[:60_000])
    assert answer.status == 404
    assert "characters); the nearest known are /" in answer.json["message"]
    assert len(answer.body) < 1000


def test_a_message_is_cut_where_it_would_repeat_a_client_for_ever() -> None:
    error = MalformedRequest("x" * 100_000)
    assert error.message == "x" * MOST_MESSAGE + "… (100000 characters)"
    assert error.as_graphql()["errors"] == [{"error": error.message}]
    assert str(BadInput("short")) == BadInput("short").message == "short"


@given(text=st.text(max_size=50), most=st.integers(0, 60))
def test_a_shortened_text_begins_as_the_whole_and_says_how_long_it_was(text: str, most: int) -> None:
    cut = shorten(text, most)
    assert cut == text if len(text) <= most else cut == f"{text[:most]}… ({len(text)} characters)"


LONG = "x" * 1_000_000


@pytest.mark.parametrize("error", [
    BadInput(LONG, reason=LONG, names=[{"key": [LONG]}]),
    MalformedRequest("m", errors=[{"error": LONG, "projectIds": [LONG]}]),
], ids=["extensions", "the errors beside them"])  # fmt: skip
def test_every_text_of_an_error_is_bounded(error: WireError) -> None:
    """Errors repeat what the client has sent at other places than in their message, too."""
    assert len(json.dumps(error.as_graphql())) < 4 * MOST_MESSAGE


def test_an_export_of_an_unknown_thing_repeats_the_beginning_of_its_id(server: ServedWorld) -> None:
    answer = ask(server, EXPORT, {"input": export_input(LONG)})
    assert answer.code == "MALFORMED_REQUEST"
    assert len(answer.body) < 4 * MOST_MESSAGE
