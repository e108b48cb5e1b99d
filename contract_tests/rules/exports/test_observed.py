"""Rows of four payload dates have the keys, in their order, and the types that public exports of these dates show.

The shapes below are those exports' with invented values; shapes that do not depend on the date are given once.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.rules.exports.rows import read
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.request import ExportParams
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.store import Store

DETAILS = ["dataset_id", "dataset_name", "created_at", "updated_at", "last_activity_at", "created_by"]
PROJECT_DETAILS = [
    "ontology_id", "task_id", "task_name", "batch_id", "batch_name", "workflow_status", "priority",
    "selected_label_id", "consensus_expected_label_count", "workflow_history",
]  # fmt: skip
LABEL_DETAILS = ["created_at", "updated_at", "created_by", "content_last_updated_at", "reviews"]
SECONDS = ["seconds_to_label", "seconds_to_review", "seconds_to_rework", "seconds_total", "skipped", "consensus_score"]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("observed")), "states") as store:
        yield store


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("observed"))) as store:
        yield store


def read_on(store: Store, date: str, project: str, params: ExportParams | None = None) -> list[Any]:
    WorkspaceSettings(store).set_payload_date(date)
    try:
        return read(store, project) if params is None else read(store, project, params)
    finally:
        WorkspaceSettings(store).set_payload_date(None)


def projects_of(rows: list[Any]) -> list[Any]:
    return [project for row in rows for project in row["projects"].values()]


def labels(rows: list[Any]) -> list[Any]:
    return [label for project in projects_of(rows) for label in project["labels"]]


def is_in_order(row: dict[str, Any], known: list[str]) -> bool:
    return list(row) == [key for key in known if key in row]


@pytest.mark.known("sample")
def test_pictures_of_april_2023_have_three_attributes_and_features_without_schema_or_value(default: Store) -> None:
    rows = read_on(default, "2023-04-15", "image")
    for row in rows:
        assert list(row["media_attributes"]) == ["height", "width", "mime_type"]
        assert is_in_order(row["data_row"], ["id", "external_id", "global_key", "row_data", "details"])
        assert row["data_row"]["details"]["created_at"].endswith(".000+00:00")
        assert "KeyName=labelbox-assets-key-3&" in row["data_row"]["row_data"]
        assert all(list(field) == ["schema_id", "schema_name", "value"] for field in row["metadata_fields"])
    for project in projects_of(rows):
        assert list(project) == ["name", "labels", "project_details"]
    for label in labels(rows):
        assert list(label["label_details"]) == ["created_at", "updated_at", "created_by", "reviews"]
        assert "performance_details_v2" not in label
        for thing in label["annotations"]["objects"]:
            assert list(thing)[:2] == ["feature_id", "name"]
            assert "value" not in thing


@pytest.mark.known("sample")
def test_texts_of_december_2024_labelled_by_several(states: Store) -> None:
    rows = read_on(states, "2024-12-18", "consensus")
    for row in rows:
        assert all(list(field)[2] == "schema_kind" for field in row["metadata_fields"])
        numbers = [field["value"] for field in row["metadata_fields"] if field["schema_kind"] == "CustomMetadataNumber"]
        assert all(isinstance(number, float) for number in numbers)
    for project in projects_of(rows):
        assert list(project) == ["name", "labels", "project_details", "project_tags"]
        assert is_in_order(project["project_details"], PROJECT_DETAILS)
    for label in labels(rows):
        assert is_in_order(label["label_details"], LABEL_DETAILS)
        assert label["label_details"]["reviews"] == []
        assert is_in_order(
            label["performance_details"], ["seconds_to_create", "seconds_to_review", "skipped", "consensus_score"]
        )
        assert "performance_details_v2" not in label
    inline = read_on(states, "2024-12-18", "inline")
    assert all(list(row["media_attributes"]) == ["asset_type", "mime_type"] for row in inline)
    assert not any("://" in row["data_row"]["row_data"] for row in inline)


@pytest.mark.known("sample")
def test_a_row_before_and_after_its_last_label_as_in_december_2024(states: Store) -> None:
    projects = projects_of(read_on(states, "2024-12-18", "consensus"))
    before = [each for each in projects if each["labels"] and each["project_details"]["workflow_status"] == "TO_LABEL"]
    after = [each for each in projects if each["project_details"]["workflow_status"] == "IN_REVIEW"]
    assert before
    assert after
    for each in before:
        assert each["project_details"]["workflow_history"] == []
        assert all(
            label["label_details"]["updated_at"] == label["label_details"]["created_at"] for label in each["labels"]
        )
    for each in after:
        moved, entered = each["project_details"]["workflow_history"]
        assert list(moved)[3:] == ["previous_task_name", "previous_task_id", "next_task_name", "next_task_id"]
        assert list(entered)[3:] == ["next_task_name", "next_task_id"]
        assert {moved["created_by"], entered["created_by"]} == {each["labels"][-1]["label_details"]["created_by"]}
        assert len({label["label_details"]["updated_at"] for label in each["labels"]}) == 1
        assert len({label["performance_details"]["consensus_score"] for label in each["labels"]}) == 1
        assert "selected_label_id" not in each["project_details"]


@pytest.mark.known("sample")
def test_documents_of_may_2025(default: Store, states: Store) -> None:
    for row in read_on(default, "2025-05-25", "document"):
        assert list(row["media_attributes"]) == ["asset_type", "mime_type", "text_layer_url"]
        assert list(row["data_row"]["details"]) == DETAILS
        for url in (row["data_row"]["row_data"], row["media_attributes"]["text_layer_url"]):
            assert len(url.partition("?Expires=")[2].partition("&KeyName=labelbox-assets-key-3&")[0]) == 13
    for label in labels(read_on(default, "2025-05-25", "document")):
        assert list(label["performance_details_v2"]) == SECONDS[:-1]
    for project in projects_of(read_on(states, "2025-05-25", "consensus")):
        details = project["project_details"]
        several = len(project["labels"]) > 1 and details["workflow_status"] == "DONE"
        assert ("selected_label_id" in details) == several
        for label in project["labels"]:
            assert is_in_order(label["performance_details_v2"], SECONDS)


@pytest.mark.known("sample")
def test_clips_of_april_2025(default: Store) -> None:
    for row in read_on(default, "2025-04-15", "video"):
        assert list(row["media_attributes"]) == [
            "height", "width", "asset_type", "mime_type", "frame_rate", "frame_count",
        ]  # fmt: skip
        for label in labels([row]):
            assert list(label["annotations"]) == ["frames", "segments", "key_frame_feature_map", "classifications"]
            for frame in label["annotations"]["frames"].values():
                assert list(frame) == ["objects", "classifications"]
                for thing in frame["objects"].values():
                    if thing["annotation_kind"] == "VideoSegmentationMask":
                        assert list(thing)[-2:] == ["mask", "composite_mask"]
    rates = {type(row["media_attributes"]["frame_rate"]) for row in read_on(default, "2025-04-15", "video")}
    assert rates == {int, float}  # 60 is no 60.0


@pytest.mark.known("sample")
def test_pictures_of_july_2026(default: Store) -> None:
    rows = read_on(default, "2026-07-09", "image")
    for row in rows:
        attributes = row["media_attributes"]
        assert list(attributes) == ["height", "width", "asset_type", "mime_type", "exif_rotation"]
        assert attributes["exif_rotation"] == 1
        assert isinstance(attributes["exif_rotation"], int)
    [end] = {row["data_row"]["row_data"].partition("?Expires=")[2].partition("&")[0] for row in rows}
    assert len(end) == 10
    for label in labels(rows):
        assert is_in_order(label["label_details"], LABEL_DETAILS)
        assert label["label_details"]["created_at"].endswith(".000+00:00")
        assert label["label_details"]["updated_at"].endswith(".000+00:00")
        for thing in label["annotations"]["objects"]:
            if "bounding_box" in thing:
                assert list(thing["bounding_box"]) == ["top", "left", "height", "width"]
                assert all(isinstance(side, float) for side in thing["bounding_box"].values())


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", ["image", "text", "video", "document"])
def test_rows_are_in_the_order_of_their_ids(default: Store, project: str) -> None:
    rows = read_on(default, "2023-10-15", project)
    ids = [row["data_row"]["id"] for row in rows]
    assert ids == sorted(ids)
    moments = [row["data_row"]["details"]["created_at"] for row in rows]
    assert moments == sorted(moments)
    for row in rows:
        for label in labels([row]):
            assert label["id"] > row["data_row"]["id"]


@pytest.mark.known("sample")
def test_file_names_with_blanks_and_parentheses_are_written_as_components_of_a_uri(states: Store) -> None:
    names = {}
    for row in read_on(states, "2025-08-15", "Ünïcode 🐟 مشروع"):
        names[row["data_row"]["external_id"]] = row["data_row"]["row_data"].partition("?")[0].rpartition("/")[2]
    paths = {name: path for name, path in names.items() if "(" in name and name.isascii()}
    assert len(paths) > 3
    for name, path in paths.items():
        assert path == name.replace(" ", "%20")
