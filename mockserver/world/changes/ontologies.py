"""Changes of ontologies and feature schemas. The documents are checked and complete (imports/ontologies.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

from mockserver.errors import Conflict, NotFound
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.record import Record, encode_json
from mockserver.world.records.labels import Body
from mockserver.world.records.models import Model
from mockserver.world.records.projects import FeatureSchema, Ontology, Project
from mockserver.world.store import Store

JsonObject = dict[str, Any]
KEYS = ("tools", "classifications", "options")
"""Where the features below an ontology or a feature are."""
FEATURE_ID, NODE_ID, ARCHIVED = "featureSchemaId", "schemaNodeId", "archived"
BODIES_TOGETHER = 500

GiveIds = Callable[[JsonObject, dict[str, str], Callable[[], str]], None]
"""Gives ids to a feature and all below it: those of known features, or new ones."""


class Removal(NamedTuple):
    """The fate of a feature that was taken out of an ontology (SDK ontology.py DeleteFeatureFromOntologyResult)."""

    archived: bool
    deleted: bool


class OntologyChanges:
    """The changes of one store's ontologies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create_ontology(self, name: str, document: JsonObject, media_type: str | None, give_ids: GiveIds) -> Ontology:
        """Creates an ontology, and the feature schemas of it that are new."""
        with self._store.change() as change:
            known = _list_known(change)
            roots = [*document["tools"], *document["classifications"]]
            for feature in roots:
                give_ids(feature, known, change.new_id)
            ontology = Ontology(
                change.new_id(), name, None, media_type, encode_json(document), self._store.workspace.user_id,
                change.now, change.now,
            )  # fmt: skip
            change.connection.insert([ontology, *self._build_new(change, roots, known)])
            return ontology

    def create_feature(self, feature: JsonObject, give_ids: GiveIds) -> FeatureSchema:
        """Creates a feature schema that no ontology has yet."""
        with self._store.change() as change:
            known = _list_known(change)
            give_ids(feature, known, change.new_id)
            records = list(self._build_new(change, [feature], known))
            change.connection.insert(records)
            return change.one(FeatureSchema, feature[FEATURE_ID])

    def _build_new(self, change: Change, roots: list[JsonObject], known: dict[str, str]) -> Iterable[FeatureSchema]:
        return [
            FeatureSchema(
                feature[FEATURE_ID], feature[NODE_ID], encode_json(feature), self._store.workspace.user_id, change.now,
                change.now, deleted=False,
            )
            for feature in roots
            if feature[FEATURE_ID] not in known
        ]  # fmt: skip

    def update_feature(self, feature_id: str, feature: JsonObject, give_ids: GiveIds) -> None:
        """Replaces a feature schema, in all ontologies too. Raises NotFound."""
        with self._store.change() as change:
            known = _list_known(change)
            _find_root(change, feature_id)
            feature[FEATURE_ID] = feature_id
            give_ids(feature, known, change.new_id)
            self._replace(change, feature_id, lambda _old: feature)

    def rename_feature(self, feature_id: str, title: str, keep_value: Callable[[JsonObject], JsonObject]) -> None:
        """Gives a feature schema another name, in all ontologies too; its machine name, which `keep_value` writes,
        stays (observed 2024-12). Raises NotFound."""
        with self._store.change() as change:
            root = keep_value(_find_root(change, feature_id))
            key = "name" if "tool" in root else "instructions"
            self._replace(change, feature_id, lambda old: keep_value(old) | {key: title})

    def _replace(self, change: Change, feature_id: str, build: Callable[[JsonObject], JsonObject]) -> None:
        mine = Clause("id = :id", id=feature_id)
        for schema in change.connection.select(FeatureSchema, mine):
            new = encode_json(build(orjson.loads(schema.normalized)))
            change.connection.update(FeatureSchema, mine, normalized=new, updated_at=change.now)
        for ontology in change.connection.select(Ontology):
            if feature_id in ontology.normalized:
                document = orjson.loads(ontology.normalized)
                for key in KEYS[:2]:
                    document[key] = [
                        build(feature) if feature[FEATURE_ID] == feature_id else feature for feature in document[key]
                    ]
                _save(change, ontology, document)

    def delete_ontology(self, ontology_id: str) -> None:
        """Deletes an ontology; its feature schemas stay. Raises NotFound, and Conflict if a project has it."""
        with self._store.change() as change:
            ontology = _find_ontology(change, ontology_id)
            using = Clause("ontology_id = :id AND NOT deleted", id=ontology_id)
            projects = [project.id for project in change.connection.select(Project, using, order="id")]
            if projects:
                raise Conflict(
                    "Cannot delete an ontology connected to a project. The ontology is connected to projects: "
                    + ", ".join(projects)
                )
            models = [model.id for model in change.connection.select(Model, using, order="id")]
            if models:
                raise Conflict(f"Cannot delete an ontology of a model. The ontology is that of: {', '.join(models)}")
            document = orjson.loads(ontology.normalized)
            known = {schema.id: schema.node_id for schema in change.connection.select(FeatureSchema)}
            roots = [*document["tools"], *document["classifications"]]
            change.connection.insert(self._build_new(change, roots, known))
            change.connection.delete(Ontology, Clause("id = :id", id=ontology_id))

    def delete_feature(self, feature_id: str) -> None:
        """Deletes a feature schema that no ontology has. Raises NotFound, Conflict."""
        with self._store.change() as change:
            mine = Clause("id = :id", id=feature_id)
            schema = change.connection.find(FeatureSchema, mine)
            if schema is not None and schema.deleted:
                raise Conflict("Feature schema is already deleted")
            _find_root(change, feature_id)
            if any(feature_id in ontology.normalized for ontology in change.connection.select(Ontology)):
                raise Conflict("Feature schema cannot be deleted because it is used in ontologies")
            change.connection.update(FeatureSchema, mine, deleted=True, updated_at=change.now)

    def insert_feature(self, ontology_id: str, feature_id: str, position: int) -> None:
        """Puts a feature schema into an ontology, or moves it there. Raises NotFound."""
        with self._store.change() as change:
            ontology = _find_ontology(change, ontology_id)
            feature = _find_root(change, feature_id)
            document = orjson.loads(ontology.normalized)
            key = "tools" if "tool" in feature else "classifications"
            present = [part for part in document[key] if part[FEATURE_ID] == feature_id]
            others = [part for part in document[key] if part[FEATURE_ID] != feature_id]
            document[key] = [*others[:position], *(present or [feature]), *others[position:]]
            _save(change, ontology, document)

    def remove_feature(self, ontology_id: str, feature_id: str) -> Removal:
        """Takes a feature out of an ontology: at the top it is archived if labels have it, below it stays then (SDK
        client.py `delete_feature_schema_from_ontology`). Raises NotFound."""
        with self._store.change() as change:
            ontology = _find_ontology(change, ontology_id)
            document = orjson.loads(ontology.normalized)
            is_root = any(part[FEATURE_ID] == feature_id for key in KEYS[:2] for part in document[key])
            holder = _find_holder(document, feature_id)
            if holder is None:
                raise NotFound(f"Failed to find feature schema node by id: {feature_id}")
            parts, index = holder
            labelled = _is_labelled(change, ontology_id, feature_id)
            if labelled and is_root:
                parts[index][ARCHIVED] = True
            elif not labelled:
                del parts[index]
            _save(change, ontology, document)
            return Removal(archived=labelled and is_root, deleted=not labelled)

    def unarchive_feature(self, ontology_id: str, feature_id: str) -> None:
        """Undoes that a feature at the top of an ontology was archived. Raises NotFound."""
        with self._store.change() as change:
            ontology = _find_ontology(change, ontology_id)
            document = orjson.loads(ontology.normalized)
            roots = [part for key in KEYS[:2] for part in document[key] if part[FEATURE_ID] == feature_id]
            if not roots:
                raise NotFound(f"Failed to find feature schema node by id: {feature_id}")
            roots[0].pop(ARCHIVED, None)
            _save(change, ontology, document)


def _save(change: Change, ontology: Ontology, document: JsonObject) -> None:
    mine = Clause("id = :id", id=ontology.id)
    change.connection.update(Ontology, mine, normalized=encode_json(document), updated_at=change.now)


def _find_ontology(change: Change, ontology_id: str) -> Ontology:
    """Raises NotFound in the words of the service (SDK tests test_ontology.py)."""
    ontology = change.connection.find(Ontology, Clause("id = :id", id=ontology_id))
    if ontology is None:
        raise NotFound(f"Failed to find ontology by id: {ontology_id}")
    return ontology


def _find_root(change: Change, feature_id: str) -> JsonObject:
    """The feature schema, of those that clients created or at the top of an ontology. Raises NotFound in the words of
    the service (SDK tests test_feature_schema.py)."""
    schema = change.connection.find(FeatureSchema, Clause("id = :id AND NOT deleted", id=feature_id))
    if schema is not None:
        feature: JsonObject = orjson.loads(schema.normalized)
        return feature
    for ontology in change.connection.select(Ontology):
        if feature_id in ontology.normalized:
            document = orjson.loads(ontology.normalized)
            for part in [*document["tools"], *document["classifications"]]:
                if part[FEATURE_ID] == feature_id:
                    return dict(part)
    raise NotFound(f"Cannot find root schema node with feature schema id {feature_id}")


def _list_known(change: Change) -> dict[str, str]:
    """The ids of all features of the workspace, with those of their nodes."""
    records: list[Record] = [
        *change.connection.select(FeatureSchema, Clause("NOT deleted")),
        *change.connection.select(Ontology),
    ]
    known: dict[str, str] = {}
    for record in records:
        assert isinstance(record, FeatureSchema | Ontology), "no other kinds are selected"
        document = orjson.loads(record.normalized)
        for part in (document, *_iterate(document)):
            if FEATURE_ID in part:
                known[part[FEATURE_ID]] = part[NODE_ID]
    return known


def _iterate(document: JsonObject) -> Iterable[JsonObject]:
    for key in KEYS:
        for part in document.get(key) or []:
            yield part
            yield from _iterate(part)


def _find_holder(document: JsonObject, feature_id: str) -> tuple[list[JsonObject], int] | None:
    """The list that holds a feature, and its place there."""
    for key in KEYS:
        parts = document.get(key) or []
        for index, part in enumerate(parts):
            holder = (parts, index) if part[FEATURE_ID] == feature_id else _find_holder(part, feature_id)
            if holder is not None:
                return holder
    return None


def _is_labelled(change: Change, ontology_id: str, feature_id: str) -> bool:
    """Whether a label of the ontology's projects has the feature."""
    labels = "SELECT l.body_id FROM label l JOIN project p ON p.id = l.project_id"
    within = Clause(f"id IN ({labels} WHERE p.ontology_id = :ontology AND NOT l.deleted)", ontology=ontology_id)
    wanted = feature_id.encode()
    batches = change.connection.select_batches(Body, "content", within, order="id", size=BODIES_TOGETHER)
    return any(wanted in content for batch in batches for (content,) in batch)
