"""Benchmarks, reviews and labellers of a project, in the documents of the SDK, on a world that has some of each."""

from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld

PERFORMANCE = (  # SDK project.py 3.52.0
    "query LabelerPerformancePyApi($projectId: ID!) {project(where: {id: $projectId}) {labelerPerformance(skip: %d "
    "first: %d) {count user {id email} secondsPerLabel totalTimeLabeling consensus averageBenchmarkAgreement "
    "lastActivityTime}}}"
)
METRICS = (
    "query ProjectReviewMetricsPyApi($projectId: ID!){project(where: {id:$projectId}){reviewMetrics "
    "{labelAggregate(netScore: %s) {count}}}}"
)
BENCHMARKS = "{projects(where: {}){id name benchmarks(skip: 0 first: 100){id createdAt lastActivity averageAgreement \
completedCount createdBy{id} referenceLabel{id isBenchmarkReference dataRow{id}}}}}"


@pytest.fixture(scope="module")
def states() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "states") as world:
        yield world


@pytest.fixture(scope="module")
def benchmarks(states: ServedWorld) -> list[Any]:
    return [item for project in ask(states, BENCHMARKS).data["projects"] for item in project["benchmarks"]]


@pytest.mark.known("client")
def test_benchmarks_are_listed_with_the_labels_compared(benchmarks: list[Any]) -> None:
    assert benchmarks
    for item in benchmarks:
        assert item["referenceLabel"]["isBenchmarkReference"] is True
        assert item["completedCount"] > 0
        assert 0 <= item["averageAgreement"] <= 1
        assert item["lastActivity"] >= item["createdAt"]


@pytest.mark.known("client")
def test_a_project_and_its_organization_have_tags_and_a_label_has_its_reviews(states: ServedWorld) -> None:
    answer = ask(states, f'{{project(where: {{id: "{states.projects["inline"]}"}}){{resourceTags{{id text color}}}}}}')
    [tag] = answer.data["project"]["resourceTags"]
    assert (tag["text"], tag["color"]) == ("round 2", "8AC4F0")
    everything = ask(states, "{organization{resourceTag{id text color}}}").data["organization"]["resourceTag"]
    assert [item["text"] for item in everything] == ["round 2", "Ünïcode 🏷"]
    assert tag in everything
    document = '{project(where: {id: "%s"}){labels(first: 9){reviews{id score}}}}'
    labels = ask(states, document % states.projects["talked about"]).data["project"]["labels"]
    assert {review["score"] for label in labels for review in label["reviews"]} == {1.0, -1.0}


@pytest.mark.known("client")
def test_a_benchmark_is_found_by_its_id(states: ServedWorld, benchmarks: list[Any]) -> None:
    wanted = benchmarks[0]
    document = "query($id: ID!){benchmark(where: {id: $id}){id referenceLabel{id}}}"
    answer = ask(states, document, {"id": wanted["id"]}).data["benchmark"]
    assert answer == {"id": wanted["id"], "referenceLabel": {"id": wanted["referenceLabel"]["id"]}}
    assert ask(states, document, {"id": "nobody"}).code == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
def test_labellers_are_listed_with_their_counts_and_times(server: ServedWorld) -> None:
    project = server.projects["image"]
    performance = ask(server, PERFORMANCE % (0, 100), {"projectId": project}).data["project"]["labelerPerformance"]
    count = ask(server, f'{{project(where: {{id: "{project}"}}){{labelCount}}}}').data["project"]["labelCount"]
    assert sum(item["count"] for item in performance) == count
    assert all(
        item["secondsPerLabel"] * item["count"] == pytest.approx(item["totalTimeLabeling"]) for item in performance
    )
    assert len({item["user"]["id"] for item in performance}) == len(performance) > 1
    second = ask(server, PERFORMANCE % (1, 1), {"projectId": project}).data["project"]["labelerPerformance"]
    assert second == performance[1:2]


@pytest.mark.known("client")
def test_reviews_are_counted_by_their_sum(states: ServedWorld) -> None:
    def count_reviews(score: str) -> int:
        project = ask(states, METRICS % score, {"projectId": states.projects["talked about"]}).data["project"]
        return int(project["reviewMetrics"]["labelAggregate"]["count"])

    approved, rejected, none = count_reviews("Positive"), count_reviews("Negative"), count_reviews("None")
    assert approved > rejected > 0
    assert count_reviews("Zero") == 0
    assert approved + rejected + none == 11
