"""The state folder is moved away under a running server: nothing is created in its place, and it may come back."""

from collections.abc import Callable, Iterator

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import upload
from contract_tests.serving import ServedWorld
from mockserver.testing.errors import ControlRefusedError

SOURCE, FORK, NEW = "source", "fork", "new"
EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
LABELS = "mutation($id: ID!) {exportLabels(data: {projectId: $id}) {downloadUrl}}"


def control(method: str, path: str, body: object = None, **query: str) -> Callable[[ServedWorld], object]:
    return lambda server: server.control.call(method, path, body, **query)


def ask(document: str) -> Callable[[ServedWorld], object]:
    return lambda server: ask_in(server.own, document, id=server.projects["image"])


CHANGES: dict[str, Callable[[ServedWorld], object]] = {
    "create": control("POST", "workspaces", {"api_key": NEW}),
    "fork": control("POST", "workspaces", {"api_key": NEW, "fork_of": SOURCE}),
    "reset": control("POST", "reset", api_key=SOURCE),
    "reset a fork": control("POST", "reset", api_key=FORK),
    "export": ask(EXPORT),
    "export labels": ask(LABELS),
    "upload": lambda server: upload(server.own, b"content"),
    "delete": control("DELETE", f"workspaces/{FORK}"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    """A server with a workspace and a fork of it."""
    with ServedWorld("--state", str(tmp_path_factory.mktemp("vanishing") / "state")) as served:
        served.control.call("POST", "workspaces", {"api_key": SOURCE})
        served.control.call("POST", "workspaces", {"api_key": FORK, "fork_of": SOURCE})
        yield served


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_created_in_the_place_of_a_state_that_was_moved_away(server: ServedWorld, name: str) -> None:
    state = server.state_folder
    elsewhere = state.rename(state.with_name("elsewhere"))
    with pytest.raises((ControlRefusedError, AssertionError), match="It was deleted or moved while the server runs"):
        CHANGES[name](server)
    assert not state.exists()
    elsewhere.rename(state)
    CHANGES[name](server)
    if NEW in server.control.call("GET", "workspaces")["api_keys"]:
        server.control.call("DELETE", f"workspaces/{NEW}")
