"""The strategies give what the schemas allow, agree within themselves, and find the mistakes of a user's parser."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from contract_tests.clients.environments import NEWEST, python_of
from mockserver.testing import schemas
from mockserver.testing.strategies import (
    PARAMS,
    annotations_v2,
    data_rows,
    frames,
    labels_v1,
    metadata_fields,
    payloads,
    result_files,
    result_files_v1,
    webhook_bodies,
)
from mockserver.world.media import BY_NAME

# What nests and refers to itself is drawn slowly on a machine that does other things too.
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
SECTIONS = PARAMS.keys() - {"predictions", "model_run_ids"}
FILES = [name for name in schemas.names() if name != "blocks"]


@pytest.mark.parametrize("name", FILES)
def test_every_example_validates(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(schemas.load(name))

    @few
    @given(payloads(name))
    def validates(payload: Any) -> None:
        validator.validate(payload)

    validates()


@few
@given(data_rows("text", params={"label_details": True, "performance_details": False}))
def test_sections_are_there_as_requested(row: Any) -> None:
    for label in labels(row):
        assert ("label_details" in label, "performance_details" in label) == (True, False)


@few
@given(annotations_v2("text"))
def test_a_token_is_as_long_as_its_span(example: Any) -> None:
    for each in example["objects"]:
        location = each["location"]
        assert len(location.get("token", " " * (location["end"] - location["start"] + 1))) == (
            location["end"] - location["start"] + 1
        )


@few
@given(annotations_v2("video"))
def test_frames_segments_and_key_frames_have_the_same_features(example: Any) -> None:
    in_frames = {
        feature
        for frame in example["frames"].values()
        for feature in [*frame["objects"], *(answer["feature_id"] for answer in frame["classifications"])]
    }
    assert in_frames == example["segments"].keys() == example["key_frame_feature_map"].keys()
    assert list(example["frames"]) == sorted(example["frames"], key=int)


@few
@given(data_rows())
def test_no_two_features_of_a_row_have_one_id(row: Any) -> None:
    for label in labels(row):
        if "frames" not in label["annotations"] and "groups" not in label["annotations"]:
            example = list(feature_ids(label["annotations"]))
            assert len(example) == len(set(example))


@few
@given(result_files("image"))
def test_a_file_is_lines_of_ascii(file: bytes) -> None:
    assert file.isascii()
    assert [json.loads(line) for line in file.splitlines()] == [json.loads(line) for line in file.split(b"\n")[:-1]]


@few
@given(result_files_v1("text"))
def test_a_file_of_v1_is_one_array(file: bytes) -> None:
    for label in json.loads(file):
        assert label["Skipped"] == (label["Label"] == {})


@few
@given(labels_v1("video"))
def test_a_clip_of_v1_was_skipped_where_it_names_no_frames(label: Any) -> None:
    assert label["Skipped"] == ("frames" not in label["Label"])


@few
@given(frames())
def test_each_frame_has_one_line(lines: Any) -> None:
    numbers = [line["frameNumber"] for line in lines]
    assert numbers == sorted(set(numbers))


@few
@given(webhook_bodies("v1"))
def test_a_webhook_carries_its_label_as_a_text(body: Any) -> None:
    assert isinstance(json.loads(body["label"]), dict)


@few
@given(annotations_v2("image"))
def test_relationships_join_objects_that_are_there(example: Any) -> None:
    ids = {each["feature_id"] for each in example["objects"]}
    for each in example["relationships"]:
        ends = each["unidirectional_relationship"]
        assert {ends["source"], ends["target"]} <= ids


@few
@given(annotations_v2("geospatial"))
def test_rings_on_a_map_are_closed(example: Any) -> None:
    for each in example["objects"]:
        if each["geojson"]["type"] == "Polygon":
            assert all(ring[0] == ring[-1] for ring in each["geojson"]["coordinates"])


@few
@given(metadata_fields())
def test_metadata_is_given_with_its_schema(field: Any) -> None:
    assert field.keys() == {"schema_id", "schema_name", "schema_kind", "value"}


def test_a_parser_that_takes_the_end_for_exclusive_is_found_and_the_example_shrunk() -> None:
    """The classic mistake: `text[start:end]`."""

    def wrong(example: Any) -> bool:
        return any(
            "token" in place and len(place["token"]) != place["end"] - place["start"]
            for place in (each["location"] for each in example["objects"])
        )

    smallest = find(annotations_v2("text"), wrong, settings=settings(few, max_examples=500, database=None))
    [entity] = smallest["objects"]
    assert smallest["classifications"] == entity["classifications"] == []
    assert entity["location"] == {"start": 0, "end": 0, "token": "0"}


def test_a_parser_that_reads_one_level_of_answers_is_found_and_the_example_shrunk() -> None:
    def wrong(example: Any) -> bool:
        return any(answer["radio_answer"]["classifications"] for answer in example if "radio_answer" in answer)

    answers = annotations_v2("html").map(lambda example: example["classifications"])
    smallest = find(answers, wrong, settings=settings(few, max_examples=2000, database=None))
    [outer] = smallest
    [inner] = outer["radio_answer"]["classifications"]
    assert len(inner.keys() & {"radio_answer", "checklist_answers", "text_answer"}) == 1


@pytest.mark.parametrize(
    ("make", "nearest"),
    [
        (lambda: data_rows("imgae"), "image"),
        (lambda: data_rows("image", params={"label_detail": True}), "label_details"),
        (lambda: annotations_v2("vidoe"), "video"),
        (lambda: labels_v1("vidoe"), "video"),
        (lambda: payloads("v2-imgae"), "v2-image"),
    ],
)
def test_an_unknown_word_is_answered_with_the_nearest(make: Any, nearest: str) -> None:
    with pytest.raises(ValueError, match=nearest):
        make()


WITHOUT_SECTION = {
    *("project_ids", "all_projects", "all_model_runs"),  # choose projects and model runs
    *("media_type_override", "interpolated_frames", "model_run_details"),  # change sections that other words turn on
}


def test_params_are_the_words_of_the_sdk() -> None:
    program = (
        "import json, labelbox.schema.export_params as p\n"
        "kinds = p.ProjectExportParams, p.CatalogExportParams, p.ModelRunExportParams\n"
        "print(json.dumps(sorted({word for kind in kinds for word in kind.__annotations__})))"
    )
    words = json.loads(subprocess.check_output([python_of(NEWEST), "-c", program], text=True))
    assert PARAMS.keys() == set(words) - WITHOUT_SECTION
    assert set(words) >= WITHOUT_SECTION


def test_without_hypothesis_the_import_names_what_to_install() -> None:
    program = "import sys; sys.modules['hypothesis'] = None\nimport mockserver.testing.strategies"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'labelbox-mockserver[strategies]'" in finished.stderr


def test_examples_are_plain_json() -> None:
    @few
    @given(st.one_of(data_rows("video"), data_rows("document")))
    def plain(row: Any) -> None:
        assert json.loads(json.dumps(row)) == row

    plain()


# What must agree within a row


def consistent(row: Any) -> None:
    """Raises AssertionError where parts of a row contradict each other."""
    attributes, details = row["media_attributes"], row["data_row"]["details"]
    assert details["created_at"] <= details["updated_at"] <= details["last_activity_at"]
    for embedding in row["embeddings"]:
        assert {len(each["value"]) for each in embedding["values"]} <= {embedding["dimensions"]}
    for project in row["projects"].values():
        details = project["project_details"]
        assert details["workflow_status"] in {"IN_REVIEW", "IN_REWORK"} or "task_id" not in details
        assert details["workflow_status"] != "TO_LABEL" or details["workflow_history"] == []
        ids = {label["id"] for label in project["labels"]}
        assert details.get("selected_label_id") in {None, *ids}
        for label in project["labels"]:
            dates = label["label_details"]
            assert (
                dates["created_at"] <= dates.get("content_last_updated_at", dates["created_at"]) <= dates["updated_at"]
            )
            assert ("content_last_updated_at" in dates) == bool(feature_ids(label["annotations"]))
            older, newer = label["performance_details"], label["performance_details_v2"]
            assert older["seconds_to_create"] == newer["seconds_total"] >= newer["seconds_to_review"]
            assert {key: older.get(key) for key in SCORES} == {key: newer.get(key) for key in SCORES}
            for part, frame in parts(label["annotations"]):
                lies_within(part, attributes)
                for url in [part[key]["url"] for key in ("mask", "composite_mask") if key in part]:
                    assert f"/index/{frame}" in url


def lies_within(part: Any, attributes: Any) -> None:
    if "message_id" in part and "conversational_location" not in part:
        assert part["message_id"] in attributes.get("labelable_ids", [part["message_id"]])
    if "page_number" in part:
        assert part["page_number"] >= 0
    page = part.get("page_dimensions", attributes)
    if "bounding_box" in part and "width" in page:
        box = part["bounding_box"]
        assert box["left"] + box["width"] <= page["width"] + 0.001
        assert box["top"] + box["height"] <= page["height"] + 0.001


def parts(value: Any, frame: int = 1) -> Iterator[tuple[Any, int]]:
    """Every object below, and the number of its frame."""
    if isinstance(value, list):
        for below in value:
            yield from parts(below, frame)
    elif isinstance(value, dict):
        yield value, frame
        for key, below in value.items():
            yield from parts(below, int(key) if key.isdigit() else frame)


@pytest.mark.parametrize("media", sorted(BY_NAME))
def test_what_a_row_says_twice_agrees_and_some_rows_have_labels(media: str) -> None:
    labelled = []

    @settings(few, max_examples=40, derandomize=True, database=None, phases=[Phase.generate])
    @given(data_rows(media, params=dict.fromkeys(SECTIONS, True)))
    def agrees(row: Any) -> None:
        consistent(row)
        labelled.append(bool(labels(row)))

    agrees()
    assert any(labelled)


@pytest.mark.parametrize(("media", "kind"), [("image", "ImageSegmentationMask"), ("dicom", "DICOMSegmentationMask")])
def test_masks_are_among_the_examples(media: str, kind: str) -> None:
    any_example = settings(few, max_examples=500, database=None, phases=[Phase.generate])
    find(annotations_v2(media), lambda example: kind in json.dumps(example), settings=any_example)


SCORES = ("skipped", "benchmark_score", "consensus_score")


def labels(row: Any) -> list[Any]:
    return [label for project in row.get("projects", {}).values() for label in project["labels"]]


def feature_ids(value: Any) -> list[str]:
    if isinstance(value, list):
        return [example for part in value for example in feature_ids(part)]
    if isinstance(value, dict):
        own = [value["feature_id"]] if "feature_id" in value else []
        return own + [example for part in value.values() for example in feature_ids(part)]
    return []
