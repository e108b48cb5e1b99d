"""The outbox of a served world has a limit, and a subscription shows what it lost by it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.receiving import SECRET, Receiver
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.world.sqlite import SqliteDatabase

MEGABYTE = 1024 * 1024
SLACK = 256 * 1024
"""Bytes by which a file may grow though nothing of it is kept: pages that are half full."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServedWorld]:
    """1 MiB of messages may wait, and 32 KiB of those that are done are kept."""
    with ServedWorld("--state", str(tmp_path / "state"), "--outbox-limit", "1") as served:
        yield served


def webhooks(world: ServedWorld) -> list[dict[str, Any]]:
    webhooks: list[dict[str, Any]] = requests.get(f"{world.url}/_mock/webhooks", timeout=30).json()["webhooks"]
    return webhooks


def review(world: ServedWorld, rows: list[str]) -> None:
    """A review comes and goes on each row, so that the world is no larger than before."""
    with requests.Session() as session:
        for row in rows:
            for event in ("REVIEW_CREATED", "REVIEW_DELETED"):
                body = {"event": event, "project": "image", "data_row": row}
                session.post(f"{world.url}/_mock/events", json=body, timeout=30).raise_for_status()


def rows_with_labels(world: ServedWorld) -> list[str]:
    rows = world.own.expected_rows("image", params={"label_details": True})
    labelled = [row for row in rows if row["projects"][world.projects["image"]]["labels"]]
    return [row["data_row"]["id"] for row in labelled]


def size(file: Path) -> int:
    """Bytes of a database, with what is still in its log."""
    connection = SqliteDatabase(file).connect()
    try:
        return int(connection.value("PRAGMA page_count")) * int(connection.value("PRAGMA page_size"))
    finally:
        connection.close()


def test_what_was_delivered_does_not_make_the_file_grow(world: ServedWorld, tmp_path: Path) -> None:
    [file] = (tmp_path / "state").rglob("world.sqlite")
    rows = rows_with_labels(world)[:10]
    with Receiver() as receiver:
        world.own.webhook(receiver.url, secret=SECRET)
        review(world, rows)
        assert all(delivery["state"] == "DELIVERED" for delivery in world.own.deliveries)
        first = size(file)
        for _ in range(4):
            review(world, rows)
        deliveries = world.own.deliveries
        sent = sum(len(item.body) for item in receiver.received[2 * len(rows) :])
        assert len({item.id for item in receiver.received}) == len(receiver.received), "each was sent once"
    assert sent > 2 * SLACK, "or there was nothing to grow of"
    assert size(file) <= first + SLACK
    assert sum(len(delivery["body"]) for delivery in deliveries) < SLACK
    # Some are on their way at the same time, so the newest need not be received last.
    assert deliveries[-1]["id"] in {item.id for item in receiver.received[-len(rows) :]}, "the newest are kept"
    assert webhooks(world)[0]["dropped"] == 0


def test_what_nobody_takes_is_dropped_oldest_first_and_the_webhook_says_how_many(world: ServedWorld) -> None:
    world.own.webhook("http://127.0.0.1:1/", secret=SECRET, ordered=True, retries=[86_400])
    rows = rows_with_labels(world)
    total = 0
    while webhooks(world)[0]["dropped"] == 0:
        review(world, rows)
        total += 2 * len(rows)
        assert total < 2000, "nothing was ever dropped"
    left = requests.get(f"{world.url}/_mock/deliveries", timeout=30).json()["deliveries"]
    assert sum(len(delivery["body"]) for delivery in left) < 1.5 * MEGABYTE
    assert all(delivery["state"] == "PENDING" for delivery in left)
    assert "dropped before they were delivered" in world.output


def test_one_change_writes_no_more_than_may_wait(world: ServedWorld) -> None:
    """A change is one transaction: what it writes is on the disk before anything of it can be dropped."""
    projects = world.ask("{projects {labels {id}}}")["projects"]
    labels = [label["id"] for project in projects for label in project["labels"]]
    for _ in range(40):
        world.own.webhook("http://127.0.0.1:1/", secret=SECRET, ordered=True, retries=[86_400])
    world.ask("mutation($ids: [ID!]!) {deleteLabels(labelIds: $ids) {id}}", ids=labels)
    wait_for(lambda: len(list_waiting(world)) + sum(each["dropped"] for each in webhooks(world)) == 40 * len(labels))
    waiting = list_waiting(world)
    assert MEGABYTE // 2 < sum(len(delivery["body"].encode()) for delivery in waiting) < 1.5 * MEGABYTE
    newest = [delivery for delivery in waiting if delivery["label_id"] == waiting[-1]["label_id"]]
    assert len(newest) == 40, "the newest are kept, for every webhook"
    assert "messages of one change were dropped" in world.output


def list_waiting(world: ServedWorld) -> list[dict[str, Any]]:
    return [delivery for delivery in world.own.deliveries if delivery["state"] == "PENDING"]
