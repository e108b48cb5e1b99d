"""SDKs arrange how people, clouds and models work on projects, and the next export shows it."""

import pytest

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.clients.test_building import BUILDING
from contract_tests.clients.test_reads import versions
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

OWNER = "owner@mock.example"


@pytest.fixture
def own(server: ServedWorld) -> MockWorkspace:
    return server.workspace()


@pytest.fixture
def client(programs: RunningPrograms, server: ServedWorld, own: MockWorkspace, version: str) -> Client:
    return programs.client(ClientKind(sdk(version), BUILDING[version]), server).with_key(own.api_key)


@pytest.mark.known("client")
@versions("3.40.1", "3.78.2", "5.2.1", NEWEST)
def test_a_label_gets_other_annotations(client: Client, own: MockWorkspace, version: str) -> None:
    read = client.read("edit_label", project_id=own.project("image"))
    assert (read["left"], read["text"]) == (1, "something else")
    rows = client.export_project(own.project("image"), params={"label_details": True}).rows
    labels = {label["id"]: label for row in rows for label in row["projects"][own.project("image")]["labels"]}
    assert labels[read["label"]]["annotations"]["objects"] == []


@pytest.mark.known("client")
@versions("3.40.1", "3.78.2", "5.2.1", NEWEST)
def test_a_new_dataset_uses_the_default_integration(client: Client, version: str) -> None:
    read = client.read("use_cloud", name="in a cloud")
    assert read["known"] == [read["signer"]] == ["pictures"]
    assert read["default"] == ["pictures", "AWS", True, "arn:aws:iam::123456789012:role/reader"]
    assert read.get("removed", True)


@pytest.mark.known("client")
@versions(NEWEST)
def test_integrations_are_managed(client: Client, version: str) -> None:
    assert client.read("manage_clouds") == {
        "providers": ["AWS", "GCP", "Azure"], "valid": [True, True, True], "default": True,
        "names": ["AzureIamIntegrationSettings", "GcpIamIntegrationSettings", "renamed"],
    }  # fmt: skip


@pytest.mark.known("client")
@versions(NEWEST)
def test_data_rows_are_assigned(client: Client, own: MockWorkspace, version: str) -> None:
    rows = own.expected_rows("image", filters={"workflow_status": "ToLabel"})
    row_ids = [row["data_row"]["id"] for row in rows]
    read = client.read("assign_rows", project_id=own.project("image"), row_ids=row_ids)
    assert read == {"assigned": True, "extended": len(row_ids), "cleared": len(row_ids)}


@pytest.mark.known("client")
@versions("3.40.1", "3.78.2", NEWEST)
def test_a_user_is_removed(client: Client, version: str) -> None:
    assert client.read("remove_user") is False


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_a_labeling_service_says_what_is_missing(client: Client, own: MockWorkspace, version: str) -> None:
    read = client.read("hire_labelers", project_id=own.project("image"))
    assert (read["before"], read["status"]) == ("SET_UP", "SET_UP")
    assert "instructions are not completed" in read["refused"]
    assert read["rows"] == len(own.expected_rows("image"))
    assert read["projects"] == len(own.projects)


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_an_app_fills_a_run(client: Client, own: MockWorkspace, version: str) -> None:
    keys = [row["data_row"]["global_key"] for row in own.expected_rows("image")][:3]
    read = client.read("run_app", project_id=own.project("image"), global_keys=keys)
    assert (read["status"], read["name"], read["read"]) == ("COMPLETE", "first run", "detector")
    exported = own.expected_rows(model_run=read["run"], params={"predictions": True})
    assert sorted(row["data_row"]["global_key"] for row in exported) == sorted(keys)


@pytest.mark.known("client")
@versions("3.78.2", "5.2.1", NEWEST)
def test_metrics_are_imported_with_predictions(client: Client, own: MockWorkspace, version: str) -> None:
    run = own.model_run("first training")
    row = own.expected_rows(model_run=run)[0]["data_row"]["id"]
    read = client.read("import_metrics", run_id=run, row_id=row)
    assert read == {"state": "FINISHED", "statuses": ["SUCCESS"] * 3}


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_a_group_is_filled_from_a_list_of_addresses(client: Client, version: str) -> None:
    read = client.read("fill_group", emails=[OWNER])
    assert (read["results"], read["members"]) == (["Added", "Not added"], [OWNER])
    assert read.get("audit", ["MEMBER_ADDED"]) == ["MEMBER_ADDED"]


@pytest.mark.known("client")
@versions(NEWEST)
def test_rows_follow_a_workflow_that_the_sdk_set(client: Client, own: MockWorkspace, version: str) -> None:
    queues = client.read("route_rows", project_id=own.project("image"))
    [row, *_] = own.expected_rows("image", filters={"workflow_status": "ToLabel"})
    for _ in range(3):
        own.event("LABEL_CREATED", "image", data_row=row["data_row"]["id"])
    rows = client.export_project(own.project("image"), params={"project_details": True}).rows
    [details] = [
        item["projects"][own.project("image")]["project_details"]
        for item in rows
        if item["data_row"]["id"] == row["data_row"]["id"]
    ]
    assert details["task_id"] == queues["Second look"]


@pytest.mark.known("client")
@versions(NEWEST)
def test_versions_of_a_label_are_read(client: Client, own: MockWorkspace, version: str) -> None:
    box = {"name": "Car", "bbox": {"top": 1, "left": 2, "height": 3, "width": 4}}
    label = own.event("LABEL_CREATED", "image", annotations=[box, box])["label_id"]
    own.event("LABEL_UPDATED", "image", label=label, annotations=[box])
    own.event("REVIEW_CREATED", "image", label=label, score=1)
    read = client.read("list_versions", project_id=own.project("image"), label_id=label)
    assert read["actions"] == ["SUBMITTED", "SAVED", "APPROVED"]
    assert (read["objects"], read["bare"], read["read"]) == ([2, 1, 1], [None] * 3, True)
    assert read["stages"][0] == "INITIAL_LABELING_QUEUE"


@pytest.mark.known("client")
@versions("6.10.0", NEWEST)
def test_a_created_key_works_until_it_is_revoked(client: Client, version: str) -> None:
    read = client.read("create_key", name="nightly")
    assert read == {"dataset": "nightly", "refused": True, "for": OWNER, "names": ["API key", "nightly"]}


@pytest.mark.known("client")
@versions(NEWEST)
def test_performance_is_reported(client: Client, own: MockWorkspace, version: str) -> None:
    period = {"start": "2024-01-02", "end": "2025-01-01"}
    read = client.read("read_performance", project_id=own.project("image"), **period)
    assert "labels_created" in read["metrics"]
    assert sum(read["labelers"]) == read["created"] == read["workspace"] > 0
    assert read["labelers"] == sorted(read["labelers"], reverse=True)
    assert len(read["labelers"]) == read["total"]
