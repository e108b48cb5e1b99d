"""MockServer: a child process that starts once, stops twice, and says what went wrong."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from contract_tests.serving import ServedWorld
from mockserver.processes import process_exists
from mockserver.testing import ControlRefusedError, MockServer, MockServerError, MockWorkspace, ServerDiedError


def test_it_serves_inside_its_with_block_and_is_gone_after() -> None:
    with MockServer(scenario="empty") as server:
        url = server.url
        assert server.own.projects == {}
    with pytest.raises(ServerDiedError, match="does not answer"):
        MockServer.from_url(url)


def test_start_and_stop_may_be_called_twice() -> None:
    server = MockServer(scenario="empty")
    server.start()
    server.start()
    server.stop()
    server.stop()


def test_asking_too_early_says_what_to_call_first() -> None:
    with pytest.raises(MockServerError, match="call start"):
        MockServer().url  # noqa: B018  the property raises


def test_a_wrong_scenario_shows_what_the_server_wrote() -> None:
    with pytest.raises(ServerDiedError, match="--scenario is 'nope'"):
        MockServer(scenario="nope").start()


def test_a_refusal_carries_the_servers_words_status_and_code(server: ServedWorld) -> None:
    with pytest.raises(ControlRefusedError, match="no workspace") as refusal:
        MockServer.from_url(server.url).control.call("POST", "workspaces", {"fork_of": "nobody"})
    assert (refusal.value.status, refusal.value.code) == (404, "RESOURCE_NOT_FOUND")


def test_expected_rows_follow_params_and_filters(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).workspace()
    rows = workspace.expected_rows("image", params={"project_details": True}, filters={"workflow_status": "InReview"})
    details = [row["projects"][workspace.project("image")]["project_details"] for row in rows]
    assert details
    assert {detail["workflow_status"] for detail in details} == {"IN_REVIEW"}
    workspace.delete()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"params": {"label_detail": True}}, "label_details"),
        ({"filters": {"workflow_states": "Done"}}, "workflow_status"),
        ({"filters": {"last_activity_at": "2024-01-01"}}, r"\[from, to\]"),
        ({"task_id": "none"}, "Task 'none' does not exist"),
    ],
)
def test_a_misspelt_expectation_is_refused(server: ServedWorld, options: dict[str, object], message: str) -> None:
    with pytest.raises(ControlRefusedError, match=message):
        MockWorkspace(MockServer.from_url(server.url).control, server.ready).expected_rows("image", **options)  # type: ignore[arg-type]  # wrong on purpose


def test_a_wrong_flag_is_reported_with_what_the_server_wrote() -> None:
    with pytest.raises(ServerDiedError, match=r"ended with status (.|\n)*It wrote:(.|\n)*--no-such-option"):
        MockServer("--no-such-option").start()


def test_a_server_of_others_gives_its_own_key_and_projects(server: ServedWorld) -> None:
    attached = MockServer.from_url(server.url)
    assert attached.api_key == server.api_key
    assert attached.own.project("image") == server.projects["image"]


def test_a_scenario_file_may_be_named_relative_to_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ServedWorld
) -> None:
    (tmp_path / "mine.toml").write_text('description = "Mine."\norganization = "Mine"\n')
    monkeypatch.chdir(tmp_path)
    with MockServer(scenario="mine.toml") as started:
        assert started.own.projects == {}
    workspace = MockServer.from_url(server.url).workspace(scenario="./mine.toml")
    assert workspace.projects == {}
    workspace.delete()


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (signal.SIGKILL, r"It has ended by SIGKILL\. It wrote:\n\(nothing\)"),
        (signal.SIGSEGV, r"It has ended by SIGSEGV\. It wrote:\nFatal Python error: Segmentation fault"),
    ],
)
def test_a_sudden_end_is_reported_with_the_signal_and_the_last_words(sent: signal.Signals, words: str) -> None:
    server = MockServer(scenario="empty")
    server.start()
    pid = int(server.ready["pid"])
    os.kill(pid, sent)
    while process_exists(pid):
        time.sleep(0.01)
    with pytest.raises(ServerDiedError, match=words):
        server.workspace()
    server.stop()


def test_a_workspace_begins_with_its_switches_and_a_reset_keeps_them(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).workspace(switches={"masks": "plain", "frames": "direct"})
    begun = workspace.switches.get()
    assert (begun["masks"], begun["frames"]) == ("plain", "direct")
    workspace.switches.set(masks="both")
    workspace.reset()
    assert workspace.switches.get() == begun
    workspace.delete()


@pytest.mark.parametrize("options", [{"switches": {"mask": "plain"}}, {"switches": {"masks": "round"}}])
def test_a_wrong_switch_creates_no_workspace(server: ServedWorld, options: dict[str, Any]) -> None:
    connected = MockServer.from_url(server.url)
    before = connected.control.call("GET", "workspaces")
    with pytest.raises(ControlRefusedError, match="mask"):
        connected.workspace(**options)
    assert connected.control.call("GET", "workspaces") == before


def make_ids(workspace: MockWorkspace) -> dict[str, object]:
    """The ids of an issue that is made while the clock does not move."""
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T00:00:00Z")
    return {name: value for name, value in workspace.event("ISSUE_CREATED", "image").items() if name.endswith("_id")}


def test_an_incarnation_repeats_the_ids_that_are_made_at_run_time(server: ServedWorld) -> None:
    connected = MockServer.from_url(server.url)
    first, second = (connected.workspace(incarnation="pinned") for _ in range(2))
    ids = make_ids(first)
    assert make_ids(second) == ids
    assert make_ids(connected.workspace()) != ids
    first.reset(incarnation="pinned")
    assert make_ids(first) == ids
    first.reset()
    assert make_ids(first) != ids
    for workspace in (first, second):
        workspace.delete()


def test_a_fork_takes_a_payload_date_switches_and_an_incarnation(server: ServedWorld) -> None:
    origin = MockServer.from_url(server.url).workspace(switches={"masks": "plain"})
    forks = [
        origin.fork(payload_date="2023-03-15", switches={"frames": "direct"}, incarnation="pinned") for _ in range(2)
    ]
    assert make_ids(forks[0]) == make_ids(forks[1])
    switches = forks[0].switches.get()
    assert (switches["masks"], switches["frames"]) == ("plain", "direct")
    run = next(iter(origin.model_runs))
    assert "experiments" in origin.expected_rows(model_run=run)[0]
    assert "models" in forks[0].expected_rows(model_run=run)[0]
    for workspace in (origin, *forks):
        workspace.delete()
