"""What the cases of one run are made of: real messages of a generated world, with delivery ids of their own."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from mockserver.errors import StartupError, nearest, quoted
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import project_scope
from mockserver.generate.prepared import prepared_world
from mockserver.links import Links
from mockserver.settings import cache_folder
from mockserver.webhooks.messages import Message, message
from mockserver.webhooks.misbehaviour import Shot, shot
from mockserver.world import ids
from mockserver.world.database import EVERYTHING, Connection, where
from mockserver.world.projects import Project
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

HOST = "http://127.0.0.1:8000"
"""What stands in front of the links in a body. Nobody serves them: a receiver's verdict does not depend on them."""
TOPICS = (
    "LABEL_CREATED",
    "LABEL_UPDATED",
    "LABEL_DELETED",
    "REVIEW_CREATED",
    "REVIEW_UPDATED",
    "REVIEW_DELETED",
    "WORKFLOW_ACTION",
)
"""All that any SDK has known (webhook.py 3.63; WORKFLOW_ACTION since 3.44.0)."""
SECTIONS = ExportParams(include_label_details=True, include_project_details=True, include_performance_details=True)
"""What a V2 webhook's row carries (inferred)."""

Document = dict[str, Any]


class Bench:
    """Makes messages for one run. `run` is part of every delivery id, so that two runs share none."""

    def __init__(self, documents: list[Document], *, secret: str, topic: str = TOPICS[0], run: str = "run") -> None:
        assert documents, "a scenario without labelled rows was refused before"
        self.secret, self.topic = secret, topic
        self._documents, self._run = documents, run
        self._numbers = itertools.count()

    def document(self, number: int = 0) -> Document:
        """A copy of a body, to be changed at will."""
        return json.loads(orjson.dumps(self._documents[number % len(self._documents)]))  # type: ignore[no-any-return]

    def body(self, number: int = 0) -> bytes:
        """As it is sent: compact raw UTF-8."""
        return orjson.dumps(self._documents[number % len(self._documents)])

    def message(self, body: bytes | None = None, *, topic: str | None = None, secret: str | None = None) -> Message:
        """Signed, under an id that no other message has."""
        delivery = ids.cuid("delivery", self._run, next(self._numbers))
        signing = self.secret if secret is None else secret
        return message(delivery, topic or self.topic, self.body() if body is None else body, secret=signing)

    def good(self, body: bytes | None = None, *, topic: str | None = None) -> Shot:
        return shot(self.message(body, topic=topic))

    def saying(self, text: str) -> bytes:
        """A body in which a customer's own words are these."""
        return orjson.dumps(with_text(self.document(), text))

    def skipped(self) -> bytes | None:
        """The body of a label without annotations, if the scenario has one."""
        for number, document in enumerate(self._documents):
            if b'"objects":[]' in orjson.dumps(document).replace(b'\\"', b'"'):
                return self.body(number)
        return None


def with_text(document: Document, text: str) -> Document:
    """The external id is the customer's: any text may stand there, in V1 inside the label's own JSON."""
    if "data_row" in document:
        document["data_row"]["external_id"] = text
    elif isinstance(document.get("label"), str):
        label = json.loads(document["label"])
        label["External ID"] = text
        document["label"] = json.dumps(label, ensure_ascii=False, separators=(",", ":"))
    else:
        document["id"] = text
    return document


def respelled(body: bytes) -> bytes:
    """The same JSON with its numbers written otherwise: `12` as `12.0`, `1.2e1`, `12.00`, `12E0`."""
    ways = itertools.cycle((b"%s.0", b"%se0", b"%s.00", b"%sE0"))
    return re.sub(rb"(?<=:)-?[1-9]\d*(?=[,}])", lambda number: next(ways) % number[0], body)


def documents_of(
    scenario: str = "default", *, seed: int = 0, ends: str | None = None, project: str | None = None
) -> list[Document]:
    """The labelled rows of a scenario as V2 bodies: those of one project, or of all. Raises StartupError."""
    with world(scenario, seed=seed, ends=ends) as store, store.reading() as connection:
        projects = _projects(connection, project)
        rows = [row for each in projects for row in _rows(connection, each, now=store.workspace.ends)]
    labelled = [row for row in rows if any(entry["labels"] for entry in row["projects"].values())]
    if not labelled:
        raise StartupError(
            f"scenario {scenario} has no labelled data row to make a message of; for example --scenario default"
        )
    return labelled


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
    chosen = connection.select(Project, where("name = :name OR id = :name", name=name), order="id")
    if not chosen:
        raise StartupError(f"there is no project {name!r}; nearest known are {quoted(nearest(name, _names(found)))}")
    return chosen


def _names(projects: list[Project]) -> list[str]:
    return [project.name for project in projects]


def _rows(connection: Connection, project: Project, *, now: int) -> list[Document]:
    scope = project_scope(connection, project.id, [])
    rows = ExportRows(
        connection, scope, SECTIONS, links=Links.of("webhook", 0), host=HOST, task_id=ids.cuid("webhook"), now=now
    )
    return [json.loads(line) for line in rows.text().splitlines()]
