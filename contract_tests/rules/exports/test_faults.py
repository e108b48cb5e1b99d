"""The machine fails during an export: it ends FAILED and names the resource, and the server continues to work."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.clients.test_large_export import SCENARIO
from contract_tests.machine import (
    MEGABYTE,
    Gate,
    fill_disk,
    make_read_only,
    open_files,
    out_of_descriptors,
    small_disk,
    unable_to_write_files,
)
from contract_tests.rules.workspaces.test_kept_faults import open_faults
from contract_tests.rules.worlds import build_database, open_store
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.exports.legacy.files import LegacyFiles
from mockserver.exports.legacy.requests import parse_labels_request
from mockserver.exports.request import ExportRequest
from mockserver.exports.tasks import Exports
from mockserver.links import Links
from mockserver.results.budget import Budget
from mockserver.results.folder_results import FolderResults
from mockserver.world.clause import Clause
from mockserver.world.records.projects import Project
from mockserver.world.records.tasks import Task
from mockserver.world.sqlite import SqliteDatabase

EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
TASK = "query($id: ID!) {task(where: {id: $id}) {id status result errors metadata}}"
LABELS = "mutation($id: ID!) {exportLabels(data: {projectId: $id}) {downloadUrl shouldPoll}}"
PROJECTS = "query {projects {id name}}"
CREATE = 'mutation {createProject(data: {name: "one more"}) {id}}'
LIFE = "always the same"
"""The incarnation that a reset pins: ids of exports are then known before they are created."""


class Asking:
    """A client with one connection, which stays open: a server without descriptors accepts no other."""

    def __init__(self, world: ServedWorld) -> None:
        self.world = world
        self.pid = int(world.ready["pid"])
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {world.api_key}"

    def answer(self, document: str, **variables: object) -> dict[str, Any]:
        body = {"query": document, "variables": variables}
        response = self._session.post(self.world.graphql_url, json=body, timeout=60)
        assert response.status_code < 500
        assert "MOCKSERVER_BUG" not in response.text
        return dict(response.json())

    def get(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=60)

    def start(self, project: str) -> str:
        """Starts an export and returns its task."""
        answer = self.answer(EXPORT, id=self.world.projects[project])
        assert "errors" not in answer, answer
        return str(answer["data"]["exportDataRowsInProject"]["taskId"])

    def wait_for(self, task_id: str) -> dict[str, Any]:
        """Waits until the task has ended, and returns it."""
        return wait_for(lambda: self.task(task_id), lambda task: task["status"] != "IN_PROGRESS")

    def task(self, task_id: str) -> dict[str, Any]:
        return dict(self.answer(TASK, id=task_id)["data"]["task"])

    def refusal(self, document: str, **variables: object) -> str:
        """The message of an answer that failed because of a fault of the machine."""
        [error] = self.answer(document, **variables)["errors"]
        assert error["extensions"]["code"] == "MOCKSERVER_RESOURCE_FAILED"
        return str(error["message"])

    def labels(self, project: str) -> dict[str, Any]:
        """The answer of Export V1 when there is nothing to wait for."""
        return wait_for(
            lambda: self.answer(LABELS, id=self.world.projects[project]),
            lambda answer: "errors" in answer or answer["data"]["exportLabels"]["downloadUrl"],
        )

    def reset(self) -> Path:
        """Resets the workspace to a state with known ids, and returns its folder."""
        before = set(lives(self.world))
        body = {"incarnation": LIFE}
        assert self._session.post(f"{self.world.url}/_mock/reset", json=body, timeout=60).ok
        # Ids contain a timestamp too.
        clock = {"set": "2025-01-02T00:00:00Z", "freeze": True}
        assert self._session.post(f"{self.world.url}/_mock/clock", json=clock, timeout=60).ok
        [life] = set(lives(self.world)) - before
        return life


def lives(world: ServedWorld) -> list[Path]:
    """The folders of the worlds that a server has open."""
    return [path.parent for path in open_files(int(world.ready["pid"])) if path.name == "world.sqlite"]


@pytest.fixture(scope="module")
def asking() -> Iterator[Asking]:
    with ServedWorld() as world:
        yield Asking(world)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,500 pictures, whose results take 17 MB in several files."""
    file: Path = tmp_path_factory.mktemp("large") / "large.toml"
    file.write_text(SCENARIO)
    return file


@pytest.fixture(scope="module")
def large(scenario: Path) -> Iterator[Asking]:
    with ServedWorld("--scenario", str(scenario)) as world:
        yield Asking(world)


def check_failed(asking: Asking, task: dict[str, Any], *words: str) -> None:
    """Checks that a task has no result, and that its record and its stream of errors give the reason."""
    assert (task["status"], task["result"]) == ("FAILED", None)
    reason = task["metadata"]["failure"]
    assert all(word in reason for word in words), reason
    assert asking.get(task["errors"]).json() == {"message": reason}
    rest = f"{asking.world.rest_url}/export-errors/{task['id']}/{asking.world.organization_id}"
    assert asking.get(rest).json() == {"message": reason}


# Faults of the place where results are written


def full_disk(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/full")


def broken_disk(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.symlink_to("/proc/self/mem")  # nothing is mapped at its beginning, so a write there fails with EIO


def folder_in_its_place(place: Path) -> None:
    place.mkdir(parents=True)


def file_in_place_of_its_folder(place: Path) -> None:
    place.parent.parent.mkdir(parents=True, exist_ok=True)
    place.parent.write_text("")


def circle(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.symlink_to(place)


FAULTS = [
    (full_disk, ["No space left on the disk of", "free some space"]),
    (broken_disk, ["The disk failed to read or write", "check the disk"]),
    (folder_in_its_place, ["A folder has taken the place of"]),
    (file_in_place_of_its_folder, ["has taken the place of"]),
    (circle, ["Links lead in a circle at"]),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_an_export_whose_file_cannot_be_written_fails_and_names_the_resource(
    asking: Asking, fault: Callable[[Path], None], words: list[str]
) -> None:
    asking.reset()
    known = asking.start("image")
    life = asking.reset()
    fault(life / "results" / known / "RESULT" / "0.ndjson")
    assert asking.start("image") == known
    check_failed(asking, asking.wait_for(known), *words, "/results")
    assert asking.wait_for(asking.start("image"))["status"] == "COMPLETE"


@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_an_export_of_v1_whose_file_cannot_be_written_fails_and_names_the_resource(
    asking: Asking, fault: Callable[[Path], None], words: list[str]
) -> None:
    asking.reset()
    url = asking.labels("image")["data"]["exportLabels"]["downloadUrl"]
    known = url.partition("/exports/")[2].partition("/")[0]
    life = asking.reset()
    if fault is not file_in_place_of_its_folder:
        fault(life / "legacy" / f"{known}.json")
    else:
        (life / "legacy").write_text("")
    [error] = asking.labels("image")["errors"]
    assert error["extensions"]["code"] == "RESOURCE_CONFLICT"
    assert all(word in error["message"] for word in (*words, "/legacy")), error["message"]
    if (life / "legacy").is_file():
        (life / "legacy").unlink()
    assert "errors" not in asking.labels("image"), "the next request starts another"


def test_a_later_file_of_an_export_may_be_the_one_that_fails(large: Asking) -> None:
    large.reset()
    known = large.start("large")
    large.wait_for(known)
    life = large.reset()
    full_disk(life / "results" / known / "RESULT" / "1.ndjson")
    assert large.start("large") == known
    check_failed(large, large.wait_for(known), "No space left on the disk of", "/results")
    assert not (life / "results" / known).exists(), "the part that was written is deleted"


def test_the_stream_of_rows_that_failed_may_be_the_one_that_fails(asking: Asking) -> None:
    asking.reset()
    known = asking.start("image")
    life = asking.reset()
    row = asking.world.own.expected_rows("image")[0]["data_row"]["id"]
    asking.world.own.fail_exports(data_rows=[row])
    full_disk(life / "results" / known / "ERRORS" / "0.ndjson")
    assert asking.start("image") == known
    check_failed(asking, asking.wait_for(known), "No space left on the disk of")


def test_a_folder_of_results_that_was_deleted_is_created_again(asking: Asking) -> None:
    life = asking.reset()
    first = asking.wait_for(asking.start("image"))
    shutil.rmtree(life / "results")
    assert asking.get(first["result"]).status_code == 404
    task = asking.wait_for(asking.start("image"))
    assert task["status"] == "COMPLETE"
    assert asking.get(task["result"]).ok


def test_failed_exports_do_not_count_as_running(asking: Asking) -> None:
    life = asking.reset()
    (life / "results").write_text("")
    for _ in range(12):
        check_failed(asking, asking.wait_for(asking.start("image")), "/results")
    (life / "results").unlink()
    assert asking.wait_for(asking.start("image"))["status"] == "COMPLETE"


# Faults of the whole machine


def test_an_export_fails_where_not_even_the_database_can_be_written(asking: Asking) -> None:
    asking.reset()
    known = asking.start("image")
    life = asking.reset()
    gate = Gate(life / "results" / known / "RESULT" / "0.ndjson")
    assert asking.start("image") == known
    assert asking.task(known)["status"] == "IN_PROGRESS"
    with unable_to_write_files(asking.pid):
        gate.open()
        check_failed(asking, asking.wait_for(known), "world.sqlite")
        gate.close()
    assert asking.wait_for(asking.start("image"))["status"] == "COMPLETE"


def test_a_failure_that_could_not_be_recorded_is_written_when_the_cause_is_gone(tmp_path: Path) -> None:
    with ServedWorld("--state", str(tmp_path), popen=subprocess.Popen) as world:
        asking = Asking(world)
        asking.reset()
        known = asking.start("image")
        gate = Gate(asking.reset() / "results" / known / "RESULT" / "0.ndjson")
        asking.start("image")
        with unable_to_write_files(asking.pid):
            gate.open()
            reason = asking.wait_for(known)["metadata"]["failure"]
            gate.close()
        wait_for(lambda: asking.task(known)["metadata"] == {"failure": reason} and is_recorded(lives(world), known))
        os.kill(asking.pid, signal.SIGKILL)
    with ServedWorld("--state", str(tmp_path)) as world:
        task = Asking(world).task(known)
    assert (task["status"], task["metadata"]["failure"]) == ("FAILED", reason)


def is_recorded(folders: list[Path], task_id: str) -> bool:
    """Whether the database of the only world says that a task has failed."""
    [folder] = folders
    connection = SqliteDatabase(folder / "world.sqlite", durable=True).connect()
    try:
        return bool(connection.value(f"SELECT count(*) FROM task WHERE id = '{task_id}' AND status = 'FAILED'"))
    finally:
        connection.close()


def test_an_export_of_v1_fails_where_not_even_the_database_can_be_written(asking: Asking) -> None:
    asking.reset()
    url = asking.labels("image")["data"]["exportLabels"]["downloadUrl"]
    known = url.partition("/exports/")[2].partition("/")[0]
    gate = Gate(asking.reset() / "legacy" / f"{known}.json")
    project = asking.world.projects["image"]
    assert asking.answer(LABELS, id=project)["data"]["exportLabels"]["shouldPoll"]
    with unable_to_write_files(asking.pid):
        gate.open()
        gate.close()
        answer = wait_for(lambda: asking.answer(LABELS, id=project), lambda answer: "errors" in answer)
        assert "world.sqlite" in answer["errors"][0]["message"]
    answer = wait_for(lambda: asking.labels("image"), lambda answer: "errors" not in answer)
    assert asking.get(answer["data"]["exportLabels"]["downloadUrl"]).ok


def test_an_export_that_finds_no_file_descriptor_fails_and_the_next_one_is_written(large: Asking) -> None:
    large.reset()
    known = large.start("large")
    large.wait_for(known)
    gate = Gate(large.reset() / "results" / known / "RESULT" / "0.ndjson")
    assert large.start("large") == known
    with out_of_descriptors(large.pid):
        gate.open()
        check_failed(large, large.wait_for(known), "The process has no file descriptor left for", "/results")
        gate.close()
    with out_of_descriptors(large.pid):
        assert "no file descriptor left" in large.refusal(EXPORT, id=large.world.projects["large"])
        assert "no file descriptor left" in large.refusal(LABELS, id=large.world.projects["large"])
        assert "errors" not in large.answer(PROJECTS), "reading needs none"
    assert large.wait_for(large.start("large"))["status"] == "COMPLETE"


class NoThreads(ThreadPoolExecutor):
    """A pool on a machine whose limit of processes is reached: the work is in the queue, and no thread takes it."""

    def submit(self, *_work: Any, **_more: Any) -> Any:
        raise RuntimeError("can't start new thread")


def test_without_a_thread_exports_of_both_kinds_fail_immediately(tmp_path: Path) -> None:
    with open_store(build_database(tmp_path)) as store, NoThreads(1) as threads:
        links, budget, results = Links.from_name("key", 0), Budget(MEGABYTE), FolderResults(tmp_path)
        exports = Exports(store, links, results, threads, budget, open_faults(store))
        legacy = LegacyFiles(store, links, results, threads, budget)
        for _ in range(12):
            task, future = exports.create(ExportRequest(), name=None, base_url="http://mock")
            assert future.done()
            with store.reading() as connection:
                [record] = connection.select(Task, Clause("id = :id", id=task.id))
            assert (record.status, "no thread left" in str(record.failure)) == ("FAILED", True)
        with store.reading() as connection:
            project = connection.select(Project)[0].id
        file, _ = legacy.find_or_start(parse_labels_request({"projectId": project}), base_url="http://mock")
        polled = legacy.poll(file.id)
        assert (polled.status, "no thread left" in str(polled.failure)) == ("FAILED", True)


def test_a_full_disk_refuses_changes_fails_exports_and_recovers_when_there_is_space(
    tmp_path: Path, scenario: Path
) -> None:
    with (
        small_disk(tmp_path / "state", 200) as disk,
        ServedWorld("--scenario", str(scenario), "--state", str(disk)) as world,
    ):
        asking = Asking(world)
        with fill_disk(disk, left=6 * MEGABYTE):
            for _ in range(11):
                check_failed(asking, asking.wait_for(asking.start("large")), "No space left on the disk of", "/results")
        with fill_disk(disk):
            before = asking.answer(PROJECTS)
            while "errors" not in asking.answer(CREATE):
                pass  # the write-ahead log has some space left
            known = asking.answer(PROJECTS)
            assert "No space left on the disk of" in asking.refusal(CREATE)
            assert "world.sqlite" in asking.refusal(EXPORT, id=world.projects["large"])
            assert asking.answer(PROJECTS) == known, "the refused change has no effect"
            assert len(known["data"]["projects"]) >= len(before["data"]["projects"])
        assert "errors" not in asking.answer(CREATE)
        assert asking.wait_for(asking.start("large"))["status"] == "COMPLETE"
        assert "errors" not in asking.labels("large")
        assert "Traceback" not in world.output


def test_a_read_only_folder_of_results_fails_exports_and_nothing_else(tmp_path: Path) -> None:
    with ServedWorld("--state", str(tmp_path / "state")) as world:
        asking = Asking(world)
        [life] = lives(world)
        with small_disk(life / "results", 8) as disk:
            make_read_only(disk)
            check_failed(asking, asking.wait_for(asking.start("image")), "The disk is read-only that holds", "/results")
        assert asking.wait_for(asking.start("image"))["status"] == "COMPLETE"


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write to every folder")
def test_a_folder_of_results_without_permission_fails_exports_and_nothing_else(asking: Asking) -> None:
    results = asking.reset() / "results"
    results.mkdir()
    results.chmod(0o500)
    check_failed(asking, asking.wait_for(asking.start("image")), "This user may not write to", "/results")
    results.chmod(0o700)
    assert asking.wait_for(asking.start("image"))["status"] == "COMPLETE"
