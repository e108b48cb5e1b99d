"""Canonical bodies: what every media type's annotations are made of (shapes: payloads.md §2)."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature
from mockserver.generate.words import table
from mockserver.world import ids
from mockserver.world.labels import FEATURES, HOST, STAND_IN, TASK, written

COMPOSITE_MASK = ids.ordinal(0)
"""The ordinal that the label's composite mask has for its own."""


class Annotator:
    """Makes the features of one label; counts them, for their ids are the label's prefix and a number."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self._last = 0

    def feature(self, feature: Feature, **more: Any) -> dict[str, Any]:
        """The keys every feature has, then `more`. Its id is a text, so it can be a key, and refer to the feature."""
        self._last += 1
        return {
            "feature_id": STAND_IN + ids.ordinal(self._last),
            "feature_schema_id": feature.schema_id,
            "name": feature.name,
            "value": feature.value,
            **more,
        }

    def object(self, tool: Feature, kind: str, **geometry: Any) -> dict[str, Any]:
        """An object; its classifications stand before its geometry (sample)."""
        made = self.feature(tool, annotation_kind=kind, classifications=[])
        made["classifications"] = self.classifications(tool.questions)
        return made | geometry

    def classifications(self, questions: tuple[Feature, ...]) -> list[dict[str, Any]]:
        """Answers to all required and most other questions."""
        return [self.classification(question) for question in questions if question.required or self.chance.happens(85)]

    def classification(self, question: Feature) -> dict[str, Any]:
        made = self.feature(question)
        if question.kind == "text":
            return made | {"text_answer": {"content": self.chance.pick(table("sentences_en"))}}
        if question.kind == "radio":
            return made | {"radio_answer": self.answer(self.chance.pick(question.answers))}
        chosen = self.chance.sample(question.answers, self.chance.between(1, len(question.answers)))
        return made | {"checklist_answers": [self.answer(answer) for answer in chosen]}

    def answer(self, answer: Feature) -> dict[str, Any]:
        made = self.feature(answer, classifications=[])
        made["classifications"] = self.classifications(answer.questions)
        return made


def placed(text: bytes) -> orjson.Fragment:
    """A JSON string that holds placeholders, which no encoder may escape."""
    return orjson.Fragment(b'"' + text + b'"')


def composite_mask_url(index: int = 1) -> orjson.Fragment:
    """The URL of the picture with all masks of the label (form since 2024-02, labelbox-notebooks composite_mask)."""
    label = FEATURES + COMPOSITE_MASK.encode()
    return placed(HOST + b"/api/v1/tasks/" + TASK + b"/masks/" + label + b"/index/%d" % index)


def encoded(annotations: dict[str, Any]) -> bytes:
    """A body's content."""
    return written(annotations)
