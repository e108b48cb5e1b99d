"""Running text."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.generate.chance import Chance
from mockserver.generate.prose import (
    LANGUAGES,
    UNUSUAL,
    find_words,
    pick_phrases,
    write_paragraph,
    write_question,
    write_remark,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" .,?"))


@given(TEXTS)
def test_words_are_found_at_their_places(text: str) -> None:
    words = [text[start : end + 1] for start, end in find_words(text)]
    assert words == [word.rstrip(".,?!؟،।。") for word in text.split(" ") if word.rstrip(".,?!؟،।。")]


@given(TEXTS, st.integers(0, 99))
def test_no_range_of_words_lies_in_another_and_none_is_left_out(text: str, seed: int) -> None:
    words = find_words(text)
    taken = sorted(pick_phrases(Chance(seed), words))
    assert all(before[1] < after[0] for before, after in pairwise(taken))
    assert all(any(start <= word[0] <= word[1] <= end for start, end in taken) for word in words)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES)))
def test_every_language_has_sentences(language: str) -> None:
    assert write_paragraph(Chance(language), language, 2, 2).count(" ") >= 1


def test_an_unusual_paragraph_has_one_or_two_unusual_words() -> None:
    for seed in range(30):
        words = write_paragraph(Chance(seed), "en", 1, 3, unusual=True).split(" ")
        assert len(set(words) & set(UNUSUAL)) in {1, 2}


def test_unusual_words_hold_no_space() -> None:
    """Each of them is one word of a text."""
    assert not [word for word in UNUSUAL if " " in word or not word]


def test_questions_ask_and_remarks_differ() -> None:
    assert all(write_question(Chance(seed)).endswith("?") for seed in range(20))
    remarks = [write_remark(Chance(seed)) for seed in range(200)]
    assert len(set(remarks)) > 100
    assert any(re.search("[\u0600-\u06ff]", text) for text in remarks)
