"""Running text: sentences of the committed tables in one language, and the characters that readers stumble over."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.generate.chance import Chance
from mockserver.generate.words import load_table

LANGUAGES = ("en", "en", "en", "de", "ja", "ar", "hi")
"""Texts take these in turn."""
ASKING = ("?", "؟")
"""How a question ends in the languages above whose tables have some."""

STOPS = ".,?!؟،।。"

UNUSUAL = (
    "🚲",
    "👩🏽‍🚒",  # four code points and a joiner that are one figure
    "🇳🇵",
    "cafe\u0301",  # the accent is a combining mark
    "क्ष\u200dत्र",
    "\u2067עִבְרִית\u2069",  # from right to left, with vowel points, inside isolating marks
    "𝒳²",  # outside the basic plane
    "a\u00a0b",
    "one\u2028two",  # a line separator, where many a line reader cuts
    "<b>&amp;</b>",
    '"\\u0041"',
)
"""Words that encoders, line readers and offset arithmetic get wrong. None holds a space."""


def write_paragraph(chance: Chance, language: str, low: int, high: int, *, unusual: bool = False) -> str:
    """`low` to `high` sentences of a language; if `unusual`, one or two of those words among them."""
    sentences = [chance.choice(load_table(f"sentences_{language}")) for _ in range(chance.randint(low, high))]
    for word in chance.sample(UNUSUAL, chance.randint(1, 2)) if unusual else ():
        sentences.insert(chance.randint(0, len(sentences)), word)
    return " ".join(sentences)


def write_remark(chance: Chance) -> str:
    """A free-text answer: mostly plain English, sometimes in another script, sometimes with an unusual word."""
    language = chance.choice(LANGUAGES)
    return write_paragraph(chance, language, 1, 1, unusual=chance.happens(20))


def write_question(chance: Chance) -> str:
    """A question to a model."""
    questions = [
        sentence for sentence in load_table("sentences_en") + load_table("sentences_de") if sentence.endswith(ASKING)
    ]
    return chance.choice(questions)


def find_words(text: str) -> list[tuple[int, int]]:
    """(start, end) of each word in characters, without what stops a sentence; `end` is inclusive (payloads.md §2).

    Characters are code points: the documentation says "characters", and no sample says more (inferred).
    """
    words = []
    start = 0
    for word in text.split(" "):
        if bare := word.rstrip(STOPS):
            words.append((start, start + len(bare) - 1))
        start += len(word) + 1
    return words


def pick_phrases(chance: Chance, words: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of one to three words, none in another, in the order of chance."""
    free = list(range(len(words)))
    while free:
        first = chance.choice(free)
        last = first
        while last + 1 in free and last - first < 2 and chance.happens(50):
            last += 1
        free = [index for index in free if not first <= index <= last]
        yield words[first][0], words[last][1]
