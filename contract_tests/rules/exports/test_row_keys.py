"""The keys of each exported row, in their order: those of every row, and those that a parameter adds."""

import json
from typing import Any

import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, ID, NOTHING, project_of, read, render, with_only
from contract_tests.rules.generate.media.times import features_in
from contract_tests.rules.worlds import PROJECTS
from mockserver.exports.frames import interpolate_frames
from mockserver.exports.request import ExportParams
from mockserver.world.clause import Clause
from mockserver.world.records.labels import ProjectRow
from mockserver.world.store import Store

ROW = ["data_row", "media_attributes", "attachments", "metadata_fields", "embeddings", "projects"]
DETAILS = ["dataset_id", "dataset_name", "created_at", "updated_at", "last_activity_at", "created_by"]
PROJECT_DETAILS = [
    "ontology_id", "task_id", "task_name", "batch_id", "batch_name", "workflow_status", "priority",
    "selected_label_id", "consensus_expected_label_count", "workflow_history",
]  # fmt: skip
LABEL = [
    "label_kind", "version", "id", "label_details", "performance_details", "performance_details_v2", "annotations",
]  # fmt: skip
SECONDS = ["seconds_to_label", "seconds_to_review", "seconds_to_rework"]
LABEL_DETAILS = ["created_at", "updated_at", "created_by", "content_last_updated_at", "reviews"]


@pytest.mark.known("client")
@pytest.mark.parametrize("project", PROJECTS)
def test_every_row_is_a_line_of_ascii_json(store: Store, project: str) -> None:
    with store.reading() as connection:
        body = render(connection, project)
        lines = body.split(b"\n")
        rows = connection.count(ProjectRow, Clause("project_id = (SELECT id FROM project WHERE name = :n)", n=project))
    assert (len(lines), lines[-1]) == (rows + 1, b"")
    assert body.isascii()
    assert len(body.decode().splitlines()) == rows


@pytest.mark.known("sample")
@pytest.mark.parametrize("params", [NOTHING, EVERY_SECTION], ids=["bare", "everything"])
@pytest.mark.parametrize("project", PROJECTS)
def test_nothing_is_null_anywhere(store: Store, project: str, params: ExportParams) -> None:
    with store.reading() as connection:
        for line in render(connection, project, params).splitlines():
            json.loads(line, object_pairs_hook=no_null_no_key_twice)


def no_null_no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert [name for name, value in pairs if value is None] == []
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def test_the_same_rows_are_the_same_bytes(store: Store) -> None:
    with store.reading() as connection:
        assert render(connection, "image") == render(connection, "image")


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_without_params_a_row_has_what_every_row_has(store: Store, project: str) -> None:
    for row in read(store, project, NOTHING):
        assert list(row) == ["data_row", "media_attributes", "projects"]
        assert list(row["data_row"]) == ["id", "external_id", "global_key", "row_data"]
        assert list(project_of(row)) == ["name", "labels", "project_tags"]
        assert all(list(label) == ["label_kind", "version", "id", "annotations"] for label in project_of(row)["labels"])


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_with_every_param_a_row_has_every_section_in_the_samples_order(store: Store, project: str) -> None:
    for row in read(store, project):
        assert list(row) == ROW
        assert list(row["data_row"]["details"]) == DETAILS
        assert list(project_of(row)) == ["name", "labels", "project_details", "project_tags"]
        assert is_in_order(project_of(row)["project_details"], PROJECT_DETAILS)
        for label in project_of(row)["labels"]:
            assert list(label) == LABEL
            assert is_in_order(label["label_details"], LABEL_DETAILS)
            assert ("content_last_updated_at" in label["label_details"]) == bool(list(features_in(label)))
            assert list(label["performance_details"]) == ["seconds_to_create", "seconds_to_review", "skipped"]
            newer = label["performance_details_v2"]
            assert list(newer) == [*SECONDS, "seconds_total", "skipped"]
            assert sum(newer[name] for name in SECONDS) == newer["seconds_total"]
            assert newer["seconds_total"] == label["performance_details"]["seconds_to_create"]
            assert newer["seconds_to_review"] == label["performance_details"]["seconds_to_review"]


def is_in_order(row: dict[str, Any], known: list[str]) -> bool:
    return list(row) == [name for name in known if name in row]


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("include_attachments", "attachments"), ("include_metadata", "metadata_fields"),
        ("include_embeddings", "embeddings"), ("include_data_row_details", "data_row.details"),
        ("include_project_details", "projects.*.project_details"),
        ("include_label_details", "projects.*.labels.*.label_details"),
        ("include_performance_details", "projects.*.labels.*.performance_details"),
    ],
)  # fmt: skip
def test_each_param_turns_on_its_own_section_and_no_other(store: Store, param: str, path: str) -> None:
    bare, more = (shape(read(store, "image", params)) for params in (NOTHING, with_only(param)))
    newer = {f"{path}_v2"} if param == "include_performance_details" else set()
    assert {added for added in more - bare if not added.startswith((f"{path}.", f"{path}_v2."))} == {path} | newer


def shape(value: Any, path: str = "") -> set[str]:
    """Every key path; ids and places in lists are stars."""
    if isinstance(value, list):
        return set().union(*(shape(item, path if not path else f"{path}.*") for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    names = {name: "*" if ID.fullmatch(name) else name for name in value}
    paths = {name: f"{path}.{step}" if path else step for name, step in names.items()}
    return set(paths.values()).union(*(shape(value[name], paths[name]) for name in value))


@pytest.mark.parametrize("param", ["include_interpolated_frames"])
def test_a_param_that_does_not_apply_to_images_changes_nothing(store: Store, param: str) -> None:
    assert read(store, "image", with_only(param)) == read(store, "image", NOTHING)


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", ["image", "text", "audio"])
def test_media_without_frames_are_the_same_with_that_param(store: Store, project: str) -> None:
    assert read(store, project, NOTHING) == read(store, project, with_only("include_interpolated_frames"))


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_frames_between_key_frames_are_there_only_on_request(store: Store, project: str) -> None:
    bare, whole = (
        [label for row in read(store, project, params) for label in project_of(row)["labels"]]
        for params in (NOTHING, with_only("include_interpolated_frames"))
    )
    assert [interpolate_frames(label["annotations"]) for label in bare] == [label["annotations"] for label in whole]
    assert bare != whole
    assert [strip(label) for label in bare] == [strip(label) for label in whole]


def strip(label: dict[str, Any]) -> dict[str, Any]:
    """A label without its frames."""
    annotations = {key: value for key, value in label["annotations"].items() if key not in {"frames", "groups"}}
    return label | {"annotations": annotations}
