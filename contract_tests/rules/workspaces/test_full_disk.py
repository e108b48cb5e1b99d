"""Workspaces are created, forked and reset on a full disk: the error names the path, and nothing is changed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tests.machine import fill_disk, small_disk
from contract_tests.serving import ServedWorld
from mockserver.testing.control import Control
from mockserver.testing.errors import ControlRefusedError, MockServerError

SOURCE, FORK, NEW = "source", "fork", "new"
PAGES = 16 * 4096
"""Bytes: less than an empty world needs, so that copying it has begun when the disk is full."""

CHANGES: dict[str, Callable[[Control], object]] = {
    "create": lambda control: control.call("POST", "workspaces", {"api_key": NEW}),
    "fork": lambda control: control.call("POST", "workspaces", {"api_key": NEW, "fork_of": SOURCE}),
    "reset": lambda control: control.call("POST", "reset", api_key=SOURCE),
    "reset a fork": lambda control: control.call("POST", "reset", api_key=FORK),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 32) as folder:
        yield folder


@pytest.fixture
def server(disk: Path) -> Iterator[ServedWorld]:
    """A server that keeps its state on the small disk, with a workspace and a fork of it."""
    with ServedWorld("--state", str(disk / "state"), scenario="empty") as served:
        served.control.call("POST", "workspaces", {"api_key": SOURCE})
        served.control.call("POST", "workspaces", {"api_key": FORK, "fork_of": SOURCE})
        yield served


def list_files(state: Path) -> set[Path]:
    """All paths of a state but SQLite's own files, which come and go."""
    return {path for path in state.rglob("*") if not path.name.endswith(("-wal", "-shm"))}


@pytest.mark.parametrize("left", [0, PAGES])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_a_full_disk_prevents_names_the_path_and_succeeds_when_there_is_space(
    server: ServedWorld, disk: Path, name: str, left: int
) -> None:
    workspaces = disk / "state" / "workspaces"
    before = list_files(workspaces)
    with (
        fill_disk(disk, left=left),
        pytest.raises(ControlRefusedError, match=f"No space left on the disk of {re.escape(str(workspaces))}/"),
    ):
        CHANGES[name](server.control)
    assert list_files(workspaces) == before
    CHANGES[name](server.control)
    for api_key in server.control.call("GET", "workspaces")["api_keys"]:
        assert server.control.call("GET", "ready", api_key=api_key)


@pytest.mark.parametrize("left", [0, 4096, PAGES])
def test_a_start_on_a_full_disk_calls_nothing_damaged(disk: Path, tmp_path: Path, left: int) -> None:
    """SQLite cannot create the index of its log then, and says "disk I/O error"; to move a workspace away would cost
    all that is in it."""
    arguments = ("--state", str(disk / "state"))
    with ServedWorld(*arguments, scenario="empty") as served:
        served.control.call("POST", "workspaces", {"api_key": SOURCE})
    with fill_disk(disk, left=left):
        line = start_and_stop(*arguments)
    assert "damaged" not in line.replace("no file is damaged", "")
    assert " away to " not in line
    if line:
        assert "No space left on the disk of" in line
        assert "start the server again when that is mended" in line
    with ServedWorld(*arguments, scenario="empty") as served:
        assert served.control.call("GET", "ready", api_key=SOURCE)


def start_and_stop(*arguments: str) -> str:
    """The lines about workspaces that a server writes which is started and stopped; those of a refused start."""
    try:
        with ServedWorld(*arguments, scenario="empty") as served:
            pass
    except MockServerError as refused:
        return str(refused)
    return "".join(line for line in served.output.splitlines(keepends=True) if "workspaces" in line)
