"""Metrics of data rows in a model run, imported with predictions (SDK data/serialization/ndjson/metric.py)."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.importing import import_lines, list_statuses
from mockserver.testing import MockWorkspace

REMOVE = "mutation($run: ID!, $rows: [ID!]!) {deleteModelRunDataRows(where: {modelRunId: $run, dataRowIds: $rows})}"


@pytest.fixture
def run(workspace: MockWorkspace) -> str:
    return workspace.model_run("first training")


@pytest.fixture
def row(workspace: MockWorkspace, run: str) -> str:
    return str(workspace.expected_rows(model_run=run)[0]["data_row"]["id"])


def metric(row: str, value: object, **more: Any) -> dict[str, Any]:
    return {"uuid": "00000000-0000-4000-8000-000000000001", "dataRow": {"id": row}, "metricValue": value} | more


def count_predictions(workspace: MockWorkspace, run: str, row: str) -> int:
    rows = workspace.expected_rows(model_run=run, params={"predictions": True})
    [own] = [item for item in rows if item["data_row"]["id"] == row]
    return sum(
        len(of_run["predictions"])
        for experiment in own["experiments"].values()
        for of_run in experiment["runs"].values()
    )


@pytest.mark.known("client")
@pytest.mark.parametrize(
    "line",
    [
        {"metricValue": 0.5},
        {"metricValue": 7, "metricName": "speed", "aggregation": "SUM"},
        {"metricValue": {"0.1": 0.2, "0.9": 3}, "metricName": "by confidence"},
        {"metricValue": 0.25, "metricName": "boxes", "featureName": "Car"},
        {"metricValue": [1, 2, 3, 4], "metricName": "matrix", "aggregation": "CONFUSION_MATRIX"},
        {
            "metricValue": {"0.5": [1, 0, 0, 1], "0.75": [0, 0, 0, 2]}, "metricName": "matrices",
            "aggregation": "CONFUSION_MATRIX",
        },
    ],
)  # fmt: skip
def test_metrics_of_every_shape_are_imported(
    workspace: MockWorkspace, run: str, row: str, line: dict[str, Any]
) -> None:
    before = count_predictions(workspace, run, row)
    record = import_lines(workspace, "predictions", run, "metrics", [metric(row, 0) | line])
    assert (record["state"], list_statuses(record)) == ("FINISHED", [("SUCCESS", "")])
    assert count_predictions(workspace, run, row) == before


@pytest.mark.known("client")
def test_metrics_and_predictions_are_in_one_file(workspace: MockWorkspace, run: str, row: str) -> None:
    before = count_predictions(workspace, run, row)
    box = {"dataRow": {"id": row}, "name": "Car", "bbox": {"top": 1, "left": 1, "height": 5, "width": 5}}
    lines = [metric(row, 0.5), box | {"uuid": "00000000-0000-4000-8000-000000000002", "confidence": 0.7}]
    record = import_lines(workspace, "predictions", run, "both", lines)
    assert list_statuses(record) == [("SUCCESS", "")] * 2
    assert count_predictions(workspace, run, row) == before + 1
    again = import_lines(workspace, "predictions", run, "again", [metric(row, 0.75), metric(row, 0.8)])
    assert list_statuses(again) == [("SUCCESS", "")] * 2
    assert ask_in(workspace, REMOVE, run=run, rows=[row]) == {"deleteModelRunDataRows": True}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"metricValue": -1}, "metricValue"),
        ({"metricValue": "much"}, "metricValue"),
        ({"metricValue": [1, 2, 3]}, "metricValue"),
        ({"metricValue": [1, 2, 3, 4]}, "four counts need the aggregation CONFUSION_MATRIX"),
        ({"metricValue": 4, "aggregation": "CONFUSION_MATRIX", "metricName": "m"}, "expected four counts"),
        ({"metricValue": [1, 2, 3, 4], "aggregation": "CONFUSION_MATRIX"}, "a confusion matrix needs one"),
        ({"metricValue": 1, "aggregation": "MEAN"}, "aggregation is 'MEAN'; expected one of"),
        ({"metricValue": 1, "metricName": "Recall "}, "this one is reserved"),
        ({"metricValue": {"0.5": 1}}, "2 to 15 confidences"),
        ({"metricValue": {"0.5": 1, "2": 1}}, "confidences from 0 to 1"),
        ({"metricValue": {"0.5": 1, "nan": 1}}, "confidences from 0 to 1"),
        ({"metricValue": 1, "featureName": "Nothing"}, "featureName is no feature: name is 'Nothing'"),
        ({"metricValue": 1, "featureName": "Car", "subclassName": "Nothing"}, "subclassName is 'Nothing'"),
        ({"metricValue": 1, "subclassName": "a"}, "the feature that subclassName belongs to"),
        ({"metricValue": 1, "metric": 1}, "(nearest: metric"),
    ],
)
def test_a_wrong_metric_fails_alone(
    workspace: MockWorkspace, run: str, row: str, line: dict[str, Any], words: str
) -> None:
    lines = [metric(row, 1), metric(row, 1) | line]
    first, (status, message) = list_statuses(import_lines(workspace, "predictions", run, "wrong", lines))
    assert first == ("SUCCESS", "")
    assert (status, words in message) == ("FAILURE", True), message


def test_metrics_are_no_labels(workspace: MockWorkspace) -> None:
    row = workspace.expected_rows("image")[0]["data_row"]["id"]
    for kind in ("labels", "pre-labels"):
        record = import_lines(workspace, kind, workspace.project("image"), "metrics", [metric(row, 1)])
        [(status, message)] = list_statuses(record)
        assert status == "FAILURE"
        assert "unknown key 'metricValue'" in message
        assert "nearest: metric" not in message, "annotations have no such key"
