"""A server that is killed between sending a message and recording that: it comes again, the same in every byte."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.serving import ServedWorld

EVENTS = 5


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("killed_at", [1, 3])
def test_what_was_sent_and_not_recorded_comes_again_with_the_same_id_and_bytes(
    tmp_path: Path, killed_at: int, ordered: bool
) -> None:
    state = ["--state", str(tmp_path / "state")]
    killed = threading.Event()
    with Receiver() as receiver, ServedWorld(*state, popen=subprocess.Popen) as world:
        pid = int(world.ready["pid"])

        def kill(received: list[Received]) -> Answer:
            """The request was read, and its answer never comes."""
            if len(received) == killed_at and not killed.is_set():
                os.kill(pid, signal.SIGKILL)
                killed.set()
            return Answer()

        receiver.answer = kill
        world.own.webhook(receiver.url, secret=SECRET, ordered=ordered)
        before = make_events(world, killed)
        assert killed.wait(120)
        world.stop()
        first = {item.id: item for item in receiver.received}
        with ServedWorld(*state) as again:
            deliveries = again.own.deliveries
            assert all(delivery["state"] == "DELIVERED" for delivery in deliveries)
            assert len(deliveries) >= before, "every event that was acknowledged is told of"
    for item in receiver.received:
        first.setdefault(item.id, item)
        assert (item.headers, item.body) == (first[item.id].headers, first[item.id].body)
        assert item.is_signed()
    last = [item for item in receiver.received if item.id == receiver.received[killed_at - 1].id]
    assert len(last) >= 2, "what was on its way when the server was killed came again"
    assert {delivery["id"] for delivery in deliveries} == set(first)


def make_events(world: ServedWorld, killed: threading.Event) -> int:
    """How many events were acknowledged before the server was killed."""
    count = 0
    until = time.monotonic() + 120
    while not killed.is_set() and count < EVENTS and time.monotonic() < until:
        try:
            world.own.event("LABEL_CREATED", "image")
        except Exception:
            if not killed.wait(30):
                raise
            break
        count += 1
    return count
