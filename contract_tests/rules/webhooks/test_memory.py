"""The messages of one change need no more memory for many long labels than for a few of them."""

import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from contract_tests.rules.exports.rows import HOST
from contract_tests.rules.exports.test_memory import build_long_answer, lengthen_labels
from contract_tests.rules.worlds import build_database, many_boxes
from mockserver.generate import history, scenario
from mockserver.links import Links
from mockserver.webhooks.outbox import BATCH_BYTES, OutboxWriter
from mockserver.world.changes.deliveries import Deliveries
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clause import EVERYTHING
from mockserver.world.record import JsonText
from mockserver.world.records.labels import Label
from mockserver.world.records.webhooks import Delivery
from mockserver.world.store import Hooks, Store

ROWS = 60
MOST = 6 * BATCH_BYTES
"""Bytes of memory: rendering takes some five times as much as the bodies have."""


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Store]:
    """A world with webhooks, of one project with ROWS labelled pictures."""
    world = history.build_world(scenario.load(many_boxes(tmp_path, labelled=ROWS)), name="many", seed=0, ends=None)
    writer = OutboxWriter(Links.from_name("key", 0), HOST)
    with closing(Store.create(build_database(tmp_path), *world, hooks=Hooks(writer.before_commit))) as store:
        WorkspaceSettings(store).begin_life(name="rules")
        with store.change() as change:
            lengthen_labels(change, build_long_answer(), shared=False)
        yield store


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_memory_does_not_grow_with_long_labels(many: Store, version: str) -> None:
    for _ in range(2):
        Deliveries(many).subscribe(
            project_id=None, url="http://127.0.0.1/", secret="s", topics=JsonText('["REVIEW_CREATED"]'),
            version=version, retries=JsonText('"default"'), ordered=False, concurrency=16, timeout=1.0, misbehave=None,
        )  # fmt: skip
    with many.reading() as connection:
        labels = [label.id for label in connection.select(Label, EVERYTHING)]
    tracemalloc.start()
    with many.change():
        for label in labels:
            LabelChanges(many).create_review(label, score=1.0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with many.reading() as connection:
        size = connection.value("SELECT SUM(octet_length(body)) FROM outbox")
        assert connection.count(Delivery) == 2 * len(labels)
    assert size > 2 * MOST
    assert peak < MOST, f"{peak / 2**20:.0f} MiB for {size / 2**20:.0f} MiB of messages"
