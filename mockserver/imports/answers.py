"""Questions and their answers, as canonical bodies have them (payloads.md §2, shapes of live tests)."""

from __future__ import annotations

from typing import Any

from mockserver.generate.annotations import FeatureBuilder
from mockserver.generate.features import TOOLS, Feature
from mockserver.imports.lines import Answer, Named, Question
from mockserver.imports.problems import LineProblem, refuse_value
from mockserver.imports.scopes import Scope

TEXT, RADIO, CHECKLIST = "text", "radio", "checklist"
EXPECTED = {
    TEXT: "the answer as a text",
    RADIO: "one option as {name} or {schemaId}",
    CHECKLIST: "a list of options, each {name} or {schemaId}",
}
JsonObject = dict[str, Any]


class AnswerBuilder:
    """Builds the answers of one label. Only predictions keep the confidence that was sent (SDK
    confidence_presence_checker.py: it is ignored in label imports)."""

    def __init__(self, features: FeatureBuilder, *, keeps_confidence: bool) -> None:
        self._features, self._keeps_confidence = features, keeps_confidence

    def build_all(self, questions: list[Question] | None, scope: Scope, path: str) -> list[JsonObject]:
        """The questions below an object or an answer."""
        return [
            self.build(question, scope.find(question, place), scope, place)
            for index, question in enumerate(questions or [])
            for place in [f"{path}classifications[{index}]"]
        ]

    def build(self, question: Question, feature: Feature, scope: Scope, path: str = "") -> JsonObject:
        """A question with its answer. One about a message names it, and the key of its answer says so."""
        prefix = f"{path}." if path else ""
        check_question(question, feature, prefix)
        classification = self._features.build_feature(feature)
        start = ""
        if question.message_id is not None:
            classification["message_id"] = question.message_id
            start = "conversational_"
        reply = question.given
        if isinstance(reply, str):
            content: JsonObject = {"content": reply, "classifications": []}
            return classification | {f"{start}text_answer": self.add_confidence(content, question)}
        options = scope.answers_of(feature)
        if isinstance(reply, list):
            answers = [
                self._build_answer(answer, options, f"{prefix}answer[{index}]") for index, answer in enumerate(reply)
            ]
            return classification | {f"{start}checklist_answers": answers}
        assert isinstance(reply, Answer), "check_question compares the answer with the question's type"
        return classification | {f"{start}radio_answer": self._build_answer(reply, options, f"{prefix}answer")}

    def _build_answer(self, answer: Answer, options: Scope, path: str) -> JsonObject:
        feature = options.find(answer, path)
        choice = self._features.build_feature(feature, classifications=[])
        choice["classifications"] = self.build_all(answer.classifications, options.questions_of(feature), f"{path}.")
        return self.add_confidence(choice, answer)

    def add_confidence(self, part: JsonObject, sent: Named) -> JsonObject:
        """Adds the confidence and the metrics of a prediction, which come last (inferred)."""
        if self._keeps_confidence and sent.confidence is not None:
            part["confidence"] = sent.confidence
        if self._keeps_confidence and sent.metrics:
            part["custom_metrics"] = [{"name": metric.name, "value": metric.value} for metric in sent.metrics]
        return part


def check_question(question: Question, feature: Feature, prefix: str) -> None:
    """Raises LineProblem for a tool, and for an answer of another type than the question's."""
    if feature.kind in TOOLS:
        raise LineProblem(
            "WrongAnnotationType",
            f"{prefix}name is {feature.name!r}, a tool ({feature.kind}); expected a question, as an answer was sent",
        )
    if question.classifications:
        raise refuse_value(
            f"{prefix}classifications", question.classifications, "no questions here: they are below the answers"
        )
    reply, kind = question.given, feature.answered_by
    types = {TEXT: str, RADIO: Answer, CHECKLIST: list}
    if not isinstance(reply, types[kind]):
        raise refuse_value(f"{prefix}answer", reply, f"{EXPECTED[kind]}: {feature.name!r} is a {feature.kind}")
    if isinstance(reply, list) and not reply:
        raise refuse_value(f"{prefix}answer", reply, f"at least one option of {feature.name!r}")
