"""Exports of a dataset, of chosen data rows and of the whole catalog, the same by every client that has them."""

from typing import Any

import pytest

from contract_tests.clients.clients import CLIENTS, Client, ClientFailure, ClientKind, RunningPrograms
from contract_tests.clients.test_project_export import (
    EVERY_PARAM,
    UNKNOWN_ID,
    ids_of,
    row_count,
    without_what_differs_by_task,
)
from contract_tests.serving import ServedWorld

Row = dict[str, Any]
TABLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if "datasets" not in kind.lacks
]


WHOLE = [
    pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name))
    for kind in CLIENTS
    if "whole_catalog" not in kind.lacks
]


@pytest.fixture(params=WHOLE)
def whole_catalog(request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld) -> Client:
    """Clients that can request all of it, as they can since SDK 3.64."""
    kind: ClientKind = request.param
    return programs.client(kind, server)


@pytest.fixture(params=TABLE)
def catalog(request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld) -> Client:
    kind: ClientKind = request.param
    return programs.client(kind, server)


def dataset(server: ServedWorld, name: str) -> str:
    return str(server.ready["datasets"][name])


def test_every_client_but_the_oldest_is_asked() -> None:
    """Exports of datasets exist since SDK 3.42, their `export` since 3.67."""
    without = {kind.name for kind in CLIENTS if "datasets" in kind.lacks}
    assert without == {"sdk-3.37.0:export_v2_url", "sdk-3.40.1:export_v2", "sdk-3.56.0:export_stream"}


@pytest.mark.capability("datasets")
@pytest.mark.known("client")
def test_a_dataset_exports_its_rows_without_projects(catalog: Client, server: ServedWorld) -> None:
    rows = catalog.export_catalog(dataset(server, "text rows")).rows
    assert len(rows) == 10
    assert {tuple(row) for row in rows} == {("data_row", "media_attributes")}


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_labels_come_with_the_requested_projects(catalog: Client, server: ServedWorld) -> None:
    params = EVERY_PARAM | {"project_ids": [server.projects["text"]]}
    rows = catalog.export_catalog(dataset(server, "text rows"), params=params).rows
    of_the_project = catalog.export_project(server.projects["text"], EVERY_PARAM).rows
    assert without_what_differs_by_task(rows) == without_what_differs_by_task(of_the_project)


@pytest.mark.capability("all_projects")
@pytest.mark.known("documented")
def test_all_projects_are_exported_that_have_the_rows(whole_catalog: Client, server: ServedWorld) -> None:
    rows = whole_catalog.export_catalog(params={"all_projects": True}).rows
    projects = {tuple(row["projects"]) for row in rows}
    assert projects == {(project_id,) for project_id in server.projects.values()}
    counts = [row_count(server, project) for project in server.projects]
    assert len(ids_of(rows)) == len(set(ids_of(rows))) == sum(counts)


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_a_project_without_the_rows_is_not_exported(catalog: Client, server: ServedWorld) -> None:
    params = {"project_ids": [server.projects["text"]]}
    rows = catalog.export_catalog(dataset(server, "image rows"), params=params).rows
    assert [row["projects"] for row in rows] == [{}] * 12


@pytest.mark.capability("datasets")
@pytest.mark.known("client")
def test_chosen_data_rows_are_exported(catalog: Client, server: ServedWorld) -> None:
    rows = catalog.export_catalog(dataset(server, "image rows")).rows
    wanted = ids_of(rows + catalog.export_catalog(dataset(server, "text rows")).rows)[3:14:5]
    assert sorted(ids_of(catalog.export_catalog(data_row_ids=wanted).rows)) == sorted(wanted)


@pytest.mark.capability("whole_catalog")
@pytest.mark.known("client")
def test_filters_narrow_the_catalog(whole_catalog: Client) -> None:
    rows = whole_catalog.export_catalog(filters={"label_created_at": ["2024-12-04", "2024-12-05"]}).rows
    assert 0 < len(rows) < 22
    assert whole_catalog.export_catalog(filters={"last_activity_at": ["2051-01-01", "2052-01-01"]}).rows == []


@pytest.mark.known("inferred")
def test_an_unknown_dataset_is_an_error_or_empty(catalog: Client) -> None:
    """The SDK looks for it first and says so; others export what is in it: nothing."""
    if catalog.way.startswith("export"):
        with pytest.raises(ClientFailure, match="ResourceNotFoundError"):
            catalog.export_catalog(UNKNOWN_ID)
    else:
        assert catalog.export_catalog(UNKNOWN_ID).rows == []
