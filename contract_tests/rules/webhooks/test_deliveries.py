"""Messages that receivers get: which of them, and what each holds."""

import json
from typing import Any

import requests

from contract_tests.receiving import Answer, Receiver
from contract_tests.rules.webhooks.subscriptions import subscribe
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace


def test_an_event_arrives_signed_with_the_row_as_an_export_gives_it(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        workspace.clock.freeze()  # links end so many seconds after they were made
        event = workspace.event("LABEL_CREATED", "image")
        [message] = receiver.wait_for(1)
    assert message.is_signed()
    assert message.event == "LABEL_CREATED"
    assert message.headers["Content-Type"] == "application/json"
    params = {"label_details": True, "project_details": True, "performance_details": True}
    rows = workspace.expected_rows("image", params=params, filters={"data_row_ids": [event["data_row_id"]]})
    assert without_task(json.loads(message.body), event["project_id"]) == without_task(
        rows[0], workspace.organization_id
    )
    assert event["label_id"] in message.body.decode()


def without_task(row: Any, task: str) -> Any:
    """Mask URLs of an export name its task, before any the organization; a message's name its project."""
    text = json.dumps(row).replace(f"/tasks/{task}/masks/", "/tasks/masks/")
    return json.loads(ServedWorld.remove_addresses(text))


def test_the_record_of_a_delivery_holds_all_of_it(workspace: MockWorkspace) -> None:
    with Receiver(Answer(201, {"X-Mine": "yes"}, "größe".encode())) as receiver:
        subscribe(workspace, receiver)
        event = workspace.event("LABEL_UPDATED", "text")
        [delivery] = workspace.deliveries
        [message] = receiver.received
    [attempt] = delivery["attempts"]
    assert (delivery["state"], delivery["next_at"], delivery["rendered_late"]) == ("DELIVERED", None, False)
    assert delivery["label_id"] == event["label_id"]
    assert delivery["body"].encode() == message.body
    assert delivery["headers"].items() <= message.headers.items()
    assert (attempt["status"], attempt["answer"], attempt["answer_size"]) == (201, "größe", 7)
    assert ["X-Mine", "yes"] in attempt["answer_headers"]
    assert attempt["seconds"] > 0


def test_only_what_was_subscribed_to_is_sent(workspace: MockWorkspace) -> None:
    with Receiver() as labels, Receiver() as texts:
        subscribe(workspace, labels, "LABEL_DELETED")
        subscribe(workspace, texts, project="text")
        for project in ("image", "text"):
            for event in ("LABEL_CREATED", "LABEL_DELETED", "ISSUE_CREATED", "METADATA_UPDATED"):
                workspace.event(event, project)
        assert len(workspace.deliveries) == 4
        assert sorted(labels.events) == ["LABEL_DELETED", "LABEL_DELETED"]
        assert sorted(texts.events) == ["LABEL_CREATED", "LABEL_DELETED"]


def test_a_change_that_fails_sends_nothing(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        label = workspace.event("LABEL_CREATED", "image")["label_id"]
        both = f'mutation {{ deleteLabels(labelIds: ["{label}", "cnobody"]) {{ id }} }}'
        headers = {"Authorization": f"Bearer {workspace.api_key}"}
        answer = requests.post(workspace.graphql_url, json={"query": both}, headers=headers, timeout=30).json()
        assert answer["errors"]
        assert [item["topic"] for item in workspace.deliveries] == ["LABEL_CREATED"]


def test_every_label_of_a_bulk_delete_is_reported(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver, "LABEL_DELETED")
        project = workspace.project("image")
        headers = {"Authorization": f"Bearer {workspace.api_key}"}
        document = f'{{ project(where: {{id: "{project}"}}) {{ labels(first: 100) {{ id }} }} }}'
        answer = requests.post(workspace.graphql_url, json={"query": document}, headers=headers, timeout=30).json()
        labels = [label["id"] for label in answer["data"]["project"]["labels"]]
        mutation = "mutation($ids: [ID!]!) { deleteLabels(labelIds: $ids) { id } }"
        body = {"query": mutation, "variables": {"ids": labels}}
        requests.post(workspace.graphql_url, json=body, headers=headers, timeout=30)
        assert {item["label_id"] for item in workspace.deliveries} == set(labels)


def test_a_fork_and_a_reset_send_nothing(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        fork = workspace.fork()
        fork.event("LABEL_CREATED", "image")
        workspace.reset()
        workspace.event("LABEL_CREATED", "image")
        assert (fork.deliveries, workspace.deliveries, receiver.received) == ([], [], [])
        fork.delete()


def test_text_of_the_world_is_sent_as_it_is(workspace: MockWorkspace) -> None:
    """The body is raw UTF-8, so that a receiver that signs characters instead of bytes fails."""
    name = "größe \u2028 😀"
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    rename = "mutation($id: ID!, $name: String) { updateProject(where: {id: $id}, data: {name: $name}) { id } }"
    body = {"query": rename, "variables": {"id": workspace.project("text"), "name": name}}
    requests.post(workspace.graphql_url, json=body, headers=headers, timeout=30)
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", name)
        [message] = receiver.wait_for(1)
    assert message.is_signed()
    assert name.encode() in message.body
    assert len(message.body) > len(message.body.decode())


def test_a_v1_body_has_a_label_with_its_annotations_as_text(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver, version="v1")
        events = [workspace.event(event, "image") for event in ("LABEL_CREATED", "LABEL_DELETED", "REVIEW_CREATED")]
        deliveries = workspace.deliveries
        bodies = {item.id: json.loads(item.body) for item in receiver.received}
    assert [item["topic"] for item in deliveries] == [
        "LABEL_CREATED", "LABEL_DELETED", "REVIEW_CREATED", "WORKFLOW_ACTION",
    ]  # fmt: skip
    for delivery, event in zip(deliveries, [*events, events[-1]], strict=True):
        body = bodies[delivery["id"]]
        assert body["id"] == event["label_id"]
        assert (body["dataRow"]["id"], body["project"]["id"]) == (event["data_row_id"], event["project_id"])
        assert json.loads(body["label"])["objects"]
    assert bodies[deliveries[2]["id"]]["reviews"]


def test_a_skipped_label_has_nothing_to_tell(workspace: MockWorkspace) -> None:
    rows = workspace.expected_rows("image", params={"performance_details": True})
    project = workspace.project("image")
    labels = [label for row in rows for label in row["projects"][project]["labels"]]
    skipped = next(label["id"] for label in labels if label["performance_details"]["skipped"])
    with Receiver() as receiver:
        subscribe(workspace, receiver, version="v1")
        workspace.event("LABEL_DELETED", "image", label=skipped)
        body = json.loads(receiver.wait_for(1)[0].body)
    assert (body["label"], body["skipped"]) == ("{}", True)
