"""Failures of jobs that the database could not take: they are written when it can, whether or not a client polls."""

import threading

import pytest

from mockserver.errors import ResourceFailed
from mockserver.exports.failure_recorder import FailureRecorder

WITHIN = 60.0


class FullDatabase:
    """A database that refuses the first tries."""

    def __init__(self, *, refused: int) -> None:
        self._left = refused
        self.failures: dict[str, str] = {}
        self.tried, self.written = threading.Event(), threading.Event()

    def record(self, job_id: str, reason: str) -> None:
        self.tried.set()
        if self._left > 0:
            self._left -= 1
            raise ResourceFailed("no space is left")
        self.failures[job_id] = reason
        if len(self.failures) == 2:
            self.written.set()


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.exports.failure_recorder.RETRY_AFTER", 0.01)


@pytest.mark.usefixtures("quick_retries")
def test_failures_are_written_when_there_is_space_although_nobody_polls() -> None:
    database = FullDatabase(refused=4)
    recorder = FailureRecorder("export", database.record)
    recorder.fail("a", "the disk is full")
    recorder.fail("b", "the disk was full as well")
    assert database.written.wait(WITHIN)
    assert database.failures == {"a": "the disk is full", "b": "the disk was full as well"}
    recorder.close()
    assert recorder.reason("a") is None


def test_a_failure_that_waits_for_the_next_try_is_written_when_the_workspace_is_closed() -> None:
    database = FullDatabase(refused=1)
    recorder = FailureRecorder("export", database.record)
    recorder.fail("a", "the disk is full")
    assert recorder.reason("a") == "the disk is full"
    recorder.close()
    assert database.failures == {"a": "the disk is full"}


@pytest.mark.usefixtures("quick_retries")
def test_nothing_is_tried_after_the_workspace_is_closed() -> None:
    database = FullDatabase(refused=10**9)
    recorder = FailureRecorder("export of nobody", database.record)
    recorder.fail("a", "the disk is full")
    recorder.close()
    assert recorder.reason("a") == "the disk is full"
    for timer in list_timers("export of nobody"):
        timer.join(WITHIN)
    database.tried.clear()
    assert recorder.reason("a") == "the disk is full"
    assert list_timers("export of nobody") == []
    assert not database.tried.is_set()


def list_timers(noun: str) -> list[threading.Thread]:
    """The threads that wait to record failures of this noun, whatever other threads the process has."""
    return [thread for thread in threading.enumerate() if thread.name == f"record failed {noun}"]
