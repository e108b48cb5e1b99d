"""Exports that fail, wholly or in part, as every client sees them."""

import contextlib
import json

import pytest

from contract_tests.clients.clients import Client, ClientFailure
from mockserver.testing import MockWorkspace


@pytest.mark.known("client")
def test_an_export_that_failed_is_an_error_in_every_client(client: Client, workspace: MockWorkspace) -> None:
    workspace.fail_exports("The disk is full")
    own = client.with_key(workspace.api_key)
    exported = None
    with contextlib.suppress(ClientFailure):
        exported = own.export_project(workspace.project("text"))
    # 3.56 leaves it to its user to look at the status; the others raise.
    assert exported is None or (exported.task["status"], exported.rows) == ("FAILED", [])
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
        [told] = exported.errors or []
        assert (json.loads(told) if isinstance(told, str) else told) == wanted  # 3.67 does not read what it lists
