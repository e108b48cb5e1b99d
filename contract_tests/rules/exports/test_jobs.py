"""The lifecycle of a job: it waits, runs, and ends COMPLETE, FAILED or stopped."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

import apsw
import pytest

from mockserver.errors import Conflict, ResourceFailed
from mockserver.exports.jobs import Jobs, Kind
from mockserver.world.clock import DAY, Clock

WAIT = 60


class Work(NamedTuple):
    id: str
    run: Callable[[], None]
    closed: list[str]

    def interrupt(self) -> None:
        """Ends nothing: the tests let the job see it."""

    def close(self) -> None:
        self.closed.append(self.id)


class Office:
    """Jobs, and lists of how they ended."""

    def __init__(
        self, threads: ThreadPoolExecutor, most_running: int = 1, discard: Callable[[Work], None] | None = None
    ) -> None:
        self.closed: list[str] = []
        self.discarded: list[str] = []
        self.failures: dict[str, str] = {}
        self.swept: list[int] = []
        self.clock = Clock(frozen_at=0)
        kind = Kind[Work](
            noun="import",
            place=Path("/srv/results"),
            run=lambda work: work.run(),
            discard=discard or (lambda work: self.discarded.append(work.id)),
            record_failure=self.failures.__setitem__,
            delete_expired=self.swept.append,
            most_running=most_running,
        )
        self.jobs = Jobs(kind, threads, self.clock)

    def build(self, name: str, run: Callable[[], None] = lambda: None) -> Work:
        return Work(name, run, self.closed)


def start_and_wait(started: threading.Event, release: threading.Event) -> None:
    started.set()
    release.wait(WAIT)


def test_jobs_run_in_order_and_are_closed_once() -> None:
    order: list[str] = []
    with ThreadPoolExecutor(4) as threads:
        office = Office(threads)
        futures = [office.jobs.start(office.build(name, partial(order.append, name))) for name in "abc"]
        for future in futures:
            future.result(WAIT)
    assert order == office.closed == ["a", "b", "c"]
    assert office.jobs.future("a") is None


def test_no_more_jobs_run_at_a_time_than_the_kind_allows() -> None:
    release, begun = threading.Event(), [threading.Event() for _ in range(3)]
    with ThreadPoolExecutor(4) as threads:
        office = Office(threads, most_running=2)
        for number, started in enumerate(begun):
            office.jobs.start(office.build(str(number), partial(start_and_wait, started, release)))
        assert begun[0].wait(WAIT)
        assert begun[1].wait(WAIT)
        assert (office.jobs.waiting, begun[2].is_set()) == (1, False)
        release.set()
        assert begun[2].wait(WAIT)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Conflict("there is no room"), "there is no room"),
        (
            ZeroDivisionError("1 / 0"),
            "The mock failed to write this import: this is a bug of the mock; see the server's log",
        ),
        (
            apsw.FullError("database or disk is full"),
            (
                "No space left on the disk of /srv/results: database or disk is full; free some space; "
                "the server goes on by itself then"
            ),
        ),
    ],
)
def test_a_job_that_raises_is_discarded_and_its_reason_recorded(error: Exception, reason: str) -> None:
    def fail() -> None:
        raise error

    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        office.jobs.start(office.build("a", fail)).result(WAIT)
    assert (office.discarded, office.failures, office.closed) == (["a"], {"a": reason}, ["a"])


@pytest.mark.parametrize("error", [ResourceFailed("the database is lost"), OSError("the folder is gone")])
def test_a_job_whose_files_cannot_be_deleted_has_failed_all_the_same(error: Exception) -> None:
    def fail() -> None:
        raise error

    with ThreadPoolExecutor(1) as threads:
        office = Office(threads, discard=lambda _work: fail())
        office.jobs.start(office.build("a", fail)).result(WAIT)
    assert list(office.failures) == ["a"]


def test_a_job_whose_snapshot_cannot_be_closed_ends_as_it_has_ended() -> None:
    class Stuck(Work):
        def close(self) -> None:
            raise ResourceFailed("the database is lost")

    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        office.jobs.start(Stuck("a", lambda: None, [])).result(WAIT)
    assert (office.discarded, office.failures) == ([], {})


def test_a_workspace_is_closed_although_the_snapshot_of_a_waiting_job_cannot_be() -> None:
    class Stuck(Work):
        def close(self) -> None:
            raise ResourceFailed("the database is lost")

    def run() -> None:
        while True:
            office.jobs.check_running("running")

    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        running = office.jobs.start(office.build("running", run))
        waiting = [office.jobs.start(Stuck(name, run, [])) for name in ("a", "b")]
        office.jobs.close()
        running.result(WAIT)
    assert all(each.cancelled() for each in waiting)


def test_jobs_that_wait_when_the_workspace_is_closed_are_cancelled_and_those_that_run_are_stopped() -> None:
    begun, closing = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)

        def run() -> None:
            begun.set()
            closing.wait(WAIT)
            while True:
                office.jobs.check_running("running")

        running, waiting = office.jobs.start(office.build("running", run)), office.jobs.start(office.build("waiting"))
        assert begun.wait(WAIT)
        closing.set()
        office.jobs.close()
        running.result(WAIT)
    assert waiting.cancelled()
    assert (sorted(office.closed), office.discarded, office.failures) == (["running", "waiting"], ["running"], {})


class Search(NamedTuple):
    """A job that waits for a search until that is ended."""

    id: str
    begun: threading.Event
    ended: threading.Event
    closed: list[str]

    def run(self) -> None:
        self.begun.set()
        assert self.ended.wait(WAIT)
        raise ResourceFailed("a statement was cancelled")

    def interrupt(self) -> None:
        assert self.id not in self.closed, "what is closed is not interrupted"
        self.ended.set()

    def close(self) -> None:
        self.closed.append(self.id)


@pytest.mark.parametrize("end", ["interrupted", "closed"])
def test_a_job_does_not_wait_for_its_search_when_it_is_stopped(end: str) -> None:
    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        search = Search("a", threading.Event(), threading.Event(), office.closed)
        future = office.jobs.start(cast(Any, search))
        assert search.begun.wait(WAIT)
        if end == "closed":
            office.jobs.close()
        else:
            office.jobs.interrupt("a")
        future.result(WAIT)
        office.jobs.interrupt("a")
    assert (office.closed, office.discarded, office.failures) == (["a"], ["a"], {})


def test_an_interrupted_job_is_stopped_also_when_it_was_not_searching() -> None:
    begun, interrupted = threading.Event(), threading.Event()

    def run() -> None:
        office.jobs.check_running("a")
        begun.set()
        assert interrupted.wait(WAIT)
        office.jobs.check_running("a")

    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        future = office.jobs.start(office.build("a", run))
        assert begun.wait(WAIT)
        office.jobs.interrupt("a")
        interrupted.set()
        future.result(WAIT)
        office.jobs.start(office.build("a")).result(WAIT)
    assert (office.discarded, office.failures) == (["a"], {}), "the next job of that name is not interrupted"


def test_results_are_swept_once_a_day_of_the_clock() -> None:
    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        for moment in (0, DAY - 1, DAY, DAY + 1, 5 * DAY):
            office.clock.set(moment)
            office.jobs.sweep()
    assert office.swept == [0, DAY, 5 * DAY]
