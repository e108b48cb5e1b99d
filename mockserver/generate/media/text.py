"""Plain texts: sentences from the committed tables, in several languages, and entities that match them."""

from __future__ import annotations

from typing import Any

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature, Ontology
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import LANGUAGES, find_words, pick_phrases, write_paragraph
from mockserver.world.record import JsonText

MEDIA_ATTRIBUTES = JsonText('{"asset_type":"text","mime_type":"text/plain"}')
"""Beside `mime_type` nothing is known of texts (inferred from V1 `Media Attributes`)."""


def write_content(seed: int, project: str, number: int) -> str:
    """Text `number` of a project: three to seven sentences of one language, one paragraph."""
    chance = Chance(seed, "text", project, number)
    return write_paragraph(chance, LANGUAGES[number % len(LANGUAGES)], 3, 7, unusual=number % 3 == 1)


class Text(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """The text's annotations: every tool marks one or two phrases."""
        text = write_content(seed, project, number)
        annotator = Annotator(Chance(seed, "text", project, number, "annotations"))
        places = pick_phrases(annotator.chance, find_words(text))
        wanted = [tool for tool in ontology.drawn for _ in range(annotator.chance.randint(1, 2))]
        objects = [_build_entity(annotator, tool, text, place) for tool, place in zip(wanted, places, strict=False)]
        annotations = {
            "objects": objects,
            "classifications": annotator.build_classifications(ontology.questions),
            "relationships": annotator.build_relationships(ontology.edges, "TextUnidirectionalRelationship", objects),
        }
        return Variant(MEDIA_ATTRIBUTES, encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("text/plain; charset=utf-8", write_content(seed, project, number).encode())


def _build_entity(annotator: Annotator, tool: Feature, text: str, place: tuple[int, int]) -> dict[str, Any]:
    start, end = place
    location = {"start": start, "end": end, "token": text[start : end + 1]}
    return annotator.build_object(tool, "TextEntity", location=location)
