"""MockServer: a child process that starts once, stops twice, and says what went wrong."""

import os
import signal
import time
from pathlib import Path

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


def test_a_wrong_flag_is_told_with_what_the_server_wrote() -> None:
    with pytest.raises(ServerDiedError, match=r"ended with status (.|\n)*It wrote:(.|\n)*--no-such-option"):
        MockServer("--no-such-option").start()


def test_a_server_of_others_tells_its_own_key_and_projects(server: ServedWorld) -> None:
    attached = MockServer.from_url(server.url)
    assert attached.api_key == server.api_key
    assert attached.own.project("image") == server.projects["image"]


def test_a_scenario_file_may_be_named_from_where_the_test_stands(
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
def test_a_server_that_ended_suddenly_is_told_with_the_signal_and_its_last_words(
    sent: signal.Signals, words: str
) -> None:
    server = MockServer(scenario="empty")
    server.start()
    pid = int(server.ready["pid"])
    os.kill(pid, sent)
    while process_exists(pid):
        time.sleep(0.01)
    with pytest.raises(ServerDiedError, match=words):
        server.workspace()
    server.stop()
