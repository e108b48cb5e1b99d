"""Ontologies and feature schemas as clients send them: checked, and completed with what the service adds.

Keys that nothing here reads are kept, so that clients find them again (SDK tool_building, `attributes`, `definition`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from mockserver.errors import MalformedRequest, nearest, quote, shorten
from mockserver.generate.features import COLOURS, TOOLS, make_machine_name
from mockserver.world.kept_texts import describe_length
from mockserver.world.media import ORDINARY_QUESTIONS, PROMPT_RESPONSE_QUESTIONS

JsonObject = dict[str, Any]
JUDGING_TOOLS = frozenset({"step-reasoning", "fact-checking", "prompt-issue"})
"""Tools that judge messages (SDK tool_type.py). No export of theirs is known."""
ALL_TOOLS = TOOLS | JUDGING_TOOLS
PROMPT_ISSUE_COLOUR = "#ff00ff"
QUESTIONS = ORDINARY_QUESTIONS | PROMPT_RESPONSE_QUESTIONS | {"dropdown", "date"}
"""Types of questions; the last two are of older SDKs (ontology.py 3.40.1 Classification.Type)."""
WITH_OPTIONS = frozenset({"radio", "checklist", "dropdown", "response-radio", "response-checklist"})
MOST_FEATURES = 20_000
LONGEST_TEXT = 10_000
"""Characters of a name, which every annotation of an export repeats."""
DEEPEST = 20
"""Levels of questions below questions."""
FEATURE_ID, NODE_ID = "featureSchemaId", "schemaNodeId"


def parse_normalized(value: Any, what: str) -> JsonObject:
    """The object that `normalized` is, sent as text or as an object. Raises MalformedRequest."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise MalformedRequest(f"{what} is not JSON ({error}); expected an object as text") from None
    if not isinstance(value, dict):
        raise MalformedRequest(f"{what} is {_show(value)}; expected an object")
    return value


def complete_ontology(document: JsonObject) -> JsonObject:
    """An ontology with all keys of its features except their ids. Raises MalformedRequest, which names the path."""
    tools = [
        _complete_tool(tool, f"tools[{index}]", COLOURS[index % len(COLOURS)])
        for index, tool in enumerate(_list(document, "tools", ""))
    ]
    questions = [
        _complete_question(question, f"classifications[{index}]")
        for index, question in enumerate(_list(document, "classifications", ""))
    ]
    whole = document | {"tools": tools, "classifications": questions, "relationships": []}
    if sum(1 for _ in iterate_features(whole)) > MOST_FEATURES:
        raise MalformedRequest(f"The ontology has more than {MOST_FEATURES:,} features; leave some out")
    return whole


def complete_feature(document: JsonObject) -> JsonObject:
    """A tool, or a question, at the top of an ontology. Raises MalformedRequest."""
    if "tool" in document:
        return _complete_tool(document, "normalized", COLOURS[0])
    if "type" in document:
        return _complete_question(document, "normalized")
    raise MalformedRequest(f"normalized has the keys {quote(sorted(document))}; expected tool, or type of a question")


def _complete_tool(tool: Any, path: str, colour: str) -> JsonObject:
    kind = _check_word(tool, "tool", ALL_TOOLS, path)
    name = _check_text(tool, "name", path)
    questions = [
        _complete_question(question, f"{path}.classifications[{index}]")
        for index, question in enumerate(_list(tool, "classifications", path))
    ]
    start = {"tool": kind, "name": name, "required": bool(tool.get("required")),
             "color": _get_text(tool, "color", colour, path)}  # fmt: skip
    whole: JsonObject = tool | start | {"classifications": questions, **_get_ids(tool, path)}
    return whole | {"definition": _complete_definition(whole, path)} if kind in JUDGING_TOOLS else whole


def _complete_definition(tool: JsonObject, path: str) -> JsonObject:
    """The definition of a tool that judges messages names the tool again; that of a prompt issue has its color
    instead of variants (the SDK's tests, test_ontology.py 7.17.0)."""
    definition = tool.get("definition") or {}
    if not isinstance(definition, dict):
        raise MalformedRequest(f"{path}.definition is {_show(definition)}; expected an object, or null")
    names = {"title": tool["name"], "value": make_machine_name(tool["name"], "tool")}
    color = {"color": PROMPT_ISSUE_COLOUR} if tool["tool"] == "prompt-issue" else {}
    return names | color | definition


def _complete_question(question: Any, path: str, depth: int = 0) -> JsonObject:
    """A question's text is `instructions`, its machine name `name` (SDK classification.py sends the text as both)."""
    if depth > DEEPEST:
        raise MalformedRequest(f"{path} is nested more than {DEEPEST} levels deep; expected fewer")
    kind = _check_word(question, "type", QUESTIONS, path)
    text = _check_text(question, "instructions" if question.get("instructions") else "name", path)
    options = [
        _complete_option(option, f"{path}.options[{index}]", depth)
        for index, option in enumerate(_list(question, "options", path))
    ]
    if kind in WITH_OPTIONS and not options:
        raise MalformedRequest(f"{path}.options is empty; expected at least one option, because it is a {kind}")
    required = bool(question.get("required")) or kind in PROMPT_RESPONSE_QUESTIONS
    name = _get_text(question, "name", text, path)
    start = {"type": kind, "instructions": text, "name": name, "required": required}
    whole: JsonObject = question | start | {"options": options, **_get_ids(question, path)}
    return whole


def _complete_option(option: Any, path: str, depth: int) -> JsonObject:
    if not isinstance(option, dict):
        raise MalformedRequest(f"{path} is {_show(option)}; expected an object")
    text = _check_text(option, "label" if option.get("label") else "value", path)
    below = [
        _complete_question(question, f"{path}.options[{index}]", depth + 1)
        for index, question in enumerate(_list(option, "options", path))
    ]
    value = option.get("value") or text
    return option | {"label": text, "value": str(value), "options": below, **_get_ids(option, path)}


def _get_ids(feature: JsonObject, path: str) -> JsonObject:
    """The id that the client sent, which is that of a feature it wants to reuse; the node's id follows from it."""
    feature_id = feature.get(FEATURE_ID)
    if feature_id is not None and not isinstance(feature_id, str):
        raise MalformedRequest(f"{path}.{FEATURE_ID} is {_show(feature_id)}; expected an id, or null")
    return {NODE_ID: None, FEATURE_ID: feature_id}


def _check_word(feature: Any, key: str, known: frozenset[str], path: str) -> str:
    if not isinstance(feature, dict):
        raise MalformedRequest(f"{path} is {_show(feature)}; expected an object")
    word = feature.get(key)
    if not isinstance(word, str) or word not in known:
        offered = nearest(word, sorted(known)) if isinstance(word, str) else []
        raise MalformedRequest(f"{path}.{key} is {_show(word)}; expected one of {quote(offered or sorted(known))}")
    return word


def _check_text(feature: JsonObject, key: str, path: str) -> str:
    text = feature.get(key)
    if not isinstance(text, str) or not text.strip():
        raise MalformedRequest(f"{path}.{key} is {_show(text)}; expected a text that is not empty")
    if len(text) > LONGEST_TEXT:
        raise MalformedRequest(describe_length(f"{path}.{key}", text, LONGEST_TEXT))
    return text


def _get_text(feature: JsonObject, key: str, default: str, path: str) -> str:
    """A text that may be left out or empty. Raises MalformedRequest."""
    return _check_text(feature, key, path) if feature.get(key) else default


def _list(document: Mapping[str, Any], key: str, path: str) -> list[Any]:
    value = document.get(key)
    if value is not None and not isinstance(value, list):
        prefix = f"{path}." if path else ""
        raise MalformedRequest(f"{prefix}{key} is {_show(value)}; expected a list")
    return value or []


def _show(value: Any) -> str:
    return shorten(repr(value), 80)


# Features of a document


def list_roots(document: JsonObject) -> list[JsonObject]:
    """The features at the top of an ontology."""
    return [*document["tools"], *document["classifications"]]


def iterate_features(document: JsonObject) -> Iterator[JsonObject]:
    """Yields every tool, question and option of an ontology, or of a feature, from the top down."""
    for key in ("tools", "classifications", "options"):
        for feature in document.get(key) or []:
            yield feature
            yield from iterate_features(feature)


def give_ids(feature: JsonObject, known: Mapping[str, str], new_id: Callable[[], str]) -> None:
    """Gives ids to a feature and all below it. `known` are feature ids that may be reused, with the ids of their nodes.

    Raises MalformedRequest for an id that is not known.
    """
    for part in (feature, *iterate_features(feature)):
        feature_id = part[FEATURE_ID]
        if feature_id is None:
            part[FEATURE_ID], part[NODE_ID] = new_id(), new_id()
        elif feature_id in known:
            part[NODE_ID] = known[feature_id]
        else:
            raise MalformedRequest(
                f"{FEATURE_ID} is {_show(feature_id)}, which no ontology of this workspace has; send null for a new one"
            )
