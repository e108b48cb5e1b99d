"""The rows that a test may expect are those that clients export: of every scope, with all params that the scope has."""

from typing import Any

import pytest

from contract_tests.clients.clients import CLIENTS, Client, ClientKind, RunningPrograms
from contract_tests.clients.environments import NEWEST
from contract_tests.clients.test_project_export import EVERY_PARAM
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

TABLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if kind.name in {f"sdk-{NEWEST}:export", f"sdk-{NEWEST}:export_v2", "requests:streamable", "curl:rest"}
]
EVERYTHING: dict[str, Any] = EVERY_PARAM | {"predictions": True, "all_projects": True, "all_model_runs": True}
OF_RUNS = dict.fromkeys(("attachments", "metadata_fields", "embeddings", "data_row_details", "predictions"), True)


@pytest.fixture(params=TABLE)
def client(request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld) -> Client:
    kind: ClientKind = request.param
    return programs.client(kind, server)


@pytest.fixture
def own(server: ServedWorld) -> MockWorkspace:
    return server.own


@pytest.mark.known("client")
def test_of_a_dataset(client: Client, own: MockWorkspace) -> None:
    filters = {"last_activity_at": ["2024-12-20", "2025-01-01 00:00:00"]}
    exported = client.export_catalog(own.dataset("image rows"), params=EVERYTHING, filters=filters)
    assert 0 < len(exported.rows) < 12
    assert own.expected_rows(dataset="image rows", params=EVERYTHING, filters=filters) == exported.rows


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "filters",
    [
        {"label_created_at": ["2024-12-10T08:00:00+0530", "2024-12-20T08:00:00-0300"]},
        {"last_activity_at": ["2024-12-20", None], "label_created_at": [None, "2024-12-28"]},
        {"last_activity_at": [None, None], "label_created_at": None},
    ],
    ids=["offsets are taken for UTC", "open ends", "no filter at all"],
)
@pytest.mark.parametrize("client", TABLE[:2], indirect=True)
def test_of_filters_as_the_sdk_rewrites_them(client: Client, own: MockWorkspace, filters: dict[str, Any]) -> None:
    exported = client.export_catalog(own.dataset("video rows"), params=EVERYTHING, filters=filters)
    assert exported.rows
    assert own.expected_rows(dataset="video rows", params=EVERYTHING, filters=filters) == exported.rows


@pytest.mark.known("client")
def test_of_the_whole_catalog(client: Client, own: MockWorkspace) -> None:
    wanted: dict[str, Any] = EVERY_PARAM | {
        "project_ids": [own.project("image"), own.project("video")],
        "model_run_ids": [own.model_run("first training")],
    }
    filters = {"label_created_at": ["2024-12-01", "2024-12-30"]}
    exported = client.export_catalog(params=wanted, filters=filters)
    assert own.expected_rows(catalog=True, params=wanted, filters=filters) == exported.rows


@pytest.mark.known("client")
def test_of_a_slice(client: Client, own: MockWorkspace) -> None:
    exported = client.export_slice(own.slice("street pictures"), EVERYTHING)
    assert len(exported.rows) == 12
    assert own.expected_rows(slice="street pictures", params=EVERYTHING) == exported.rows


@pytest.mark.known("client")
def test_of_a_model_run(client: Client, own: MockWorkspace) -> None:
    exported = client.export_model_run(own.model_run("first training"), OF_RUNS)
    assert len(exported.rows) == 9
    assert own.expected_rows(model_run="first training", params=OF_RUNS) == exported.rows
    by_id = own.expected_rows(
        model_run=own.model_run("first training"),
        params=OF_RUNS | {"model_run_details": True},
        task_id=exported.task_id,
    )
    assert by_id == exported.rows


@pytest.mark.known("client")
def test_of_chosen_data_rows_by_id_and_by_key(client: Client, own: MockWorkspace) -> None:
    chosen = [row["data_row"] for row in own.expected_rows(dataset="image rows")[2:9:3]]
    wanted = {name: value for name, value in EVERYTHING.items() if name != "predictions"}
    exported = client.export_catalog(data_row_ids=[row["id"] for row in chosen], params=wanted)
    assert len(exported.rows) == 3
    options: dict[str, Any] = {"params": wanted, "task_id": exported.task_id}
    assert own.expected_rows(data_rows=[row["id"] for row in chosen], **options) == exported.rows
    assert own.expected_rows(global_keys=[row["global_key"] for row in chosen], **options) == exported.rows
