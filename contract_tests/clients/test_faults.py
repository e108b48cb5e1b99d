"""Faults as the users of two generations of the SDK see them, and the page that says so for more."""

import re
from typing import Any

import pytest

from contract_tests.clients import fault_table
from contract_tests.clients.clients import CLIENTS, Client, ClientFailure, ClientKind, RunningPrograms
from contract_tests.clients.environments import NEWEST
from contract_tests.rules.pages import bare, section, table
from contract_tests.serving import ServedWorld
from mockserver.faults.kinds import KINDS
from mockserver.testing import MockWorkspace

EARLY, LATE = "sdk-3.52.0:export_v2", f"sdk-{NEWEST}:export"
KINDS_OF_CLIENTS = [kind for kind in CLIENTS if kind.name in {EARLY, LATE}]
EXPORT = "exportDataRowsInProject"


@pytest.fixture(
    params=[
        pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name)) for kind in KINDS_OF_CLIENTS
    ]
)
def client(
    request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld, workspace: MockWorkspace
) -> Client:
    kind: ClientKind = request.param
    return programs.client(kind, server).with_key(workspace.api_key)


def test_an_export_survives_two_errors_and_is_sent_three_times(client: Client, workspace: MockWorkspace) -> None:
    workspace.fault("server_error", operation=EXPORT, status=503, times=2)
    assert len(client.export_project(workspace.project("text")).rows) == 10
    workspace.verify_requests({"operation": EXPORT, "times": 3, "key": "own"})
    assert [each["status"] for each in workspace.find_requests(operation=EXPORT)] == [503, 503, 200]


def test_a_call_whose_answer_is_lost_is_carried_out_again(client: Client, workspace: MockWorkspace) -> None:
    """A client cannot know that its first mutation was carried out: the world has two exports."""
    workspace.fault("server_error", operation=EXPORT, status=503, when="after")
    project = workspace.project("text")
    exported = client.export_project(project)
    assert len(exported.rows) == 10
    workspace.fault("server_error", operation=EXPORT, status=503)
    assert client.export_project(project).task_id != exported.task_id
    workspace.verify_requests({"operation": EXPORT, "times": 4})


@pytest.mark.parametrize(
    ("fault", "rule", "exception"),
    [
        ("rate_limited", {"operation": EXPORT}, "ApiLimitError"),
        ("key_revoked", {"operation": EXPORT}, "AuthenticationError"),
        ("graphql_error", {"operation": EXPORT, "code": "AUTHORIZATION_ERROR"}, "AuthorizationError"),
        ("link_expired", {"path": "/_files/*"}, "HTTPError"),
        ("closed_within", {"path": "/_files/*"}, "ChunkedEncodingError"),
        ("redirect_loop", {"path": "/_files/*"}, "TooManyRedirects"),
    ],
)
def test_a_fault_is_an_exception_of_its_own(
    client: Client, workspace: MockWorkspace, fault: str, rule: dict[str, Any], exception: str
) -> None:
    workspace.fault(fault, **rule)
    with pytest.raises(ClientFailure) as failure:
        client.export_project(workspace.project("text"))
    assert failure.value.type.rpartition(".")[2] == exception


def test_the_page_says_of_every_fault_what_users_see() -> None:
    rows = table(section("docs/faults.md", fault_table.HEADING.removeprefix("## ")))
    measured = [(bare(fault), place) for fault, place, *_ in rows]
    assert measured == [(trial.fault, trial.place) for trial in fault_table.list_trials()]
    assert {fault for fault, _ in measured} | set(fault_table.NOT_MEASURED) == set(KINDS)


def test_the_page_agrees_with_what_these_clients_saw() -> None:
    """The exceptions of the tests above, for the two generations of the page that they use."""
    text = section("docs/faults.md", fault_table.HEADING.removeprefix("## "))
    header = next(line for line in text.splitlines() if line.startswith("| fault |"))
    assert re.findall(r"\| ([\d.]+) `", header) == [
        name.partition(":")[0].removeprefix("sdk-") for name in fault_table.GENERATIONS
    ]
    cells = {(bare(fault), place): outcomes for fault, place, *outcomes in table(text)}
    assert cells["link_expired", "file"] == ["`HTTPError`"] * 4
    assert cells["redirect_loop", "file"] == ["`TooManyRedirects`"] * 4
