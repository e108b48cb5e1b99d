"""Threads that write exports render their batches in turns."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockserver.exports.fair_lock import FairLock

BATCHES = 20
THREADS = 4


class Renderer:
    """Batches that take a while, and the most that were ever rendered at the same time."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0
        self.order: list[str] = []

    def batches(self, name: str) -> Iterator[int]:
        for number in range(BATCHES):
            self.now += 1
            self.most = max(self.most, self.now)
            time.sleep(0.001)
            self.order.append(name)
            self.now -= 1
            yield number


def test_one_batch_is_rendered_at_a_time_and_none_is_lost() -> None:
    turns, renderer = FairLock(), Renderer()
    with ThreadPoolExecutor(THREADS) as threads:
        batches = list(threads.map(lambda name: list(turns.take_turns(renderer.batches(name))), "abcd"))
    assert batches == [list(range(BATCHES))] * THREADS
    assert renderer.most == 1


def test_the_thread_that_has_waited_longest_is_next() -> None:
    """Each batch takes until all the others wait for their turn, so that the order depends on the lock alone."""
    lock, order = FairLock(), []

    def batches(name: str) -> Iterator[int]:
        for number in range(BATCHES):
            while number < BATCHES - 1 and len(lock._waiting) < THREADS - 1:
                time.sleep(0.0001)
            order.append(name)
            yield number

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda name: list(lock.take_turns(batches(name))), "abcd"))
    assert order[: THREADS * (BATCHES - 1)] == order[:THREADS] * (BATCHES - 1)
    assert set(order[:THREADS]) == set("abcd")


def test_a_thread_that_works_with_its_batch_does_not_hold_the_lock() -> None:
    turns, renderer = FairLock(), Renderer()
    first = turns.take_turns(renderer.batches("first"))
    assert next(first) == 0
    assert list(turns.take_turns(renderer.batches("other"))) == list(range(BATCHES))
    assert next(first) == 1


def test_a_failure_releases_the_lock() -> None:
    turns = FairLock()
    with pytest.raises(ZeroDivisionError):
        list(turns.take_turns(1 // number for number in (1, 0)))
    assert list(turns.take_turns([1, 2])) == [1, 2]
