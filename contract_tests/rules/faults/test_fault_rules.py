"""The rules of faults: which requests each one of them applies to, how often, and what refuses it."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.rules.faults.calling import (
    CREATE,
    WAIT,
    call,
    count_datasets,
    has_datasets,
    post,
)
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.faults.kind import Stage
from mockserver.faults.kinds import KINDS
from mockserver.testing import MockWorkspace
from mockserver.testing.errors import ControlRefusedError

# When


def statuses(workspace: MockWorkspace, calls: int) -> list[int | None]:
    return [call(workspace).status for _ in range(calls)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, [503, 200, 200, 200]),
        ({"first": 3}, [200, 200, 503, 200]),
        ({"first": 2, "times": 2}, [200, 503, 503, 200]),
        ({"times": 3}, [503, 503, 503, 200]),
        ({"times": "every"}, [503, 503, 503, 503]),
        ({"operation": "GetUserPyApi"}, [503, 200, 200, 200]),
        ({"operation": "user"}, [503, 200, 200, 200]),
        ({"operation": "project"}, [200, 200, 200, 200]),
        ({"path": "/graph*"}, [503, 200, 200, 200]),
        ({"path": "/_gql"}, [200, 200, 200, 200]),
        ({"method": "GET"}, [200, 200, 200, 200]),
    ],
)
def test_a_rule_says_which_calls_are_hit(workspace: MockWorkspace, rule: dict[str, Any], expected: list[int]) -> None:
    workspace.fault("server_error", status=503, **rule)
    assert statuses(workspace, 4) == expected


def test_a_share_of_the_calls_is_the_same_for_the_same_seed(server: ServedWorld) -> None:
    def draw(seed: int) -> list[int | None]:
        workspace = server.workspace(scenario="empty")
        workspace.fault("server_error", status=503, share=0.3, times="every", seed=seed)
        drawn = statuses(workspace, 40)
        workspace.delete()
        return drawn

    first = draw(1)
    assert first == draw(1) != draw(2)
    assert 2 < first.count(503) < 25


@pytest.mark.parametrize("end", [{"lasts": 60}, {"until": "2025-06-01T12:01:00Z"}])
def test_a_fault_ends_by_the_clock_of_the_workspace(workspace: MockWorkspace, end: dict[str, Any]) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-06-01T12:00:00Z")
    workspace.fault("server_error", times="every", **end)
    assert statuses(workspace, 2) == [500, 500]
    workspace.clock.advance(59)
    assert statuses(workspace, 1) == [500]
    workspace.clock.advance(1)
    assert statuses(workspace, 1) == [200]
    assert workspace.faults[0]["ended"]


@pytest.mark.parametrize("fault", sorted(name for name, kind in KINDS.items() if kind.stage is Stage.ANSWER))
def test_before_or_after_the_request_was_carried_out(workspace: MockWorkspace, fault: str) -> None:
    """A request that times out or is reset may have been done: a client that repeats it does it twice."""
    options: dict[str, Any] = {"code": "FORBIDDEN"} if fault == "graphql_error" else {}
    options |= {"seconds": 0} if fault == "slow" else {}
    body = json.dumps({"query": CREATE})
    for when, difference in (("before", 1 if fault == "slow" else 0), ("after", 1)):
        before = count_datasets(workspace)
        with workspace.fault(fault, when=when, times=1, operation="createDataset", **options) as requested:
            if fault == "hangs":
                with pytest.raises(requests.ReadTimeout):
                    post(workspace, body, timeout=1)
            else:
                call(workspace, body=body)
            wait_for(lambda: requested.hits == 1)
        wait_for(partial(has_datasets, workspace, before + difference))


def test_a_fault_of_one_workspace_is_none_of_another(server: ServedWorld, workspace: MockWorkspace) -> None:
    other = server.workspace(scenario="empty")
    workspace.fault("server_error", times="every")
    assert (call(workspace).status, call(other).status) == (500, 200)
    other.delete()


def test_the_control_api_is_never_hit(workspace: MockWorkspace) -> None:
    fault = workspace.fault("connection_reset", times="every", path="*")
    assert call(workspace, "/_mock/clock", None).status == 200
    assert (fault.calls, fault.hits) == (0, 0)
    workspace.clear_faults()
    assert (workspace.faults, call(workspace).status) == ([], 200)


def test_an_upload_is_hit_by_its_operation(workspace: MockWorkspace) -> None:
    workspace.fault("server_error", operation="uploadFile")
    query = "mutation ($file: Upload!, $length: Int!) { uploadFile(file: $file, contentLength: $length) { url } }"
    operations = json.dumps({"query": query, "variables": {"file": None, "length": 3}})
    fields: dict[str, Any] = {
        "operations": (None, operations),
        "map": (None, '{"1": ["variables.file"]}'),
        "1": ("a.txt", b"abc"),
    }
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    sent = [
        requests.post(workspace.graphql_url, files=fields, headers=headers, timeout=WAIT).status_code for _ in range(2)
    ]
    assert sent == [500, 200]


def test_a_hit_is_in_the_journal_with_its_operation(workspace: MockWorkspace) -> None:
    fault = workspace.fault("server_error", operation="user")
    call(workspace)
    entry = workspace.requests[-1]
    assert entry["fault"] == {"id": fault.id, "fault": "server_error"}
    assert (entry["operation"], entry["status"], entry["error_codes"]) == (
        "GetUserPyApi",
        500,
        ["INTERNAL_SERVER_ERROR"],
    )


# Rules that make no sense


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"fault": "sever_error"}, '"server_error"'),
        ({"fault": "server_error", "bytes": 3}, "it takes"),
        ({"fault": "truncated", "when": "after"}, '"when"'),
        ({"fault": "export_hangs", "operation": "user"}, '"operation"'),
        ({"fault": "graphql_error"}, 'needs "code"'),
        ({"fault": "server_error", "times": 0}, "$.times"),
        ({"fault": "server_error", "first": 0}, "$.first"),
        ({"fault": "server_error", "share": 0}, "$.share"),
        ({"fault": "server_error", "status": 99}, "$.status"),
        ({"fault": "server_error", "until": "soon"}, "2025-01-01T12:00:00Z"),
        ({"fault": "server_error", "until": "2025-01-01", "lasts": 3}, "both"),
        ({"fault": "slow", "seconds": 1e9}, "$.seconds"),
        ({"fault": "server_error", "on": "user"}, "unknown field `on`"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_would_be_right(
    workspace: MockWorkspace, rule: dict[str, Any], said: str
) -> None:
    with pytest.raises(ControlRefusedError) as refused:
        workspace.fault(**rule)
    assert said in str(refused.value)
    assert workspace.faults == []


def test_the_faults_of_a_workspace_are_bounded(workspace: MockWorkspace) -> None:
    for _ in range(200):
        workspace.fault("key_revoked", first=1_000_000)
    with pytest.raises(ControlRefusedError, match="200 faults are requested already"):
        workspace.fault("key_revoked")


# In a scenario

FAULTY = """
description = "Everything fails once."
like = "empty"

[[faults]]
fault = "server_error"
operation = "user"
status = 504
"""


def test_a_scenario_has_faults_that_are_there_again_after_a_reset(server: ServedWorld, tmp_path: Path) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(FAULTY)
    workspace = server.workspace(scenario=str(file))
    assert statuses(workspace, 2) == [504, 200]
    workspace.reset()
    assert statuses(workspace, 2) == [504, 200]
    fork = workspace.fork()
    assert statuses(fork, 2) == [504, 200]
    workspace.delete()
    fork.delete()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('fault = "sever_error"', '"server_error"'),
        ('fault = "truncated"\nstatus = 500', "truncated was sent with"),
        ('fault = "slow"\nsecond = 3', "seconds"),
        ("times = 3", "fault"),
    ],
)
def test_a_wrong_fault_of_a_scenario_is_refused(server: ServedWorld, tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "faulty.toml"
    file.write_text(f'description = "x"\nlike = "empty"\n[[faults]]\n{line}\n')
    with pytest.raises(ControlRefusedError) as refused:
        server.workspace(scenario=str(file))
    assert "$.faults[0]" in str(refused.value)
    assert said in str(refused.value)
