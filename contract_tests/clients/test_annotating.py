"""SDKs of several years annotate what they have built, and the next export has exactly what was put in."""

from collections.abc import Iterator
from typing import Any

import pytest

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.clients.test_reads import WAYS, versions
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ANNOTATING = WAYS | {"5.2.1": "export"}
ANNOTATORS = versions("3.40.1", "3.52.0", "3.78.2", "5.2.1", "6.0.0", NEWEST)
EVERY = versions(*ANNOTATING)
BOX = {"top": 48, "left": 58, "height": 65.5, "width": 12}
RING = [{"x": 1, "y": 2}, {"x": 3, "y": 2.5}, {"x": 1, "y": 4}, {"x": 1, "y": 2}]
RANGE = [{"start": 7, "end": 13}]

TALK = {
    "type": "application/vnd.labelbox.conversational",
    "version": 1,
    "messages": [
        {
            "messageId": "m-1",
            "content": "hello",
            "user": {"userId": "a", "name": "A"},
            "align": "left",
            "canLabel": True,
        }
    ],
}

WITHOUT_EDITORS, BEFORE_EDITORS = ("3.40.1", "3.52.0"), "2025-12-01"
MediaCase = tuple[str, Any, list[Any], list[Any], list[Any]]
CASES: dict[str, MediaCase] = {
    "image": (
        "IMAGE",
        "https://example.com/street-640x480.jpg",
        [{"tool": "rectangle", "name": "box"}, {"tool": "polygon", "name": "ring"}],
        [{"name": "box", "bbox": BOX}, {"name": "ring", "polygon": RING}],
        [
            {"name": "box", "value": "box", "annotation_kind": "ImageBoundingBox", "bounding_box": BOX},
            {"name": "ring", "value": "ring", "annotation_kind": "ImagePolygon", "polygon": RING},
        ],
    ),
    "text": (
        "TEXT",
        "A text that stays as it is",
        [{"tool": "named-entity", "name": "named-entity"}],
        [{"name": "named-entity", "location": {"start": 2, "end": 5}}],
        [
            {
                "name": "named-entity",
                "value": "named_entity",
                "annotation_kind": "TextEntity",
                "location": {"start": 2, "end": 5, "token": "text"},
            }
        ],
    ),
    "conversation": (
        "CONVERSATIONAL",
        TALK,
        [{"tool": "named-entity", "name": "ner"}],
        [{"name": "ner", "location": {"start": 0, "end": 4}, "messageId": "m-1"}],
        [
            {
                "name": "ner",
                "value": "ner",
                "annotation_kind": "ConversationalTextEntity",
                "conversational_location": {"message_id": "m-1", "location": {"start": 0, "end": 4}},
            }
        ],
    ),
    "document": (
        "PDF",
        "https://example.com/report.pdf",
        [{"tool": "rectangle", "name": "box"}],
        [{"name": "box", "bbox": BOX, "page": 1, "unit": "POINTS"}],
        [
            {
                "name": "box",
                "value": "box",
                "annotation_kind": "DocumentBoundingBox",
                "page_number": 1,
                "bounding_box": BOX | {"unit": "points"},
                "page_dimensions": {"height": 792.0, "width": 612.0, "unit": "points"},
            }
        ],
    ),
    "audio": ("AUDIO", "https://example.com/talk.mp3", [], [], []),
    "page": ("HTML", "https://example.com/page.html", [], [], []),
    "map": (
        "TMS_GEO",
        {"tileLayerUrl": "https://example.com/{z}/{x}/{y}.png", "bounds": [[19, -99], [19.5, -98]], "minZoom": 1,
         "maxZoom": 3, "epsg": "EPSG4326"},
        [{"tool": "point", "name": "spot"}],
        [{"name": "spot", "point": {"x": -98.5, "y": 19.25}}],
        [
            {
                "name": "spot",
                "value": "spot",
                "annotation_kind": "GeoPoint",
                "geojson": {"type": "Point", "coordinates": [-98.5, 19.25]},
            }
        ],
    ),
    "clip": (
        "VIDEO",
        "https://example.com/clip.mp4",
        [{"tool": "rectangle", "name": "box"}],
        [
            {"name": "box", "segments": [{"keyframes": [{"frame": 7, "bbox": BOX}, {"frame": 13, "bbox": BOX}]}]},
            {"name": "choices", "answer": [{"name": "first"}], "frames": RANGE},
        ],
        [{"name": "box", "value": "box", "annotation_kind": "VideoBoundingBox", "bounding_box": BOX}],
    ),
}  # fmt: skip


@pytest.fixture
def own(server: ServedWorld, version: str) -> Iterator[MockWorkspace]:
    """SDKs up to 3.74 refuse to set up a project that has an editor from its start."""
    date = BEFORE_EDITORS if version in WITHOUT_EDITORS else None
    workspace = server.workspace(scenario="empty", payload_date=date)
    yield workspace
    workspace.delete()


@pytest.fixture
def client(programs: RunningPrograms, server: ServedWorld, own: MockWorkspace, version: str) -> Client:
    return programs.client(ClientKind(sdk(version), ANNOTATING[version]), server).with_key(own.api_key)


def strip_ids(part: Any) -> Any:
    """Annotations without the ids of features, as the SDK's own tests compare them."""
    if isinstance(part, list):
        return [strip_ids(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {key: strip_ids(value) for key, value in part.items() if key not in ("feature_id", "feature_schema_id")}


def list_objects(annotations: Any) -> list[Any]:
    if "frames" not in annotations:
        return list(annotations.get("objects", []))
    return list(annotations["frames"]["7"]["objects"].values())


@pytest.mark.capability("labels")
@pytest.mark.known("client")
@ANNOTATORS
@pytest.mark.parametrize("case", CASES)
def test_imported_labels_are_exported_as_they_were_sent(client: Client, version: str, case: str) -> None:
    media, row_data, tools, lines, objects = CASES[case]
    imported = client.read("import_labels", name=case, media=media, row_data=row_data, tools=tools, lines=lines)
    assert (imported["state"], imported["errors"]) == ("FINISHED", [])
    assert imported["statuses"] == ["SUCCESS"] * (len(lines) + 3)
    assert imported["inputs"] == len(lines) + 3
    [row] = client.export_project(imported["project"], params={"label_details": True, "project_details": True}).rows
    [label] = row["projects"][imported["project"]]["labels"]
    annotations = label["annotations"]
    exported = list_objects(annotations)
    assert [item["feature_schema_id"] for item in exported] == [imported["schemas"][item["name"]] for item in objects]
    assert [strip_ids(item) for item in exported] == [item | {"classifications": []} for item in objects]
    radio, checklist, text = (strip_ids(question) for question in annotations["classifications"])
    [why] = radio["radio_answer"]["classifications"]
    assert (radio["radio_answer"]["name"], why["text_answer"]["content"]) == ("second", "because")
    assert [answer["name"] for answer in checklist["checklist_answers"]] == ["first", "second"]
    assert text["text_answer"]["content"] == "written"
    if case == "clip":
        assert sorted(annotations["frames"], key=int) == ["7", "13"]
        [question] = annotations["frames"]["13"]["classifications"]
        assert question["checklist_answers"][0]["name"] == "first"
        assert sorted(annotations["segments"].values()) == [[[7, 13]], [[7, 13]]]


@pytest.mark.known("client")
@versions("3.40.1", "3.78.2")
def test_imported_labels_are_in_export_v1_too(client: Client, version: str) -> None:
    media, row_data, tools, lines, _ = CASES["image"]
    imported = client.read("import_labels", name="old", media=media, row_data=row_data, tools=tools, lines=lines)
    [label] = client.legacy("export_labels", project_id=imported["project"], filters={})["labels"]
    box, ring = label["Label"]["objects"]
    assert (box["bbox"], ring["polygon"]) == (BOX, RING[:-1])
    titles = [question["title"] for question in label["Label"]["classifications"]]
    assert titles == ["choice", "why", "choices", "note"]


@pytest.mark.capability("predictions_imported")
@pytest.mark.known("client")
@EVERY
def test_predictions_are_in_their_run_and_pre_labels_in_no_export(
    client: Client, own: MockWorkspace, version: str
) -> None:
    predicted = client.read("predict", name="predicted")
    assert (predicted["states"], predicted["errors"]) == (["FINISHED", "FINISHED"], [[], []])
    [row] = client.export_project(predicted["project"]).rows
    assert row["projects"][predicted["project"]]["labels"] == []
    [row] = own.expected_rows(model_run=predicted["run"], params={"predictions": True})
    [experiment] = row["experiments"].values()
    [prediction] = experiment["runs"][predicted["run"]]["predictions"]
    [item] = prediction["annotations"]["objects"]
    assert (item["bounding_box"], item["confidence"]) == ({"top": 1, "left": 2, "height": 3, "width": 4}, 0.5)


@pytest.mark.capability("ontologies")
@pytest.mark.known("client")
@versions("3.52.0", "3.78.2", "5.2.1", "6.0.0", NEWEST)
def test_ontologies_are_changed_and_deleted(client: Client, version: str) -> None:
    assert client.read("change_ontology", name="x") == {
        "renamed": "x renamed",
        "names": ["x polygon", "x renamed"],
        "removed": [False, True],
        "archived": False,
        "unused": [True, True, False],
        "after": [[], []],
    }
