"""Events whose contents a test chooses: annotations, user, time, verdict, text; new data rows; many together."""

from typing import Any

import pytest

from contract_tests.receiving import Receiver
from contract_tests.rules.control_calls import control
from contract_tests.serving import ServedWorld
from mockserver.testing import ControlRefusedError, MockServer, MockWorkspace

PARAMS = {"label_details": True, "project_details": True, "metadata_fields": True, "data_row_details": True}


def find_row(workspace: MockWorkspace, data_row: str, project: str = "image") -> dict[str, Any]:
    [row] = workspace.expected_rows(project, params=PARAMS, filters={"data_row_ids": [data_row]})
    return row


def find_label(workspace: MockWorkspace, event: dict[str, Any], project: str = "image") -> dict[str, Any]:
    labels = find_row(workspace, event["data_row_id"], project)["projects"][workspace.project(project)]["labels"]
    return next(label for label in labels if label["id"] == event["label_id"])


def tools_of(workspace: MockWorkspace, project: str = "image") -> list[dict[str, Any]]:
    rows = workspace.expected_rows(project, params=PARAMS)
    labels = [label for row in rows for label in row["projects"][workspace.project(project)]["labels"]]
    return [item for label in labels for item in label["annotations"].get("objects", [])]


@pytest.fixture
def box(workspace: MockWorkspace) -> dict[str, Any]:
    """A box of a tool of the project."""
    tool = next(item for item in tools_of(workspace) if item["annotation_kind"] == "ImageBoundingBox")
    return {"name": tool["name"], "bbox": {"top": 1, "left": 2, "height": 30, "width": 40}}


# Annotations


def test_a_label_has_exactly_these_annotations(workspace: MockWorkspace, box: dict[str, Any]) -> None:
    event = workspace.event("LABEL_CREATED", "image", annotations=[box, box])
    annotations = find_label(workspace, event)["annotations"]
    assert [(item["name"], item["bounding_box"]) for item in annotations["objects"]] == [
        (box["name"], {"top": 1, "left": 2, "height": 30, "width": 40})
    ] * 2
    assert annotations["classifications"] == []


def test_a_webhook_and_an_export_agree_about_them(workspace: MockWorkspace, box: dict[str, Any]) -> None:
    with Receiver() as receiver:
        workspace.webhook(receiver.url, "LABEL_CREATED", "LABEL_UPDATED")
        event = workspace.event("LABEL_CREATED", "image", annotations=[])
        workspace.event("LABEL_UPDATED", "image", label=event["label_id"], annotations=[box])
        first, second = workspace.deliveries
    assert '"bounding_box"' not in first["body"]
    assert '{"top":1,"left":2,"height":30,"width":40}' in second["body"]
    assert len(find_label(workspace, event)["annotations"]["objects"]) == 1


def test_entities_get_their_words_from_the_text(workspace: MockWorkspace) -> None:
    tool = next(item for item in tools_of(workspace, "text") if item["annotation_kind"] == "TextEntity")
    span = {"name": tool["name"], "location": {"start": 0, "end": 4}}
    event = workspace.event("LABEL_CREATED", "text", annotations=[span])
    [entity] = find_label(workspace, event, "text")["annotations"]["objects"]
    assert (entity["location"]["start"], len(entity["location"]["token"])) == (0, 5)


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (
            {"name": "Zeppelin", "bbox": {"top": 1, "left": 2, "height": 3, "width": 4}},
            "name is 'Zeppelin'",
        ),
        ({"bbox": {"top": 1, "left": 2, "height": 3, "width": 4}}, "has neither name nor schemaId"),
        ({"name": "x", "bboxx": 1}, "unknown key 'bboxx'"),
        ({"name": "x", "bbox": {"top": "a"}}, "annotations[0]"),
        ({"name": 3}, "annotations[0]"),
    ],
)
def test_a_wrong_annotation_is_refused_and_nothing_happens(
    workspace: MockWorkspace, annotation: dict[str, Any], message: str
) -> None:
    workspace.clock.freeze()  # links expire some time after now
    before = workspace.expected_rows("image", params=PARAMS)
    with pytest.raises(ControlRefusedError) as refused:
        workspace.event("LABEL_CREATED", "image", annotations=[annotation])
    assert message in str(refused.value)
    assert refused.value.status == 400
    assert workspace.expected_rows("image", params=PARAMS) == before


# Users, times, verdicts, texts


def test_a_label_is_made_by_a_user_at_a_time(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T00:00:00Z")
    row = next(row for row in workspace.expected_rows("image", params=PARAMS))
    reviewer = row["projects"][workspace.project("image")]["labels"][0]["label_details"]["created_by"]
    event = workspace.event("LABEL_CREATED", "image", by=reviewer, at="2025-02-10T08:30:00Z")
    details = find_label(workspace, event)["label_details"]
    assert (details["created_by"], details["created_at"]) == (reviewer, "2025-02-10T08:30:00.000+00:00")
    assert event["at"] == "2025-02-10T08:30:00.000Z"
    matches = workspace.expected_rows("image", filters={"label_created_at": ["2025-02-09", "2025-02-11"]})
    assert [row["data_row"]["id"] for row in matches] == [event["data_row_id"]]


def test_an_event_in_the_past_leaves_later_activity_the_last(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T00:00:00Z")
    event = workspace.event("LABEL_CREATED", "image")
    workspace.event("LABEL_UPDATED", "image", label=event["label_id"], at="2025-02-01")
    activity = find_row(workspace, event["data_row_id"])["data_row"]["details"]["last_activity_at"]
    assert activity == "2025-03-01T00:00:00.000+00:00"


def test_a_rejected_label_goes_to_rework(workspace: MockWorkspace) -> None:
    event = workspace.event("LABEL_CREATED", "image")
    workspace.event("REVIEW_CREATED", "image", label=event["label_id"], score=-1)
    details = find_row(workspace, event["data_row_id"])["projects"][workspace.project("image")]["project_details"]
    assert details["workflow_status"] == "IN_REWORK"


def test_a_text_is_that_of_the_issue_or_the_metadata(workspace: MockWorkspace) -> None:
    event = workspace.event("METADATA_UPDATED", "image", text="harbour 7")
    fields = find_row(workspace, event["data_row_id"])["metadata_fields"]
    assert "harbour 7" in [field.get("value") for field in fields]
    assert workspace.event("ISSUE_CREATED", "image", text="Too dark")["issue_id"]


# New data rows


@pytest.mark.parametrize("project", ["image", "text", "video", "document", "chat"])
def test_a_new_data_row_waits_for_its_label(workspace: MockWorkspace, project: str) -> None:
    before = len(workspace.expected_rows(project))
    event = workspace.event("DATA_ROW_CREATED", project, data_row="my-own-key")
    row = find_row(workspace, event["data_row_id"], project)
    assert row["data_row"]["global_key"] == "my-own-key"
    assert row["projects"][workspace.project(project)]["project_details"]["workflow_status"] == "TO_LABEL"
    assert len(workspace.expected_rows(project)) == before + 1
    label = workspace.event("LABEL_CREATED", project, data_row="my-own-key")
    assert find_label(workspace, label, project)["annotations"]


def test_a_taken_global_key_is_refused(workspace: MockWorkspace) -> None:
    workspace.event("DATA_ROW_CREATED", "image", data_row="mine")
    with pytest.raises(ControlRefusedError, match="Duplicate global key: 'mine'"):
        workspace.event("DATA_ROW_CREATED", "image", data_row="mine")


# Many together


def test_many_events_are_one_change_and_rows_take_turns(workspace: MockWorkspace) -> None:
    events = workspace.events([{"event": "LABEL_UPDATED", "project": "image"}] * 5)
    assert len({event["data_row_id"] for event in events}) == 5
    assert [event["event_nos"] for event in events] == [[number] for number in range(1, 6)]
    rows = [row["data_row"]["id"] for row in workspace.expected_rows("image")]
    assert {event["data_row_id"] for event in events} <= set(rows)


def test_all_of_them_happen_or_none(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()  # links expire some time after now
    before = workspace.expected_rows("image", params=PARAMS)
    good = {"event": "LABEL_CREATED", "project": "image"}
    with pytest.raises(ControlRefusedError, match=r"events\[2\]: Unknown user 'nobody'"):
        workspace.events([good, good, good | {"by": "nobody"}])
    assert workspace.expected_rows("image", params=PARAMS) == before


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"event": "LABEL_CREATED", "score": 1}, "LABEL_CREATED does not use score"),
        ({"event": "LABEL_DELETED", "annotations": []}, "LABEL_DELETED does not use annotations"),
        ({"event": "PROJECT_TAGGED", "data_row": "x"}, "PROJECT_TAGGED does not use data_row"),
        ({"event": "REVIEW_CREATED", "score": 2}, "$.score"),
        ({"event": "LABEL_CREATED", "by": "nobody"}, "Unknown user 'nobody'; the nearest known are"),
        ({"event": "LABEL_CREATED", "at": "2990-01-01"}, "move it forward first"),
        ({"event": "LABEL_CREATED", "at": "noon"}, "expected a date"),
        ({"event": "ISSUE_CREATED", "text": ""}, "$.text"),
    ],
)
def test_what_an_event_does_not_use_is_refused(workspace: MockWorkspace, event: dict[str, Any], message: str) -> None:
    answer = control(workspace, "POST", "events", json={"project": "image", **event})
    assert answer.status_code in {400, 404}
    assert message in answer.json()["message"]


# A team at work


def count_rows(workspace: MockWorkspace) -> dict[str, int]:
    return {project: len(workspace.expected_rows(project)) for project in workspace.projects}


def test_a_team_works_for_a_week(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-03T12:00:00Z")
    before = sum(count_rows(workspace).values())
    with Receiver() as receiver:
        workspace.webhook(receiver.url, "REVIEW_CREATED", "LABEL_CREATED")
        done = workspace.simulate(days=7, seed=5, events_per_day=12, new_rows=1)
        topics = [delivery["topic"] for delivery in workspace.deliveries]
    assert (done["began_at"], done["ended_at"]) == ("2025-03-03T12:00:00.000Z", "2025-03-10T12:00:00.000Z")
    assert workspace.clock.now == done["ended_at"]
    assert done["events"] == sum(done["by_event"].values()) > 40
    assert done["by_event"]["DATA_ROW_CREATED"] == 7
    assert sum(count_rows(workspace).values()) == before + 7
    for topic in ("REVIEW_CREATED", "LABEL_CREATED"):
        assert topics.count(topic) == done["by_event"][topic]
    fresh = workspace.expected_rows("image", filters={"last_activity_at": ["2025-03-03T12:00:01+0000", None]})
    assert fresh


def test_the_same_seed_makes_the_same_week(server: ServedWorld) -> None:
    def work(seed: int) -> tuple[Any, Any]:
        workspace = MockServer.from_url(server.url).workspace(seed=3)
        workspace.clock.freeze()
        workspace.clock.set("2025-03-03T00:00:00Z")
        done = workspace.simulate(days=3, seed=seed, projects=["text"], new_rows=0)
        params = {"project_details": True}
        rows = workspace.expected_rows("text", params=params)
        workspace.delete()
        details = [row["projects"].popitem()[1]["project_details"]["workflow_status"] for row in rows]
        return done, details

    assert work(1) == work(1)
    assert work(1) != work(2)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"days": 0}, "$.days"),
        ({"days": 300, "events_per_day": 100}, "are more than 10,000 events; simulate fewer days"),
        ({"days": 1, "projects": ["imag"]}, 'the nearest known are "image"'),
    ],
)
def test_too_much_work_is_refused(workspace: MockWorkspace, body: dict[str, Any], message: str) -> None:
    answer = control(workspace, "POST", "simulate", json=body)
    assert answer.status_code in {400, 404}
    assert message in answer.json()["message"]


def test_an_empty_world_has_no_work(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).workspace(scenario="empty")
    with pytest.raises(ControlRefusedError, match="No project of this workspace has an ontology"):
        workspace.simulate(days=1)
    workspace.delete()
