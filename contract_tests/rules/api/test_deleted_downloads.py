"""A file that is deleted during its download is sent whole, or the connection is closed and the log stays quiet."""

import gzip
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse, IncompleteRead
from urllib.parse import urlsplit

import pytest
import requests

from contract_tests.clients.test_large_export import SCENARIO
from contract_tests.machine import open_files
from contract_tests.rules.api.asking import ask_in
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

EXPORT = (
    "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}, params: {includeLabelDetails: true}"
    "}) {taskId}}"
)
TASK = "query($id: ID!) {task(where: {id: $id}) {result}}"
FILE = (
    "query($id: ID!) {task(where: {id: $id}) {exportFileFromOffset(streamType: RESULT, offset: 0) {file}}}"
)  # fmt: skip
LABELS = "mutation($id: ID!) {exportLabels(data: {projectId: $id}) {downloadUrl}}"
RECEIVED_AT_ONCE = 64 * 1024
"""Bytes that the kernel keeps for a slow client: far fewer than any of the files has."""


@pytest.fixture(scope="module", params=["plain", "compressed"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    file = tmp_path_factory.mktemp("large") / "large.toml"
    file.write_text(SCENARIO)
    flags = ["--gzip-results"] if request.param == "compressed" else []
    with ServedWorld("--scenario", str(file), *flags) as served:
        yield served


@pytest.fixture
def workspace(world: ServedWorld) -> MockWorkspace:
    return world.workspace()


def whole_result(workspace: MockWorkspace) -> str:
    task_id = ask_in(workspace, EXPORT, id=workspace.project("large"))["exportDataRowsInProject"]["taskId"]
    return str(wait_for(lambda: ask_in(workspace, TASK, id=task_id)["task"]["result"]))


def file_of_result(workspace: MockWorkspace) -> str:
    task_id = whole_result(workspace).partition("/results/")[2].partition("/")[0]
    return str(ask_in(workspace, FILE, id=task_id)["task"]["exportFileFromOffset"]["file"])


def file_of_v1(workspace: MockWorkspace) -> str:
    project = workspace.project("large")
    return str(wait_for(lambda: ask_in(workspace, LABELS, id=project)["exportLabels"]["downloadUrl"]))


@contextmanager
def slow_download(url: str, *, compressed: bool) -> Iterator[HTTPResponse]:
    """A response whose body nobody has begun to read."""
    parts = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AT_ONCE)
        connection.settimeout(60)
        connection.connect((parts.hostname, parts.port))
        coding = "gzip" if compressed else "identity"
        head = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: {coding}\r\n\r\n"
        connection.sendall(head.encode())
        response = HTTPResponse(connection)
        response.begin()
        assert response.status == 200
        yield response


def reset(workspace: MockWorkspace) -> None:
    workspace.reset()


def delete(workspace: MockWorkspace) -> None:
    workspace.delete()


@pytest.mark.parametrize("exported", [file_of_result, whole_result, file_of_v1])
@pytest.mark.parametrize("end", [delete, reset])
def test_a_download_that_has_begun_ends_whole(
    world: ServedWorld,
    workspace: MockWorkspace,
    exported: Callable[[MockWorkspace], str],
    end: Callable[[MockWorkspace], None],
) -> None:
    if world.state_kind == "replicas":
        pytest.skip("an object that a store has deleted cannot be read to its end")
    url = exported(workspace)
    compressed = "--gzip-results" in world._arguments
    expected = requests.get(url, timeout=60).content
    with slow_download(url, compressed=compressed) as response:
        end(workspace)
        body = response.read()
    assert (gzip.decompress(body) if compressed else body) == expected
    assert "Traceback" not in world.output


def test_a_file_that_is_cut_while_it_is_sent_ends_the_connection_with_one_line_of_log(
    world: ServedWorld, workspace: MockWorkspace
) -> None:
    if world.state_kind != "folder":
        pytest.skip("no file of this machine holds the result")
    url = whole_result(workspace)
    compressed = "--gzip-results" in world._arguments
    before = len(world.output.splitlines())
    with slow_download(url, compressed=compressed) as response:
        for path in open_files(int(world.ready["pid"])):
            if path.suffix == ".ndjson":
                os.truncate(path, 1000)
        with pytest.raises(IncompleteRead):
            response.read()
    assert len(world.output.splitlines()) <= before + 1
    workspace.delete()
