"""Exports of slices and model runs, and of the catalog with its model runs, the same by every client that has them."""

from typing import Any

import pytest

from contract_tests.clients.clients import Client, ClientFailure
from contract_tests.clients.test_catalog_export import catalog, whole_catalog
from contract_tests.clients.test_project_export import EVERY_PARAM, UNKNOWN_ID, without_what_differs_by_task
from contract_tests.serving import ServedWorld

Row = dict[str, Any]
__all__ = ["catalog", "whole_catalog"]


@pytest.fixture
def run(server: ServedWorld) -> str:
    return str(server.ready["model_runs"]["first training"])


@pytest.fixture
def pictures(server: ServedWorld) -> str:
    return str(server.ready["slices"]["street pictures"])


def run_of(row: Row) -> Row:
    """The one run of the one model."""
    [model] = row["experiments"].values()
    [run] = model["runs"].values()
    return dict(run)


def objects_of(annotated: Row) -> list[Row]:
    return list(annotated["annotations"]["objects"])


# Model runs


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_a_model_run_exports_its_rows_with_experiments_instead_of_projects(client: Client, run: str) -> None:
    rows = client.export_model_run(run).rows
    assert len(rows) == 9
    assert {tuple(row) for row in rows} == {("data_row", "media_attributes", "experiments")}


@pytest.mark.capability("model_runs")
@pytest.mark.known("client")
def test_labels_of_a_run_are_those_of_the_project(client: Client, run: str, server: ServedWorld) -> None:
    rows = without_what_differs_by_task(client.export_model_run(run).rows)
    labels_in_run = {row["data_row"]["id"]: run_of(row)["labels"] for row in rows}
    project = server.projects["image"]
    exported = without_what_differs_by_task(client.export_project(project).rows)
    labels = {row["data_row"]["id"]: row["projects"][project]["labels"] for row in exported}
    assert labels_in_run == {row: labels[row] for row in labels_in_run}


@pytest.mark.capability("predictions")
@pytest.mark.known("client")
def test_predictions_come_when_they_are_requested(client: Client, run: str) -> None:
    rows = client.export_model_run(run, {"predictions": True}).rows
    runs = [run_of(row) for row in rows]
    if "predictions" in client.lacks:
        assert all("predictions" not in one for one in runs)
    else:
        assert all(len(one["predictions"]) == len(one["labels"]) == 1 for one in runs)
        assert not {one["predictions"][0]["id"] for one in runs} & {one["labels"][0]["id"] for one in runs}


@pytest.mark.thorough
@pytest.mark.known("inferred")
def test_a_prediction_is_unlike_its_label_and_has_confidence(client: Client, run: str) -> None:
    for row in client.export_model_run(run, {"predictions": True}).rows:
        run_row = run_of(row)
        if "predictions" in client.lacks:
            assert "predictions" not in run_row
            continue
        predicted, labelled = objects_of(run_row["predictions"][0]), objects_of(run_row["labels"][0])
        assert all(0.5 <= item["confidence"] <= 0.99 for item in predicted)
        assert all("confidence" not in item for item in labelled)
        assert not {item["feature_id"] for item in predicted} & {item["feature_id"] for item in labelled}
        assert {item["name"] for item in predicted} <= {item["name"] for item in labelled}


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_sections_of_data_rows_come_with_a_model_run_too(client: Client, run: str) -> None:
    wanted = dict.fromkeys(("attachments", "metadata_fields", "data_row_details"), True)
    for row in client.export_model_run(run, wanted | {"model_run_details": True}).rows:
        assert list(row) == ["data_row", "media_attributes", "attachments", "metadata_fields", "experiments"]
        assert "details" in row["data_row"]


@pytest.mark.known("client")
def test_an_unknown_model_run_is_refused_by_name(client: Client) -> None:
    with pytest.raises(ClientFailure) as failure:
        client.export_model_run(UNKNOWN_ID)
    if not client.way.startswith("export"):  # the SDK looks for it first, and says so
        assert UNKNOWN_ID in str(failure.value)


# Slices


@pytest.mark.capability("slices")
@pytest.mark.known("client")
def test_a_slice_exports_what_its_search_finds(catalog: Client, pictures: str, server: ServedWorld) -> None:
    project = server.projects["image"]
    params = EVERY_PARAM | {"project_ids": [project]}
    rows = catalog.export_slice(pictures, params).rows
    dataset = str(server.ready["datasets"]["image rows"])
    of_dataset = catalog.export_catalog(dataset, params=params).rows
    assert len(rows) == 12
    assert without_what_differs_by_task(rows) == without_what_differs_by_task(of_dataset)


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_a_slice_may_have_projects_and_model_runs_together(
    catalog: Client, pictures: str, run: str, server: ServedWorld
) -> None:
    params = {"project_ids": [server.projects["image"]], "model_run_ids": [run], "predictions": True}
    rows = catalog.export_slice(pictures, params).rows
    assert {tuple(row) for row in rows} == {("data_row", "media_attributes", "projects", "experiments")}
    in_run = [run_of(row) for row in rows if row["experiments"]]
    assert len(in_run) == 9
    assert all(("predictions" in run_row) is ("slice_predictions" not in catalog.lacks) for run_row in in_run)


@pytest.mark.known("client")
def test_an_unknown_slice_is_refused_by_name(catalog: Client) -> None:
    with pytest.raises(ClientFailure) as failure:
        catalog.export_slice(UNKNOWN_ID)
    if not catalog.way.startswith("export"):
        assert UNKNOWN_ID in str(failure.value)


# Model runs in exports of the catalog


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_all_model_runs_are_exported_that_have_the_rows(whole_catalog: Client, run: str) -> None:
    rows = whole_catalog.export_catalog(params={"all_model_runs": True}).rows
    in_runs = [row for row in rows if row["experiments"]]
    assert without_what_differs_by_task(in_runs) == without_what_differs_by_task(
        whole_catalog.export_model_run(run).rows
    )
    assert all("projects" not in row for row in rows)


@pytest.mark.thorough
@pytest.mark.known("documented")
def test_a_dataset_has_of_a_run_what_the_run_has(catalog: Client, run: str, server: ServedWorld) -> None:
    params = {"predictions": "catalog_predictions" not in catalog.lacks}
    dataset = str(server.ready["datasets"]["image rows"])
    rows = catalog.export_catalog(dataset, params=params | {"model_run_ids": [run]}).rows
    in_dataset = without_what_differs_by_task([row for row in rows if row["experiments"]])
    assert in_dataset == without_what_differs_by_task(catalog.export_model_run(run, params).rows)
