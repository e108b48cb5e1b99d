"""The machine fails under a request: the answer says which resource it was, and nothing acknowledged is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.machine import out_of_descriptors, unable_to_write_files
from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.serving import ServedWorld

CREATE = 'mutation {createProject(data: {name: "one more"}) {id}}'
PROJECTS = "query {projects {id}}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServedWorld]:
    with ServedWorld("--state", str(tmp_path / "state")) as served:
        yield served


@pytest.fixture(scope="module")
def temporary() -> Iterator[ServedWorld]:
    with ServedWorld() as served:
        assert served.state_folder.exists()
        yield served


def refusal(world: ServedWorld) -> str:
    [error] = answer_in(world.own, CREATE)["errors"]
    assert error["extensions"]["code"] == "MOCKSERVER_RESOURCE_FAILED"
    return str(error["message"])


def control(world: ServedWorld, path: str, body: dict[str, Any]) -> requests.Response:
    return requests.post(f"{world.url}/_mock/{path}", json=body, timeout=30)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("events", {"event": "LABEL_UPDATED", "project": "image"}),
    ("webhooks", {"url": "http://127.0.0.1:1/", "secret": "CHANGE-ME", "topics": ["LABEL_CREATED"]}),
    ("clock", {"advance": 5}),
    ("progression", {"exports": {"looks": 1}}),
    ("switches", {"masks": "plain"}),
    ("workspaces", {"api_key": "another"}),
    ("workspaces", {"fork_of": "mock-api-key"}),
    ("reset", {}),
]


@pytest.mark.parametrize(("path", "body"), CHANGES)
def test_what_cannot_be_kept_is_refused_with_the_resource_and_what_to_do(
    temporary: ServedWorld, path: str, body: dict[str, Any]
) -> None:
    with unable_to_write_files(int(temporary.ready["pid"])):
        answer = control(temporary, path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "MOCKSERVER_RESOURCE_FAILED")
        assert ";" in answer.json()["message"]
        assert ask_in(temporary.own, PROJECTS)["projects"]
    assert control(temporary, path, body).ok
    assert "Traceback" not in temporary.output


def test_a_refused_change_is_not_there(temporary: ServedWorld) -> None:
    before = ask_in(temporary.own, PROJECTS)
    with unable_to_write_files(int(temporary.ready["pid"])):
        refusal(temporary)
        assert ask_in(temporary.own, PROJECTS) == before
    assert ask_in(temporary.own, PROJECTS) == before
    assert ask_in(temporary.own, CREATE)["createProject"]


def test_without_descriptors_a_new_workspace_is_refused_and_made_later(temporary: ServedWorld) -> None:
    with requests.Session() as session:
        url = f"{temporary.url}/_mock/workspaces"
        assert session.get(url, timeout=30).ok
        with out_of_descriptors(int(temporary.ready["pid"])):
            answer = session.post(url, json={"api_key": "not-made"}, timeout=30)
            assert answer.json()["code"] == "MOCKSERVER_RESOURCE_FAILED"
            assert "no file descriptor left" in answer.json()["message"]
        assert session.post(url, json={"api_key": "not-made"}, timeout=30).ok


def test_nothing_is_acknowledged_when_the_state_folder_was_deleted(world: ServedWorld, tmp_path: Path) -> None:
    before = ask_in(world.own, PROJECTS)
    shutil.rmtree(tmp_path / "state")
    message = refusal(world)
    assert "It was deleted or moved while the server runs" in message
    assert str(tmp_path / "state") in message
    assert ask_in(world.own, PROJECTS) == before, "reading goes on"
    answer = control(world, "events", {"event": "LABEL_UPDATED", "project": "image"})
    assert answer.json()["code"] == "MOCKSERVER_RESOURCE_FAILED"


def test_every_door_says_that_the_state_folder_was_deleted(world: ServedWorld, tmp_path: Path) -> None:
    project = world.projects["image"]
    shutil.rmtree(tmp_path / "state")
    export = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
    labels = "mutation($id: ID!) {exportLabels(data: {projectId: $id}) {downloadUrl}}"
    for document in (export, labels):
        [error] = answer_in(world.own, document, id=project)["errors"]
        assert error["extensions"]["code"] == "MOCKSERVER_RESOURCE_FAILED", error
    answers = [control(world, path, body) for path, body in CHANGES]
    answers += [requests.get(f"{world.url}{path}", timeout=30) for path in ("/", "/_mock/deliveries")]
    for answer in answers:
        assert answer.ok or answer.json()["code"] == "MOCKSERVER_RESOURCE_FAILED", (answer.url, answer.text)
    assert "Traceback" not in world.output


def test_changes_go_on_when_a_folder_that_was_moved_away_is_back(world: ServedWorld, tmp_path: Path) -> None:
    (tmp_path / "state").rename(tmp_path / "elsewhere")
    refusal(world)
    (tmp_path / "elsewhere").rename(tmp_path / "state")
    assert ask_in(world.own, CREATE)["createProject"]


def test_a_copy_of_the_state_is_not_the_state(world: ServedWorld, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "state", tmp_path / "copy")
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "copy").rename(tmp_path / "state")
    assert "another file is in its place" in refusal(world)


def test_a_temporary_state_is_missed_too() -> None:
    with ServedWorld() as world:
        [database] = world.state_folder.rglob("world.sqlite")
        shutil.rmtree(database.parent)
        assert str(database) in refusal(world)


def test_a_write_ahead_log_that_was_deleted_alone_is_missed(world: ServedWorld, tmp_path: Path) -> None:
    ask_in(world.own, CREATE)
    [log] = tmp_path.rglob("world.sqlite-wal")
    log.unlink()
    assert f"{log}:" in refusal(world)
