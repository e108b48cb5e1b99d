"""Labels as Export V1 tells them: the `Label` of each, and the element of the export's array around it.

V1 tells of labels, V2 of data rows; V1 says null where V2 is silent (payloads.md §4). Elements are written as text, as
V2 rows are: what comes from a body is worked out once for all labels that share it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson

from mockserver.errors import NotFound
from mockserver.exports.bodies import BODIES_KEPT
from mockserver.exports.legacy import features
from mockserver.exports.legacy.surroundings import Metadata, Surroundings
from mockserver.exports.results import Piece
from mockserver.exports.text import ascii_json, camel_case, quoted, zulu
from mockserver.generate.assets import asset, with_tiles
from mockserver.links import RESULT_DAYS, Links, good_until
from mockserver.world import ids
from mockserver.world.data_rows import Dataset
from mockserver.world.database import Clause, Connection, Row, where
from mockserver.world.labels import FEATURES, Body, parsed, written
from mockserver.world.people import Person
from mockserver.world.projects import Ontology, Project

PIECE = 128
"""Labels read and written at a time, some 200 kB."""

FRAMED = {"VIDEO", "DICOM"}
"""Media whose annotations are behind the frames URL."""
TILED = {"TMS_GEO", "TMS_SIMPLE"}
"""Media whose rows say in JSON where their tiles are."""
MASKED = {"IMAGE", "PDF", "TEXT"}
"""Media whose objects have an `instanceURI`; tiles, conversations and frames have none (samples)."""

Made = dict[str, Any]


def label_object(connection: Connection, label_id: str, *, links: Links, host: str, now: int) -> Made:
    """The V1 `Label` of one label, skipped or not: `{}` when it is skipped. Raises NotFound."""
    label: Made = export_element(connection, label_id, links=links, host=host, now=now)["Label"]
    return label


def export_element(connection: Connection, label_id: str, *, links: Links, host: str, now: int) -> Made:
    """What `export_labels` says of one label, a deleted one too. `host` is scheme and host of its URLs; its links
    live from `now` on (microseconds). Raises NotFound."""
    return Elements(connection, links=links, host=host, now=now).one(label_id)


class _Told(msgspec.Struct, frozen=True):
    """What all labels of a project share. A project of language models says nothing of its labels: Export V1 had
    ended before there were any (inferred)."""

    name: str
    colours: Mapping[str, str]
    silent: bool


_COLUMNS = (
    "l.no, l.id, l.project_id, l.data_row_no, l.feature_prefix, l.body_id, l.skipped, l.seconds_to_create,"
    " l.seconds_to_review, l.consensus_score, l.benchmark_score, l.created_by, l.created_at, l.updated_at, dr.id,"
    " dr.dataset_id, dr.external_id, dr.global_key, dr.media_type, dr.row_data, dr.media_attributes, dr.asset"
)
_TABLES = "label l JOIN data_row dr ON dr.no = l.data_row_no"


class Elements:
    """The elements of labels, as one connection shows them. What they share is read once."""

    def __init__(self, connection: Connection, *, links: Links, host: str, now: int, run: str | None = None) -> None:
        """`run` is the model run whose labels they are: each has its own id there, and a split (sample)."""
        self._connection, self._links, self._run = connection, links, run
        self._plain_host, self._host, self._expires = host, quoted(host)[1:-1], good_until(now, RESULT_DAYS)
        user, organization, self._seed = connection.rows("SELECT user_id, organization_id, seed FROM workspace")[0]
        self._token = links.mask_token(user, organization, now=now)
        self._emails = {person.id: quoted(person.email) for person in connection.select(Person)}
        self._datasets = {dataset.id: quoted(dataset.name) for dataset in connection.select(Dataset)}
        self._metadata = Metadata(connection)
        self._projects: dict[str, _Told] = {}
        self._bodies: dict[tuple[int, str, str], list[str]] = {}
        self._attributes: dict[str, str] = {}

    def one(self, label_id: str) -> Made:
        """The element of one label, a deleted one too. Raises NotFound."""
        text = b"".join(piece.text for piece in self.pieces(where("l.id = :id", id=label_id)))
        if not text:
            raise NotFound(f"Label {label_id!r} does not exist in this workspace")
        element: Made = orjson.loads(text)
        return element

    def pieces(self, condition: Clause, *, between: str = ",\n") -> Iterator[Piece]:
        """JSON objects with `between` between them, ASCII only, in the order in which rows were created.

        In the condition `l` is the label and `dr` its data row.
        """
        sql = f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition.sql} ORDER BY l.data_row_no, l.no"
        before = ""
        for rows in self._connection.pieces(sql, condition.params, PIECE):
            around = Surroundings(self._connection, self._metadata, rows, run=self._run)
            self._read_bodies(rows)
            text = between.join([self._element(row, around) for row in rows])
            yield Piece(f"{before}{text}".encode("ascii"), len(rows))
            before = between

    def _element(self, row: Row, around: Surroundings) -> str:
        """Keys in the order of the newest sample (video notebook of 2022-04)."""
        (number, label_id, project_id, row_no, prefix, body_id, skipped, to_create, to_review, consensus, benchmark,
         person, created, updated, row_id, dataset, external_id, global_key, media, row_data, attributes, recipe,
        ) = row  # fmt: skip
        told = self._projects[project_id]
        if skipped or told.silent:
            label = "{}"
        else:
            label = prefix.join(self._bodies[body_id, project_id, media])
            if media in FRAMED:
                label = f'{label[:-1]},"frames":"{self._host}/v1/frames/{label_id}"}}'
        data = self._labeled_data(row_id, external_id, media, recipe) if row_data is None else quoted(row_data)
        reference = around.benchmarks.get((project_id, row_no))
        issues = around.open_issues(project_id, row_no, label_id)
        return (
            f'{{"ID":"{self._id(label_id)}","DataRow ID":"{row_id}","Labeled Data":{data},"Label":{label},'
            f'"Created By":{self._emails[person]},"Project Name":{told.name},"Created At":"{zulu(created)}",'
            f'"Updated At":"{zulu(updated)}","Seconds to Label":{float(to_create)!r},'
            f'"Seconds to Create":{float(to_create)!r},"Seconds to Review":{float(to_review)!r},'
            f'"External ID":{_nullable(external_id)},"Global Key":{_nullable(global_key)},'
            f'"Agreement":{_score(consensus)},"Benchmark Agreement":{_score(benchmark)},'
            f'"Benchmark ID":{_nullable(reference)},"Dataset Name":{self._datasets[dataset]},'
            f'"Reviews":[{",".join(self._reviews(around, number, label_id))}],'
            f'"View Label":"https://editor.labelbox.com?project={project_id}&label={label_id}",'
            f'"Has Open Issues":{issues},"Skipped":{"true" if skipped else "false"},'
            f'"DataRow Metadata":[{",".join(around.metadata[row_no])}],'
            f'"Media Attributes":{self._media_attributes(attributes)},"Data Split":{around.split(row_no)}}}'
        )

    def _labeled_data(self, row_id: str, external_id: str | None, media: str, recipe: str) -> str:
        """The link of the row's file; of a map what the file says, as text (sample: tiled_image_export.json)."""
        file = asset(recipe, seed=self._seed) if media in TILED else None
        if file is None or not file.tiled:
            return f'"{self._host}{self._asset(row_id, external_id)}"'
        tiles = self._plain_host + self._links.tiles(row_id, expires=self._expires)
        return quoted(with_tiles(file.content, tiles).decode())

    def _id(self, label_id: str) -> str:
        """In a model run, a UUID of its own."""
        return label_id if self._run is None else ids.random_uuid(self._run, label_id)

    def _asset(self, row_id: str, external_id: str | None) -> str:
        return self._links.asset(row_id, external_id or row_id, expires=self._expires)

    def _media_attributes(self, text: str) -> str:
        """In camelCase; rows share few."""
        if text not in self._attributes:
            if len(self._attributes) > BODIES_KEPT:
                self._attributes.clear()
            self._attributes[text] = ascii_json(orjson.dumps(camel_case(orjson.loads(text))).decode())
        return self._attributes[text]

    def _reviews(self, around: Surroundings, number: int, label_id: str) -> Iterator[str]:
        for review, score, created, person in around.reviews[number]:
            whole = int(score) if score == int(score) else score  # the SDK's model takes integers (label.py:108)
            yield (
                f'{{"id":"{review}","score":{whole!r},"createdAt":"{zulu(created)}",'
                f'"createdBy":{self._emails[person]},"labelId":"{label_id}"}}'
            )

    def _read_bodies(self, rows: list[Row]) -> None:
        """Those of the rows that are not known yet; large populations share bodies."""
        self._read_projects({row[2] for row in rows})
        wanted = {(row[5], row[2], row[18]) for row in rows if not row[6]}
        missing = wanted - self._bodies.keys()
        if missing and len(self._bodies) > BODIES_KEPT:
            self._bodies = {key: self._bodies[key] for key in wanted & self._bodies.keys()}
        by_number: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
        for key in missing:
            by_number[key[0]].append(key)
        if by_number:
            for body in self._connection.select(Body, where("id IN :ids", ids=sorted(by_number))):
                for key in by_number[body.id]:
                    self._bodies[key] = self._label(body, self._projects[key[1]], key[2])

    def _read_projects(self, wanted: set[str]) -> None:
        missing = sorted(wanted - self._projects.keys())
        if not missing:
            return
        projects = self._connection.select(Project, where("id IN :ids", ids=missing))
        of_them = where("id IN :ids", ids=[project.ontology_id for project in projects if project.ontology_id])
        ontologies = {item.id: item for item in self._connection.select(Ontology, of_them)}
        for project in projects:
            colours = tool_colours(ontologies.get(project.ontology_id or ""))
            self._projects[project.id] = _Told(quoted(project.name), colours, of_language_models(project))

    def _label(self, body: Body, told: _Told, media: str) -> list[str]:
        """The V1 `Label` of a body, cut where the label's feature prefix belongs."""
        document = parsed(body.content)
        mask = f"{self._plain_host}/masks/feature/%s?token={self._token}" if media in MASKED else None
        boxes = entity_boxes(body.aside)
        made = {
            "objects": []
            if media in FRAMED
            else [_object(item, told.colours, boxes, mask) for item in _drawn(document)],
            "classifications": features.classifications(document.get("classifications", [])),
            "relationships": _joined(document, media, mask),
        }
        return ascii_json(written(made).decode()).split(FEATURES.decode())


def _joined(document: Made, media: str, mask: str | None) -> list[Made]:
    found = [features.relationship(item, media, mask) for item in document.get("relationships", [])]
    return [made for made in found if made is not None]


def _drawn(document: Made) -> list[Made]:
    objects: list[Made] = document.get("objects", [])
    return objects


def _object(item: Made, colours: Mapping[str, str], boxes: Mapping[str, Any], mask: str | None) -> Made:
    """Keys in the order of the samples. `classifications` is absent when there are none."""
    made = features.coloured(item, colours)
    features.add_geometry(made, item, boxes)
    if mask is not None and not ("location" in item and "groups" in item["location"]):
        made["instanceURI"] = mask % item["feature_id"]
    if item["classifications"]:
        made["classifications"] = features.classifications_of_object(item["classifications"])
    return made


def tool_colours(ontology: Ontology | None) -> dict[str, str]:
    """By feature schema id."""
    tools = [] if ontology is None else orjson.loads(ontology.normalized)["tools"]
    return {tool["featureSchemaId"]: tool.get("color") for tool in tools}


def of_language_models(project: Project) -> bool:
    """Whether a project is of a kind that Export V1 never had."""
    return project.editor_task_type is not None or (project.allowed_media_type or "").startswith("LLM")


def entity_boxes(aside: str | None) -> dict[str, Any]:
    """The boxes of a PDF body's entities by ordinal, which its aside keeps under `text-bbox`."""
    kept: dict[str, Any] = orjson.loads(aside).get("text-bbox", {}) if aside else {}
    return kept


def _nullable(text: str | None) -> str:
    return "null" if text is None else quoted(text)


def _score(score: float | None) -> str:
    """-1 is V1's word for none (sample)."""
    return "-1" if score is None else repr(score)
