"""Messages that are sent again, by the clock of the world or on request, and when no more attempts are made."""

from typing import Any

import pytest

from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.rules.control_calls import control
from contract_tests.rules.webhooks.subscriptions import NEVER, days_between, find_webhook, list_statuses, subscribe
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace


def test_three_days_of_retries_pass_in_no_time(workspace: MockWorkspace) -> None:
    with Receiver(Answer(503)) as receiver:
        subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        assert list_statuses(workspace.deliveries[0]) == [503]
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
        assert (delivery["state"], list_statuses(delivery)) == ("DELIVERED", [503, 503, 200])
        assert find_webhook(workspace, name)["failing_since"] is None


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


def test_a_changed_url_counts_for_what_waits(workspace: MockWorkspace) -> None:
    with Receiver(Answer(500)) as old, Receiver() as new:
        name = subscribe(workspace, old)
        workspace.event("LABEL_CREATED", "image")
        assert len(workspace.deliveries) == 1
        control(workspace, "PATCH", f"webhooks/{name}", json={"url": new.url}).raise_for_status()
        workspace.clock.advance(60)
        assert [item["state"] for item in workspace.deliveries] == ["DELIVERED"]
        assert [attempt["url"] for attempt in workspace.deliveries[0]["attempts"]] == [old.url, new.url]


# When no more attempts are made


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


@pytest.mark.parametrize("host", ["169.254.169.254", "[64:ff9b::a9fe:a9fe]", "[::ffff:100.100.100.200]"])
def test_nothing_is_sent_where_clouds_answer_secrets(host: str) -> None:
    with ServedWorld("--webhook-allow", "*") as world:
        world.own.webhook(f"http://{host}/latest/meta-data/", secret=SECRET)
        world.own.event("LABEL_CREATED", "image")
        [delivery] = world.own.deliveries
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["failure"]) == ("FAILED", "not allowed")
    assert "with credentials" in attempt["reason"]


def test_gone_ends_a_subscription_with_a_record(workspace: MockWorkspace) -> None:
    with Receiver(Answer(410)) as receiver:
        name = subscribe(workspace, receiver)
        workspace.event("LABEL_CREATED", "image")
        assert [item["state"] for item in workspace.deliveries] == ["FAILED"]
        ended = find_webhook(workspace, name)
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
        assert find_webhook_after(workspace, name)["failing_since"] is None
        receiver.answer = dead
        for _ in range(2):
            workspace.event("LABEL_CREATED", "image")
            assert find_webhook_after(workspace, name)["status"] == "ACTIVE"
            workspace.clock.advance(days=3)
        workspace.event("LABEL_CREATED", "image")
        assert find_webhook_after(workspace, name)["ended_because"] == "every attempt failed for 5 days"


def find_webhook_after(workspace: MockWorkspace, name: str) -> dict[str, Any]:
    assert workspace.deliveries
    return find_webhook(workspace, name)


# Sent again on request


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
