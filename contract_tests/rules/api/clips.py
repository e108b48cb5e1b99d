"""A served world with clips written by hand: videos as short or as long as a test needs them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from contract_tests.serving import ServedWorld
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Body, Label
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

SHORT, LONG, SKIPPED = 0, 1, 2
"""Which label of the project `image` became which clip."""
ALL_CLIPS = "text"
"""The project whose labels all became the short clip; its skipped one has no data."""
SCHEMA = "cjellyfish000000000000000"
FIRST_BODY = 90_000
EMPTY: dict[str, Any] = {"frames": {}, "segments": {}, "key_frame_feature_map": {}, "classifications": []}


def clip(frames: int, *, every: int) -> dict[str, Any]:
    """One box that moves through all frames, with a key frame at every so many."""
    feature = "\x0200001"
    keys = sorted({*range(1, frames + 1, every), frames})
    box: dict[str, Any] = {
        "feature_id": feature,
        "feature_schema_id": SCHEMA,
        "name": "Jellyfish",
        "value": "jellyfish",
    }
    box |= {"annotation_kind": "VideoBoundingBox", "classifications": []}
    frames_by_number = {
        str(key): {
            "objects": {
                feature: box | {"bounding_box": {"top": float(key % 50), "left": 2.5, "height": 3.0, "width": 4.0}}
            },
            "classifications": [],
        }
        for key in keys
    }
    return EMPTY | {
        "frames": frames_by_number,
        "segments": {feature: [[1, frames]]},
        "key_frame_feature_map": {feature: keys},
    }


@contextmanager
def serve_clips(folder: Path, *, long: int = 100_000) -> Iterator[tuple[ServedWorld, list[str]]]:
    """A server on the default world, where three labels of the project `image`, whose ids are given, and all of the
    project `text` are of videos."""
    state = folder / "state"
    with ServedWorld("--state", str(state)):
        pass
    [file] = state.glob("workspaces/*/*/world.sqlite")
    store = Store.open(SqliteDatabase(file))
    with store.change() as change:
        labels = [_as_clip(change.connection, number, document) for number, document in enumerate(_documents(long))]
        _all_as_clips(change.connection, ALL_CLIPS)
    store.close()
    with ServedWorld("--state", str(state), popen=subprocess.Popen) as server:  # its memory is measured
        yield server, labels


def _documents(long: int) -> list[dict[str, Any]]:
    return [clip(10, every=4), clip(long, every=100), EMPTY]


def _as_clip(connection: Connection, number: int, document: dict[str, Any]) -> str:
    label = connection.select(Label, order="no", skip=number, first=1)[0]
    body = Body(FIRST_BODY + number, orjson.dumps(document).replace(b"\\u0002", b"\x02"), None)
    connection.insert([body])
    skipped = number == SKIPPED
    connection.update(Label, Clause("no = :no", no=label.no), body_id=body.id, skipped=skipped)
    connection.update(DataRow, Clause("no = :no", no=label.data_row_no), media_type="VIDEO")
    return label.id


def _all_as_clips(connection: Connection, project: str) -> None:
    mine = Clause("project_id = (SELECT id FROM project WHERE name = :name)", name=project)
    connection.update(Label, mine & Clause("NOT skipped"), body_id=FIRST_BODY + SHORT)
    connection.update(Label, mine & Clause("skipped"), body_id=FIRST_BODY + SKIPPED)
    rows = Clause(f"no IN (SELECT data_row_no FROM label WHERE {mine.sql})", **mine.params)
    connection.update(DataRow, rows, media_type="VIDEO")
