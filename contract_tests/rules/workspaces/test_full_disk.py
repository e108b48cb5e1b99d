"""Workspaces are created, forked and reset on a full disk: the error names the path, and nothing is changed."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract_tests.machine import fill_disk, small_disk
from contract_tests.serving import ServedWorld
from mockserver.testing.control import Control
from mockserver.testing.errors import ControlRefusedError

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
