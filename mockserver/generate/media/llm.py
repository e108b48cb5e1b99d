"""Prompts and responses that people write: three kinds of project, of which only the questions differ."""

from __future__ import annotations

from mockserver.generate.annotations import Annotator, encode_body
from mockserver.generate.chance import Chance
from mockserver.generate.features import Ontology
from mockserver.generate.media.generator import Asset, MediaGenerator, Variant
from mockserver.generate.prose import write_paragraph, write_question
from mockserver.world.record import JsonText

MEDIA_ATTRIBUTES = JsonText('{"asset_type":"text","mime_type":"text/plain"}')
"""Inferred: no row of such a project was ever seen whole."""


class PromptsAndResponses(MediaGenerator):
    """Answers only; every answer is a classification of the whole row (live-tested for responses)."""

    def build_variant(self, seed: int, project: str, number: int, ontology: Ontology) -> Variant:
        annotator = Annotator(Chance(seed, "llm", project, number, "annotations"))
        classifications = annotator.build_classifications(ontology.questions)
        annotations = {"objects": [], "classifications": classifications, "relationships": []}
        return Variant(MEDIA_ATTRIBUTES, encode_body(annotations))

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        """A paragraph as the subject (inferred; the service creates these rows itself)."""
        return _build_text(write_paragraph(Chance(seed, "llm", project, number), "en", 2, 4, unusual=number % 3 == 1))


class Responses(PromptsAndResponses):
    """The prompt is the row's text; its media type is TEXT (SDK client.create_response_creation_project)."""

    def build_asset(self, seed: int, project: str, number: int) -> Asset:
        return _build_text(write_question(Chance(seed, "llm", project, number)))


def _build_text(content: str) -> Asset:
    return Asset("text/plain; charset=utf-8", content.encode())
