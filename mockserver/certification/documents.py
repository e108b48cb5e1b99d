"""Webhook bodies of a generated world, as parsed JSON, and changes to them by name."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import orjson

from mockserver.errors import StartupError, nearest, quoted
from mockserver.generate.prepared import prepared_world
from mockserver.links import Links
from mockserver.settings import cache_folder
from mockserver.webhooks.payloads import Payloads
from mockserver.world.database import EVERYTHING, Clause, Connection, JsonText
from mockserver.world.events import Event, EventKind
from mockserver.world.projects import Project
from mockserver.world.queries.sources import LABELS
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

HOST = "http://127.0.0.1:8000"
"""What stands in front of the links in a body. Nobody serves them: a receiver's verdict does not depend on them."""

Version = Literal["v1", "v2"]
Document = dict[str, Any]


def documents_of(
    scenario: str = "default",
    *,
    seed: int = 0,
    ends: str | None = None,
    project: str | None = None,
    version: Version = "v2",
) -> list[Document]:
    """Bodies of that version about the labelled data rows of one project, or of all. Raises StartupError."""
    with world(scenario, seed=seed, ends=ends) as store, store.reading() as connection:
        made = Payloads(connection, links=Links.from_name("webhook", 0), host=HOST, now=store.workspace.ends)
        events = [event for each in _projects(connection, project) for event in _creations(connection, each)]
        made.prepare(events)
        bodies = [made.body(event, version) for event in events]
    documents = [orjson.loads(body) for body in bodies if body is not None]
    if not documents:
        raise StartupError(
            f"scenario {scenario} has no labelled data row to make a message of; for example --scenario default"
        )
    return documents


@contextmanager
def world(scenario: str, *, seed: int, ends: str | None) -> Iterator[Store]:
    """A prepared world, copied: reading leaves files beside it, and the cache is shared."""
    prepared = prepared_world(scenario, seed=seed, ends=ends, cache=cache_folder())
    with tempfile.TemporaryDirectory(prefix="mockserver-bench-") as folder:
        copy = Path(folder) / "world.sqlite"
        shutil.copyfile(prepared.path, copy)
        store = Store.open(SqliteDatabase(copy))
        try:
            yield store
        finally:
            store.close()


def _projects(connection: Connection, name: str | None) -> list[Project]:
    found = connection.select(Project, EVERYTHING, order="created_at, id")
    if name is None:
        return found
    chosen = connection.select(Project, Clause("name = :name OR id = :name", name=name), order="id")
    if not chosen:
        raise StartupError(f"there is no project {name!r}; nearest known are {quoted(nearest(name, _names(found)))}")
    return chosen


def _names(projects: list[Project]) -> list[str]:
    return [project.name for project in projects]


def _creations(connection: Connection, project: Project) -> list[Event]:
    """An event for the first label of each data row, in the order of rows."""
    mine = Clause("l.project_id = :project AND NOT l.deleted AND NOT dr.deleted", project=project.id)
    first: dict[str, str] = {}
    for label_id, row_id in connection.select_columns(LABELS, "l.id, dr.id", mine, order="l.data_row_no, l.no"):
        first.setdefault(row_id, label_id)
    return [
        Event(0, EventKind.LABEL_CREATED, 0, project.id, row_id, label_id, JsonText("{}"))
        for row_id, label_id in first.items()
    ]


# Changes


def with_ids(document: Document, new: Mapping[str, str]) -> Document:
    """With other ids wherever the old ones stand; `new` has any of data_row, project and label."""
    text = orjson.dumps(document)
    for what, own in new.items():
        text = text.replace(_id_of(document, what).encode(), orjson.dumps(own)[1:-1])
    changed: Document = orjson.loads(text)
    return changed


def _id_of(document: Document, what: str) -> str:
    if "dataRow" in document:  # V1
        return str({"data_row": document["dataRow"], "project": document["project"], "label": document}[what]["id"])
    if what == "data_row":
        return str(document["data_row"]["id"])
    project_id, entry = next(iter(document["projects"].items()))
    return str(project_id if what == "project" else entry["labels"][0]["id"])


def with_field(document: Document, assignment: str) -> Document:
    """`data_row.external_id=a.png`: the value is JSON, or else a text. `*` is the first key or item.

    Raises StartupError where the path leads nowhere; its last step may be a new key.
    """
    path, found, text = assignment.partition("=")
    if not found or not path:
        raise StartupError(f"{assignment!r} sets nothing; expected PATH=VALUE, for example data_row.external_id=a.png")
    *steps, last = path.split(".")
    place: Any = document
    for step in steps:
        place = place[_key(place, step, path)]
    if isinstance(place, dict) and last != "*":
        place[last] = _value(text, path)
    else:
        place[_key(place, last, path)] = _value(text, path)
    return document


def _key(place: Any, step: str, path: str) -> Any:
    """A key of an object or a number of a list."""
    if isinstance(place, dict) and place:
        if step == "*":
            return next(iter(place))
        if step in place:
            return step
        raise StartupError(f"{path}: there is no {step!r}; nearest known are {quoted(nearest(step, place))}")
    if isinstance(place, list) and place:
        if step == "*":
            return 0
        if step.isdecimal() and int(step) < len(place):
            return int(step)
        raise StartupError(f"{path}: {step!r} is no item of a list of {len(place)}; they are counted from 0")
    raise StartupError(f"{path}: there is nothing below {step!r}")


def _value(text: str, path: str) -> Any:
    """Raises StartupError for JSON that a message cannot hold: numbers of more than 64 bits, no numbers, a depth."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    try:
        same = orjson.loads(orjson.dumps(value)) == value
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise StartupError(f"{path}: {text[:100]!r} cannot stand in a message; in quotes it is a text")
    return value
