"""A server that is killed before any step of a change has made all of it or nothing, and lost nothing else."""

import json
import os
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from contract_tests.crash.killing import Killable, Killed, build_killer, find_broken_databases, find_leftovers
from contract_tests.crash.looking import Seen, look_at_all
from mockserver.jobs.annotation_work import BYTES_TOGETHER

SEED = int(os.environ.get("CRASH_SEED", "0"))
STRIDE = int(os.environ.get("CRASH_STRIDE", "24"))
"""Every so many steps one is tried, the first chosen by the seed; 1 tries all of them."""
FROZEN = "2025-01-02T00:00:00Z"
NOBODY = "http://127.0.0.1:9/hook"
"""Nothing listens there, so what is sent to it stays in the outbox."""
HOOK = {"url": NOBODY, "secret": "secret", "topics": ["LABEL_CREATED"]}
EVENT = {"event": "LABEL_CREATED", "project": "image"}
MARKS = 20
"""Steps after which the workspaces are made anew: each look reads all that earlier steps have left."""
CREATE_PROJECT = "mutation($name: String!){createProject(data: {name: $name}){id}}"
EXPORT = "mutation($project: ID!){exportDataRowsInProject(input: {filters: {projectId: $project}}){taskId}}"

DATASETS = "{datasets(first: 1){id dataRows(first: 100){id}}}"
CREATE_ROW = """mutation($dataset: ID!, $name: String!){
    createDataRow(data: {rowData: "https://files.example/a.jpg", externalId: $name, dataset: {connect: {id: $dataset}}})
    {id}}"""
IMPORTED = 2
"""Labels of one import, each in a transaction of its own."""
UPLOAD = "mutation($file: Upload!, $contentLength: Int!){uploadFile(file: $file, contentLength: $contentLength){url}}"
IMPORT = """mutation($project: ID!, $name: String!, $file: Upload!, $contentLength: Int!){createLabelImport(
    data: {projectId: $project, name: $name, filePayload: {file: $file, contentLength: $contentLength}}){state}}"""


class Change(NamedTuple):
    """A change that is killed: how to make it, whom it is about, and what may be seen of it afterwards."""

    about: str
    make: Callable[[Killable], object]
    done: Callable[[Seen | None, Seen | None], bool]
    """Whether a workspace, as it was and as it is, has all of the change and nothing else."""


def was_created(_before: Seen | None, after: Seen | None) -> bool:
    """The switches are those that `prepare` and the change itself ask for."""
    return after is not None and after.switches == {"characters": "utf-8"} and after.is_pristine()


def was_forked(_before: Seen | None, after: Seen | None) -> bool:
    """`marks` are projects of the source; they are compared in `check_fork`."""
    return after is not None and after.switches == {"characters": "utf-8", "masks": "plain"} and not after.tasks


def was_reset(_before: Seen | None, after: Seen | None) -> bool:
    return was_created(None, after)


def fork_was_reset(before: Seen | None, after: Seen | None) -> bool:
    assert before is not None
    return after == before._replace(marks=frozenset(), tasks=frozenset())


def was_deleted(_before: Seen | None, after: Seen | None) -> bool:
    return after is None


def has_one_more(part: str) -> Callable[[Seen | None, Seen | None], bool]:
    def check(before: Seen | None, after: Seen | None) -> bool:
        assert before is not None
        assert after is not None
        old, new = getattr(before, part), getattr(after, part)
        return old < new and len(new) == len(old) + 1 and after._replace(**{part: old}) == before

    return check


def clock_was_moved(before: Seen | None, after: Seen | None) -> bool:
    assert before is not None
    return after == before._replace(now="2025-01-02T01:00:00.000Z")


def label_was_made(before: Seen | None, after: Seen | None) -> bool:
    """The label, and the message about it, which is one change."""
    assert before is not None
    assert after is not None
    same = after._replace(labels=before.labels, deliveries=before.deliveries) == before
    return same and after.labels == before.labels + 1 and len(after.deliveries - before.deliveries) == 1


def row_was_made(before: Seen | None, after: Seen | None) -> bool:
    assert before is not None
    assert after is not None
    return after == before._replace(rows=before.rows + 1)


def labels_were_made(before: Seen | None, after: Seen | None) -> bool:
    """All labels of the import. It is written row by row: what was left undone is done after the start."""
    assert before is not None
    assert after is not None
    same = after._replace(labels=before.labels, deliveries=before.deliveries, imports=before.imports) == before
    counts = after.labels - before.labels, len(after.deliveries - before.deliveries)
    ends = [(state, lines) for _, state, lines in after.imports - before.imports]
    return same and counts == (IMPORTED, IMPORTED) and ends == [("FINISHED", IMPORTED)]


def is_unchanged(before: Seen | None, after: Seen | None) -> bool:
    return before == after


def find_image(server: Killable) -> str:
    """The id of the project that the scenario makes."""
    projects = server.ask("source", "{projects(first: 1000){id name}}")["projects"]
    [image] = [str(project["id"]) for project in projects if project["name"] == "image"]
    return image


def export(server: Killable) -> None:
    server.ask("source", EXPORT, project=find_image(server))


def create_row(server: Killable) -> None:
    [dataset] = server.ask("source", DATASETS)["datasets"]
    server.ask("source", CREATE_ROW, dataset=dataset["id"], name=str(uuid.uuid4()))


def upload(server: Killable) -> None:
    """Uploads a file; its link is good as soon as it is acknowledged."""
    content = str(uuid.uuid4())
    answer = server.send_file("source", UPLOAD, content.encode())
    assert server.get(answer["uploadFile"]["url"]) == content


def import_labels(server: Killable) -> None:
    """Imports a label of each of several data rows by a file. Each line is as long as a transaction may be."""
    [dataset] = server.ask("source", DATASETS)["datasets"]
    name = str(uuid.uuid4())
    lines: list[bytes] = []
    for row in dataset["dataRows"][:IMPORTED]:
        line = {"dataRow": {"id": row["id"]}, "name": "Box", "bbox": {"top": 1, "left": 1, "height": 5, "width": 5}}
        lines.append(json.dumps(line).encode()[:-1] + b" " * BYTES_TOGETHER + b"}\n")
    server.send_file("source", IMPORT, b"".join(lines), project=find_image(server), name=name)


def redeliver(server: Killable) -> None:
    """Sends the newest delivery again, and waits until the attempt is recorded."""
    newest = server.control("GET", "deliveries", key="source")["deliveries"][-1]
    server.control("POST", f"deliveries/{newest['id']}/redeliver", key="source")
    server.control("GET", "deliveries?wait=10", key="source")


def control(method: str, path: str, body: object = None, *, key: str | None = None) -> Callable[[Killable], object]:
    return lambda server: server.control(method, path, body, key=key)


NEW = {"api_key": "new", "switches": {"characters": "utf-8"}, "payload_date": "2024-01-31"}
NEW_FORK = {"api_key": "new", "fork_of": "source", "switches": {"masks": "plain"}, "payload_date": "2024-01-31"}
CHANGES = {
    "create": Change("new", control("POST", "workspaces", NEW), was_created),
    "fork": Change("new", control("POST", "workspaces", NEW_FORK), was_forked),
    "reset": Change("source", control("POST", "reset", key="source"), was_reset),
    "reset of a fork": Change("fork", control("POST", "reset", key="fork"), fork_was_reset),
    "delete": Change("source", control("DELETE", "workspaces/source"), was_deleted),
    "delete of a fork": Change("fork", control("DELETE", "workspaces/fork"), was_deleted),
    "move of the clock": Change(
        "source", control("POST", "clock", {"set": "2025-01-02T01:00:00Z"}, key="source"), clock_was_moved
    ),
    "subscription": Change("source", control("POST", "webhooks", HOOK, key="source"), has_one_more("subscriptions")),
    "export": Change("source", export, has_one_more("tasks")),
    "event": Change("source", control("POST", "events", EVENT, key="source"), label_was_made),
    "attempt": Change("source", redeliver, is_unchanged),
    "data row": Change("source", create_row, row_was_made),
    "upload": Change("source", upload, is_unchanged),
    "import of labels": Change("source", import_labels, labels_were_made),
}


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_killer(tmp_path_factory.mktemp("killer"))


@pytest.fixture
def server(tmp_path: Path, killer: Path) -> Iterator[Killable]:
    killable = Killable(tmp_path / "state", killer)
    killable.start()
    yield killable
    killable.kill()


@pytest.mark.timeout(3600 if STRIDE == 1 else 600)
@pytest.mark.parametrize("name", CHANGES)
def test_a_kill_before_any_step_leaves_all_of_a_change_or_nothing(server: Killable, name: str) -> None:
    change = CHANGES[name]
    step = random.Random(f"{SEED}{name}").randint(1, STRIDE)
    killed = 0
    while True:
        prepare(server)
        before = look_at_all(server)
        server.arm(step)
        try:
            change.make(server)
        except Killed:
            killed += 1
        else:
            check_done(server, change, before)
            break
        server.wait_for_its_end()
        assert find_broken_databases(server.state) == []
        server.start()
        check(server, change, before, where=f"{name}, killed before step {step}")
        step += STRIDE
    assert killed or STRIDE > 1


def check_done(server: Killable, change: Change, before: dict[str, Seen]) -> None:
    """The change was acknowledged, so all of it is there, even where a later step of the server's own killed it."""
    try:
        server.arm(0)
    except Killed:
        server.wait_for_its_end()
        server.start()
    assert change.done(before.get(change.about), look_at_all(server).get(change.about))


def prepare(server: Killable) -> None:
    """Creates a full workspace and its fork, and makes in both a change that is acknowledged before the kill."""
    api_keys = set(server.control("GET", "workspaces")["api_keys"])
    worn = {key for key in api_keys & {"source", "fork"} if count_projects(server, key) > MARKS}
    for key in worn | api_keys & {"new"}:
        server.control("DELETE", f"workspaces/{key}")
    api_keys -= worn
    if "source" not in api_keys:
        server.control("POST", "workspaces", {"api_key": "source", "switches": {"characters": "utf-8"}})
    if not server.control("GET", "webhooks", key="source")["webhooks"]:  # new, or reset
        server.control("POST", "switches", {"characters": "utf-8"}, key="source")
        server.control("POST", "webhooks", HOOK, key="source")
    server.control("POST", "clock", {"set": FROZEN, "freeze": True}, key="source")
    if "fork" not in api_keys:
        server.control("POST", "workspaces", {"api_key": "fork", "fork_of": "source"})
    if not server.control("GET", "deliveries", key="source")["deliveries"]:
        server.control("POST", "events", EVENT, key="source")
        export(server)
    for key in ("source", "fork"):
        server.ask(key, CREATE_PROJECT, name=f"mark {count_projects(server, key)}")


def count_projects(server: Killable, key: str) -> int:
    return len(server.ask(key, "{projects(first: 1000){id}}")["projects"])


def check(server: Killable, change: Change, before: dict[str, Seen], *, where: str) -> None:
    after = look_at_all(server)
    for key in before.keys() | after.keys():
        if key != change.about:
            assert after.get(key) == before[key], f"{where}: {key} is not as it was"
    old, new = before.get(change.about), after.get(change.about)
    if new != old:
        assert change.done(old, new), f"{where}: half of it is there, {old} became {new}"
        if change.done is was_forked:
            assert new is not None
            assert (new.marks, new.labels) == (before["source"].marks, before["source"].labels), where
    assert find_leftovers(server.state) == [], where
