"""Export V1 without the wire: the elements of a project's labels, and labels of hand-made bodies."""

import json
from typing import Any

import orjson

from contract_tests.rules.exports.rows import HOST, NOW
from mockserver.exports.legacy.labels import LabelElements, build_label
from mockserver.links import Links
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import JsonText
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

LINKS = Links.from_name("key", 0)


def elements(connection: Connection, project: str) -> list[Any]:
    """All labels of a project that are not deleted."""
    project_record = connection.find(Project, Clause("name = :name", name=project))
    assert project_record is not None, f"there is a project {project}"
    live = Clause("l.project_id = :id AND NOT l.deleted AND NOT dr.deleted", id=project_record.id)
    pieces = LabelElements(connection, links=LINKS, host=HOST, now=NOW).pieces(live)
    found_elements: list[Any] = json.loads(b"[" + b"".join(piece.text for piece in pieces) + b"]")
    return found_elements


def build_label_of(connection: Connection, label_id: str) -> Any:
    return build_label(connection, label_id, links=LINKS, host=HOST, now=NOW)


def with_body(store: Store, document: dict[str, Any], *, media: str = "IMAGE", aside: Any = None) -> str:
    """The id of the world's first label, whose body is now this one. Feature ids are written `\\x02` and an ordinal."""
    with store.change() as change:
        label = change.connection.select(Label, order="no", first=1)[0]
        content = orjson.dumps(document).replace(b"\\u0002", b"\x02")
        aside_text = None if aside is None else JsonText(orjson.dumps(aside).decode())
        change.connection.insert([Body(90_000, content, aside_text)])
        change.connection.update(Label, Clause("no = :no", no=label.no), body_id=90_000, skipped=False)
        change.connection.run("UPDATE data_row SET media_type = :media", {"media": media})
    return label.id
