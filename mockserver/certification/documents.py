"""Webhook bodies of a generated world, as parsed JSON, and changes to them by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import orjson

from mockserver.digits import parse_digits
from mockserver.errors import StartupError, nearest, quote
from mockserver.folders import open_scratch_folder
from mockserver.generate.prepared import prepare_world
from mockserver.links import Links
from mockserver.places import cache_folder
from mockserver.webhooks.payloads import Payloads
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.queries.sources import LABELS
from mockserver.world.record import JsonText
from mockserver.world.records.events import Event, EventKind
from mockserver.world.records.projects import Project
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

HOST = "http://127.0.0.1:8000"
"""Scheme and host of the links in a body. They are not served: no verdict depends on them."""

Version = Literal["v1", "v2"]
Document = dict[str, Any]


def load_documents(
    scenario: str = "default",
    *,
    seed: int = 0,
    ends: str | None = None,
    project: str | None = None,
    version: Version = "v2",
) -> list[Document]:
    """Renders bodies about the labelled data rows of one project, or of all. Raises StartupError."""
    with open_world(scenario, seed=seed, ends=ends) as store, store.reading() as connection:
        payloads = Payloads(connection, links=Links.from_name("webhook", 0), host=HOST, now=store.workspace.ends)
        events = [event for each in _list_projects(connection, project) for event in _build_events(connection, each)]
        payloads.prepare(events)
        bodies = [payloads.body(event, version) for event in events]
    documents = [orjson.loads(body) for body in bodies if body is not None]
    if not documents:
        raise StartupError(
            f"scenario {scenario} has no labelled data row for a message; use for example --scenario default"
        )
    return documents


@contextmanager
def open_world(scenario: str, *, seed: int, ends: str | None) -> Iterator[Store]:
    """Opens a copy of a prepared world: reading creates files next to it, and the cache is shared."""
    prepared = prepare_world(scenario, seed=seed, ends=ends, cache=cache_folder())
    with open_scratch_folder() as folder:
        copy = folder / "world.sqlite"
        shutil.copyfile(prepared.path, copy)
        store = Store.open(SqliteDatabase(copy))
        try:
            yield store
        finally:
            store.close()


def _list_projects(connection: Connection, name: str | None) -> list[Project]:
    projects = connection.select(Project, EVERYTHING, order="created_at, id")
    if name is None:
        return projects
    chosen = connection.select(Project, Clause("name = :name OR id = :name", name=name), order="id")
    if not chosen:
        raise StartupError(f"unknown project {name!r}; the nearest known are {quote(nearest(name, _names(projects)))}")
    return chosen


def _names(projects: list[Project]) -> list[str]:
    return [project.name for project in projects]


def _build_events(connection: Connection, project: Project) -> list[Event]:
    """Builds an event for the first label of each data row, in the order of rows."""
    labels = Clause("l.project_id = :project AND NOT l.deleted AND NOT dr.deleted", project=project.id)
    first: dict[str, str] = {}
    for label_id, row_id in connection.select_columns(LABELS, "l.id, dr.id", labels, order="l.data_row_no, l.no"):
        first.setdefault(row_id, label_id)
    return [
        Event(0, EventKind.LABEL_CREATED, 0, project.id, row_id, label_id, JsonText("{}"))
        for row_id, label_id in first.items()
    ]


# Changes


def with_ids(document: Document, new: Mapping[str, str]) -> Document:
    """Replaces ids everywhere in the document; `new` has any of data_row, project and label."""
    text = orjson.dumps(document)
    for kind, new_id in new.items():
        text = text.replace(_find_id(document, kind).encode(), orjson.dumps(new_id)[1:-1])
    changed: Document = orjson.loads(text)
    return changed


def _find_id(document: Document, kind: str) -> str:
    if "dataRow" in document:  # V1
        return str({"data_row": document["dataRow"], "project": document["project"], "label": document}[kind]["id"])
    if kind == "data_row":
        return str(document["data_row"]["id"])
    project_id, entry = next(iter(document["projects"].items()))
    return str(project_id if kind == "project" else entry["labels"][0]["id"])


def with_field(document: Document, assignment: str, *, new: bool = False) -> Document:
    """Assigns a value, for example `data_row.external_id=a.png`. The value is JSON, or else a text.

    `*` in the path is the first key or item. Raises StartupError if the path does not exist; if the value is `new`, its
    last step may be another key.
    """
    path, equals, text = assignment.partition("=")
    if not equals or not path:
        flag = "--add" if new else "--set"
        raise StartupError(
            f"{flag} {assignment!r} has no path and value; expected PATH=VALUE, for example data_row.external_id=a.png"
        )
    *steps, last = path.split(".")
    container: Any = document
    for step in steps:
        container = container[_find_key(container, step, path)]
    if new and isinstance(container, dict) and last != "*":
        container[last] = _parse_value(text, path)
    else:
        container[_find_key(container, last, path)] = _parse_value(text, path)
    return document


def _find_key(container: Any, step: str, path: str) -> Any:
    """A key of an object or a number of a list."""
    if isinstance(container, dict) and container:
        if step == "*":
            return next(iter(container))
        if step in container:
            return step
        raise StartupError(
            f"{path}: unknown key {step!r}; the nearest known are {quote(nearest(step, container))}; --add adds others"
        )
    if isinstance(container, list) and container:
        if step == "*":
            return 0
        number = parse_digits(step)
        if number is not None and number < len(container):
            return number
        raise StartupError(f"{path}: a list of {len(container)} has no item {step!r}; items are counted from 0")
    raise StartupError(f"{path}: the value above {step!r} has no keys or items")


def _parse_value(text: str, path: str) -> Any:
    """Raises StartupError for JSON that a message cannot hold: integers of more than 64 bits, NaN, too deep nesting."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    try:
        fits = orjson.loads(orjson.dumps(value)) == value
    except (TypeError, ValueError, RecursionError):
        fits = False
    if not fits:
        raise StartupError(f"{path}: {text[:100]!r} is no value for a message; put it in quotes to send it as a text")
    return value
