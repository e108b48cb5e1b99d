"""An attempt that cannot be recorded, because the database cannot be written, is recorded later and not made again."""

import threading
import time
from typing import Any

import pytest
import requests

from contract_tests.machine import unable_to_write_files
from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for


@pytest.mark.skipif("ServedWorld.state_kind != 'folder'", reason="a database is written by another process")
def test_a_try_that_cannot_be_recorded_is_recorded_when_the_cause_is_gone() -> None:
    sent, recorded = threading.Event(), threading.Event()

    def hold(_received: list[Received]) -> Answer:
        sent.set()
        assert recorded.wait(30)
        return Answer()

    with ServedWorld() as world, Receiver(hold) as receiver:
        world.own.webhook(receiver.url, secret=SECRET)
        world.own.event("LABEL_CREATED", "image")
        assert sent.wait(30)
        with unable_to_write_files(int(world.ready["pid"])):
            recorded.set()
            time.sleep(1.5)  # the record is tried more than once; nothing shows that it failed
            assert delivery(world)["attempts"] == []
        item = wait_for(lambda: delivery(world), lambda item: item["state"] == "DELIVERED")
        assert [attempt["status"] for attempt in item["attempts"]] == [200]
        assert len(receiver.received) == 1


def delivery(world: ServedWorld) -> dict[str, Any]:
    [item] = requests.get(f"{world.url}/_mock/deliveries", timeout=30).json()["deliveries"]
    return dict(item)
