"""Threads that write exports make their pieces in turns."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockserver.exports.fair_lock import FairLock

PIECES = 20
THREADS = 4


class Making:
    """Pieces that take a while, and how many were ever made at once."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0
        self.order: list[str] = []

    def pieces(self, name: str) -> Iterator[int]:
        for number in range(PIECES):
            self.now += 1
            self.most = max(self.most, self.now)
            time.sleep(0.001)
            self.order.append(name)
            self.now -= 1
            yield number


def test_one_piece_is_made_at_a_time_and_nobody_loses_any() -> None:
    turns, making = FairLock(), Making()
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(lambda name: list(turns.each(making.pieces(name))), "abcd"))
    assert found == [list(range(PIECES))] * THREADS
    assert making.most == 1


def test_who_has_waited_longest_is_next() -> None:
    """Each piece takes until all the others wait for their turn, so that the order depends on the lock alone."""
    lock, order = FairLock(), []

    def pieces(name: str) -> Iterator[int]:
        for number in range(PIECES):
            while number < PIECES - 1 and len(lock._waiting) < THREADS - 1:
                time.sleep(0.0001)
            order.append(name)
            yield number

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda name: list(lock.each(pieces(name))), "abcd"))
    assert order[: THREADS * (PIECES - 1)] == order[:THREADS] * (PIECES - 1)
    assert set(order[:THREADS]) == set("abcd")


def test_who_does_something_with_a_piece_has_no_turn_meanwhile() -> None:
    turns, making = FairLock(), Making()
    kept = turns.each(making.pieces("kept"))
    assert next(kept) == 0
    assert list(turns.each(making.pieces("other"))) == list(range(PIECES))
    assert next(kept) == 1


def test_a_failure_gives_the_turn_on() -> None:
    turns = FairLock()
    with pytest.raises(ZeroDivisionError):
        list(turns.each(1 // number for number in (1, 0)))
    assert list(turns.each([1, 2])) == [1, 2]
