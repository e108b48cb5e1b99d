"""SDKs of several years build what they export: the set-up programs of users run as they are, and the next export has
exactly what was put in."""

from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.clients.clients import CLIENTS, Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.clients.test_reads import WAYS, versions
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

BUILDING = WAYS | {"5.2.1": "export"}
BUILDERS = {
    kind.program.name: kind
    for kind in CLIENTS
    if kind.program.name.startswith("sdk-") and "filters" not in kind.lacks  # 3.37 has no task queues
}
"""An SDK of each version, with one of its ways to export."""
EACH = pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, id=name, marks=pytest.mark.xdist_group(name)) for name, kind in BUILDERS.items()],
)
EVERY = versions("3.40.1", "3.52.0", "3.78.2", "5.2.1", "6.0.0", "6.10.0", NEWEST)
PARAMS = {
    "metadata_fields": True, "attachments": True, "data_row_details": True, "project_details": True,
    "label_details": True,
}  # fmt: skip


@pytest.fixture
def own(server: ServedWorld) -> MockWorkspace:
    return server.workspace()


@pytest.fixture
def client(
    programs: RunningPrograms, server: ServedWorld, own: MockWorkspace, request: pytest.FixtureRequest
) -> Client:
    """The client that a test has among its parameters, by its kind or by its version."""
    parameters = request.node.callspec.params
    kind = parameters.get("kind") or ClientKind(sdk(parameters["version"]), BUILDING[parameters["version"]])
    return programs.client(kind, server).with_key(own.api_key)


def export_by_key(client: Client, project_id: str) -> dict[str, Any]:
    rows = client.export_project(project_id, params=PARAMS).rows
    return {row["data_row"]["global_key"]: row for row in rows}


def list_fields(row: dict[str, Any]) -> dict[str, Any]:
    return {field["schema_name"]: field["value"] for field in row["metadata_fields"]}


@pytest.mark.known("client")
@pytest.mark.capability("rows")
@EACH
def test_what_was_put_in_is_exported_and_what_was_changed_is_exported_again(
    client: Client, own: MockWorkspace, kind: ClientKind
) -> None:
    built = client.read("build_project", name="new")
    assert (built["status"], built["errors"], built["created"]) == ("COMPLETE", None, 4)
    assert (built["size"], built["failed"]) == (4, [])
    rows = export_by_key(client, built["project"])
    assert [rows[f"new-{number}"]["data_row"]["id"] for number in (1, 2, 3, 4)] == built["rows"]
    picture, clip, text, talk = (rows[f"new-{number}"] for number in (1, 2, 3, 4))
    assert picture["data_row"]["row_data"] == "https://example.com/street-640x480.jpg"
    assert (picture["data_row"]["external_id"], picture["media_attributes"]["width"]) == ("street.jpg", 640)
    assert picture["attachments"] == [{"type": "IMAGE", "value": "https://example.com/overlay.png"}]
    assert list_fields(picture)["new city"] == "Tōkyō"
    assert [option["schema_name"] for option in list_fields(picture)["new season"]] == ["winter"]
    assert clip["media_attributes"]["mime_type"] == "video/mp4"
    assert text["data_row"]["row_data"] == "A text that stays as it is"
    content = requests.get(talk["data_row"]["row_data"], timeout=30).json()
    assert [message["content"] for message in content["messages"]] == ["hello"]
    for row in rows.values():
        details = row["projects"][built["project"]]["project_details"]
        assert (details["batch_name"], details["priority"]) == ("new batch", 2)
        assert (details["workflow_status"], row["projects"][built["project"]]["labels"]) == ("TO_LABEL", [])

    changed = client.read("change_project", project_id=built["project"], rows=built["rows"], schemas=built["schemas"])
    assert changed == {"refused": 0, "attachment": "a note"}
    again = export_by_key(client, built["project"])
    assert set(again) == {"new-1", "new-2", "new-4"}
    assert again["new-1"]["data_row"]["external_id"] == "renamed.jpg"
    assert list_fields(again["new-1"]) == {"new city": "Kyōto"}
    assert [attachment["value"] for attachment in again["new-1"]["attachments"]][1:] == ["a note"]
    details = again["new-2"]["projects"][built["project"]]["project_details"]
    assert (details["workflow_status"], details["task_name"]) == ("IN_REVIEW", "Initial review task")


@pytest.mark.known("client")
@versions("3.40.1", "3.52.0", "3.78.2")
def test_export_v1_has_the_same_rows(client: Client, version: str) -> None:
    built = client.read("build_project", name="old")
    read = client.read("export_legacy", project_id=built["project"], dataset_id=built["dataset"])
    assert {row["id"] for row in read["queued"]} == set(built["rows"])
    for rows in (read["batch"], read["dataset"]):
        by_key = {row["global_key"]: row for row in rows}
        assert [by_key[f"old-{number}"]["id"] for number in (1, 2, 3, 4)] == built["rows"]
        picture, text = by_key["old-1"], by_key["old-3"]
        assert picture["row_data"] == "https://example.com/street-640x480.jpg"
        assert (picture["external_id"], picture["media_attributes"]["height"]) == ("street.jpg", 480)
        assert {field["name"]: field["value"] for field in picture["fields"]}["old city"] == "Tōkyō"
        assert text["row_data"] == "A text that stays as it is"


@pytest.mark.known("client")
@EVERY
def test_a_global_key_is_given_once(client: Client, version: str) -> None:
    read = client.read("repeat_keys", name="keys")
    assert read == {
        "messages": ["Duplicate global key: 'keys-key'"], "keys": ["keys-key"], "created": [1, 0],
        "statuses": ["COMPLETE", "COMPLETE"], "rows": 1,
    }  # fmt: skip


@pytest.mark.known("client")
@versions("3.40.1", "3.78.2", NEWEST)
def test_global_keys_are_cleared_and_assigned(client: Client, own: MockWorkspace, version: str) -> None:
    read = client.read("change_keys", dataset_id=own.dataset("image rows"))
    assert read["statuses"] == ["SUCCESS", "SUCCESS"]
    exported = client.export_project(own.project("image"), params={}).rows
    assert {row["data_row"]["id"]: row["data_row"]["global_key"] for row in exported}.items() <= read["keys"].items()


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_rows_are_upserted_by_key_and_id(client: Client, version: str) -> None:
    assert client.read("upsert_rows", name="upserted") == {
        "key": "upserted-key", "external_id": "new", "row_data": "https://example.com/a.jpg", "attachments": ["x"],
        "errors": None,
    }  # fmt: skip


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_batches_are_made_emptied_and_deleted(client: Client, version: str) -> None:
    read = client.read("make_batches", name="batches")
    assert read == {"sizes": {"first": 2, "rest0000": 4}, "after": {"rest0000": 0}}


@pytest.mark.known("client")
@pytest.mark.capability("runs")
@EACH
def test_a_model_run_has_the_labels_of_a_project(client: Client, own: MockWorkspace, kind: ClientKind) -> None:
    read = client.read("make_run", project_id=own.project("image"), name="mine")
    assert read["rows"] - 1 == read["left"] > 1
    assert read["rows"] <= read["labels"]
    assert read["splits"] == ["TRAINING", *["UNASSIGNED"] * (read["left"] - 1)]
    assert read["config"] == {"epochs": 4}


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", "6.0.0", "6.10.0", NEWEST)
def test_rows_are_sent_to_another_project_with_labels_and_predictions(
    client: Client, own: MockWorkspace, version: str
) -> None:
    ready = requests.get(f"{own.url}/_mock/ready", params={"api_key": own.api_key}, timeout=60).json()
    [run] = ready["model_runs"].values()
    read = client.read("send_rows", project_id=own.project("image"), run_id=run)
    assert read["statuses"] == ["COMPLETE", "COMPLETE"]
    assert (read["rows"], read["labels"]) == (3, 2), "one of the labels is a skip, which is not sent"
    assert read["batches"] == [2]


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_an_embedding_is_filled_from_a_file(client: Client, own: MockWorkspace, version: str, tmp_path: Path) -> None:
    """Over REST up to 7.11, by GraphQL since."""
    row = own.expected_rows("image")[0]["data_row"]["id"]
    read = client.read("make_embedding", name="mine", row_id=row, path=str(tmp_path / "vectors.ndjson"))
    assert read == {"count": 1, "left": False}
