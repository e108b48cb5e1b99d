"""Messages on their way: sent, tried again, given up, by the world's clock and over real sockets."""

import json
import threading
from typing import Any

import pytest
import requests

from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.rules.control_calls import control
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace
from mockserver.webhooks.workspace_dispatcher import LONGEST_SLEEP

LABEL = ("LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED")

HANGING = 60.0
"""Seconds until a message is given up: longer than any test waits for another one."""
NEVER = Answer(until=threading.Event())


def subscribe(workspace: MockWorkspace, receiver: Receiver, *topics: str, **more: Any) -> str:
    return workspace.webhook(receiver.url, *topics, secret=SECRET, **more)


def statuses(delivery: dict[str, Any]) -> list[int | None]:
    return [attempt["status"] for attempt in delivery["attempts"]]


def days_between(first: str, last: str) -> float:
    import datetime

    moments = [datetime.datetime.fromisoformat(moment) for moment in (first, last)]
    return (moments[1] - moments[0]).total_seconds() / 86_400


def webhook(workspace: MockWorkspace, name: str) -> dict[str, Any]:
    webhooks = control(workspace, "GET", "webhooks").json()["webhooks"]
    return next(dict(item) for item in webhooks if item["id"] == name)


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
    return json.loads(json.dumps(row).replace(f"/tasks/{task}/masks/", "/tasks/masks/"))


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


def test_three_days_of_retries_pass_in_no_time(workspace: MockWorkspace) -> None:
    with Receiver(Answer(503)) as receiver:
        subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        assert statuses(workspace.deliveries[0]) == [503]
        workspace.clock.advance(days=4)
        [delivery] = workspace.deliveries
        assert (delivery["state"], len(delivery["attempts"])) == ("FAILED", 10)
        assert 3 < days_between(delivery["attempts"][0]["at"], delivery["attempts"][-1]["at"]) < 4
        assert len({item.id for item in receiver.received}) == 1
        assert len({item.body for item in receiver.received}) == 1
        assert all(item.is_signed() for item in receiver.received)


def test_each_retry_comes_when_it_is_due_and_not_before(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    with Receiver(Answer(500)) as receiver:
        subscribe(workspace, receiver, retries=[100, 1000])
        workspace.event("LABEL_CREATED", "image")
        assert len(workspace.deliveries[0]["attempts"]) == 1
        for seconds, attempts in ((99, 1), (12, 2), (900, 2), (250, 3), (1e6, 3)):
            workspace.clock.advance(seconds)
            assert len(workspace.deliveries[0]["attempts"]) == attempts
        assert workspace.deliveries[0]["state"] == "FAILED"


def test_a_receiver_that_recovers_gets_what_it_missed(workspace: MockWorkspace) -> None:
    def twice_busy(received: list[Received]) -> Answer:
        return Answer(503) if len(received) < 3 else Answer()

    with Receiver(twice_busy) as receiver:
        name = subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        workspace.clock.advance(days=1)
        [delivery] = workspace.deliveries
        assert (delivery["state"], statuses(delivery)) == ("DELIVERED", [503, 503, 200])
        assert webhook(workspace, name)["failing_since"] is None


def test_none_means_no_retry(workspace: MockWorkspace) -> None:
    with Receiver(Answer(500)) as receiver:
        subscribe(workspace, receiver, retries="none")
        workspace.event("LABEL_CREATED", "image")
        workspace.clock.advance(days=9)
        [delivery] = workspace.deliveries
        assert (delivery["state"], len(delivery["attempts"])) == ("FAILED", 1)


def test_retry_after_is_honoured(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    with Receiver(Answer(429, {"Retry-After": "500"})) as receiver:
        subscribe(workspace, receiver, retries=[1, 1])
        workspace.event("LABEL_CREATED", "image")
        [delivery] = workspace.deliveries
        waited = days_between(delivery["attempts"][0]["at"], delivery["next_at"]) * 86_400
        assert 500 <= waited < 510


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (Answer(500), 500, None),
        (Answer(302, {"Location": "http://127.0.0.1:1/"}), 302, None),
        (Answer(reset=True), None, "reset"),
        (NEVER, None, "timeout"),
        (Answer(raw=b"nonsense\r\n\r\n"), None, "not http"),
    ],
)
def test_whatever_a_receiver_does_is_an_attempt_with_a_next_time(
    workspace: MockWorkspace, answer: Answer, status: int | None, failure: str | None
) -> None:
    with Receiver(answer) as receiver:
        subscribe(workspace, receiver, timeout=0.4 if answer is NEVER else 30)
        workspace.event("LABEL_CREATED", "image")
        [delivery] = workspace.deliveries
    [attempt] = delivery["attempts"]
    assert (attempt["status"], attempt["failure"]) == (status, failure)
    assert delivery["state"] == "PENDING"
    assert attempt["next_at"] == delivery["next_at"] > attempt["at"]


def test_a_public_target_is_refused_with_what_to_do_and_not_tried_again(workspace: MockWorkspace) -> None:
    workspace.webhook("http://93.184.216.34/hook")
    workspace.event("LABEL_CREATED", "image")
    [delivery] = workspace.deliveries
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["failure"]) == ("FAILED", "not allowed")
    assert "--webhook-allow 93.184.216.34" in attempt["reason"]


def test_a_refused_target_that_is_named_is_tried() -> None:
    """A link-local one, which only its own address opens: nobody out there is asked."""
    with ServedWorld("--webhook-allow", "*.example.com", "--webhook-allow", "169.254.9.9") as server:
        workspace = server.own
        workspace.webhook("http://169.254.9.9/hook", timeout=0.2)
        workspace.event("LABEL_CREATED", "image")
        [delivery] = workspace.deliveries
    assert delivery["attempts"][0]["failure"] != "not allowed"


def test_gone_ends_a_subscription_with_a_record(workspace: MockWorkspace) -> None:
    with Receiver(Answer(410)) as receiver:
        name = subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        assert [item["state"] for item in workspace.deliveries] == ["FAILED"]
        ended = webhook(workspace, name)
        assert (ended["status"], ended["ended_because"]) == ("INACTIVE", "the receiver answered 410 Gone")
        workspace.event("LABEL_CREATED", "image")
        assert len(workspace.deliveries) == 1


def test_five_days_of_failures_end_a_subscription_and_a_success_between_does_not(workspace: MockWorkspace) -> None:
    def dead(_: list[Received]) -> Answer:
        return Answer(500)

    with Receiver(dead) as receiver:
        name = subscribe(workspace, receiver, retries="none")
        workspace.event("LABEL_CREATED", "image")
        assert workspace.deliveries
        workspace.clock.advance(days=4)
        receiver.answer = Answer()
        workspace.event("LABEL_CREATED", "image")
        assert webhook_after(workspace, name)["failing_since"] is None
        receiver.answer = dead
        for _ in range(2):
            workspace.event("LABEL_CREATED", "image")
            assert webhook_after(workspace, name)["status"] == "ACTIVE"
            workspace.clock.advance(days=3)
        workspace.event("LABEL_CREATED", "image")
        assert webhook_after(workspace, name)["ended_because"] == "every attempt failed for 5 days"


@pytest.mark.parametrize("host", ["169.254.169.254", "[64:ff9b::a9fe:a9fe]", "[::ffff:100.100.100.200]"])
def test_nothing_is_sent_where_clouds_answer_secrets(host: str) -> None:
    with ServedWorld("--webhook-allow", "*") as world:
        world.own.webhook(f"http://{host}/latest/meta-data/", secret=SECRET)
        world.own.event("LABEL_CREATED", "image")
        [delivery] = world.own.deliveries
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["failure"]) == ("FAILED", "not allowed")
    assert "with credentials" in attempt["reason"]


def webhook_after(workspace: MockWorkspace, name: str) -> dict[str, Any]:
    assert workspace.deliveries
    return webhook(workspace, name)


def test_what_waits_for_an_inactive_receiver_stops_and_can_be_sent_again(workspace: MockWorkspace) -> None:
    with Receiver(Answer(500)) as receiver:
        name = subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        [delivery] = workspace.deliveries
        control(workspace, "PATCH", f"webhooks/{name}", json={"status": "INACTIVE"}).raise_for_status()
        assert [item["state"] for item in workspace.deliveries] == ["STOPPED"]
        refused = control(workspace, "POST", f"deliveries/{delivery['id']}/redeliver")
        assert (refused.status_code, refused.json()["code"]) == (409, "RESOURCE_CONFLICT")
        receiver.answer = Answer()
        control(workspace, "PATCH", f"webhooks/{name}", json={"status": "ACTIVE"}).raise_for_status()
        control(workspace, "POST", f"deliveries/{delivery['id']}/redeliver").raise_for_status()
        assert [item["state"] for item in workspace.deliveries] == ["DELIVERED"]


def test_a_redelivery_has_the_same_id_bytes_and_signature(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        [delivery] = workspace.deliveries
        workspace.event("LABEL_UPDATED", "image", label=delivery["label_id"])
        control(workspace, "POST", f"deliveries/{delivery['id']}/redeliver").raise_for_status()
        assert [len(item["attempts"]) for item in workspace.deliveries] == [2, 1]
        first, again = [item for item in receiver.received if item.id == delivery["id"]]
        assert (first.body, first.headers) == (again.body, again.headers)


def test_what_is_redelivered_while_it_is_on_its_way_comes_twice(workspace: MockWorkspace) -> None:
    redelivered = threading.Event()
    with Receiver(Answer(until=redelivered)) as receiver:
        workspace.clock.freeze()
        subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        receiver.wait_for(1)
        control(workspace, "POST", "deliveries/last/redeliver").raise_for_status()
        redelivered.set()
        [delivery] = workspace.deliveries
    assert (statuses(delivery), delivery["state"]) == ([200, 200], "DELIVERED")


def test_a_replay_sends_old_bytes_again_and_marks_what_is_rendered_late(workspace: MockWorkspace) -> None:
    since = workspace.clock.now
    missed = workspace.event("LABEL_CREATED", "image")
    with Receiver() as receiver:
        name = subscribe(workspace, receiver)
        workspace.event("LABEL_UPDATED", "image", label=missed["label_id"])
        assert len(workspace.deliveries) == 1
        answer = control(workspace, "POST", f"webhooks/{name}/replay", json={"since": since})
        assert answer.json() == {"deliveries": 2}
        deliveries_by_topic = {item["topic"]: item for item in workspace.deliveries}
        assert deliveries_by_topic["LABEL_CREATED"]["rendered_late"]
        assert not deliveries_by_topic["LABEL_UPDATED"]["rendered_late"]
        assert sorted(receiver.events) == ["LABEL_CREATED", "LABEL_UPDATED", "LABEL_UPDATED"]
        assert control(workspace, "POST", f"webhooks/{name}/replay", json={"since": "2090-01-01"}).json() == {
            "deliveries": 0
        }


def test_in_order_nothing_overtakes_what_waits_for_its_next_try(workspace: MockWorkspace) -> None:
    def busy_at_first(received: list[Received]) -> Answer:
        return Answer(503) if len(received) in {3, 4} else Answer()

    with Receiver(busy_at_first) as receiver:
        subscribe(workspace, receiver, ordered=True)
        for _ in range(8):
            workspace.event("LABEL_UPDATED", "image")
        assert [item["state"] for item in workspace.deliveries] == ["DELIVERED"] * 2 + ["PENDING"] * 6
        workspace.clock.advance(days=1)
        ids = [item["id"] for item in workspace.deliveries]
        received_ids = [item.id for item in receiver.received]
        assert received_ids == [*ids[:2], *[ids[2]] * 3, *ids[3:]]


def test_no_more_requests_are_on_their_way_than_allowed(workspace: MockWorkspace) -> None:
    with Receiver(Answer(wait=0.02)) as receiver:
        subscribe(workspace, receiver, concurrency=2)
        for _ in range(12):
            workspace.event("LABEL_UPDATED", "image")
        assert len(workspace.deliveries) == 12
        assert len({item.connection for item in receiver.received}) <= 2


def test_a_changed_url_counts_for_what_waits(workspace: MockWorkspace) -> None:
    with Receiver(Answer(500)) as old, Receiver() as new:
        name = subscribe(workspace, old)
        workspace.event("LABEL_CREATED", "image")
        assert len(workspace.deliveries) == 1
        control(workspace, "PATCH", f"webhooks/{name}", json={"url": new.url}).raise_for_status()
        workspace.clock.advance(60)
        assert [item["state"] for item in workspace.deliveries] == ["DELIVERED"]
        assert [attempt["url"] for attempt in workspace.deliveries[0]["attempts"]] == [old.url, new.url]


def test_a_hanging_receiver_keeps_nobody_from_the_others(workspace: MockWorkspace) -> None:
    with Receiver(NEVER) as hanging, Receiver() as fast:
        subscribe(workspace, hanging, timeout=HANGING)
        subscribe(workspace, fast)
        for _ in range(40):
            workspace.event("LABEL_UPDATED", "image")
        fast.wait_for(40)


def test_an_event_wakes_the_dispatcher_which_would_look_after_a_minute(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        for number in range(20):
            workspace.event("LABEL_UPDATED", "image")
            receiver.wait_for(number + 1, LONGEST_SLEEP / 2)


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


def test_a_single_message_does_not_wait_for_a_slow_answer_before_it(workspace: MockWorkspace) -> None:
    with Receiver(lambda messages: NEVER if len(messages) == 1 else Answer()) as receiver:
        subscribe(workspace, receiver, "LABEL_CREATED", timeout=HANGING)
        for _ in range(2):
            workspace.event("LABEL_CREATED", "image")
        receiver.wait_for(2)


def test_many_hanging_receivers_keep_nobody_from_the_others(workspace: MockWorkspace) -> None:
    with Receiver(NEVER) as hanging, Receiver() as fast:
        for _ in range(10):
            subscribe(workspace, hanging, "LABEL_UPDATED", timeout=HANGING)
        subscribe(workspace, fast, "LABEL_UPDATED")
        for _ in range(16):
            workspace.event("LABEL_UPDATED", "image")
        hanging.wait_for(128)
        workspace.event("LABEL_UPDATED", "image")
        fast.wait_for(17)


@pytest.mark.parametrize(
    "odd",
    [
        b"HTTP/1.1 503 Later\r\nRetry-After: 1 Jan 99999999999999999999 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
    ids=["a date that cannot be", "switching protocols"],
)
def test_after_an_odd_answer_all_is_tried_again(workspace: MockWorkspace, odd: bytes) -> None:
    with Receiver(lambda messages: Answer(raw=odd) if len(messages) == 1 else Answer()) as receiver:
        subscribe(workspace, receiver, "LABEL_CREATED", ordered=True)
        for _ in range(2):
            workspace.event("LABEL_CREATED", "image")
        assert len(workspace.deliveries[0]["attempts"]) == 1
        workspace.clock.advance(60)
        assert [item["state"] for item in workspace.deliveries] == ["DELIVERED"] * 2
