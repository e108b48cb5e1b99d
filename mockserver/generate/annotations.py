"""The parts of canonical bodies that all media types share (shapes: payloads.md §2)."""

from __future__ import annotations

from typing import Any

import orjson

from mockserver.generate.chance import Chance
from mockserver.generate.features import Feature
from mockserver.generate.prose import write_question, write_remark
from mockserver.world import ids
from mockserver.world.records.labels import FEATURES, HOST, PROJECT, STAND_IN, TASK, render_body

COMPOSITE_MASK = ids.ordinal(0)
"""The ordinal of the label's composite mask."""


class FeatureBuilder:
    """Builds the features of one label, and counts them: the id of a feature is the label's prefix and a number.

    The features of a label that has some already are counted from their `last` number.
    """

    def __init__(self, *, last: int = 0) -> None:
        self._last = last

    @property
    def next_ordinal(self) -> str:
        """The last five characters of the next feature's id."""
        return ids.ordinal(self._last + 1)

    def take_ordinal(self) -> str:
        """The last five characters of the next id, which belongs to something else than a feature."""
        self._last += 1
        return ids.ordinal(self._last)

    def build_feature(self, feature: Feature, **more: Any) -> dict[str, Any]:
        """The keys every feature has, then `more`. Its id is a text, so it can be a key, and refer to the feature."""
        return {
            "feature_id": STAND_IN + self.take_ordinal(),
            "feature_schema_id": feature.schema_id,
            "name": feature.name,
            "value": feature.value,
            **more,
        }


class Annotator(FeatureBuilder):
    """Builds features with contents of chance."""

    def __init__(self, chance: Chance, *, last: int = 0) -> None:
        super().__init__(last=last)
        self.chance = chance

    def build_object(self, tool: Feature, kind: str, **geometry: Any) -> dict[str, Any]:
        """An object; its classifications come in front of its geometry (sample)."""
        annotation = self.build_feature(tool, annotation_kind=kind, classifications=[])
        annotation["classifications"] = self.build_classifications(tool.questions)
        return annotation | geometry

    def build_classifications(self, questions: tuple[Feature, ...]) -> list[dict[str, Any]]:
        """Answers to all required questions and to most others."""
        return [
            self.build_classification(question)
            for question in questions
            if question.required or self.chance.happens(85)
        ]

    def build_classification(self, question: Feature, message_id: str | None = None) -> dict[str, Any]:
        """A question with its answer. One about a message names it, and its answer's key says so (live-tested)."""
        classification = self.build_feature(question)
        prefix = "" if message_id is None else "conversational_"
        if message_id is not None:
            classification["message_id"] = message_id
        if question.answered_by == "text":
            write = write_question if question.kind == "prompt" else write_remark
            return classification | {f"{prefix}text_answer": {"content": write(self.chance), "classifications": []}}
        if question.answered_by == "radio":
            return classification | {f"{prefix}radio_answer": self.build_answer(self.chance.choice(question.answers))}
        chosen = self.chance.sample(question.answers, self.chance.randint(1, len(question.answers)))
        return classification | {f"{prefix}checklist_answers": [self.build_answer(answer) for answer in chosen]}

    def answer_messages(self, questions: tuple[Feature, ...], message_ids: list[str]) -> list[dict[str, Any]]:
        """Answers about single messages: to each question for one message or more, in the order of messages."""
        return [
            self.build_classification(question, message_id)
            for question in questions
            for message_id in self.chance.sample(message_ids, self.chance.randint(1, max(len(message_ids), 1)))
        ]

    def build_relationships(self, edges: tuple[Feature, ...], kind: str, objects: list[dict[str, Any]]) -> list[Any]:
        """Each tool `edge` joins two objects, where there are two.

        That they name their objects by feature id under `unidirectional_relationship` is known from a program that
        reads them; the other keys are those of objects (inferred).
        """
        relationships = []
        for edge in edges if len(objects) > 1 else ():
            source, target = self.chance.sample(objects, 2)
            ends = {"source": source["feature_id"], "target": target["feature_id"]}
            relationships.append(self.build_object(edge, kind, unidirectional_relationship=ends))
        return relationships

    def build_answer(self, answer: Feature) -> dict[str, Any]:
        """A chosen option, with the questions below it."""
        choice = self.build_feature(answer, classifications=[])
        choice["classifications"] = self.build_classifications(answer.questions)
        return choice


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
    """The content of a body."""
    return render_body(annotations)


def select_global_questions(questions: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """The questions about a whole data row."""
    return tuple(question for question in questions if question.scope == "global")


def select_index_questions(questions: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """The questions about each frame, timestamp or message."""
    return tuple(question for question in questions if question.scope == "index")
