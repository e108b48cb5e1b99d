"""Labels that get other annotations from a client: the text of a `Label` of Export V1, or any other text."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from mockserver.errors import BadInput
from mockserver.exports.import_form import render_import_lines
from mockserver.exports.import_frames import Reference
from mockserver.generate.media.generator import EMPTY, find_generator
from mockserver.imports.bodies import Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.legacy_labels import convert_object, convert_questions, convert_relationship, read_lists
from mockserver.imports.line_decoding import decode_line
from mockserver.imports.problems import LineProblem
from mockserver.jobs.annotation_work import read_scope
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.media import SHAPES
from mockserver.world.record import JsonText, encode_json
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import STAND_IN, Body, Label, parse_body
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

JsonObject = dict[str, Any]
MOST_ANNOTATIONS = 10_000
IN_TIME = ("clip", "volume", "sound")
"""Shapes of annotations that a `Label` does not have: it only names a file of them, if any."""
NOT_COMPARED = ("instanceURI",)
"""The key of a URL, which is signed anew in each answer."""


class NewContent(NamedTuple):
    content: bytes
    aside: JsonText | None
    skipped: bool = False


def build_content(store: Store, label: Label, text: str, current: JsonObject) -> NewContent:
    """The body of a label whose text is `text`; `current` is its `Label` of Export V1 now.

    A JSON object has the annotations; any other text is kept as it is, and the label has no annotations then (SDK tests
    test_label.py, test_label_update). Raises BadInput, which names the annotation that is wrong.
    """
    with store.reading() as connection:
        row = connection.one(DataRow, Clause("no = :no", no=label.data_row_no), f"The data row of label {label.id!r}")
        document = _read_object(text)
        if document is None:
            return NewContent(_find_empty(row), encode_json({"text": text}))
        editor = _Editor(connection, store.workspace.seed, label, row, current)
    return editor.build(document)


def _read_object(text: str) -> JsonObject | None:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _find_empty(row: DataRow) -> bytes:
    known = find_generator(row.media_type)
    return EMPTY if known is None else known.empty_body


class _Editor:
    """Builds the body of one label. Annotations that are sent as the label has them stay what they are: Export V1 does
    not say all about a mask or an entity of a document."""

    def __init__(self, connection: Connection, seed: int, label: Label, row: DataRow, current: JsonObject) -> None:
        project = connection.one_by_id(Project, label.project_id)
        self._scope = read_scope(connection, project.ontology_id)
        self._label, self._row, self._contents = label, row, Contents(row, seed)
        self._media = project.allowed_media_type or row.media_type
        body = connection.one(Body, Clause("id = :id", id=label.body_id), f"The body of label {label.id!r}")
        self._lines = self._render_lines(body, label.feature_prefix)
        self._current = {name: current.get(name, []) for name in ("objects", "relationships")}

    def _render_lines(self, body: Body, prefix: str) -> dict[str, JsonObject]:
        """The lines of the label as it is, by the feature ids of their annotations."""
        if SHAPES.get(self._row.media_type) in IN_TIME:
            return {}
        annotations = parse_body(body.content)
        aside = None if body.aside is None else orjson.loads(body.aside)
        reference = Reference({"id": self._row.id})
        sides = self._contents.attributes
        size = (sides["width"], sides["height"]) if {"width", "height"} <= sides.keys() else None
        lines = {line["uuid"]: line for line in render_import_lines(annotations, reference, aside=aside, size=size)}
        known = [*annotations.get("objects", []), *annotations.get("relationships", [])]
        return {
            item["feature_id"].replace(STAND_IN, prefix): lines[reference.uuid(item["feature_id"])] for item in known
        }

    def build(self, document: JsonObject) -> NewContent:
        """Raises BadInput."""
        if SHAPES.get(self._row.media_type) in IN_TIME:
            raise BadInput(
                f"The text of a label on a data row of type {self._row.media_type} has no annotations in frames or at"
                " timestamps, and would delete them; delete the label, and import another one"
            )
        if not document and self._label.skipped:  # Export V1 has an empty object for a skipped label
            return NewContent(_find_empty(self._row), None, skipped=True)
        lists = read_lists(document)
        if (count := sum(map(len, lists.values()))) > MOST_ANNOTATIONS:
            raise BadInput(f"The label has {count:,} annotations; at most {MOST_ANNOTATIONS:,} are kept")
        lines = self._convert(lists)
        if not lines:
            return NewContent(_find_empty(self._row), None)
        target = Target(self._media, self._contents, self._scope)
        body = build_body(target, [_decode(place, line | {"dataRow": {"id": self._row.id}}) for place, line in lines])
        for index, problem in sorted(body.problems.items()):
            raise BadInput(f"{lines[index][0]}: {problem.message}")
        assert body.content is not None, "a wrong annotation is refused"
        return NewContent(body.content, body.aside)

    def _convert(self, lists: dict[str, list[JsonObject]]) -> list[tuple[str, JsonObject]]:
        """The lines with their places in the `Label`."""
        lines = []
        uuids: dict[str, str] = {}
        for index, item in enumerate(lists["objects"]):
            place = f"label.objects[{index}]"
            line = self._find_unchanged("objects", item) or convert_object(item, self._scope, place)
            if item.get("featureId") and line.get("uuid"):
                uuids[str(item["featureId"])] = line["uuid"]
            lines.append((place, line))
        questions = convert_questions(lists["classifications"], self._scope, "label.classifications")
        lines += [(f"label.classifications[{index}]", question) for index, question in enumerate(questions)]
        for index, item in enumerate(lists["relationships"]):
            place = f"label.relationships[{index}]"
            line = self._find_unchanged("relationships", item) or convert_relationship(item, place)
            ends = line["relationship"]
            joined = {end: uuids.get(str(ends[end]), ends[end]) for end in ("source", "target")}
            for end, uuid in joined.items():
                if uuid not in uuids.values():
                    raise BadInput(
                        f"{place}: its {end} is no object of the label; send the object too, or leave both out"
                    )
            lines.append((place, line | {"relationship": ends | joined}))
        return lines

    def _find_unchanged(self, kind: str, item: JsonObject) -> JsonObject | None:
        """The line of an annotation that the label has, if it was sent as it is."""
        for known in self._current[kind]:
            if known["featureId"] == item.get("featureId") and _drop_urls(known) == _drop_urls(item):
                return self._lines.get(known["featureId"])
        return None


def _drop_urls(item: JsonObject) -> JsonObject:
    return {key: value for key, value in item.items() if key not in NOT_COMPARED}


def _decode(place: str, line: JsonObject) -> Any:
    try:
        return decode_line(orjson.dumps(line))
    except LineProblem as problem:
        raise BadInput(f"{place}: {problem.message}") from None
