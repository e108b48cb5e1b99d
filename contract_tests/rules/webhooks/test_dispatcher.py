"""Many messages on their way: their order, how many there are, and that no receiver delays another."""

import threading

from contract_tests.receiving import Answer, Received, Receiver
from contract_tests.rules.control_calls import control
from contract_tests.rules.webhooks.subscriptions import HANGING, NEVER, list_statuses, subscribe
from mockserver.testing import MockWorkspace
from mockserver.webhooks.workspace_dispatcher import LONGEST_SLEEP


def test_an_event_wakes_the_dispatcher_which_would_look_after_a_minute(workspace: MockWorkspace) -> None:
    with Receiver() as receiver:
        subscribe(workspace, receiver)
        for number in range(20):
            workspace.event("LABEL_UPDATED", "image")
            receiver.wait_for(number + 1, LONGEST_SLEEP / 2)


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
    assert (list_statuses(delivery), delivery["state"]) == ([200, 200], "DELIVERED")


def test_a_single_message_does_not_wait_for_a_slow_answer_before_it(workspace: MockWorkspace) -> None:
    with Receiver(lambda messages: NEVER if len(messages) == 1 else Answer()) as receiver:
        subscribe(workspace, receiver, "LABEL_CREATED", timeout=HANGING)
        for _ in range(2):
            workspace.event("LABEL_CREATED", "image")
        receiver.wait_for(2)


def test_a_hanging_receiver_keeps_nobody_from_the_others(workspace: MockWorkspace) -> None:
    with Receiver(NEVER) as hanging, Receiver() as fast:
        subscribe(workspace, hanging, timeout=HANGING)
        subscribe(workspace, fast)
        for _ in range(40):
            workspace.event("LABEL_UPDATED", "image")
        fast.wait_for(40)


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
