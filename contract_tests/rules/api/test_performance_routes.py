"""Performance reports by REST, compared with the labels and reviews that exports and queries show."""

from typing import Any

import pytest
import requests

from contract_tests.both_states import server
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

__all__ = ["server"]
YEAR = {"startDate": "2024-01-02", "endDate": "2025-01-01"}
PARAMS = {"label_details": True, "performance_details": True}
OK = 200


def get(world: MockWorkspace | ServedWorld, path: str, **query: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {world.api_key}"}
    parameters: dict[str, Any] = query
    return requests.get(f"{world.rest_url}/performance/{path}", params=parameters, headers=headers, timeout=60)


def read(world: MockWorkspace | ServedWorld, path: str, **query: object) -> Any:
    answer = get(world, path, **query)
    assert answer.status_code == OK, answer.text
    return answer.json()


def list_labels(server: ServedWorld, *, skipped: bool) -> list[str]:
    """When the labels of the pictures were created, as an export shows it."""
    project = server.projects["image"]
    return [
        label["label_details"]["created_at"]
        for row in server.own.expected_rows(project="image", params=PARAMS)
        for label in row["projects"][project]["labels"]
        if label["performance_details"]["skipped"] is skipped
    ]


@pytest.mark.known("client")
def test_the_catalog_lists_metrics_with_unit_and_kind_of_buckets(server: ServedWorld) -> None:
    metrics = read(server, "metrics")["data"]
    assert {metric["name"]: (metric["unit"], metric["buckets"]) for metric in metrics} == {
        "labels_created": ("count", "time"),
        "aht_done_labels": ("seconds", "time"),
        "consensus_distribution": ("count", "score"),
    }


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    ("interval", "buckets"), [("day", 366), ("week", 53), ("month", 13), ("quarter", 5), ("year", 2)]
)
def test_labels_are_counted_in_the_interval_in_which_they_were_created(
    server: ServedWorld, interval: str, buckets: int
) -> None:
    project = server.projects["image"]
    series = read(server, f"projects/{project}/metrics/labels_created", interval=interval, **YEAR)
    assert (series["projectId"], series["metric"], series["bucketType"]) == (project, "labels_created", "time")
    assert len(series["buckets"]) == buckets
    labels = list_labels(server, skipped=False)
    assert sum(bucket["value"] for bucket in series["buckets"]) == len(labels) > 0
    for bucket in series["buckets"]:
        within = [created for created in labels if bucket["start"][:10] <= created[:10] < bucket["end"][:10]]
        assert bucket["value"] == len(within)


@pytest.mark.known("inferred")
def test_handling_time_is_split_by_activity(server: ServedWorld) -> None:
    path = f"projects/{server.projects['image']}/metrics/aht_done_labels"
    buckets = [bucket for bucket in read(server, path, interval="month", **YEAR)["buckets"] if bucket["denominator"]]
    for bucket in buckets:
        assert bucket["value"] == pytest.approx(bucket["numerator"] / bucket["denominator"])
        assert sum(bucket["modes"].values()) == pytest.approx(bucket["value"])
    assert buckets


@pytest.mark.known("client")
def test_scores_are_spread_over_ten_ranges(server: ServedWorld) -> None:
    """Fractions from 0 to 1 (SDK performance.py PerformanceScoreBucket)."""
    path = f"projects/{server.projects['image']}/metrics/consensus_distribution"
    series = read(server, path, **YEAR)
    assert series["bucketType"] == "score"
    assert [bucket["rangeStart"] for bucket in series["buckets"]] == [tenth / 10 for tenth in range(10)]
    assert series["buckets"][-1]["rangeEnd"] == 1


@pytest.mark.known("client")
def test_a_table_of_labelers_is_read_in_pages_and_sorted(server: ServedWorld) -> None:
    project = server.projects["image"]
    table = read(server, f"projects/{project}/labelers", **YEAR)
    assert sum(row["labelsCreated"] for row in table["data"]) == len(list_labels(server, skipped=False))
    assert sum(row["labelsSkipped"] for row in table["data"]) == len(list_labels(server, skipped=True))
    assert table["total"] == len(table["data"])
    most = max(table["data"], key=lambda row: row["labelsCreated"])["labelsCreated"]
    page = read(server, f"projects/{project}/labelers", sort="labelsCreated", order="desc", perPage=1, **YEAR)
    assert ([row["labelsCreated"] for row in page["data"]], page["total"]) == ([most], table["total"])
    assert read(server, f"projects/{project}/labelers", page=1000, **YEAR)["data"] == []


@pytest.mark.known("inferred")
def test_reviewers_are_those_who_reviewed(workspace: MockWorkspace) -> None:
    project = workspace.project("image")
    period = {"startDate": "2025-01-01", "endDate": "2025-01-02"}
    workspace.clock.set("2025-01-01T12:00:00Z")
    workspace.event("REVIEW_CREATED", project="image")
    [reviewer] = read(workspace, f"projects/{project}/reviewers", **period)["data"]
    assert reviewer["labelsReviewed"] == 1
    others = read(workspace, f"projects/{project}/reviewers", userIds="nobody", **period)
    assert (others["data"], others["total"]) == ([], 0)


@pytest.mark.known("inferred")
def test_the_workspace_report_has_a_row_for_each_labeler_and_project(server: ServedWorld) -> None:
    table = read(server, "workspace/labelers", perPage=100, **YEAR)
    image = [row for row in table["data"] if row["projectId"] == server.projects["image"]]
    assert {row["projectName"] for row in image} == {"image"}
    own = read(server, f"projects/{server.projects['image']}/labelers", **YEAR)["data"]
    assert {(row["userId"], row["labelsCreated"]) for row in image} == {
        (row["userId"], row["labelsCreated"]) for row in own
    }
    assert read(server, "workspace/labelers", memberType="external", **YEAR)["data"] == []
    total = sum(bucket["value"] for bucket in read(server, "workspace/metrics/labels_created", **YEAR)["buckets"])
    assert total == sum(row["labelsCreated"] for row in table["data"])


def test_a_deleted_label_is_counted_unless_it_is_excluded(workspace: MockWorkspace) -> None:
    project = workspace.project("image")
    path = f"projects/{project}/metrics/labels_created"

    def count(deleted: str) -> int:
        series = read(workspace, path, interval="year", deletedLabels=deleted, **YEAR)
        return int(sum(bucket["value"] for bucket in series["buckets"]))

    before = count("include")
    workspace.event("LABEL_DELETED", project="image")
    assert (count("include"), count("exclude"), count("only")) == (before, before - 1, 1)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"startDate": "yesterday"}, "expected a day like 2026-01-31"),
        ({"startDate": "20240102"}, "expected a day like 2026-01-31"),
        ({"startDate": "2024-W01-2"}, "expected a day like 2026-01-31"),
        ({"startDate": "2025-01-02"}, "expected at most 366 days"),
        ({"startDate": "2023-01-01"}, "expected at most 366 days"),
        ({"startDate": "9999-01-01", "endDate": "9999-12-31"}, "expected a day until 9998-12-31"),
        ({"interval": "hour"}, 'expected one of "day"'),
        ({"deletedLabels": "all"}, 'expected one of "include"'),
        ({"userIds": ""}, "userIds is ''; expected 1 to"),
        ({"batchIds": "a,,b"}, "batchIds is 'a,,b'"),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_expected(
    server: ServedWorld, query: dict[str, str], words: str
) -> None:
    answer = get(server, f"projects/{server.projects['image']}/metrics/labels_created", **YEAR | query)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"perPage": 101}, "perPage is 101"),
        ({"perPage": 0}, "a number from 1 on"),
        ({"page": -1}, "a number from 1 on"),
        ({"sort": "email"}, 'expected one of "labelsCreated"'),
        ({"order": "up"}, 'expected one of "asc"'),
    ],
)
def test_a_page_that_cannot_be_is_refused(server: ServedWorld, query: dict[str, object], words: str) -> None:
    answer = get(server, f"projects/{server.projects['image']}/labelers", **YEAR | query)
    assert answer.status_code == 400
    assert words in answer.json()["message"]


@pytest.mark.known("client")
def test_unknown_metrics_and_projects_are_not_found(server: ServedWorld) -> None:
    for path in (f"projects/{server.projects['image']}/metrics/speed", "projects/nobody/labelers"):
        answer = get(server, path, **YEAR)
        assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_FOUND")


def test_reports_that_are_not_imitated_say_so(server: ServedWorld) -> None:
    paths = (f"projects/{server.projects['image']}/download", "workspace/sign-in-sessions", "workspace/sign-in-events")
    for path in paths:
        answer = get(server, path, **YEAR)
        assert (answer.status_code, "is not imitated" in answer.json()["message"]) == (405, True)


def test_reports_need_a_key(server: ServedWorld) -> None:
    assert requests.get(f"{server.rest_url}/performance/metrics", timeout=60).status_code == 401
