"""An ontology as a project has it: feature schemas with ids, and the `normalized` JSON that clients read."""

from __future__ import annotations

from typing import Any

import msgspec

from mockserver.generate.plans import PROMPT_RESPONSE_QUESTIONS, TEXT_QUESTIONS, OntologyPlan, Question, Tool
from mockserver.world import ids
from mockserver.world.database import JsonText

COLOURS = ("#1CE6FF", "#FF34FF", "#FF4A46", "#008941", "#006FA6", "#A30059", "#7A4900", "#63FFAC", "#B79762", "#004D43")
"""In the order in which the editor gives them out (sample: V1 exports of 2021)."""


class Feature(msgspec.Struct, frozen=True):
    """A tool, a question or an answer. `value` is the machine name that exports carry beside `name`."""

    name: str
    value: str
    schema_id: str
    node_id: str
    kind: str
    color: str = ""
    required: bool = False
    questions: tuple[Feature, ...] = ()
    answers: tuple[Feature, ...] = ()
    scope: str = "global"

    @property
    def answered_by(self) -> str:
        """A question's "text", "radio" or "checklist"."""
        return "text" if self.kind in TEXT_QUESTIONS else self.kind.removeprefix("response-")


class Ontology(msgspec.Struct, frozen=True):
    id: str
    tools: tuple[Feature, ...]
    questions: tuple[Feature, ...]

    @property
    def drawn(self) -> tuple[Feature, ...]:
        """The tools that make objects: all but `edge`, which joins two of them."""
        return tuple(tool for tool in self.tools if tool.kind != "edge")

    @property
    def edges(self) -> tuple[Feature, ...]:
        return tuple(tool for tool in self.tools if tool.kind == "edge")

    @property
    def normalized(self) -> JsonText:
        document = {
            "tools": [_tool_json(tool) for tool in self.tools],
            "classifications": [_question_json(question, top=True) for question in self.questions],
            "relationships": [],
        }
        return JsonText(msgspec.json.encode(document).decode())


def machine_name(name: str, kind: str) -> str:
    """Lower case, spaces and hyphens to underscores (payloads.md §2: named-entity -> named_entity).

    Questions about prompts and responses keep their hyphens: prompt-text (SDK tests conftest.py, live-tested).
    """
    name = name.lower().replace(" ", "_")
    return name if kind in PROMPT_RESPONSE_QUESTIONS else name.replace("-", "_")


def build(seed: int, key: str, plan: OntologyPlan) -> Ontology:
    """The ontology `key` of a scenario. All its ids come from (seed, key, path of names)."""
    root = (seed, "ontology", key)
    tools = tuple(_tool(root, index, tool) for index, tool in enumerate(plan.tools))
    return Ontology(ids.cuid(*root), tools, tuple(_question(root, question) for question in plan.questions))


def _feature(root: tuple[object, ...], name: str, kind: str, **more: Any) -> Feature:
    path = (*root, kind, name)
    return Feature(name, machine_name(name, kind), ids.cuid(*path, "feature"), ids.cuid(*path, "node"), kind, **more)


def _tool(root: tuple[object, ...], index: int, tool: Tool) -> Feature:
    questions = tuple(_question((*root, tool.name), question) for question in tool.questions)
    color = tool.color or COLOURS[index % len(COLOURS)]
    return _feature(root, tool.name, tool.tool, color=color, required=tool.required, questions=questions)


def _question(root: tuple[object, ...], question: Question) -> Feature:
    below = (*root, question.name)
    answers = tuple(
        _feature(
            below,
            answer.name,
            "option",
            questions=tuple(_question((*below, answer.name), nested) for nested in answer.questions),
        )
        for answer in question.answers
    )
    required = question.required or question.type in PROMPT_RESPONSE_QUESTIONS
    return _feature(root, question.name, question.type, required=required, answers=answers, scope=question.scope)


def _tool_json(tool: Feature) -> dict[str, Any]:
    return {
        "tool": tool.kind,
        "name": tool.name,
        "required": tool.required,
        "color": tool.color,
        "classifications": [_question_json(question) for question in tool.questions],
        "schemaNodeId": tool.node_id,
        "featureSchemaId": tool.schema_id,
    }


def _question_json(question: Feature, *, top: bool = False) -> dict[str, Any]:
    """A classification's displayed text is `instructions`; `name` is its machine name (SDK ontology.py).

    One about prompts or responses is always required and has no scope (SDK tool_building/classification.py).
    """
    document: dict[str, Any] = {
        "type": question.kind,
        "instructions": question.name,
        "name": question.value,
        "required": question.required,
        "options": [_answer_json(answer) for answer in question.answers],
        "schemaNodeId": question.node_id,
        "featureSchemaId": question.schema_id,
    }
    scoped = top and question.kind not in PROMPT_RESPONSE_QUESTIONS
    return document | {"scope": question.scope} if scoped else document


def _answer_json(answer: Feature) -> dict[str, Any]:
    return {
        "label": answer.name,
        "value": answer.value,
        "options": [_question_json(question) for question in answer.questions],
        "schemaNodeId": answer.node_id,
        "featureSchemaId": answer.schema_id,
    }


def read(ontology_id: str, normalized: str) -> Ontology:
    """The ontology behind what `normalized` says: new labels are made from what the world holds, not from a file."""
    document = msgspec.json.decode(normalized)
    tools = tuple(_read_tool(tool) for tool in document.get("tools", []))
    return Ontology(ontology_id, tools, tuple(map(_read_question, document.get("classifications", []))))


def _read_tool(tool: dict[str, Any]) -> Feature:
    return Feature(
        tool["name"],
        machine_name(tool["name"], tool["tool"]),
        tool["featureSchemaId"],
        tool["schemaNodeId"],
        tool["tool"],
        color=tool.get("color") or "",
        required=bool(tool.get("required")),
        questions=tuple(map(_read_question, tool.get("classifications", []))),
    )


def _read_question(question: dict[str, Any]) -> Feature:
    return Feature(
        question["instructions"],
        question["name"],
        question["featureSchemaId"],
        question["schemaNodeId"],
        question["type"],
        required=bool(question.get("required")),
        answers=tuple(map(_read_answer, question.get("options", []))),
        scope=question.get("scope", "global"),
    )


def _read_answer(answer: dict[str, Any]) -> Feature:
    questions = tuple(map(_read_question, answer.get("options", [])))
    return Feature(
        answer["label"], answer["value"], answer["featureSchemaId"], answer["schemaNodeId"], "option",
        questions=questions,
    )  # fmt: skip
