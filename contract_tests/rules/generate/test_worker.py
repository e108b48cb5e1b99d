"""Large worlds come from a process of their own, and are the same worlds."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from mockserver.errors import StartupError
from mockserver.generate import history, prepared, worker
from mockserver.generate.plans import Scenario
from mockserver.generate.scenario import load, parse
from mockserver.generate.scenario_files import find
from mockserver.world.records.data_rows import DataRow
from mockserver.world.sqlite import SqliteDatabase
from mockserver.world.store import Store

LARGE = 200_000


def street(rows: int) -> Scenario:
    return parse(
        b'description = "d"\npeople = 2\n[ontologies.o]\nmedia = "text"\n[[projects]]\nname = "p"\nmedia = "text"\n'
        b'ontology = "o"\nembeddings = false\nskipped = 0\nunlabelled = 0\nlabelled = %d' % rows,
        source="street",
    )


@contextmanager
def watch(heard: list[int], rows: int) -> Iterator[Callable[[int], None]]:
    heard.append(rows)
    yield heard.append


def children() -> set[int]:
    """The processes that this one has started and that have not ended; other tests have left some too."""
    lists = [path.read_text().split() for path in Path("/proc/self/task").glob("*/children")]
    return {int(pid) for pids in lists for pid in pids}


def test_batches_built_in_a_process_are_those_built_in_this_one() -> None:
    plan = load(find("default"))
    _, expected = history.build_world(plan, name="default", seed=3)
    assert list(worker.generate_batches(plan, seed=3, ends=plan.ends_at)) == list(expected)


def test_a_process_that_was_killed_is_reported() -> None:
    others = children()
    batches = worker.generate_batches(street(LARGE), seed=0, ends=0)
    next(batches)
    [maker] = children() - others
    os.kill(maker, signal.SIGKILL)
    with pytest.raises(StartupError, match="exit code -9 before it was done"):
        list(batches)


def test_who_needs_no_more_pieces_leaves_no_process_behind() -> None:
    others = children()
    batches = worker.generate_batches(street(LARGE), seed=0, ends=0)
    assert len(list(islice(batches, 2))) == 2
    assert len(children() - others) == 1
    batches.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    assert children() <= others


def test_a_large_world_reports_its_progress_and_holds_every_row(tmp_path: Path) -> None:
    heard: list[int] = []
    plan = street(worker.LARGE)
    with prepared.watch_progress(lambda rows: watch(heard, rows)):
        prepared.build_world(plan, tmp_path / "street.sqlite", name="street", seed=0, ends=plan.ends_at)
    assert heard[0] == sum(heard[1:]) == worker.LARGE
    assert len(heard) > 5
    store = Store(SqliteDatabase(tmp_path / "street.sqlite"))
    with store.reading() as connection:
        assert connection.count(DataRow) == worker.LARGE
    store.close()
