"""A label gets other annotations by the text of its `Label` (SDK label.py `update`)."""

import json
from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

UPDATE = (
    "mutation updateLabelPyApi($labelId: ID!, $label: String) {updateLabel(where: {id: $labelId} data: {label: $label})"
    " {label secondsToLabel agreement benchmarkAgreement isBenchmarkReference updatedAt createdAt id}}"
)
READ = "query($id: ID!) {label(where: {id: $id}) {label secondsToLabel dataRow {id}}}"
LABELS = "query($id: ID!) {project(where: {id: $id}) {labels(first: 50) {id label}}}"
STILL = ("image", "text", "conversational", "geospatial", "document", "html")


def list_labels(workspace: MockWorkspace, project: str) -> list[dict[str, Any]]:
    answer = ask_in(workspace, LABELS, id=workspace.project(project))
    return [label | {"label": json.loads(label["label"])} for label in answer["project"]["labels"]]


def find_label(workspace: MockWorkspace, project: str = "image") -> dict[str, Any]:
    """A label with an object and a classification."""
    labels = list_labels(workspace, project)
    return next(item for item in labels if item["label"].get("objects") and item["label"].get("classifications"))


def update(workspace: MockWorkspace, label_id: str, label: object) -> Any:
    text = label if isinstance(label, str) else json.dumps(label)
    return ask_in(workspace, UPDATE, labelId=label_id, label=text)["updateLabel"]


def export(workspace: MockWorkspace, project: str, label_id: str) -> dict[str, Any]:
    """The annotations of a label in an export."""
    for row in workspace.expected_rows(project, params={"label_details": True}):
        for label in row["projects"][workspace.project(project)]["labels"]:
            if label["id"] == label_id:
                return dict(label["annotations"])
    raise AssertionError(label_id)


def strip_ids(value: Any) -> Any:
    """Annotations without the ids and URLs that every new body has of its own."""
    if isinstance(value, dict):
        left_out = {"feature_id", "featureId", "composite_mask", "mask", "url", "instanceURI", "source", "target"}
        return {key: strip_ids(item) for key, item in value.items() if key not in left_out}
    return [strip_ids(item) for item in value] if isinstance(value, list) else value


@pytest.mark.known("client")
@pytest.mark.parametrize("project", STILL)
def test_a_label_that_is_sent_back_as_it_was_stays_the_same(workspace: MockWorkspace, project: str) -> None:
    for label in list_labels(workspace, project)[:4]:
        before = export(workspace, project, label["id"])
        answer = update(workspace, label["id"], label["label"])
        after = export(workspace, project, label["id"])
        assert strip_ids(after) == strip_ids(before)
        assert strip_ids(json.loads(answer["label"])) == strip_ids(label["label"])


@pytest.mark.known("client")
def test_what_was_changed_is_exported_and_sent_to_webhooks(workspace: MockWorkspace) -> None:
    label = find_label(workspace)
    boxes = [item for item in label["label"]["objects"] if "bbox" in item]
    box = boxes[0]
    changed = box | {"bbox": {"top": 1, "left": 2, "height": 3, "width": 4}}
    added = {"title": box["title"], "bbox": {"top": 5, "left": 6, "height": 7.5, "width": 8}}
    update(workspace, label["id"], {"objects": [changed, added], "classifications": []})
    annotations = export(workspace, "image", label["id"])
    boxes = [item["bounding_box"] for item in annotations["objects"]]
    assert boxes == [
        {"top": 1, "left": 2, "height": 3, "width": 4}, {"top": 5, "left": 6, "height": 7.5, "width": 8},
    ]  # fmt: skip
    assert annotations["classifications"] == []
    again = json.loads(ask_in(workspace, READ, id=label["id"])["label"]["label"])
    assert [item["bbox"]["width"] for item in again["objects"]] == [4, 8]


@pytest.mark.known("client")
def test_any_other_text_is_kept_and_the_label_has_no_annotations(workspace: MockWorkspace) -> None:
    """SDK tests test_label.py 7.17.0, test_label_update."""
    label = find_label(workspace)
    assert update(workspace, label["id"], "something else")["label"] == "something else"
    assert ask_in(workspace, READ, id=label["id"])["label"]["label"] == "something else"
    annotations = export(workspace, "image", label["id"])
    assert (annotations["objects"], annotations["classifications"]) == ([], [])
    update(workspace, label["id"], label["label"])
    assert export(workspace, "image", label["id"])["objects"] != []


def test_a_relationship_without_its_object_is_refused(workspace: MockWorkspace) -> None:
    label = next(item for item in list_labels(workspace, "image") if item["label"].get("relationships"))
    ends = label["label"]["relationships"][0]["data"]
    left = [item for item in label["label"]["objects"] if item["featureId"] != ends["source"]]
    text = json.dumps(label["label"] | {"objects": left})
    assert "its source is no object of the label" in refuse(workspace, UPDATE, labelId=label["id"], label=text)


def test_seconds_are_changed_alone(workspace: MockWorkspace) -> None:
    label = find_label(workspace)
    document = (
        "mutation($id: ID!, $seconds: Float) {updateLabel(where: {id: $id} data: {secondsToLabel: $seconds}) {id}}"
    )
    ask_in(workspace, document, id=label["id"], seconds=12.0)
    answer = ask_in(workspace, READ, id=label["id"])["label"]
    assert answer["secondsToLabel"] == 12.0
    assert strip_ids(json.loads(answer["label"])) == strip_ids(label["label"])
    assert "expected 0 to" in refuse(workspace, document, id=label["id"], seconds=-1)
    assert "without values" in refuse(workspace, document, id=label["id"])
    assert "does not exist" in refuse(workspace, document, id="nobody", seconds=1)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ({"objects": [{"title": "Nothing", "bbox": {"top": 1, "left": 1, "height": 1, "width": 1}}]}, "objects[0]"),
        ({"objects": [{"title": "Car"}]}, "label.objects[0] has no geometry"),
        ({"objects": [{"title": "Car", "bbox": {"top": 1}}]}, "label.objects[0].bbox is not as Export V1 has it"),
        ({"objects": [{"title": "Car", "bbox": 5}]}, "label.objects[0].bbox is not as Export V1 has it"),
        ({"objects": {"title": "Car"}}, "label.objects is"),
        ({"objects": [5]}, "label.objects is"),
        ({"classifications": [{"title": "Nothing", "answer": "a"}]}, "label.classifications[0]"),
        ({"classifications": [[[7]]]}, "label.classifications is"),
        ({"objects": [{"title": 5, "point": {"x": 1, "y": 1}}]}, "label.objects[0]"),
        ({"relationships": [{"title": "Car", "data": 4}]}, "label.relationships[0].data is"),
    ],
)
def test_a_wrong_label_is_refused_and_changes_nothing(workspace: MockWorkspace, label: Any, message: str) -> None:
    known = find_label(workspace)
    assert message in refuse(workspace, UPDATE, labelId=known["id"], label=json.dumps(label))
    assert export(workspace, "image", known["id"])["objects"] != []


@pytest.mark.parametrize("project", ["video", "dicom", "audio"])
def test_labels_with_annotations_in_time_are_refused_in_words(workspace: MockWorkspace, project: str) -> None:
    label = list_labels(workspace, project)[0]
    assert "in frames or at timestamps" in refuse(
        workspace, UPDATE, labelId=label["id"], label='{"classifications": []}'
    )
