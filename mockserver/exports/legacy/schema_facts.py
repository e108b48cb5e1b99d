"""The facts about feature schemas that labels of Export V1 repeat from their ontology."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from mockserver.world.records.projects import Ontology

GLOBAL = "global"
"""The scope of a question about the whole data row, and of one whose ontology names none."""


class SchemaFacts(NamedTuple):
    """By feature schema id: the colours of tools, the scopes of questions, the places of options in their question.

    `scopes` is None, and `positions` is empty, for a date when labels did not repeat them.
    """

    colours: Mapping[str, str | None] = {}
    scopes: Mapping[str, str] | None = None
    positions: Mapping[str, int] = {}


def build_schema_facts(ontologies: Iterable[Ontology], *, scoped: bool) -> SchemaFacts:
    """The terms of some ontologies together. `scoped` says that labels repeat scopes and positions."""
    documents = [orjson.loads(ontology.normalized) for ontology in ontologies]
    tools = [tool for document in documents for tool in document["tools"]]
    colours = {tool["featureSchemaId"]: tool.get("color") for tool in tools}
    if not scoped:
        return SchemaFacts(colours)
    top_questions = [question for part in [*documents, *tools] for question in part.get("classifications") or []]
    scopes: dict[str, str] = {}
    positions: dict[str, int] = {}
    for question, scope in _questions(top_questions, GLOBAL):
        scopes[question["featureSchemaId"]] = scope
        positions |= {option["featureSchemaId"]: at for at, option in enumerate(question.get("options") or [])}
    return SchemaFacts(colours, scopes, positions)


def _questions(questions: list[Any], scope: str) -> Iterator[tuple[Any, str]]:
    """The questions and those below their options, each with its scope: its own, or that of the question above it
    (inferred)."""
    for question in questions:
        own = question.get("scope") or scope
        yield question, own
        for option in question.get("options") or []:
            yield from _questions(option.get("options") or [], own)
