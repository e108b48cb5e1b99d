"""Canonical bodies: what every media type's annotations are made of (shapes: payloads.md §2)."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature
from mockserver.generate.prose import write_question as asked
from mockserver.generate.prose import write_remark
from mockserver.world import ids
from mockserver.world.labels import FEATURES, HOST, PROJECT, STAND_IN, TASK, render_body

COMPOSITE_MASK = ids.ordinal(0)
"""The ordinal that the label's composite mask has for its own."""


class Annotator:
    """Makes the features of one label; counts them, for their ids are the label's prefix and a number.

    Further features of a label that has some begin behind their `last` number.
    """

    def __init__(self, chance: Chance, *, last: int = 0) -> None:
        self.chance = chance
        self._last = last

    @property
    def next_ordinal(self) -> str:
        """The last five characters of the next feature's id."""
        return ids.ordinal(self._last + 1)

    def ordinal(self) -> str:
        """The last five characters of an id for what is no feature."""
        self._last += 1
        return ids.ordinal(self._last)

    def feature(self, feature: Feature, **more: Any) -> dict[str, Any]:
        """The keys every feature has, then `more`. Its id is a text, so it can be a key, and refer to the feature."""
        return {
            "feature_id": STAND_IN + self.ordinal(),
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

    def classification(self, question: Feature, message_id: str | None = None) -> dict[str, Any]:
        """A question with its answer. One about a message names it, and its answer's key says so (live-tested)."""
        made = self.feature(question)
        prefix = "" if message_id is None else "conversational_"
        if message_id is not None:
            made["message_id"] = message_id
        if question.answered_by == "text":
            write = asked if question.kind == "prompt" else write_remark
            return made | {f"{prefix}text_answer": {"content": write(self.chance), "classifications": []}}
        if question.answered_by == "radio":
            return made | {f"{prefix}radio_answer": self.answer(self.chance.choice(question.answers))}
        chosen = self.chance.sample(question.answers, self.chance.randint(1, len(question.answers)))
        return made | {f"{prefix}checklist_answers": [self.answer(answer) for answer in chosen]}

    def answer_messages(self, questions: tuple[Feature, ...], message_ids: list[str]) -> list[dict[str, Any]]:
        """Answers about single messages: to each question for one message or more, in the order of messages."""
        return [
            self.classification(question, message_id)
            for question in questions
            for message_id in self.chance.sample(message_ids, self.chance.randint(1, max(len(message_ids), 1)))
        ]

    def relationships(self, edges: tuple[Feature, ...], kind: str, objects: list[dict[str, Any]]) -> list[Any]:
        """Each tool `edge` joins two objects, where there are two.

        That they name their objects by feature id under `unidirectional_relationship` is known from a program that
        reads them; the other keys are those of objects (inferred).
        """
        made = []
        for edge in edges if len(objects) > 1 else ():
            source, target = self.chance.sample(objects, 2)
            ends = {"source": source["feature_id"], "target": target["feature_id"]}
            made.append(self.object(edge, kind, unidirectional_relationship=ends))
        return made

    def answer(self, answer: Feature) -> dict[str, Any]:
        made = self.feature(answer, classifications=[])
        made["classifications"] = self.classifications(answer.questions)
        return made


def quote_placeholders(text: bytes) -> orjson.Fragment:
    """A JSON string that holds placeholders, which no encoder may escape."""
    return orjson.Fragment(b'"' + text + b'"')


def build_composite_mask_url(index: int = 1, mask: str = COMPOSITE_MASK) -> orjson.Fragment:
    """The URL of the picture with all masks of the label (form since 2024-02, labelbox-notebooks composite_mask).

    `mask` is the ordinal of the picture's id, for labels that have several.
    """
    label = FEATURES + mask.encode()
    return quote_placeholders(HOST + b"/api/v1/tasks/" + TASK + b"/masks/" + label + b"/index/%d" % index)


def build_single_mask_url(feature_id: str, frame: int) -> orjson.Fragment:
    """The URL of one object's mask in a frame (observed 2025-04)."""
    feature = FEATURES + feature_id.removeprefix(STAND_IN).encode()
    return quote_placeholders(
        HOST + b"/api/v1/projects/" + PROJECT + b"/annotations/" + feature + b"/index/%d/mask" % frame
    )


def encode_body(annotations: dict[str, Any]) -> bytes:
    """A body's content."""
    return render_body(annotations)


def select_global_questions(questions: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Those that are not asked of each message."""
    return tuple(question for question in questions if question.scope == "global")


def select_index_questions(questions: tuple[Feature, ...]) -> tuple[Feature, ...]:
    return tuple(question for question in questions if question.scope == "index")
