"""Export V1 by the SDKs that have it, from 3.24.1 to 4.0.0, held against what the world itself says as V2 rows."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from contract_tests.clients.clients import LEGACY, Client, ClientFailure, ClientKind, RunningPrograms
from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.clips import ALL_CLIPS, serve_clips
from contract_tests.serving import ServedWorld

pytestmark = pytest.mark.capability("v1")

TABLE = [pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.program.name)) for kind in LEGACY]
VIDEO_ONLY = {"sdk-3.24.1"}
"""Where `video_label_generator` still is."""
STUMBLE_OVER_SKIPPED_CLIPS = {"sdk-3.24.1", "sdk-3.30.1", "sdk-3.36.1"}
"""Up to 3.38 an SDK looks for `frames` in every label that is not empty (observed 2023-02, a traceback)."""
EVERYTHING = {"data_row_details": True, "label_details": True, "performance_details": True, "metadata_fields": True}


@pytest.fixture(params=TABLE)
def kind(request: pytest.FixtureRequest) -> ClientKind:
    chosen: ClientKind = request.param
    return chosen


@pytest.fixture
def legacy(kind: ClientKind, programs: RunningPrograms, server: ServedWorld) -> Client:
    return programs.client(kind, server)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    """A world with a project of videos alone, and one of pictures and videos."""
    with serve_clips(tmp_path_factory.mktemp("clips"), long=20) as (served, _):
        yield served


@pytest.fixture
def on_clips(kind: ClientKind, programs: RunningPrograms, clips: ServedWorld) -> Client:
    return programs.client(kind, clips)


def truth(server: ServedWorld, project: str) -> dict[str, Any]:
    """Each label of a project as Export V2 says it, by its id, with its data row beside it."""
    labels = {}
    for row in server.own.expected_rows(project, params=EVERYTHING):
        [in_project] = [inner for inner in row["projects"].values() if inner["name"] == project]
        for label in in_project["labels"]:
            labels[label["id"]] = label | {"data_row": row["data_row"]}
    return labels


def labels_of(client: Client, project: str, **filters: str) -> list[Any]:
    labels: list[Any] = client.legacy("export_labels", project_id=project, filters=filters)["labels"]
    return labels


def export_typed(client: Client, project: str, method: str = "label_generator", **filters: str) -> list[Any]:
    labels: list[Any] = client.legacy("label_generator", project_id=project, method=method, filters=filters)["labels"]
    return labels


@pytest.mark.matrix
@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["image", "text"])
def test_labels_are_those_of_the_world(legacy: Client, server: ServedWorld, project: str) -> None:
    world = truth(server, project)
    labels = labels_of(legacy, server.projects[project])
    assert {label["ID"] for label in labels} == set(world)
    for label in labels:
        known = world[label["ID"]]
        details, performance = known["label_details"], known["performance_details"]
        assert label["DataRow ID"] == known["data_row"]["id"]
        assert label["Created By"] == details["created_by"]
        assert label["Created At"][:-1] == details["created_at"][:-6]
        late = datetime.fromisoformat(label["Updated At"]) - datetime.fromisoformat(details["updated_at"])
        assert abs(late) <= timedelta(seconds=0.5)  # V2 rounds to the second
        assert (label["Seconds to Label"], label["Skipped"]) == (
            performance["seconds_to_create"],
            performance["skipped"],
        )
        assert label["External ID"] == known["data_row"]["external_id"]
        assert [review["id"] for review in label["Reviews"]] == [review["id"] for review in details["reviews"]]
        assert len(requests.get(label["Labeled Data"], timeout=30).content) > 0


@pytest.mark.known("client")
def test_filters_select_by_creation_and_by_activity(legacy: Client, server: ServedWorld) -> None:
    project, every = server.projects["image"], len(truth(server, "image"))
    assert len(labels_of(legacy, project, start="2020-01-01")) == every
    second = "" if "seconds" in legacy.lacks else " 00:00:01"
    assert labels_of(legacy, project, start="2020-01-01", end=f"2020-01-02{second}") == []
    assert len(labels_of(legacy, project, start="", end="")) == every  # `labelCreatedAt: {}`
    moments = sorted(label["Created At"][:10] for label in labels_of(legacy, project))
    middle = moments[every // 2]
    assert len(labels_of(legacy, project, end=middle)) == sum(moment <= middle for moment in moments)
    # Filters that an SDK does not know yet are dropped in silence.
    future, past = {"last_activity_start": "2100-01-01"}, {"last_activity_end": "2000-01-01"}
    assert bool(labels_of(legacy, project, **future)) == ("last_activity_start" in legacy.lacks)
    if "last_activity_end" not in legacy.lacks:
        assert labels_of(legacy, project, last_activity_start="1999-01-01", **past) == []


@pytest.mark.thorough
@pytest.mark.known("client")
def test_pictures_come_typed_with_their_geometry_and_answers(legacy: Client, server: ServedWorld) -> None:
    world = {key: label for key, label in truth(server, "image").items() if not label["performance_details"]["skipped"]}
    labels = export_typed(legacy, server.projects["image"])
    assert {label["id"] for label in labels} == set(world)
    for label in labels:
        annotations = world[label["id"]]["annotations"]
        assert label["data"] == "ImageData"
        objects = {item["feature_id"]: item for item in label["annotations"] if item["kind"] in GEOMETRY}
        assert objects.keys() == {item["feature_id"] for item in annotations["objects"]}
        for item in annotations["objects"]:
            exported = objects[item["feature_id"]]
            assert (exported["name"], exported["schema_id"]) == (item["name"], item["feature_schema_id"])
            check_geometry(exported, item)
            assert answers(exported["classifications"]) == v2_answers(item["classifications"])
        questions = [item for item in label["annotations"] if item["kind"] not in GEOMETRY]
        assert answers(questions) == v2_answers(annotations["classifications"])


@pytest.mark.thorough
@pytest.mark.known("client")
def test_texts_come_typed_with_their_entities(legacy: Client, server: ServedWorld) -> None:
    world = truth(server, "text")
    for label in export_typed(legacy, server.projects["text"]):
        annotations = world[label["id"]]["annotations"]
        entities = [item for item in label["annotations"] if item["kind"] == "TextEntity"]
        assert [item["value"] for item in entities] == [
            [item["location"]["start"], item["location"]["end"]] for item in annotations["objects"]
        ]
        assert label["data"] == "TextData"


GEOMETRY = {"Rectangle", "Polygon", "Line", "Point", "Mask"}


def check_geometry(exported: Any, item: Any) -> None:
    if "bounding_box" in item:
        box = item["bounding_box"]
        corners = [box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]]
        assert exported["value"] == pytest.approx(corners)
    elif "point" in item:
        assert exported["value"] == [item["point"]["x"], item["point"]["y"]]
    elif "composite_mask" in item:
        assert f"/masks/feature/{item['feature_id']}?token=" in exported["value"]
    else:
        points = item.get("polygon") or item["line"]
        assert exported["value"] == [[point["x"], point["y"]] for point in points]


def answers(items: list[Any]) -> list[tuple[str, Any]]:
    """(question, answer) as the SDK has them, flat."""
    return [(item["name"], item["value"]) for item in items]


def v2_answers(items: list[Any]) -> list[tuple[str, Any]]:
    """The same of Export V2, where questions are nested."""
    flat: list[tuple[str, Any]] = []
    for item in items:
        if "text_answer" in item:
            flat.append((item["name"], item["text_answer"]["content"]))
            continue
        chosen = item["checklist_answers"] if "checklist_answers" in item else [item["radio_answer"]]
        names = [answer["name"] for answer in chosen]
        flat.append((item["name"], names if "checklist_answers" in item else names[0]))
        for answer in chosen:
            flat += v2_answers(answer["classifications"])
    return flat


@contextmanager
def without_skips(client: Client, server: ServedWorld, project: str) -> Iterator[Client]:
    """The client on a fork of the world, in which the project's skipped labels were deleted."""
    own = server.own.fork()
    labels = truth(server, project).items()
    skipped = [id_ for id_, label in labels if label["performance_details"]["skipped"]]
    assert skipped
    ask_in(own, "mutation($ids: [ID!]!){deleteLabels(labelIds: $ids){id}}", ids=skipped)
    yield client.with_key(own.api_key)
    own.delete()


@pytest.mark.known("client")
@pytest.mark.capability("frames")
def test_a_skipped_clip_is_passed_over_or_raises_what_it_raised(
    legacy: Client, server: ServedWorld, kind: ClientKind
) -> None:
    known = truth(server, "video")
    labelled = {id_ for id_, label in known.items() if not label["performance_details"]["skipped"]}
    assert len(labelled) < len(known)
    if kind.program.name in STUMBLE_OVER_SKIPPED_CLIPS:
        with pytest.raises(ClientFailure) as raised:
            export_typed(legacy, server.projects["video"])
        assert raised.value.type == "builtins.ValueError"
    else:
        assert {label["id"] for label in export_typed(legacy, server.projects["video"])} == labelled
    assert {label["ID"] for label in labels_of(legacy, server.projects["video"])} == set(known)


@pytest.mark.known("client")
@pytest.mark.capability("frames")
@pytest.mark.matrix
@pytest.mark.parametrize("form", ["redirect", "redirect_elsewhere", "direct"])
def test_videos_come_typed_frame_by_frame(on_clips: Client, clips: ServedWorld, form: str) -> None:
    clips.own.switches.set(frames=form)
    world = truth(clips, ALL_CLIPS)
    with without_skips(on_clips, clips, ALL_CLIPS) as client:
        labels = export_typed(client, clips.projects[ALL_CLIPS])
    assert {label["id"] for label in labels} == {
        key for key, label in world.items() if not label["performance_details"]["skipped"]
    }
    for label in labels:
        assert label["data"] == "VideoData"
        assert [item["frame"] for item in label["annotations"]] == list(range(1, 11))
        assert [item["keyframe"] for item in label["annotations"]] == [at in {1, 5, 9, 10} for at in range(1, 11)]
        frames = world[label["id"]]["annotations"]["frames"]
        for item in label["annotations"]:
            if item["keyframe"]:
                [known] = frames[str(item["frame"])]["objects"].values()
                check_geometry(item, known)


@pytest.mark.thorough
@pytest.mark.known("client")
@pytest.mark.capability("frames")
def test_generated_videos_come_typed_as_the_interpolated_frames_of_export_v2(
    legacy: Client, server: ServedWorld
) -> None:
    rows = server.own.expected_rows("video", params={"interpolated_frames": True})
    world = {label["id"]: label["annotations"] for row in rows for label in list_labels(row)}
    with without_skips(legacy, server, "video") as client:
        labels = export_typed(client, server.projects["video"])
    assert 0 < len(labels) < len(world)
    for label in labels:
        assert label["data"] == "VideoData"
        frames = world[label["id"]]["frames"]
        objects = [item for item in label["annotations"] if item["kind"] in GEOMETRY]
        exported = {(item["frame"], item["feature_id"]): item for item in objects}
        known = {(int(at), key): item for at, frame in frames.items() for key, item in frame["objects"].items()}
        assert exported.keys() == known.keys()
        for place, item in known.items():
            check_geometry(exported[place], item)
            assert answers(exported[place]["classifications"]) == v2_answers(item["classifications"])
        questions = [item for item in label["annotations"] if item["kind"] not in GEOMETRY]
        for at, frame in frames.items():
            in_frame = [item for item in questions if item["frame"] == int(at)]
            assert answers(in_frame) == v2_answers(frame["classifications"])


def list_labels(row: Any) -> list[Any]:
    return [label for project in row["projects"].values() for label in project["labels"]]


@pytest.mark.known("client")
@pytest.mark.capability("frames")
def test_the_generator_of_videos_reads_them_too_where_it_is(
    on_clips: Client, clips: ServedWorld, kind: ClientKind
) -> None:
    if kind.program.name in VIDEO_ONLY:
        with without_skips(on_clips, clips, ALL_CLIPS) as client:
            labels = export_typed(client, clips.projects[ALL_CLIPS], "video_label_generator")
            assert labels == export_typed(client, clips.projects[ALL_CLIPS])
        with pytest.raises(ClientFailure, match="non-video data rows"):
            export_typed(on_clips, clips.projects["image"], "video_label_generator")
    else:
        with pytest.raises(ClientFailure, match="video_label_generator"):
            export_typed(on_clips, clips.projects[ALL_CLIPS], "video_label_generator")


@pytest.mark.known("client")
def test_a_project_of_pictures_and_videos_raises_what_it_raises(on_clips: Client, clips: ServedWorld) -> None:
    with pytest.raises(ClientFailure, match="Found mixed data types") as raised:
        export_typed(on_clips, clips.projects["image"])
    assert raised.value.type == "builtins.ValueError"
    assert len(labels_of(on_clips, clips.projects["image"])) > 0


@pytest.mark.thorough
@pytest.mark.known("sample")
def test_labels_of_a_model_run_have_their_split_and_ids_of_their_own(legacy: Client, server: ServedWorld) -> None:
    run = server.own.model_run("first training")
    labels = legacy.legacy("model_run_labels", model_run_id=run)["labels"]
    assert {label["Data Split"] for label in labels} == {"training", "validation", "test"}
    assert len({str(uuid.UUID(label["ID"])) for label in labels}) == len(labels)
    in_the_project = {label["DataRow ID"]: label for label in labels_of(legacy, server.projects["image"])}
    for label in labels:
        same = in_the_project[label["DataRow ID"]]
        assert label["Label"]["objects"][0]["featureId"] == same["Label"]["objects"][0]["featureId"]


OF_THE_YEARS = ("2023-04-17", "2022-12-15", "2021-01-15", "2020-02-15")
"""Payload dates that the SDK reads apart from those of its own time."""


@pytest.mark.known("client")
@pytest.mark.matrix
@pytest.mark.parametrize("date", OF_THE_YEARS)
def test_labels_of_every_year_come_typed(
    kind: ClientKind, programs: RunningPrograms, server: ServedWorld, date: str
) -> None:
    """Pictures, texts and clips, from the first year on. SDKs since 3.39 need the key `Skipped`, of 2021."""
    own = server.workspace(scenario="default", payload_date=date)
    client = programs.client(kind, server).with_key(own.api_key)
    for project in ("image", "text"):
        known = truth(server, project)
        labels = labels_of(client, own.project(project))
        assert {label["ID"] for label in labels} == set(known)
        if date > "2021-06" or kind.program.name in STUMBLE_OVER_SKIPPED_CLIPS:
            labelled = {id_ for id_, label in known.items() if not label["performance_details"]["skipped"]}
            assert {label["id"] for label in export_typed(client, own.project(project))} == labelled
    own.delete()


@pytest.mark.matrix
@pytest.mark.known("client")
@pytest.mark.parametrize("metadata", [True, False])
def test_data_rows_come_as_those_of_the_world(legacy: Client, server: ServedWorld, metadata: bool) -> None:
    rows = server.own.expected_rows("image", params={"data_row_details": True, "metadata_fields": True})
    details = {row["data_row"]["id"]: row["data_row"] for row in rows}
    dataset = server.own.dataset("image rows")
    for exported in (
        legacy.legacy("dataset_rows", dataset_id=dataset, metadata=metadata)["rows"],
        legacy.legacy("batch_rows", project_id=server.projects["image"], metadata=metadata)["rows"],
    ):
        assert {row["id"] for row in exported} == set(details)
        for row in exported:
            known = details[row["id"]]
            assert row["external_id"] == known["external_id"]
            assert row["created_at"][:19] == known["details"]["created_at"][:19]
            assert row["media_attributes"]["mimeType"] == "image/png"
            assert requests.head(row["row_data"], timeout=30).status_code == 200
    queued = legacy.legacy("export_queued_rows", project_id=server.projects["image"], metadata=metadata)["rows"]
    waiting = [row["data_row"]["id"] for row in rows if not any(inner["labels"] for inner in row["projects"].values())]
    assert [row["id"] for row in queued] == waiting


@pytest.mark.thorough
@pytest.mark.known("client")
def test_the_url_of_issues_names_their_status(legacy: Client, server: ServedWorld) -> None:
    url = legacy.legacy("issues_url", project_id=server.projects["image"], status="Open")["url"]
    assert "?status=Open" in url
    assert requests.get(url, timeout=30).json() == []
    assert "status" not in legacy.legacy("issues_url", project_id=server.projects["image"], status=None)["url"]


@pytest.mark.thorough
@pytest.mark.known("client")
def test_an_export_that_takes_a_look_is_polled_to_its_end(
    kind: ClientKind, programs: RunningPrograms, server: ServedWorld
) -> None:
    workspace = server.workspace(scenario="default")
    workspace.progression.exports = {"looks": 1}
    client = programs.client(kind, server).with_key(workspace.api_key)
    url = client.legacy("export_url", project_id=workspace.project("image"), timeout=30)["url"]
    assert len(requests.get(url, timeout=30).json()) > 0
