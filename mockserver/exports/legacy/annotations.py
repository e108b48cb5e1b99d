"""The `Label` of each body as Export V1 writes it, built once for all labels that share the body."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import msgspec
import orjson

from mockserver.exports.allowance import Allowance
from mockserver.exports.annotations import read_bodies
from mockserver.exports.kept_bodies import KeptBodies
from mockserver.exports.legacy import features
from mockserver.exports.legacy.dates import LegacyFormat
from mockserver.exports.legacy.schema_facts import SchemaFacts, build_schema_facts
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.media import FRAMED, WITH_LEGACY_MASKS, WITH_TEXT_LAYER
from mockserver.world.records.labels import FEATURES, Body, find_ends, parse_body, render_body
from mockserver.world.records.projects import Ontology, Project

PLACE = "\ufdd5"
"""The place of the person and the data row in the mask URLs of old labels: bodies are shared, and a noncharacter of
Unicode is in no text."""
PLACE_TEXT = escape_non_ascii(PLACE)

JsonObject = dict[str, Any]


BodyKey = tuple[int, str, str, bool]
"""Everything that a `Label` depends on besides the label's own ids: body, project, media type, and whether the label is
so old that it has the older mask URLs."""


class ProjectFacts(msgspec.Struct, frozen=True):
    """The facts that all labels of a project share. `name` is a JSON string. Labels of chats and other projects with
    an editor of their own, are empty: Export V1 had ended before there were any (inferred)."""

    name: str
    terms: SchemaFacts
    has_own_editor: bool


class LegacyAnnotations:
    """The projects and bodies of one export, read from one connection."""

    def __init__(
        self, connection: Connection, form: LegacyFormat, *, host: str, token: str, allowance: Allowance
    ) -> None:
        """`host` is scheme and host of mask URLs; `token` is that of masks, or empty for URLs without one. `allowance`
        counts each body as often as it is read."""
        self._connection, self._form, self._host, self._token = connection, form, host, token
        self.projects: dict[str, ProjectFacts] = {}
        """By project id; those of every key that was read."""
        self._allowance = allowance
        self._kept = KeptBodies[BodyKey](allowance)

    def read_projects(self, wanted: set[str]) -> None:
        """Reads the projects that are not known yet."""
        missing = sorted(wanted - self.projects.keys())
        if not missing:
            return
        projects = self._connection.select(Project, Clause("id IN :ids", ids=missing))
        used = Clause("id IN :ids", ids=[project.ontology_id for project in projects if project.ontology_id])
        ontologies = {item.id: item for item in self._connection.select(Ontology, used)}
        for project in projects:
            own = [ontologies[project.ontology_id]] if project.ontology_id in ontologies else []
            terms = build_schema_facts(own, scoped=self._form.has("workflow"))
            self.projects[project.id] = ProjectFacts(json_string(project.name), terms, has_own_editor(project))

    @property
    def labels(self) -> dict[BodyKey, list[str]]:
        """The V1 `Label` as JSON, cut where the label's feature prefix belongs; those that were read last."""
        return self._kept.parts

    def read(self, wanted: Sequence[BodyKey]) -> None:
        """Reads the bodies that are not known yet. Their projects must be known.

        `wanted` names a body once for each of its labels. Raises TooMuchTogether.
        """
        self._kept.read(wanted, self._build)

    def _build(self, missing: Set[BodyKey]) -> Iterator[tuple[BodyKey, list[str]]]:
        by_number: dict[int, list[BodyKey]] = defaultdict(list)
        for key in missing:
            by_number[key[0]].append(key)
        for body in read_bodies(self._connection, sorted(by_number), self._allowance, with_aside=True):
            for key in by_number[body.id]:
                yield key, self._build_label(body, key)

    def _build_label(self, body: Body, key: BodyKey) -> list[str]:
        _, project_id, media, old = key
        if self.projects[project_id].has_own_editor:
            return ["{}"]
        terms, mask = self.projects[project_id].terms, self._mask_url(project_id, media, old=old)
        document = parse_body(body.content)
        boxes, drawn = parse_entity_boxes(body.aside), list_objects(document, media, self._form)
        label: JsonObject = {
            "objects": [_build_object(item, terms, boxes, mask) for item in drawn],
            "classifications": features.build_classifications(document.get("classifications", []), terms),
        }
        if self._form.has("relationships"):
            object_ids = {item["feature_id"] for item in drawn}
            joined = [item for item in document.get("relationships", []) if _joins(item, object_ids)]
            label["relationships"] = [features.build_relationship(item, media, mask) for item in joined]
        return escape_non_ascii(render_body(label).decode()).split(FEATURES.decode())

    def _mask_url(self, project_id: str, media: str, *, old: bool) -> str | None:
        """The URL of an object's mask, with a place for its feature id; None for media whose objects have none."""
        if media not in WITH_LEGACY_MASKS:
            return None
        if old:
            token = f"&{self._token}" if self._token else ""
            return f"{self._host}/masks/{project_id}/{PLACE}/0?feature=%s{token}"
        token = f"?{self._token}" if self._token else ""
        return f"{self._host}/masks/feature/%s{token}"


def list_objects(document: JsonObject, media: str, form: LegacyFormat) -> list[JsonObject]:
    """The objects of a `Label`. Those of clips are in their frames; entities of documents are left out before their
    date."""
    objects: list[JsonObject] = [] if media in FRAMED else document.get("objects", [])
    if media in WITH_TEXT_LAYER and not form.has("document_entities"):
        return [item for item in objects if "location" not in item]
    return objects


def _joins(item: JsonObject, object_ids: set[str]) -> bool:
    """Whether a relationship joins two of the objects with these feature ids."""
    _, ends = find_ends(item)
    return ends["source"] in object_ids and ends["target"] in object_ids


def _build_object(item: JsonObject, terms: SchemaFacts, boxes: Mapping[str, Any], mask: str | None) -> JsonObject:
    """Keys in the order of the samples. `classifications` is absent when there are none."""
    drawing = features.build_object_start(item, terms)
    features.add_geometry(drawing, item, boxes)
    if mask is not None and not ("location" in item and "groups" in item["location"]):
        drawing["instanceURI"] = mask % item["feature_id"]
    if item["classifications"]:
        drawing["classifications"] = features.build_object_classifications(item["classifications"], terms)
    return drawing


def has_own_editor(project: Project) -> bool:
    """Whether a project is of a kind that Export V1 never had. Prompts it had (SDK tests test_data_types.py 3.72.2)."""
    return project.editor_task_type is not None


def parse_entity_boxes(aside: str | None) -> dict[str, Any]:
    """The boxes of a PDF body's entities by ordinal, which its aside keeps under `text-bbox`."""
    boxes: dict[str, Any] = orjson.loads(aside).get("text-bbox", {}) if aside else {}
    return boxes
