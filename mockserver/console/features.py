"""The features of a label: its objects, answers and relationships, as a list beside its drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.labels import Body, Label, parse_body

Json = dict[str, Any]
COLOURS = 10
"""Colours of the style sheet, `c0` to `c9`, in which features take turns by their names."""
LONGEST_ANSWER = 300
"""Characters of an answer in the list; the whole is in the JSON beside it."""
_MARKED = re.compile(r"[A-Za-z0-9_-]{20,40}")


class Feature(NamedTuple):
    """A line of the list."""

    id: str
    name: str
    kind: str
    colour: str
    answer: str


def list_features(annotations: Json) -> list[Feature]:
    """Lists each feature once, however many frames it is in."""
    features: dict[str, Json] = {}
    for feature in _walk(annotations):
        features.setdefault(feature["feature_id"], feature)
    by_id = {feature_id: str(feature.get("name", "")) for feature_id, feature in features.items()}
    names = list(dict.fromkeys(by_id.values()))
    return [
        Feature(
            feature_id,
            by_id[feature_id],
            str(feature.get("annotation_kind", "Answer")),
            f"c{names.index(by_id[feature_id]) % COLOURS}",
            "; ".join(filter(None, [*describe_answers(feature), describe_ends(feature, by_id)]))[:LONGEST_ANSWER],
        )
        for feature_id, feature in features.items()
    ]


def _walk(annotations: Any) -> Iterator[Json]:
    """Objects, answers and relationships, in frames, moments and planes too, but not the answers about objects."""
    if isinstance(annotations, list):
        for item in annotations:
            yield from _walk(item)
    elif isinstance(annotations, dict):
        if "feature_id" in annotations and "name" in annotations:
            yield annotations
        else:
            for value in annotations.values():
                yield from _walk(value)


def describe_answers(feature: Json) -> Iterator[str]:
    """Describes the answers of a question, or those about an object, in words."""
    for question in feature.get("classifications") or ():
        yield f"{question.get('name')}: {', '.join(describe_answers(question))}"
    for answer in list_answers(feature):
        if "content" in answer:
            yield f"“{answer['content']}”"
            continue
        inner = ", ".join(describe_answers(answer))
        yield f"{answer.get('name')} ({inner})" if inner else str(answer.get("name"))
    if feature.get("message_id"):
        yield f"about {feature['message_id']}"
    if feature.get("selected_message"):
        yield f"message {feature['selected_message'].get('message_id')}"


def list_answers(feature: Json) -> list[Json]:
    """The answers of a question of any kind: `radio_answer`, `checklist_answers`, `conversational_radio_answer`."""
    answers: list[Json] = []
    for key, value in feature.items():
        if key.endswith(("_answer", "_answers")):
            answers += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
    return answers


def describe_ends(feature: Json, names: dict[str, str]) -> str:
    """Describes the two ends of a relationship by their names; empty for other features."""
    ends = feature.get("unidirectional_relationship") or feature.get("bidirectional_relationship") or {}
    return " → ".join(names.get(str(ends[end]), str(ends[end])) for end in ("source", "target") if ends.get(end))


def name_parts(annotations: Json, features: list[Feature]) -> dict[str, tuple[str, str]]:
    """The name and colour of every feature and answer by its id, for a timeline."""
    known = {feature.id: feature for feature in features}
    return {
        part_id: (name, known[feature["feature_id"]].colour)
        for feature in _walk(annotations)
        for part_id, name in _name_inner(feature, str(feature.get("name", "")))
    }


def _name_inner(part: Json, name: str) -> Iterator[tuple[str, str]]:
    if "feature_id" in part:
        yield part["feature_id"], name
    for answer in list_answers(part):
        yield from _name_inner(answer, f"{name}: {answer['name']}" if "name" in answer else name)
    for question in part.get("classifications") or ():
        yield from _name_inner(question, f"{name}, {question.get('name')}")


def find_masks(connection: Connection, label_id: str) -> dict[str, list[Json]]:
    """Finds the polygons of masks by the end of their feature's id. They are not in exports, which have pictures."""
    labels = connection.select_columns(Label, "body_id", Clause("id = :id", id=label_id), first=1)
    bodies = connection.select(Body, Clause("id = :id", id=labels[0][0]), first=1) if labels else []
    if not bodies or not bodies[0].aside:
        return {}
    colours = {
        tuple(feature["composite_mask"].get("color_rgb", ())): feature["feature_id"][-5:]
        for feature in _walk(parse_body(bodies[0].content))
        if isinstance(feature.get("composite_mask"), dict)
    }
    masks: dict[str, list[Json]] = {}
    for mask in parse_body(bodies[0].aside.encode()).get("masks") or ():
        suffix = colours.get(tuple(mask.get("color_rgb", ())))
        if suffix is not None:
            masks.setdefault(suffix, []).append(mask)
    return masks


def mark_ids(text: str, ids: Iterable[str]) -> Markup:
    """Marks the ids of features in a text, so that a script can find them; all else is escaped."""
    known = frozenset(ids)
    parts, end = [], 0
    for match in _MARKED.finditer(text):
        if match[0] in known:
            parts += [escape(text[end : match.start()]), Markup('<span data-of="{0}">{0}</span>').format(match[0])]
            end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
