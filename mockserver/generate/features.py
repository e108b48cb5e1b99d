"""An ontology as a project has it: feature schemas with ids, and the `normalized` JSON that clients read."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import msgspec

from mockserver.generate.plans import TEXT_QUESTIONS, OntologyPlan, Option, Question, Tool
from mockserver.world import ids
from mockserver.world.media import PROMPT_RESPONSE_QUESTIONS
from mockserver.world.record import JsonText

COLOURS = ("#1CE6FF", "#FF34FF", "#FF4A46", "#008941", "#006FA6", "#A30059", "#7A4900", "#63FFAC", "#B79762", "#004D43")
"""In the order in which the editor gives them out (sample: V1 exports of 2021)."""

TOOLS = frozenset(
    {
        "rectangle", "polygon", "line", "point", "raster-segmentation", "superpixel", "named-entity", "edge",
        "message-single-selection", "message-multi-selection", "message-ranking",
    }
)  # fmt: skip
"""Kinds of features that are no questions."""


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
            "tools": [_render_tool(tool) for tool in self.tools],
            "classifications": [_render_question(question, top=True) for question in self.questions],
            "relationships": [],
        }
        return JsonText(msgspec.json.encode(document).decode())


def make_machine_name(name: str, kind: str) -> str:
    """Builds the editor's machine name: lower case, no punctuation, and one underscore for a run of blanks, hyphens and
    dropped characters between them (observed 2024-12, 2025-08). Letters, digits and marks of every script stay
    (inferred), and so does a name of which nothing would be left.

    Questions about prompts and responses keep their hyphens: prompt-text (SDK tests conftest.py, live-tested).
    """
    lowered = name.lower()
    if kind in PROMPT_RESPONSE_QUESTIONS:
        return _RUN_OF_BLANKS.sub("_", lowered)
    letters = "".join(letter for letter in lowered if letter in "_-" or letter.isspace() or _is_kept(letter))
    return _RUN.sub("_", letters.strip(_AT_THE_ENDS)).strip() or name


def _is_kept(letter: str) -> bool:
    """Letters, marks and numbers, by their Unicode category. What chooses between the forms of a symbol is no mark."""
    return unicodedata.category(letter)[0] in "LMN" and not "\ufe00" <= letter <= "\ufe0f"


_AT_THE_ENDS = "- \t\n\r\u00a0\u2028\u2029\u3000"
_RUN = re.compile(r"_*[\s-][\s_-]*")
_RUN_OF_BLANKS = re.compile(r"\s+")


def build_ontology(seed: int, key: str, plan: OntologyPlan, *, created: int = 0) -> Ontology:
    """The ontology `key` of a scenario, created at `created`. All its ids come from (seed, key, path of names)."""
    root = (created, seed, "ontology", key)
    tools = tuple(_build_tool(root, index, tool) for index, tool in enumerate(plan.tools))
    return Ontology(ids.cuid(*root), tools, tuple(_build_question(root, question) for question in plan.questions))


Root = tuple[Any, ...]
"""A moment in microseconds UTC and the path of names below it."""


def _build_feature(root: Root, part: Tool | Question | Option, kind: str, **more: Any) -> Feature:
    path = (*root, kind, part.name)
    value = part.value or make_machine_name(part.name, kind)
    return Feature(part.name, value, ids.cuid(*path, "feature"), ids.cuid(*path, "node"), kind, **more)


def _build_tool(root: Root, index: int, tool: Tool) -> Feature:
    questions = tuple(_build_question((*root, tool.name), question) for question in tool.questions)
    color = tool.color or COLOURS[index % len(COLOURS)]
    return _build_feature(root, tool, tool.tool, color=color, required=tool.required, questions=questions)


def _build_question(root: Root, question: Question) -> Feature:
    below = (*root, question.name)
    answers = tuple(
        _build_feature(
            below,
            answer,
            "option",
            questions=tuple(_build_question((*below, answer.name), nested) for nested in answer.questions),
        )
        for answer in question.answers
    )
    required = question.required or question.type in PROMPT_RESPONSE_QUESTIONS
    return _build_feature(root, question, question.type, required=required, answers=answers, scope=question.scope)


def _render_tool(tool: Feature) -> dict[str, Any]:
    return {
        "tool": tool.kind,
        "name": tool.name,
        "required": tool.required,
        "color": tool.color,
        "classifications": [_render_question(question) for question in tool.questions],
        "schemaNodeId": tool.node_id,
        "featureSchemaId": tool.schema_id,
    } | _get_value(tool)


def _get_value(tool: Feature) -> dict[str, str]:
    """`value` of a tool only where somebody gave it one: clients expect none (SDK tool.py)."""
    return {} if tool.value == make_machine_name(tool.name, tool.kind) else {"value": tool.value}


def _render_question(question: Feature, *, top: bool = False) -> dict[str, Any]:
    """A classification's displayed text is `instructions`; `name` is its machine name (SDK ontology.py).

    One about prompts or responses is always required and has no scope (SDK tool_building/classification.py).
    """
    document: dict[str, Any] = {
        "type": question.kind,
        "instructions": question.name,
        "name": question.value,
        "required": question.required,
        "options": [_render_answer(answer) for answer in question.answers],
        "schemaNodeId": question.node_id,
        "featureSchemaId": question.schema_id,
    }
    scoped = top and question.kind not in PROMPT_RESPONSE_QUESTIONS
    return document | {"scope": question.scope} if scoped else document


def _render_answer(answer: Feature) -> dict[str, Any]:
    return {
        "label": answer.name,
        "value": answer.value,
        "options": [_render_question(question) for question in answer.questions],
        "schemaNodeId": answer.node_id,
        "featureSchemaId": answer.schema_id,
    }


def parse_ontology(ontology_id: str, normalized: str) -> Ontology:
    """The ontology behind what `normalized` says: new labels are made from what the world holds, not from a file."""
    document = msgspec.json.decode(normalized)
    tools = tuple(_parse_tool(tool) for tool in document.get("tools", []))
    return Ontology(ontology_id, tools, tuple(map(_parse_question, document.get("classifications", []))))


def _parse_tool(tool: dict[str, Any]) -> Feature:
    return Feature(
        tool["name"],
        tool.get("value") or make_machine_name(tool["name"], tool["tool"]),
        tool["featureSchemaId"],
        tool["schemaNodeId"],
        tool["tool"],
        color=tool.get("color") or "",
        required=bool(tool.get("required")),
        questions=tuple(map(_parse_question, tool.get("classifications", []))),
    )


def _parse_question(question: dict[str, Any]) -> Feature:
    return Feature(
        question["instructions"],
        question["name"],
        question["featureSchemaId"],
        question["schemaNodeId"],
        question["type"],
        required=bool(question.get("required")),
        answers=tuple(map(_parse_answer, question.get("options", []))),
        scope=question.get("scope", "global"),
    )


def _parse_answer(answer: dict[str, Any]) -> Feature:
    questions = tuple(map(_parse_question, answer.get("options", [])))
    return Feature(
        answer["label"], answer["value"], answer["featureSchemaId"], answer["schemaNodeId"], "option",
        questions=questions,
    )  # fmt: skip
