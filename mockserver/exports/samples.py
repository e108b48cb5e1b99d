"""Payloads without a server: the world of one project is built in a folder of its own and exported.

`mockserver generate` and the maker of the golden exports use this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from mockserver.errors import ScenarioError, nearest, quote
from mockserver.exports.legacy.dates import load_legacy_format
from mockserver.exports.legacy.frames import render_frame_lines
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.schema_facts import build_schema_facts
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_project_scope
from mockserver.generate import history
from mockserver.generate.plans import Scenario
from mockserver.links import Links
from mockserver.settings import DEFAULT_API_KEY
from mockserver.world import ids
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.record import Record
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.projects import Ontology, Project
from mockserver.world.records.workspace import Workspace
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

HOST = "https://mock.example"
"""Scheme and host of the URLs in samples: no server answers there."""

LABELS_PER_BATCH = 500

Count = Callable[[int], None]
"""Called with the number of rows that were built or written since the last call."""


WHOLE = (b"[", b"]\n")
"""The bytes around the elements of a JSON array."""


class PayloadPart(msgspec.Struct, frozen=True):
    """Some bytes of a payload, and the number of rows or labels in them."""

    text: bytes
    count: int


def select_project(
    scenario: Scenario, media: str, rows: int, *, skipped: int = 0, unlabelled: int = 0, project: str | None = None
) -> Scenario:
    """The scenario with only one project, and `rows` labelled rows in it: its first project of a media type, or the one
    named `project`. Raises ScenarioError.
    """
    matching = [plan for plan in scenario.projects if plan.media == media and plan.rows_of is None]
    if project is not None and matching and project not in [plan.name for plan in matching]:
        known = quote(nearest(project, [plan.name for plan in matching]))
        raise ScenarioError(f"--project is {project!r}; those of {media} with rows of their own are {known}")
    for plan in matching:
        if project in {None, plan.name}:
            single = msgspec.structs.replace(plan, labelled=rows, skipped=skipped, waiting=0, unlabelled=unlabelled)
            ontologies = {plan.ontology: scenario.ontologies[plan.ontology]}
            # Models and slices would refer to projects that are left out, and no payload of labels contains them.
            return msgspec.structs.replace(scenario, projects=[single], ontologies=ontologies, models=[], slices=[])
    known = quote(nearest(media, dict.fromkeys(plan.media for plan in scenario.projects)))
    raise ScenarioError(f"--media is {media!r}; the nearest known are {known or 'none: the scenario has no projects'}")


def build_database(
    scenario: Scenario, path: Path, *, seed: int, ends: int, count: Count, part: range | None = None
) -> SqliteDatabase:
    """The world of a scenario in a new file, or a part of its rows. Memory stays flat."""
    workspace, batches = history.build_world(scenario, name="generated", seed=seed, ends=ends, part=part)

    def count_rows() -> Iterator[list[Record]]:
        for batch in batches:
            yield batch
            count(sum(isinstance(record, DataRow) for record in batch))

    database = SqliteDatabase(path)
    Store.create(database, workspace, count_rows()).close()
    return database


def write_v2(
    connection: Connection, params: ExportParams, *, seed: int, now: int, host: str = HOST
) -> Iterator[PayloadPart]:
    """Yields NDJSON: every row of the world's projects."""
    for project in connection.select(Project, order="created_at, id"):
        scope = build_project_scope(connection, project.id, [])
        links, task = Links.from_name(DEFAULT_API_KEY, seed), ids.cuid(now, seed, "sample")
        rows = ExportRows(connection, scope, params, links=links, host=host, task_id=task, now=now)
        for batch in rows.render_batches():
            yield PayloadPart(batch.text, batch.lines)


def write_v1(
    connection: Connection, *, seed: int, now: int, host: str = HOST, ends: tuple[bytes, bytes] = WHOLE
) -> Iterator[PayloadPart]:
    """Yields one JSON array, or a part of one with other `ends`: every label of the world."""
    elements = LabelElements(connection, links=Links.from_name(DEFAULT_API_KEY, seed), host=host, now=now)
    before, after = ends
    yield PayloadPart(before, 0)
    for batch in elements.pieces(Clause("NOT l.deleted")):
        yield PayloadPart(batch.text, batch.lines)
    yield PayloadPart(after, 0)


def write_frames(connection: Connection, *, seed: int, now: int, host: str = HOST) -> Iterator[PayloadPart]:
    """Yields NDJSON: the frames of every label of the world, one label after another. Labels without frames have no
    lines."""
    world = connection.select(Workspace)[0]
    token = Links.from_name(DEFAULT_API_KEY, seed).mask_token(world.user_id, world.organization_id, now=now)
    mask = f"{host}/masks/feature/{{}}?token={token}&frame={{}}"
    terms = build_schema_facts(connection.select(Ontology), scoped=load_legacy_format(connection).has("workflow"))
    bodies: dict[int, bytes] = {}
    columns = "feature_prefix, body_id"
    for labels in connection.select_batches(Label, columns, EVERYTHING, order="no", size=LABELS_PER_BATCH):
        wanted = Clause("id IN :ids", ids=sorted({body for _, body in labels} - bodies.keys()))
        bodies |= {body.id: body.content for body in connection.select(Body, wanted)}
        for prefix, body in labels:
            text = b"".join(render_frame_lines(bodies[body], prefix=prefix, terms=terms, mask=mask))
            yield PayloadPart(text, 1)
