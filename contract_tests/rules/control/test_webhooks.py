"""Events that are made to happen: exports, webhooks and deliveries agree about them."""

import json
import re
from typing import Any

import pytest
import requests

from contract_tests.receiving import Answer, Receiver
from contract_tests.rules.control_calls import control
from contract_tests.serving import ServedWorld
from mockserver.control.webhook_bodies import MOST_BYTES
from mockserver.testing import ControlRefusedError, MockServer, MockWorkspace

DETAILS = {"label_details": True, "project_details": True, "metadata_fields": True, "data_row_details": True}


def row(workspace: MockWorkspace, data_row: str, project: str = "image") -> dict[str, Any]:
    rows = workspace.expected_rows(project, params=DETAILS, filters={"data_row_ids": [data_row]})
    return dict(rows[0])


def project_part(workspace: MockWorkspace, data_row: str) -> dict[str, Any]:
    return dict(row(workspace, data_row)["projects"][workspace.project("image")])


ACTIVITIES = [
    pytest.param(["LABEL_UPDATED"], id="1 any label updated on the data row"),
    pytest.param(["LABEL_DELETED"], id="2 any label deleted on the data row"),
    pytest.param(["REVIEW_CREATED"], id="3 any review applied to the data row"),
    pytest.param(["WORKFLOW_ACTION"], id="4 any review through workflow is applied to the data row"),
    pytest.param(["ISSUE_CREATED"], id="5 any issue or comment is created on the data row"),
    pytest.param(["ISSUE_CREATED", "ISSUE_UPDATED"], id="6 any issue or comment is updated on the data row"),
    pytest.param(["ISSUE_CREATED", "ISSUE_DELETED"], id="7 any issue or comment is deleted on the data row"),
    pytest.param(["METADATA_UPDATED"], id="8 any time custom metadata is updated on a data row"),
]


@pytest.mark.known("documented")
@pytest.mark.parametrize("events", ACTIVITIES)
def test_the_activity_filter_finds_exactly_the_row_that_something_happened_to(
    workspace: MockWorkspace, events: list[str]
) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T12:00:00")
    target = row_in_review(workspace)
    for event in events[:-1]:
        workspace.event(event, "image", data_row=target)
    workspace.clock.set("2025-04-01T12:00:00")
    since = {"last_activity_at": ["2025-03-15 00:00:00", None]}
    assert workspace.expected_rows("image", filters=since) == []
    last = workspace.event(events[-1], "image", data_row=target)
    ids = [item["data_row"]["id"] for item in workspace.expected_rows("image", filters=since)]
    assert ids == [last["data_row_id"]] == [target]
    assert row(workspace, target)["data_row"]["details"]["last_activity_at"] == "2025-04-01T12:00:00.000+00:00"


def row_in_review(workspace: MockWorkspace) -> str:
    rows = workspace.expected_rows("image", filters={"workflow_status": "InReview"})
    return str(rows[0]["data_row"]["id"])


def test_a_created_label_shows_what_the_file_shows_and_goes_to_review(workspace: MockWorkspace) -> None:
    event = workspace.event("LABEL_CREATED", "image")
    part = project_part(workspace, event["data_row_id"])
    [label] = part["labels"]
    assert label["id"] == event["label_id"]
    assert label["annotations"]["objects"]
    assert part["project_details"]["workflow_status"] == "IN_REVIEW"
    assert "selected_label_id" not in part["project_details"]  # a single label is not reported as selected
    assert part["project_details"]["workflow_history"][0]["action"] == "Move"


def test_labels_are_created_on_unlabelled_rows_first_and_then_on_others(workspace: MockWorkspace) -> None:
    unlabelled = len(workspace.expected_rows("image", filters={"workflow_status": "ToLabel"}))
    events = [workspace.event("LABEL_CREATED", "image") for _ in range(unlabelled + 2)]
    assert len({item["data_row_id"] for item in events[:unlabelled]}) == unlabelled
    assert workspace.expected_rows("image", filters={"workflow_status": "ToLabel"}) == []
    assert len(project_part(workspace, events[-1]["data_row_id"])["labels"]) > 1


def test_an_updated_label_says_something_else_under_its_old_id(workspace: MockWorkspace) -> None:
    event = workspace.event("LABEL_CREATED", "image")
    before = project_part(workspace, event["data_row_id"])["labels"][0]
    for _ in range(5):
        workspace.event("LABEL_UPDATED", "image", label=event["label_id"])
    after = project_part(workspace, event["data_row_id"])["labels"][0]
    assert (before["id"], before["annotations"]["objects"]) == (after["id"], after["annotations"]["objects"])
    assert before["annotations"]["classifications"] != after["annotations"]["classifications"]
    changed = "content_last_updated_at"
    assert after["label_details"][changed] > before["label_details"][changed]
    assert after["label_details"]["created_at"] == before["label_details"]["created_at"]
    ids = feature_ids(after["annotations"])
    assert len(set(ids)) == len(ids)


def feature_ids(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["feature_id"]] if "feature_id" in part else []
        return own + [item for inner in part.values() for item in feature_ids(inner)]
    return [item for inner in part for item in feature_ids(inner)] if isinstance(part, list) else []


def test_a_deleted_label_is_gone_from_the_next_export(workspace: MockWorkspace) -> None:
    event = workspace.event("LABEL_DELETED", "image")
    part = project_part(workspace, event["data_row_id"])
    assert event["label_id"] not in [label["id"] for label in part["labels"]]


def test_a_review_moves_its_row_and_the_other_verdict_moves_it_back(workspace: MockWorkspace) -> None:
    event = workspace.event("REVIEW_CREATED", "image")
    part = project_part(workspace, event["data_row_id"])
    assert part["project_details"]["workflow_status"] == "DONE"
    assert part["project_details"]["workflow_history"][0]["action"] == "Approve"
    reviews = next(label for label in part["labels"] if label["id"] == event["label_id"])["label_details"]["reviews"]
    assert event["review_id"] in [review["id"] for review in reviews]
    workspace.event("REVIEW_UPDATED", "image", label=event["label_id"])
    part = project_part(workspace, event["data_row_id"])
    assert part["project_details"]["workflow_status"] == "IN_REWORK"
    assert part["project_details"]["workflow_history"][0]["action"] == "Reject"
    workspace.event("REVIEW_DELETED", "image", label=event["label_id"])
    part = project_part(workspace, event["data_row_id"])
    assert event["review_id"] not in json.dumps(part)


def test_a_workflow_action_moves_a_row_on_and_sends_nothing_else(workspace: MockWorkspace) -> None:
    target = row_in_review(workspace)
    statuses = []
    for _ in range(3):
        assert len(workspace.event("WORKFLOW_ACTION", "image", data_row=target)["event_nos"]) == 1
        statuses.append(project_part(workspace, target)["project_details"]["workflow_status"])
    assert statuses == ["DONE", "IN_REVIEW", "DONE"]


def test_metadata_changes_to_something_else(workspace: MockWorkspace) -> None:
    target = row_in_review(workspace)
    before = row(workspace, target)["metadata_fields"]
    workspace.event("METADATA_UPDATED", "image", data_row=target)
    after = row(workspace, target)["metadata_fields"]
    changed = [field for field in after if field not in before]
    assert [field["schema_name"] for field in changed] == ["tag"]


def test_a_row_may_be_named_by_its_global_key(workspace: MockWorkspace) -> None:
    target = workspace.expected_rows("image")[0]["data_row"]
    event = workspace.event("ISSUE_CREATED", "image", data_row=target["global_key"])
    assert event["data_row_id"] == target["id"]
    assert event["issue_id"]
    assert event["comment_id"]


def test_the_same_events_make_the_same_world(server: ServedWorld) -> None:
    def annotations() -> Any:
        own = MockServer.from_url(server.url).workspace(seed=5)
        for event in ("LABEL_CREATED", "LABEL_UPDATED", "LABEL_CREATED", "METADATA_UPDATED"):
            own.event(event, "image")
        rows = own.expected_rows("image", params={"metadata_fields": True})
        own.delete()
        return [[without_ids(row.get("metadata_fields")), without_ids(row["projects"])] for row in rows]

    assert annotations() == annotations()


NAMED_BY_IDS = {"id", "feature_id", "mask", "composite_mask", "source", "target"}


def without_ids(part: Any) -> Any:
    """Leaves out the values with ids that were created at run time: they are new each time."""
    if isinstance(part, dict):
        return {key: without_ids(value) for key, value in part.items() if key not in NAMED_BY_IDS}
    return [without_ids(item) for item in part] if isinstance(part, list) else part


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("events", "{}", "missing required field `event`"),
        ("events", '{"event": "LABEL_EATEN", "project": "image"}', 'expected one of "LABEL_CREATED", '),
        ("events", '{"event": "LABEL_CREATED", "project": "imag"}', '"image"'),
        ("events", '{"event": "LABEL_CREATED", "project": "image", "data_row": "x"}', "does not exist in project"),
        ("events", '{"event": "LABEL_UPDATED", "project": "image", "label": "x"}', "Label 'x' does not exist"),
        ("webhooks", '{"url": "http://a", "secret": "s"}', "missing required field `topics`"),
        ("webhooks", '{"url": "ftp://a", "secret": "s", "topics": ["LABEL_CREATED"]}', "for example http"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": []}', "no topics"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_EATEN"]}', '"LABEL_CREATED"'),
        ("webhooks", '{"url": "http://a", "secret": " ", "topics": ["LABEL_CREATED"]}', "secret is"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "project": "no"}', "nearest"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "version": "v3"}', "$.version"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "version": "v3"}', '"v1", "v2"'),
        ("switches", '{"frames": "redirct"}', 'expected one of "redirect", "direct", "redirect_elsewhere"'),
        (
            "faults",
            '{"fault": "export_rows_fail", "data_rows": ["nope"]}',
            "Unknown data row 'nope'; give ids or global keys, of which",
        ),
        ("faults", '{"fault": "export_rows_fail", "data_rows": []}', "length >= 1"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "retries": "x"}', "$.retries"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "retries": [-1]}', "$.retries"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "concurrency": 0}', "concurren"),
        ("webhooks", '{"url": "http://a", "secret": "s", "topics": ["LABEL_CREATED"], "timeout": 0}', "$.timeout"),
        ("webhooks/nobody/replay", '{"since": "2025-01-01"}', "Webhook 'nobody' does not exist"),
        ("webhooks/last/replay", '{"since": "2025-01-01"}', "no subscription in this workspace"),
        ("webhooks/last/replay", '{"since": "noon"}', "expected a date"),
        ("deliveries/nobody/redeliver", "", "Delivery 'nobody' does not exist"),
    ],
)
def test_a_wrong_request_says_what_was_expected(workspace: MockWorkspace, path: str, body: str, message: str) -> None:
    response = control(workspace, "POST", path, data=body)
    assert 400 <= response.status_code < 500
    assert message in response.json()["message"]
    assert control(workspace, "GET", "webhooks").json() == {"webhooks": []}
    assert workspace.deliveries == []


@pytest.mark.parametrize(("method", "body"), [("PATCH", "{}"), ("DELETE", "")])
def test_a_webhook_that_is_not_there_cannot_be_changed(workspace: MockWorkspace, method: str, body: str) -> None:
    assert control(workspace, method, "webhooks/nobody", data=body).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"first": "x"},
        {"first": "1e9"},
        {"first": "1.5"},
        {"wait": "-1"},
        {"after": "nan"},
        {"state": "pending"},
        {"topic": "LABEL_CREATE"},
    ],
)
def test_a_page_that_cannot_be_is_refused(workspace: MockWorkspace, query: dict[str, str]) -> None:
    response = control(workspace, "GET", "deliveries", params=query)
    assert (response.status_code, response.json()["code"]) == (400, "BAD_USER_INPUT")


def test_events_that_fit_nothing_say_what_to_do_before(workspace: MockWorkspace) -> None:
    waiting = workspace.expected_rows("image", filters={"workflow_status": "ToLabel"})[0]["data_row"]["id"]
    for event, message in (
        ("LABEL_UPDATED", "trigger LABEL_CREATED first"),
        ("REVIEW_UPDATED", "trigger REVIEW_CREATED first"),
        ("ISSUE_UPDATED", "trigger ISSUE_CREATED first"),
        ("WORKFLOW_ACTION", "has no label yet"),
    ):
        with pytest.raises(ControlRefusedError, match=message):
            workspace.event(event, "image", data_row=waiting)


def test_a_secret_is_never_shown_again(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        body = {"url": receiver.url, "secret": "very-secret", "topics": ["LABEL_CREATED"]}
        created = control(workspace, "POST", "webhooks", json=body)
        workspace.event("LABEL_CREATED", "image")
        assert receiver.wait_for(1)[0].is_signed("very-secret")
        changed = control(workspace, "PATCH", "webhooks/last", json={"secret": "also-secret"})
        workspace.event("LABEL_CREATED", "image")
        assert receiver.wait_for(2)[1].is_signed("also-secret")
        texts = [
            created.text,
            changed.text,
            control(workspace, "GET", "webhooks").text,
            json.dumps(workspace.deliveries),
        ]
    assert not any("-secret" in text for text in texts)


def test_a_page_of_deliveries_ends_before_it_is_too_large(workspace: MockWorkspace) -> None:
    """Answers of receivers count too: 100 attempts of a delivery may have 4 kB each."""
    with Receiver(Answer(500, body=b"x" * 4096)) as receiver:
        workspace.webhook(receiver.url, retries=[0.0] * 50)
        workspace.clock.freeze()
        for _ in range(30):
            workspace.event("LABEL_UPDATED", "image")
        for _ in range(50):
            workspace.clock.advance(1)
            everything = workspace.deliveries
    page = control(workspace, "GET", "deliveries")
    assert 0 < len(page.json()["deliveries"]) < len(everything) == 30
    assert len(page.content) < MOST_BYTES * 1.1
    assert page.json()["next_after"] is not None


def test_deliveries_come_in_pages_and_by_what_they_are(workspace: MockWorkspace) -> None:
    with Receiver(Answer(204, body=b"")) as receiver:
        workspace.webhook(receiver.url)
        for _ in range(5):
            workspace.event("LABEL_UPDATED", "image")
        workspace.event("LABEL_DELETED", "image")
        everything = workspace.deliveries
    first = control(workspace, "GET", "deliveries", params={"first": "4"}).json()
    rest = control(workspace, "GET", "deliveries", params={"after": str(first["next_after"])}).json()
    assert [*first["deliveries"], *rest["deliveries"]] == everything
    assert rest["next_after"] is None
    for query in ({"topic": "LABEL_DELETED"}, {"id": everything[-1]["id"]}, {"id": "last"}):
        deliveries = control(workspace, "GET", "deliveries", params=query).json()["deliveries"]
        assert deliveries == everything[-1:]
    assert control(workspace, "GET", "deliveries", params={"webhook": "last"}).json()["deliveries"] == everything
    assert control(workspace, "GET", "deliveries", params={"state": "PENDING"}).json()["deliveries"] == []


def test_a_mask_of_a_messages_row_can_be_fetched(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        workspace.webhook(receiver.url)
        for _ in range(4):
            workspace.event("LABEL_CREATED", "image")
        bodies = [item.body.decode() for item in receiver.wait_for(4)]
    [url, *_] = [word for body in bodies for word in body.split('"') if "/masks/" in word and "index" in word]
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    picture = requests.get(url, headers=headers, timeout=30)
    assert picture.content.startswith(b"\x89PNG")


def test_labels_are_created_changed_and_reported_in_every_project(workspace: MockWorkspace) -> None:
    """In every medium the row that is sent is the row that is exported, and V1 sends the same label."""
    workspace.clock.freeze()  # links say when they end
    with Receiver() as rows, Receiver() as labels:
        workspace.webhook(rows.url, version="v2")
        workspace.webhook(labels.url, version="v1")
        for project in workspace.projects:
            created = workspace.event("LABEL_CREATED", project)
            changed = workspace.event("LABEL_UPDATED", project, label=created["label_id"])
            bodies = {
                item["event_no"]: json.loads(item["body"])
                for item in workspace.deliveries
                if "data_row" in item["body"]
            }
            params = {"label_details": True, "project_details": True, "performance_details": True}
            filters = {"data_row_ids": [created["data_row_id"]]}
            [expected] = workspace.expected_rows(project, params=params, filters=filters)
            assert without_place(bodies[changed["event_nos"][0]]) == without_place(expected), project
            first = label_of(bodies[created["event_nos"][0]], created["label_id"])
            second = label_of(bodies[changed["event_nos"][0]], created["label_id"])
            assert first["annotations"] != second["annotations"], project
        assert len(labels.received) == len(rows.received) == 2 * len(workspace.projects)
        assert all(json.loads(item.body)["label"] for item in labels.received)


def label_of(row: dict[str, Any], label_id: str) -> dict[str, Any]:
    labels = [label for part in row["projects"].values() for label in part["labels"]]
    return next(dict(label) for label in labels if label["id"] == label_id)


def without_place(row: dict[str, Any]) -> Any:
    text = re.sub(r"/tasks/[^/]*/masks/", "/tasks/masks/", json.dumps(row))
    return json.loads(ServedWorld.remove_addresses(text))


def test_a_tagged_project_sends_its_tag(workspace: MockWorkspace) -> None:
    event = workspace.event("PROJECT_TAGGED", "image")
    for row in workspace.expected_rows("image"):
        [project] = row["projects"].values()
        [tag] = project["project_tags"]
        assert (tag["id"], tag["organization_id"]) == (event["tag_id"], workspace.organization_id)
    with pytest.raises(ControlRefusedError, match="PROJECT_TAGGED does not use data_row; leave it out"):
        workspace.event("PROJECT_TAGGED", "image", data_row="image-highway-scene-0001")


@pytest.mark.parametrize(
    ("url", "warning"),
    [
        ("https://93.184.216.34/hook", "the mock sends nothing there unless it is started with --webhook-allow"),
        ("http://no-such-host.invalid/", "no-such-host.invalid has no address on the server's machine now"),
        ("http://169.254.169.254/", "where clouds answer their machines with credentials"),
        ("http://127.0.0.1:3001/", None),
    ],
)
def test_a_webhook_to_which_nothing_will_go_says_so_when_it_is_made(
    workspace: MockWorkspace, url: str, warning: str | None
) -> None:
    body = {"url": url, "secret": "s", "topics": ["LABEL_CREATED"]}
    created = control(workspace, "POST", "webhooks", json=body).json()
    local = control(workspace, "POST", "webhooks", json=body | {"url": "http://localhost:9/"}).json()
    assert local["warning"] is None
    changed = control(workspace, "PATCH", f"webhooks/{local['id']}", json={"url": url}).json()
    for answer in (created, changed):
        assert answer["warning"] is None if warning is None else warning in answer["warning"]
        assert answer["status"] == "ACTIVE"
    [listed, _] = control(workspace, "GET", "webhooks").json()["webhooks"]
    assert listed["warning"] is None


def test_all_that_failed_since_a_moment_is_sent_again_and_counted(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T00:00:00Z")
    statuses = iter([500, 500, 500])
    with Receiver(lambda _: Answer(next(statuses, 200))) as receiver:
        webhook = workspace.webhook(receiver.url, "LABEL_CREATED", "LABEL_UPDATED", retries="none")
        workspace.event("LABEL_CREATED", "image")
        assert [delivery["state"] for delivery in workspace.deliveries] == ["FAILED"]
        workspace.clock.advance(days=1)
        for event in ("LABEL_CREATED", "LABEL_UPDATED"):
            workspace.event(event, "image")
            assert workspace.deliveries[-1]["state"] == "FAILED"
        since = {"since": "2025-03-01T12:00:00Z", "webhook": "last"}
        assert control(workspace, "POST", "redeliver", json=since).json() == {"deliveries": 2}
        assert [delivery["state"] for delivery in workspace.deliveries] == ["FAILED", "DELIVERED", "DELIVERED"]
        assert control(workspace, "POST", "redeliver").json() == {"deliveries": 1}
        assert {delivery["state"] for delivery in workspace.deliveries} == {"DELIVERED"}
    counted = control(workspace, "GET", f"webhooks/{webhook}/statistics").json()
    seconds = counted.pop("seconds")
    assert 0 < seconds["median"] <= seconds["p95"] <= seconds["most"]
    assert counted == {
        "webhook_id": webhook,
        "deliveries": {"DELIVERED": 3},
        "topics": {"LABEL_CREATED": 2, "LABEL_UPDATED": 1},
        "attempts": 6,
        "results": {"200": 3, "500": 3},
        "success_rate": 0.5,
        "last_success_at": "2025-03-02T00:00:00.000Z",
        "last_failure_at": "2025-03-02T00:00:00.000Z",
    }
    assert control(workspace, "GET", "webhooks/nobody/statistics").status_code == 404
    workspace.webhook("http://127.0.0.1:9/")
    empty = control(workspace, "GET", "webhooks/last/statistics").json()
    assert (empty["attempts"], empty["success_rate"], empty["seconds"]) == (0, None, None)
