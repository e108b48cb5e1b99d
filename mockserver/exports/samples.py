"""Payloads without a server: the world of one project is made in a folder of its own and written out.

What `mockserver generate` writes, and what the golden exports are made by.
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
from mockserver.world.data_rows import DataRow
from mockserver.world.database import EVERYTHING, Clause, Connection, Record
from mockserver.world.labels import Body, Label
from mockserver.world.projects import Ontology, Project
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store
from mockserver.world.workspace import Workspace

HOST = "https://mock.example"
"""Scheme and host of the URLs in samples: no server stands behind them."""

LABELS_AT_ONCE = 500

Counted = Callable[[int], None]
"""Hears how many rows were made or written since the last call."""


class PayloadPart(msgspec.Struct, frozen=True):
    """Some bytes of a payload, and how many rows or labels they tell."""

    text: bytes
    count: int


def single_project_scenario(
    scenario: Scenario, media: str, rows: int, *, skipped: int = 0, unlabelled: int = 0, project: str | None = None
) -> Scenario:
    """The scenario with its first project of a media type alone, or the one that is named, and so many labelled rows in
    it. Raises ScenarioError.
    """
    fitting = [plan for plan in scenario.projects if plan.media == media and plan.rows_of is None]
    if project is not None and fitting and project not in [plan.name for plan in fitting]:
        known = quote(nearest(project, [plan.name for plan in fitting]))
        raise ScenarioError(f"--project is {project!r}; those of {media} with rows of their own are {known}")
    for plan in fitting:
        if project in {None, plan.name}:
            single = msgspec.structs.replace(plan, labelled=rows, skipped=skipped, waiting=0, unlabelled=unlabelled)
            ontologies = {plan.ontology: scenario.ontologies[plan.ontology]}
            # Models and slices would refer to what is left out, and no payload of labels tells of them.
            return msgspec.structs.replace(scenario, projects=[single], ontologies=ontologies, models=[], slices=[])
    known = quote(nearest(media, dict.fromkeys(plan.media for plan in scenario.projects)))
    raise ScenarioError(f"--media is {media!r}; the nearest known are {known or 'none: the scenario has no projects'}")


def build_database(scenario: Scenario, path: Path, *, seed: int, ends: int, count: Counted) -> SqliteDatabase:
    """The world of a scenario in a new file. Memory stays flat."""
    workspace, pieces = history.build_world(scenario, name="generated", seed=seed, ends=ends)

    def counted() -> Iterator[list[Record]]:
        for piece in pieces:
            yield piece
            count(sum(isinstance(record, DataRow) for record in piece))

    database = SqliteDatabase(path)
    Store.create(database, workspace, counted()).close()
    return database


def write_v2(
    connection: Connection, params: ExportParams, *, seed: int, now: int, host: str = HOST
) -> Iterator[PayloadPart]:
    """NDJSON: every row of the world's projects."""
    for project in connection.select(Project, order="created_at, id"):
        scope = build_project_scope(connection, project.id, [])
        links, task = Links.from_name(DEFAULT_API_KEY, seed), ids.cuid(now, seed, "sample")
        rows = ExportRows(connection, scope, params, links=links, host=host, task_id=task, now=now)
        for piece in rows.pieces():
            yield PayloadPart(piece.text, piece.lines)


def write_v1(connection: Connection, *, seed: int, now: int, host: str = HOST) -> Iterator[PayloadPart]:
    """One JSON array: every label of the world."""
    elements = LabelElements(connection, links=Links.from_name(DEFAULT_API_KEY, seed), host=host, now=now)
    yield PayloadPart(b"[", 0)
    for piece in elements.pieces(Clause("NOT l.deleted")):
        yield PayloadPart(piece.text, piece.lines)
    yield PayloadPart(b"]\n", 0)


def write_frames(connection: Connection, *, seed: int, now: int, host: str = HOST) -> Iterator[PayloadPart]:
    """NDJSON: the frames of every label of the world, one label after another. Nothing of labels without frames."""
    world = connection.select(Workspace)[0]
    token = Links.from_name(DEFAULT_API_KEY, seed).mask_token(world.user_id, world.organization_id, now=now)
    mask = f"{host}/masks/feature/{{}}?token={token}&frame={{}}"
    terms = build_schema_facts(connection.select(Ontology), scoped=load_legacy_format(connection).has("workflow"))
    bodies: dict[int, bytes] = {}
    columns = "feature_prefix, body_id"
    for labels in connection.select_batches(Label, columns, EVERYTHING, order="no", size=LABELS_AT_ONCE):
        wanted = Clause("id IN :ids", ids=sorted({body for _, body in labels} - bodies.keys()))
        bodies |= {body.id: body.content for body in connection.select(Body, wanted)}
        for prefix, body in labels:
            text = b"".join(render_frame_lines(bodies[body], prefix=prefix, terms=terms, mask=mask))
            yield PayloadPart(text, 1)
