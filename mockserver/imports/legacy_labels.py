"""The `Label` of Export V1 as lines of an import: so clients give a label other annotations (SDK label.py `update`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mockserver.errors import BadInput, shorten
from mockserver.generate.features import Feature
from mockserver.imports.lines import Named
from mockserver.imports.problems import LineProblem
from mockserver.imports.scopes import Scope

JsonObject = dict[str, Any]
LISTS = ("objects", "classifications", "relationships")
WHITE = (255, 255, 255)
ENDS = (("source", "start"), ("target", "end"))
"""Ends of a relationship, and their names on texts."""
OpenLists = list[tuple[Scope, list[JsonObject]]]
"""The levels on which the next question may be, with the lists of their lines."""


def read_lists(document: Mapping[str, Any]) -> dict[str, list[JsonObject]]:
    """The lists of a `Label`. Raises BadInput."""
    lists: dict[str, list[JsonObject]] = {}
    for name in LISTS:
        items = document.get(name) or []
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise BadInput(f"label.{name} is {shorten(repr(items), 80)}; expected a list of objects")
        lists[name] = items
    return lists


def convert_object(item: JsonObject, scope: Scope, path: str) -> JsonObject:
    """The line of an object. Raises BadInput for a geometry that Export V1 does not have."""
    line = _name(item) | {"uuid": item.get("featureId")}
    key = next((key for key in _GEOMETRIES if item.get(key) is not None), None)
    if key is None:
        known = ", ".join(_GEOMETRIES)
        raise BadInput(f"{path} has no geometry; expected one of {known}")
    try:
        line |= _GEOMETRIES[key](item)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise BadInput(f"{path}.{key} is not as Export V1 has it ({error!r}); send it as label.label has it") from None
    if questions := item.get("classifications"):
        tool = _find(scope, line, path)
        line["classifications"] = convert_questions(questions, scope.questions_of(tool), f"{path}.classifications")
    return line


def convert_questions(items: Any, scope: Scope, path: str) -> list[JsonObject]:
    """The questions with those below their answers inside them: Export V1 has all of them in one list, and checklists
    below an object in lists of their own."""
    questions: list[JsonObject] = []
    open_lists: OpenLists = [(scope, questions)]
    for place, item in _flatten(items, path):
        question = _name(item) | ({"messageId": item["messageId"]} if "messageId" in item else {})
        below, answers = _find_list(open_lists, question)
        feature = _find(below, question, place)
        answers.append(question | {"answer": _convert_answer(item, place)})
        options = below.answers_of(feature)
        for chosen in _list_chosen(answers[-1]["answer"]):
            option = _find(options, chosen, f"{place}.answer")
            open_lists.append((options.questions_of(option), chosen["classifications"]))
    return questions


def convert_relationship(item: JsonObject, path: str) -> JsonObject:
    """The line of a relationship, whose ends are the `featureId`s of objects."""
    data = item.get("data")
    if not isinstance(data, dict):
        raise BadInput(f"{path}.data is {shorten(repr(data), 80)}; expected the ends of the relationship")
    ends = {name: data.get(name) or data.get(f"{old}FeatureId") for name, old in ENDS}
    relation = ends | {"type": item.get("relationshipType") or item.get("format")}
    return _name(item) | {"relationship": relation}


def _name(item: JsonObject) -> JsonObject:
    """The keys that name a feature: its id, or without one its title or machine name."""
    if item.get("schemaId"):
        return {"schemaId": item["schemaId"]}
    return {"name": item.get("title") or item.get("value")}


def _find(scope: Scope, line: JsonObject, path: str) -> Feature:
    try:
        return scope.find(Named(name=line.get("name"), schema_id=line.get("schemaId")), path)
    except (LineProblem, TypeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'message', error)}") from None


def _find_list(open_lists: OpenLists, question: JsonObject) -> tuple[Scope, list[JsonObject]]:
    """The innermost level that has a question; the outermost if none has it."""
    for scope, answers in reversed(open_lists):
        try:
            _find(scope, question, "")
        except BadInput:
            continue
        return scope, answers
    return open_lists[0]


def _flatten(items: Any, path: str) -> Iterator[tuple[str, JsonObject]]:
    if not isinstance(items, list):
        raise BadInput(f"{path} is {shorten(repr(items), 80)}; expected a list of objects")
    for index, item in enumerate(items):
        if isinstance(item, list):
            yield from _flatten(item, f"{path}[{index}]")
        elif isinstance(item, dict):
            yield f"{path}[{index}]", item
        else:
            raise BadInput(f"{path}[{index}] is {shorten(repr(item), 80)}; expected an object")


def _convert_answer(item: JsonObject, path: str) -> Any:
    """A text, an option, or a list of options. Each option has a list for the questions below it."""
    answer = item["answers"] if "answers" in item else item.get("answer")
    if isinstance(answer, str):
        return answer
    options: list[JsonObject] = []
    for option in answer if isinstance(answer, list) else [answer]:
        if not isinstance(option, dict):
            preview = shorten(repr(answer), 80)
            raise BadInput(f"{path}.answer is {preview}; expected a text, an option or a list of options")
        options.append(_name(option) | {"classifications": []})
    return options if isinstance(answer, list) else options[0]


def _list_chosen(answer: Any) -> list[JsonObject]:
    return [] if isinstance(answer, str) else answer if isinstance(answer, list) else [answer]


# Geometries


def _copy(key: str) -> Callable[[JsonObject], JsonObject]:
    return lambda item: {key: item[key]}


def _box(item: JsonObject) -> JsonObject:
    bbox = {side: item["bbox"][side] for side in ("top", "left", "height", "width")}
    return {"bbox": bbox} | ({"page": item["page"], "unit": item.get("unit", "POINTS")} if "page" in item else {})


def _entity(item: JsonObject) -> JsonObject:
    place = dict(item["data"]["location"])
    message = place.pop("messageId", None)
    return {"location": {key: place[key] for key in ("start", "end")}} | ({"messageId": message} if message else {})


def _tile(item: JsonObject) -> JsonObject:
    """A shape on a map or a tiled picture: GeoJSON with a name for its type."""
    places, kind = item["geometry"]["coordinates"], item.get("type")
    if kind == "point":
        return {"point": _corner(places)}
    if kind == "rectangle":
        xs, ys = ([corner[axis] for corner in places[0]] for axis in (0, 1))
        sides = {"top": min(ys), "left": min(xs), "height": max(ys) - min(ys), "width": max(xs) - min(xs)}
        return {"bbox": {side: round(size, 9) for side, size in sides.items()}}
    key, corners = ("polygon", places[0]) if kind == "polygon" else ("line", places)
    return {key: [_corner(corner) for corner in corners]}


def _corner(place: list[float]) -> JsonObject:
    x, y = place
    return {"x": x, "y": y}


def _mask(item: JsonObject) -> JsonObject:
    return {"mask": {"instanceURI": item["instanceURI"], "colorRGB": WHITE}}


_GEOMETRIES: dict[str, Callable[[JsonObject], JsonObject]] = {
    "bbox": _box, "polygon": _copy("polygon"), "line": _copy("line"), "point": _copy("point"), "data": _entity,
    "geometry": _tile, "instanceURI": _mask,
}  # fmt: skip
"""Key of an object -> the keys of its line. An object with a geometry has the URL of its mask, too."""
