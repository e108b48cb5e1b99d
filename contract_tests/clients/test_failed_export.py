"""Exports that fail, wholly or in part, as every client sees them."""

import json

import pytest

from contract_tests.clients.clients import Client, ClientFailure, ClientKind
from mockserver.testing import MockWorkspace

SAID = {
    "export_v2_url": "Invalid URL 'None'",  # 3.37 opens the result without looking at the status
    "3.40.1": "The disk is full",
    "3.52.0": "The disk is full",
    "3.56.0": "The disk is full",
    "sdk": "Task failed",
    "plain": "is FAILED",
}
"""What clients say of a failed export: by way, else by version, else by kind."""


@pytest.mark.known("client")
def test_an_export_that_failed_is_an_error_in_every_client(
    client: Client, kind: ClientKind, workspace: MockWorkspace
) -> None:
    workspace.fail_exports("The disk is full")
    own = client.with_key(workspace.api_key)
    if kind.name == "sdk-3.56.0:export_stream":  # it leaves it to its user to look at the status
        exported = own.export_project(workspace.project("text"))
        assert (exported.task["status"], exported.rows) == ("FAILED", [])
        assert exported.errors == [{"message": "The disk is full"}]
    else:
        family, _, version = kind.program.name.partition("-")
        said = SAID.get(kind.way) or SAID.get(version) or SAID["sdk" if family == "sdk" else "plain"]
        with pytest.raises(ClientFailure, match=said):
            own.export_project(workspace.project("text"))
    assert len(own.export_project(workspace.project("text")).rows) == 10


@pytest.mark.known("inferred")
def test_rows_that_failed_are_in_the_stream_of_errors(client: Client, workspace: MockWorkspace) -> None:
    first = workspace.expected_rows("text")[0]["data_row"]
    workspace.fail_exports("Unreadable", data_rows=[first["id"]])
    exported = client.with_key(workspace.api_key).export_project(workspace.project("text"))
    assert len(exported.rows) == 9
    wanted = {"data_row": {"id": first["id"], "global_key": first["global_key"]}, "message": "Unreadable"}
    if client.way == "export_v2_url":  # 3.37 has no word for errors
        assert exported.errors is None
    else:
        [error] = exported.errors or []
        assert (json.loads(error) if isinstance(error, str) else error) == wanted  # 3.67 does not read what it lists
