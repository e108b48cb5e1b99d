"""Fields of labels that old clients query and SDKs do not: type and durations; and pages of labels."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask, export_project, post, rows_of
from contract_tests.serving import ServedWorld

LABELS = (
    "query($id: ID!, $first: PageSize){project(where: {id: $id}){labels(first: $first)"
    "{id type{id name} secondsToLabel secondsToCreate secondsToReview}}}"
)


def labels(server: ServedWorld, project: str, first: int | None = None) -> list[Any]:
    variables = {"id": server.projects[project], "first": first}
    answer: list[Any] = ask(server, LABELS, variables).data["project"]["labels"]
    return answer


@pytest.mark.known("client")
def test_the_type_of_a_label_shows_whether_it_was_skipped(server: ServedWorld) -> None:
    """A snippet of the vendor queries `type { id name }`; the two names are inferred."""
    known = performance(server, "image")
    types = {label["id"]: label["type"] for label in labels(server, "image")}
    assert {id_: kind["name"] == "Skip" for id_, kind in types.items()} == {
        id_: details["skipped"] for id_, details in known.items()
    }
    assert len({(kind["id"], kind["name"]) for kind in types.values()}) == 2


@pytest.mark.known("client")
def test_a_label_has_the_seconds_of_its_creation_and_of_its_review(server: ServedWorld) -> None:
    known = performance(server, "image")
    for label in labels(server, "image"):
        details = known[label["id"]]
        assert label["secondsToCreate"] == label["secondsToLabel"] == details["seconds_to_create"]
        assert label["secondsToReview"] == details["seconds_to_review"]


@pytest.mark.known("client")
def test_the_size_of_a_page_of_labels_is_a_page_size(server: ServedWorld) -> None:
    assert [label["id"] for label in labels(server, "image", 3)] == [
        label["id"] for label in labels(server, "image")[:3]
    ]


@pytest.mark.known("client")
def test_the_snippet_of_the_vendor_is_answered_with_a_bare_key(server: ServedWorld) -> None:
    body = b'{"query": "{projects(first: 1) {labels(first: 1) {id type {id name}}}}"}'
    answer = post(server, body, authorization=server.api_key)
    assert answer.data["projects"][0]["labels"][0]["type"]["name"] in {"Any", "Skip"}


def performance(server: ServedWorld, project: str) -> dict[str, Any]:
    """The performance details of each label in an export, by its id."""
    rows = rows_of(server, export_project(server, project, includePerformanceDetails=True))
    labels = [label for row in rows for inner in row["projects"].values() for label in inner["labels"]]
    return {label["id"]: label["performance_details"] for label in labels}
