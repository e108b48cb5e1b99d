"""An export needs no more memory for many long texts, attachments and labels than for a few of them."""

import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, HOST, NOW, TASK
from contract_tests.rules.worlds import PROJECTS, build_database, many_boxes
from mockserver.exports import allowance
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.rows import LegacyDataRows
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_project_scope
from mockserver.generate import history, scenario
from mockserver.links import Links
from mockserver.world.change import Change
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import Attachment, DataRow
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

LONG = 1024 * 1024
"""Bytes of a value; together those of a project are far more than MOST."""
ROWS = 40
MOST = 12 * allowance.MOST_TOGETHER
FRAMES = 1_500
"""Frames of a clip between two key frames, which take LONG bytes when they are interpolated."""
LINKS = Links.from_name("key", 0)

Texts = Iterator[bytes]


def find_project(connection: Connection, name: str) -> Project:
    project = connection.find(Project, Clause("name = :name", name=name))
    assert project is not None
    return project


def render_rows(connection: Connection, project: str) -> Texts:
    params = msgspec.structs.replace(EVERY_SECTION, include_interpolated_frames=True)
    scope = build_project_scope(connection, find_project(connection, project).id, [])
    rows = ExportRows(connection, scope, params, links=LINKS, host=HOST, task_id=TASK, now=NOW)
    return (batch.text for batch in rows.render_batches())


def render_legacy_labels(connection: Connection, project: str) -> Texts:
    own = Clause("l.project_id = :id AND NOT l.deleted", id=find_project(connection, project).id)
    pieces = LabelElements(connection, links=LINKS, host=HOST, now=NOW).pieces(own)
    return (piece.text for piece in pieces)


def render_legacy_rows(connection: Connection, _project: str) -> Texts:
    rows = LegacyDataRows(connection, EVERYTHING, metadata=True, links=LINKS, host=HOST, now=NOW)
    return (piece.text for piece in rows.pieces())


EXPORTS = {"V2": render_rows, "V1 of labels": render_legacy_labels, "V1 of data rows": render_legacy_rows}


def lengthen_labels(change: Change, document: dict[str, Any], *, shared: bool) -> None:
    """Gives each label of a project this document; all share one body, or each has its own."""
    content = orjson.dumps(document)
    project = find_project(change.connection, "many")
    for label in change.connection.select(Label, Clause("project_id = :id", id=project.id)):
        body = 90_000 if shared else 90_000 + label.no
        if change.connection.find(Body, Clause("id = :id", id=body)) is None:
            change.connection.insert([Body(body, content, None)])
        change.connection.update(Label, Clause("no = :no", no=label.no), body_id=body, skipped=False)


def build_long_answer() -> dict[str, Any]:
    answer = {"feature_id": "c", "name": "t", "value": "t", "text_answer": {"content": "a" * LONG}}
    return {"objects": [], "classifications": [answer]}


def build_clip() -> dict[str, Any]:
    """A short document that takes LONG bytes when its frames are interpolated."""
    point = {"feature_id": "p", "name": "t" * 400, "annotation_kind": "VideoPoint", "classifications": []}
    frames = {
        frame: {"objects": {"p": {**point, "point": {"x": x, "y": x}}}, "classifications": []}
        for frame, x in (("1", 1.0), (str(FRAMES), 1000.0))
    }
    return {"frames": frames, "segments": {"p": [[1, FRAMES]]}, "key_frame_feature_map": {}, "classifications": []}


def lengthen_texts(change: Change) -> None:
    change.connection.update(DataRow, EVERYTHING, row_data="ä" * (LONG // 2))


def add_attachments(change: Change) -> None:
    """Gives each data row attachments which are short, and long together."""
    first = change.number(Attachment)
    numbers = itertools.count(first)
    for row in change.connection.select(DataRow):
        change.connection.insert(
            Attachment(number, change.new_id(), row.no, "RAW_TEXT", "a" * 4_000, None, None)
            for number, _ in zip(numbers, range(LONG // 4_000), strict=False)
        )


MAKERS: dict[str, Callable[[Change], None]] = {
    "labels": lambda change: lengthen_labels(change, build_long_answer(), shared=False),
    "a shared label": lambda change: lengthen_labels(change, build_long_answer(), shared=True),
    "clips": lambda change: lengthen_labels(change, build_clip(), shared=False),
    "texts": lengthen_texts,
    "attachments": add_attachments,
}


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Store]:
    """A world of one project with ROWS labelled pictures."""
    world = history.build_world(scenario.load(many_boxes(tmp_path, labelled=ROWS)), name="many", seed=0, ends=None)
    store = Store.create(build_database(tmp_path), *world)
    WorkspaceSettings(store).begin_life(name="rules")
    yield store
    store.close()


PAIRS = [
    *(("V2", kind) for kind in MAKERS),
    *(("V1 of labels", kind) for kind in ("labels", "a shared label", "texts")),
    ("V1 of data rows", "texts"),
]
"""The exports and the long values that they contain."""


@pytest.mark.parametrize(("export", "kind"), PAIRS)
def test_memory_does_not_grow_with_long_values(many: Store, export: str, kind: str) -> None:
    with many.change() as change:
        MAKERS[kind](change)
    with many.reading() as connection:
        tracemalloc.start()
        size = sum(map(len, EXPORTS[export](connection, "many")))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST, f"{peak / 2**20:.0f} MiB for {size / 2**20:.0f} MiB of rows"


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_is_the_same_however_few_rows_are_rendered_together(
    store: Store, export: str, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.reading() as connection:
        usual = b"".join(EXPORTS[export](connection, project))
        monkeypatch.setattr(allowance, "MOST_TOGETHER", 1)
        assert b"".join(EXPORTS[export](connection, project)) == usual
