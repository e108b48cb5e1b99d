"""The features of a label: its objects, answers and relationships, as a list beside its drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from mockserver.world.database import Clause, Connection
from mockserver.world.labels import Body, Label, parse_body

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
    names = list(dict.fromkeys(str(feature.get("name", "")) for feature in features.values()))
    return [
        Feature(
            feature_id,
            str(feature.get("name", "")),
            str(feature.get("annotation_kind", "Answer")),
            f"c{names.index(str(feature.get('name', ''))) % COLOURS}",
            "; ".join(describe_answers(feature))[:LONGEST_ANSWER],
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
    chosen = [feature.get("radio_answer"), *(feature.get("checklist_answers") or ())]
    for answer in filter(None, chosen):
        inner = ", ".join(describe_answers(answer))
        yield f"{answer.get('name')} ({inner})" if inner else str(answer.get("name"))
    if feature.get("text_answer"):
        yield f"“{feature['text_answer'].get('content')}”"
    if feature.get("selected_message"):
        yield f"message {feature['selected_message'].get('message_id')}"
    ends = feature.get("unidirectional_relationship") or feature.get("bidirectional_relationship")
    if ends:
        yield f"{ends.get('source')} → {ends.get('target')}"


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
