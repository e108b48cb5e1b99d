"""The values of each exported row: ids, moments, people, history, metadata and states."""

import datetime
import json
import re

import pytest

from contract_tests.rules.exports.rows import ID, STILL, labels_of, leaves, project_of, read, render
from contract_tests.rules.generate.media.times import features_in
from contract_tests.rules.worlds import PROJECTS
from mockserver.world.store import Store

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_ids_moments_and_people_look_as_in_the_sample(store: Store, project: str) -> None:
    for row in read(store, project):
        for path, value in leaves(row):
            name = path.rsplit(".", 1)[-1]
            if name.endswith("_at"):
                assert MOMENT.fullmatch(value), path
                assert datetime.datetime.fromisoformat(value) <= datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
            if name == "created_by":
                assert "@" in value, path
            of_text_layer = ".groups." in path  # UUIDs, as in the SDK's tests
            if name in {"id", "feature_id", "dataset_id", "ontology_id", "selected_label_id"} and not of_text_layer:
                assert ID.fullmatch(value), path


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_history_is_newest_first_with_the_key_sets_of_the_sample(store: Store, project: str) -> None:
    before, after = ["previous_task_name", "previous_task_id"], ["next_task_name", "next_task_id"]
    allowed = {"Move": [after, before + after, before], "Approve": [before], "Reject": [before + after]}
    for row in read(store, project):
        history = project_of(row)["project_details"]["workflow_history"]
        assert [step["created_at"] for step in history] == sorted((s["created_at"] for s in history), reverse=True)
        for step in history:
            assert list(step)[:3] == ["action", "created_at", "created_by"]
            assert list(step)[3:] in allowed[step["action"]]
        if project_of(row)["project_details"]["workflow_status"] == "TO_LABEL":
            assert history == []  # no history before the last label (observed 2024-12)
            continue
        labelled, entered = history[-2:]
        assert (list(entered)[3:], labelled["action"]) == (after, "Move")
        assert (
            labelled["created_by"]
            == entered["created_by"]
            == project_of(row)["labels"][-1]["label_details"]["created_by"]
        )
        difference = datetime.datetime.fromisoformat(labelled["created_at"]) - datetime.datetime.fromisoformat(
            entered["created_at"]
        )
        assert datetime.timedelta() < difference < datetime.timedelta(milliseconds=10)


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_a_row_that_waits_for_review_or_rework_names_its_task_by_id(store: Store, project: str) -> None:
    seen = set()
    for row in read(store, project):
        details = project_of(row)["project_details"]
        seen.add(details["workflow_status"])
        assert ("task_id" in details) == (details["workflow_status"] in {"IN_REVIEW", "IN_REWORK"})
        assert (details["task_name"] == "Done") == (details["workflow_status"] == "DONE")
        assert "selected_label_id" not in details  # of a label that is alone (observed 2023-10)
    assert seen == {"TO_LABEL", "IN_REVIEW", "IN_REWORK", "DONE"}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", STILL)
def test_labelled_skipped_and_unlabelled_rows_are_distinguishable(store: Store, project: str) -> None:
    labels = [project_of(row)["labels"] for row in read(store, project)]
    skipped = [label for group in labels for label in group if label["performance_details"]["skipped"]]
    assert [label["annotations"] for label in skipped] == [{"objects": [], "classifications": [], "relationships": []}]
    assert [] in labels
    assert sum(len(group) == 1 for group in labels) > len(skipped)


@pytest.mark.known("client")
@pytest.mark.parametrize("project", PROJECTS)
def test_only_labels_of_clips_have_a_kind_of_their_own(store: Store, project: str) -> None:
    kinds = {label["label_kind"] for label in labels_of(store, project)}
    assert kinds == {"Video" if project == "video" else "Default"}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", ["video", "dicom", "audio"])
def test_a_skipped_label_has_the_keys_of_its_medium_and_nothing_below(store: Store, project: str) -> None:
    labels = labels_of(store, project)
    [skipped] = [label["annotations"] for label in labels if label["performance_details"]["skipped"]]
    assert {tuple(label["annotations"]) for label in labels} == {tuple(skipped)}
    assert not list(features_in(skipped))


@pytest.mark.known("documented")
def test_embeddings_have_one_vector_of_their_size(store: Store) -> None:
    for row in read(store, "image"):
        [embedding] = row["embeddings"]
        assert list(embedding) == ["id", "name", "dimensions", "is_custom", "values"]
        [vector] = embedding["values"]
        assert (len(vector["value"]), embedding["is_custom"]) == (512, False) == (embedding["dimensions"], False)


@pytest.mark.known("client")
def test_metadata_and_attachments_have_the_fields_that_readers_look_for(store: Store) -> None:
    rows = read(store, "image")
    fields = [field for row in rows for field in row["metadata_fields"]]
    assert {tuple(field) for field in fields} == {("schema_id", "schema_name", "schema_kind", "value")}
    assert {(field["schema_name"], field["schema_kind"]) for field in fields} == {
        ("captureDateTime", "CustomMetadataDateTime"), ("tag", "CustomMetadataString"), ("split", "CustomMetadataEnum"),
    }  # fmt: skip
    moments = [field["value"] for field in fields if field["schema_name"] == "captureDateTime"]
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.000\+00:00", moment) for moment in moments)
    choices = [field["value"] for field in fields if field["schema_name"] == "split"]
    assert {tuple(choice) for [choice] in choices} == {("schema_id", "schema_name")}
    attachments = [item for row in rows for item in row["attachments"]]
    assert {tuple(item) for item in attachments} == {("type", "value", "name")}
    assert [] in [row["metadata_fields"] for row in rows]
    assert [] in [row["attachments"] for row in rows]


@pytest.mark.known("client")
@pytest.mark.parametrize("host", ['http://a"b', "http://a\\b", "http://höst", "http://[::1]:80"])
def test_any_host_makes_rows_that_parse(store: Store, host: str) -> None:
    with store.reading() as connection:
        rows = [json.loads(line) for line in render(connection, "image", host=host).splitlines()]
    urls = [value for path, value in leaves(rows) if path.endswith(("row_data", ".url"))]
    assert len(urls) > len(rows)
    assert [url for url in urls if not url.startswith(host)] == []
