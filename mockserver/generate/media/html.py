"""Web pages: a heading and a few paragraphs in one language. Only questions are asked about them."""

from __future__ import annotations

from html import escape

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import LANGUAGES, write_paragraph
from mockserver.generate.words import load_table
from mockserver.world.record import JsonText

MEDIA_ATTRIBUTES = JsonText('{"asset_type":"html","mime_type":"text/html"}')
"""Inferred, as those of texts."""


def write_page(seed: int, project: str, number: int) -> str:
    """Page `number` of a project, complete and valid HTML."""
    chance = Chance(seed, "html", project, number)
    language = LANGUAGES[number % len(LANGUAGES)]
    heading = escape(chance.choice(load_table("companies")))
    texts = [write_paragraph(chance, language, 2, 4, unusual=chance.happens(30)) for _ in range(chance.randint(2, 4))]
    paragraphs = "".join(f"<p>{escape(each)}</p>\n" for each in texts)
    direction = "rtl" if language == "ar" else "ltr"
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" dir="{direction}">\n'
        f'<head><meta charset="utf-8"><title>{heading}</title></head>\n'
        f"<body>\n<h1>{heading}</h1>\n{paragraphs}</body>\n</html>\n"
    )


class Html(MediaGenerator):
    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        """Answers only: pages have no objects (live-tested)."""
        annotator = Annotator(Chance(seed, "html", project, number, "annotations"))
        classifications = annotator.build_classifications(ontology.questions)
        annotations = {"objects": [], "classifications": classifications, "relationships": []}
        return Variant(MEDIA_ATTRIBUTES, encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return Asset("text/html; charset=utf-8", write_page(seed, project, number).encode())
