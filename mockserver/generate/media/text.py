"""Plain texts: sentences from the committed tables, in several languages, and entities that match them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mockserver.generate.annotations import Annotator, encoded
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.media.medium import Asset, Medium, Variant
from mockserver.generate.words import table
from mockserver.world.database import JsonText

LANGUAGES = ("en", "en", "en", "de", "ja", "ar", "hi")
MEDIA_ATTRIBUTES = JsonText('{"asset_type":"text","mime_type":"text/plain"}')
"""Beside `mime_type` nothing is known of texts (inferred from V1 `Media Attributes`)."""


def content(seed: int, project: str, number: int) -> str:
    """Text `number` of a project: three to seven sentences of one language, one paragraph."""
    chance = Chance(seed, "text", project, number)
    sentences = table(f"sentences_{LANGUAGES[number % len(LANGUAGES)]}")
    return " ".join(chance.pick(sentences) for _ in range(chance.between(3, 7)))


class Text(Medium):
    media_type = "TEXT"
    extension = "txt"

    def variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The text's annotations: every tool marks one or two stretches of words."""
        text = content(seed, project, number)
        annotator = Annotator(Chance(seed, "text", project, number, "annotations"))
        places = stretches(annotator.chance, spans(text))
        wanted = [tool for tool in ontology.tools for _ in range(annotator.chance.between(1, 2))]
        objects = [_entity(annotator, tool, text, place) for tool, place in zip(wanted, places, strict=False)]
        annotations = {
            "objects": objects,
            "classifications": annotator.classifications(ontology.questions),
            "relationships": [],
        }
        return Variant(MEDIA_ATTRIBUTES, encoded(annotations))

    def asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("text/plain; charset=utf-8", content(seed, project, number).encode())


MEDIA = {"text": Text()}


def spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each word in characters; `end` is inclusive, as in exports (payloads.md §2)."""
    found = []
    start = 0
    for word in text.split(" "):
        if word:
            found.append((start, start + len(word) - 1))
        start += len(word) + 1
    return found


def stretches(chance: Chance, words: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of one to three words, none in another, in the order of chance."""
    free = list(range(len(words)))
    while free:
        first = chance.pick(free)
        last = first
        while last + 1 in free and last - first < 2 and chance.happens(50):
            last += 1
        free = [index for index in free if not first <= index <= last]
        yield words[first][0], words[last][1]


def _entity(annotator: Annotator, tool: Feature, text: str, place: tuple[int, int]) -> dict[str, Any]:
    start, end = place
    location = {"start": start, "end": end, "token": text[start : end + 1]}
    return annotator.object(tool, "TextEntity", location=location)
