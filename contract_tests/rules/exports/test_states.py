"""The scenario `states` has every state that a data row can be in, and both formats export it."""

import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from contract_tests.rules.exports.legacy.elements import elements
from contract_tests.rules.exports.rows import HOST, NOW, TASK, read
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.generate.data_rows import ATTACHED
from mockserver.links import Links
from mockserver.world.store import Store

PEOPLED = "Ünïcode 🐟 مشروع"
Rows = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("states")), "states") as store:
        yield store


@pytest.fixture(scope="module")
def rows(states: Store) -> Rows:
    """The rows of a project with every section."""
    return cache(lambda project: read(states, project))


@pytest.fixture(scope="module")
def labels(states: Store) -> Rows:
    """The same labels in Export V1."""

    def list_elements(project: str) -> list[Any]:
        with states.reading() as connection:
            return elements(connection, project)

    return cache(list_elements)


def get_project(row: Any) -> Any:
    [project] = row["projects"].values()
    return project


@pytest.mark.parametrize("project", ["consensus", "benchmark", "talked about", "second look", "nameless", PEOPLED])
def test_rows_are_labelled_skipped_and_unlabelled(rows: Rows, project: str) -> None:
    label_lists = [get_project(row)["labels"] for row in rows(project)]
    skipped = {each["performance_details"]["skipped"] for own in label_lists for each in own}
    assert skipped == {True, False}
    assert [] in label_lists


@pytest.mark.known("sample")
def test_a_row_has_a_label_of_each_who_must_agree_and_all_have_one_score(rows: Rows, labels: Rows) -> None:
    agreed = {label["ID"]: label["Agreement"] for label in labels("consensus")}
    shared = [get_project(row) for row in rows("consensus") if len(get_project(row)["labels"]) == 3]
    assert len(shared) == 10
    done = {
        project["project_details"]["workflow_status"]
        for project in shared
        if "selected_label_id" in project["project_details"]
    }
    assert done == {"DONE"}
    for project in shared:
        scores = {label["id"]: label["performance_details"]["consensus_score"] for label in project["labels"]}
        assert len(scores) == project["project_details"]["consensus_expected_label_count"] == 3
        assert len(set(scores.values())) == 1
        assert project["project_details"].get("selected_label_id") in {*scores, None}
        assert {label: agreed[label] for label in scores} == scores


@pytest.mark.known("sample")
def test_a_row_that_waits_for_further_labels_has_no_history(rows: Rows, labels: Rows) -> None:
    agreed = {label["ID"]: label["Agreement"] for label in labels("consensus")}
    projects = [get_project(row) for row in rows("consensus")]
    waiting = [each for each in projects if each["project_details"]["workflow_status"] == "TO_LABEL" and each["labels"]]
    assert {len(project["labels"]) for project in waiting} == {1, 2}
    for project in waiting:
        details = project["project_details"]
        assert (details["task_name"], details["workflow_history"]) == ("Initial labeling task", [])
        assert not {"task_id", "selected_label_id"} & set(details)
        for label in project["labels"]:
            assert "consensus_score" not in label["performance_details"]
            assert agreed[label["id"]] == -1


def test_a_benchmark_is_named_by_every_label_of_its_row_and_measures_the_others(rows: Rows, labels: Rows) -> None:
    legacy = {label["ID"]: label for label in labels("benchmark")}
    shared = [get_project(row)["labels"] for row in rows("benchmark") if len(get_project(row)["labels"]) > 1]
    assert len(shared) == 4
    for row_labels in shared:
        scores = {label["id"]: label["performance_details"].get("benchmark_score", -1) for label in row_labels}
        [reference] = [label for label, score in scores.items() if score == -1]
        assert {legacy[label]["Benchmark ID"] for label in scores} == {reference}
        assert {label: legacy[label]["Benchmark Agreement"] for label in scores} == scores


def test_a_row_is_in_two_projects(states: Store) -> None:
    request = ExportRequest(params=ExportParams(all_projects=True))
    with states.reading() as connection:
        scope, links = build_scope(connection, request), Links.from_name("key", 0)
        text = ExportRows(connection, scope, request.params, links=links, host=HOST, task_id=TASK, now=NOW).render()
    shared = [row["projects"] for row in map(json.loads, text.splitlines()) if len(row["projects"]) > 1]
    assert all({each["name"] for each in projects.values()} == {"consensus", "second look"} for projects in shared)
    assert len(shared) == 8


def test_rows_have_gone_every_way_through_the_workflow(rows: Rows) -> None:
    ways = {
        (
            get_project(row)["project_details"]["workflow_status"],
            *(step["action"] for step in reversed(get_project(row)["project_details"]["workflow_history"])),
        )
        for row in rows("talked about")
    }
    assert ways == {
        ("TO_LABEL",),
        ("IN_REVIEW", "Move", "Move"),
        ("IN_REWORK", "Move", "Move", "Reject"),
        ("DONE", "Move", "Move"),  # skipped
        ("DONE", "Move", "Move", "Approve"),
        ("DONE", "Move", "Move", "Approve", "Move", "Approve"),  # reopened
    }


def test_reviews_approve_and_reject(rows: Rows, labels: Rows) -> None:
    row_labels = [label for row in rows("talked about") for label in get_project(row)["labels"]]
    scores = Counter(review["score"] for label in row_labels for review in label["label_details"]["reviews"])
    assert scores.keys() == {1, -1}
    assert scores == Counter(review["score"] for label in labels("talked about") for review in label["Reviews"])


def test_some_labels_have_open_issues(labels: Rows) -> None:
    assert {label["Has Open Issues"] for label in labels("talked about")} == {0, 1}


def test_metadata_and_attachments_of_every_kind_are_on_rows(rows: Rows) -> None:
    project_rows = rows("consensus")
    assert {item["type"] for row in project_rows for item in row["attachments"]} == set(ATTACHED)
    values = {item["schema_name"]: item["value"] for row in project_rows for item in row["metadata_fields"]}
    assert {name: type(value) for name, value in values.items()} == {
        "captureDateTime": str,
        "tag": str,
        "split": list,
        "sharpness": float,
        "Kamera 📷": list,
    }
    assert {len(row["embeddings"]) for row in project_rows} == {1}


@pytest.mark.known("sample")
def test_the_row_of_a_text_that_was_imported_inline_holds_the_text(rows: Rows, labels: Rows) -> None:
    project_rows = rows("inline")
    v1 = {label["DataRow ID"]: label["Labeled Data"] for label in labels("inline")}
    for row in project_rows:
        text = row["data_row"]["row_data"]
        assert "://" not in text
        assert v1.get(row["data_row"]["id"], text) == text
        for label in get_project(row)["labels"]:
            for thing in label["annotations"]["objects"]:
                place = thing["location"]
                assert text[place["start"] : place["end"] + 1] == place["token"]
    assert len({row["data_row"]["row_data"] for row in project_rows}) > 3


@pytest.mark.known("sample")
def test_a_project_has_its_tags(rows: Rows) -> None:
    [first, *_] = rows("consensus")
    assert list(get_project(first)) == ["name", "labels", "project_details", "project_tags"]
    tags = get_project(first)["project_tags"]
    assert [list(tag) for tag in tags] == [
        ["id", "organization_id", "text", "color", "created_at", "updated_at", "created_by_id", "type"]
    ] * 2
    assert {(tag["text"], tag["color"], tag["type"]) for tag in tags} == {
        ("round 2", "8AC4F0", "Default"), ("Ünïcode 🏷", "FF34FF", "Default"),
    }  # fmt: skip
    assert [tag["text"] for tag in get_project(rows("inline")[0])["project_tags"]] == ["round 2"]
    assert get_project(rows("benchmark")[0])["project_tags"] == []


def test_rows_without_names_have_no_key_for_them_in_v2_and_null_in_v1(rows: Rows, labels: Rows) -> None:
    assert {tuple(row["data_row"]) for row in rows("nameless")} == {("id", "row_data", "details")}
    assert {(label["Global Key"], label["External ID"]) for label in labels("nameless")} == {(None, None)}


@pytest.mark.parametrize("place", ["global_key", "external_id", "metadata", "answers"])
def test_characters_that_readers_stumble_over_are_in_every_free_text(rows: Rows, place: str) -> None:
    project_rows = rows(PEOPLED)
    texts = {
        "global_key": [row["data_row"]["global_key"] for row in project_rows],
        "external_id": [row["data_row"]["external_id"] for row in project_rows],
        "metadata": [
            item["value"] for row in project_rows for item in row["metadata_fields"] if item["schema_name"] == "tag"
        ],
        "answers": [text for row in project_rows for text in iterate_answers(row)],
    }[place]
    letters = set("".join(texts))
    assert {unicodedata.category(letter) for letter in letters} >= {"So", "Mn"}  # emoji, combining marks
    assert {unicodedata.bidirectional(letter) for letter in letters} & {"R", "AL"}
    assert "\u2028" in letters or place == "answers"


def iterate_answers(node: Any) -> Iterator[str]:
    """Yields the free texts of a row's answers."""
    if isinstance(node, dict):
        if "text_answer" in node:
            yield node["text_answer"]["content"]
        for below in node.values():
            yield from iterate_answers(below)
    elif isinstance(node, list):
        for below in node:
            yield from iterate_answers(below)


def test_names_are_in_several_scripts(rows: Rows) -> None:
    [first, *_] = rows(PEOPLED)
    project = get_project(first)
    things = project["labels"][0]["annotations"]["objects"]
    assert project["name"] == PEOPLED
    assert "\u2028" in first["data_row"]["details"]["dataset_name"]
    assert {thing["name"] for thing in things} == {"Boje 🛟", "مرسى"}
