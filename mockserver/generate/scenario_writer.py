"""Writes scenario files: ontologies as the service has them become the TOML that `scenario` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from mockserver.errors import ScenarioError, quote
from mockserver.generate.features import make_machine_name
from mockserver.generate.plans import TEXT_QUESTIONS, OntologyPlan, Option, Question, QuestionKind, Tool, ToolKind
from mockserver.vocabulary import list_words
from mockserver.world.media import BY_NAME, MEDIA

RENAMED = {"superpixel": "raster-segmentation", "segmentation": "raster-segmentation"}
"""Names of tools in older ontologies (SDK ontology.py Tool.Type)."""
TOOLS = list_words(Tool, "$.tool")
QUESTIONS = list_words(Question, "$.type")
EXAMPLE = 'expected what `project.ontology().normalized` gives: {"tools": […], "classifications": […]}'


class Converted(NamedTuple):
    """An ontology, and what of it no scenario can hold, in words."""

    plan: OntologyPlan
    left_out: list[str]


def convert_ontology(normalized: Any, media: str) -> Converted:
    """Converts the SDK's `ontology.normalized`. Raises ScenarioError for what is none."""
    if not isinstance(normalized, dict) or not {"tools", "classifications"} & normalized.keys():
        raise ScenarioError(f"This is no ontology; {EXAMPLE}")
    left_out: list[str] = []
    try:
        tools = [_convert_tool(tool) for tool in normalized.get("tools") or [] if _is_known(tool, media, left_out)]
        questions = [_convert_question(item) for item in normalized.get("classifications") or []]
    except (KeyError, TypeError, AttributeError) as error:
        raise ScenarioError(f"The ontology lacks {error}; {EXAMPLE}") from None
    kinds = BY_NAME[media].questions
    left_out += [f"question {item.name!r}: {item.type}" for item in questions if item.type not in kinds]
    plan = OntologyPlan(media=media, tools=tools, questions=[item for item in questions if item.type in kinds])
    return Converted(plan, left_out)


def _is_known(tool: dict[str, Any], media: str, left_out: list[str]) -> bool:
    kind = RENAMED.get(tool["tool"], tool["tool"])
    if kind in BY_NAME[media].tools:
        return True
    left_out.append(f"tool {tool['name']!r}: {tool['tool']!r}")
    return False


def _convert_tool(tool: dict[str, Any]) -> Tool:
    kind: ToolKind = RENAMED.get(tool["tool"], tool["tool"])
    colour = tool.get("color")
    return Tool(
        name=tool["name"],
        value=_find_own_value(tool.get("value"), tool["name"], kind),
        tool=kind,
        color=colour if isinstance(colour, str) and re.fullmatch("#[0-9a-fA-F]{6}", colour) else None,
        required=bool(tool.get("required")),
        questions=[_convert_question(item) for item in tool.get("classifications") or []],
    )


def _convert_question(item: dict[str, Any]) -> Question:
    name = item.get("instructions") or item["name"]
    kind: QuestionKind = "radio" if item["type"] == "dropdown" else item["type"]
    return Question(
        name=name,
        value=_find_own_value(item.get("name"), name, kind),
        type=kind,
        options=[] if kind in TEXT_QUESTIONS else [_convert_option(option) for option in item.get("options") or []],
        required=bool(item.get("required")),
        scope="index" if item.get("scope") == "index" else "global",
    )


def _convert_option(option: dict[str, Any]) -> Any:
    name = option.get("label") or option["value"]
    value = _find_own_value(option.get("value"), name, "option")
    questions = [_convert_question(item) for item in option.get("options") or []]
    return name if value is None and not questions else Option(name=name, value=value, questions=questions)


def _find_own_value(value: str | None, name: str, kind: str) -> str | None:
    """The machine name, if the display name does not say it."""
    return value if value and value != make_machine_name(name, kind) else None


# TOML


class NewProject(NamedTuple):
    """A project with its ontology, to be written."""

    name: str
    ontology: OntologyPlan
    left_out: Sequence[str] = ()


def render_scenario(description: str, projects: Sequence[NewProject]) -> str:
    """A file that `scenario.parse` accepts, with comments about what a user may change."""
    lines = [f"description = {_render(description)}", 'like = "empty"  # what this file does not say is as there', ""]
    keys: set[str] = set()
    for project in projects:
        key = _find_key(project.name, keys)
        media = _render(project.ontology.media)
        lines += [f"# Left out, as no scenario has it: {item}" for item in project.left_out]
        lines += [f"[ontologies.{key}]", f"media = {media}"]
        for name in ("tools", "questions"):
            lines += _render_list(name, getattr(project.ontology, name))
        lines += [
            "", "[[projects]]", f"name = {_render(project.name)}", f"media = {media}", f"ontology = {_render(key)}",
            "labelled = 9    # data rows with a label", "skipped = 1", "unlabelled = 2", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _find_key(name: str, taken: set[str]) -> str:
    """A bare key of TOML that no other ontology has."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_").lower() or "ontology"
    key, number = stem, 2
    while key in taken:
        key, number = f"{stem}_{number}", number + 1
    taken.add(key)
    return key


def _render_list(name: str, items: Sequence[Tool | Question]) -> list[str]:
    return [f"{name} = [", *(f"  {_render(item)}," for item in items), "]"] if items else []


def _render(value: Any) -> str:
    """A value in one line of TOML."""
    if isinstance(value, msgspec.Struct):
        fields = {field.name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
        defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
        pairs = [
            f"{name} = {_render(item)}" for name, item in fields.items()
            if item is not None and item != [] and item != defaults[name]
        ]  # fmt: skip
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_render, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def find_media(wire: str | None) -> str:
    """The word of scenarios for a media type as GraphQL spells it. Raises ScenarioError."""
    for media in MEDIA:
        if wire is not None and wire.upper() in {media.wire, media.name.upper()}:
            return media.name
    raise ScenarioError(f"The media type is {wire!r}; give --media, one of {quote(BY_NAME)}")
