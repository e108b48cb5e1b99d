"""Misbehaving webhooks, as they arrive."""

import threading

import pytest

from contract_tests.receiving import SECRET, Answer, Received, Receiver
from mockserver.testing import ControlRefusedError, MockWorkspace
from mockserver.webhooks.misbehaviour import BURST, HUGE, MISBEHAVIOURS, UNKNOWN_TOPIC


def send_events(workspace: MockWorkspace, name: str, count: int, receiver: Receiver, events: int = 1) -> list[Received]:
    """Subscribes with this misbehaviour, triggers events, and waits for so many messages."""
    workspace.webhook(receiver.url, "LABEL_CREATED", secret=SECRET, misbehave=name)
    for _ in range(events):
        workspace.event("LABEL_CREATED", "image")
    return list(receiver.wait_for(count))


SIGNED_ONCE = {
    "slow": True,
    "old_event": True,
    "unknown_topic": True,
    "wrong_content_type": True,
    "wrong_signature": False,
    "no_signature": False,
    "body_changed": False,
    "length_too_small": False,
}


@pytest.mark.parametrize("name", SIGNED_ONCE)
def test_one_message_comes_signed_or_not_as_its_name_says(workspace: MockWorkspace, name: str) -> None:
    with Receiver() as receiver:
        [message] = send_events(workspace, name, 1, receiver)
    assert message.is_signed() is SIGNED_ONCE[name]
    assert (message.event == UNKNOWN_TOPIC) is (name == "unknown_topic")
    assert ("json" in message.headers["Content-Type"]) is (name != "wrong_content_type")


def test_a_duplicate_is_the_same_to_the_byte(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        first, second = send_events(workspace, "duplicate", 2, receiver)
    assert (first.id, first.body, first.headers) == (second.id, second.body, second.headers)


def test_a_burst_comes_together(workspace: MockWorkspace) -> None:
    complete = threading.Event()

    def answer_when_all_were_received(received: list[Received]) -> Answer:
        if len(received) == BURST:
            complete.set()
        return Answer(until=complete)

    with Receiver(answer_when_all_were_received) as receiver:
        messages = send_events(workspace, "burst", BURST, receiver)
    assert len({each.id for each in messages}) == BURST
    assert len({each.connection for each in messages}) == BURST


def test_every_other_message_is_overtaken(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        messages = send_events(workspace, "out_of_order", 2, receiver, events=2)
    first, second = [delivery["id"] for delivery in workspace.deliveries]
    assert [each.id for each in messages] == [second, first]


def test_a_huge_body_comes_whole(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        [message] = send_events(workspace, "huge_body", 1, receiver)
    assert (len(message.body), message.is_signed()) == (HUGE, True)


def test_the_answer_to_the_last_request_is_on_record_and_a_refusal_is_tried_again(workspace: MockWorkspace) -> None:
    with Receiver(lambda messages: Answer(200 if len(messages) == 1 else 409)) as receiver:
        send_events(workspace, "duplicate", 2, receiver)
    [delivery] = workspace.deliveries
    assert [attempt["status"] for attempt in delivery["attempts"]] == [409]
    assert delivery["state"] == "PENDING"


def test_a_webhook_can_behave_again(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        [first] = send_events(workspace, "no_signature", 1, receiver)
        [webhook] = workspace._control.call("GET", "webhooks", api_key=workspace.api_key)["webhooks"]
        assert webhook["misbehave"] == "no_signature"
        path = f"webhooks/{webhook['id']}"
        workspace._control.call("PATCH", path, {"misbehave": None}, api_key=workspace.api_key)
        workspace.event("LABEL_CREATED", "image")
        second = receiver.wait_for(2)[1]
    assert (first.is_signed(), second.is_signed()) == (False, True)


def test_an_unknown_name_is_refused_with_the_nearest(workspace: MockWorkspace) -> None:
    with pytest.raises(ControlRefusedError, match='nearest known are "duplicate"'):
        workspace.webhook("http://127.0.0.1:9/", misbehave="duplicates")


def test_every_name_may_be_requested(workspace: MockWorkspace) -> None:
    for name in MISBEHAVIOURS:
        assert workspace.webhook("http://127.0.0.1:9/", misbehave=name)
