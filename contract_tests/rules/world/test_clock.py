"""The workspace's own time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.world.clock import Clock

SECOND = 1_000_000
MOMENTS = st.integers(0, 2**52)
STEPS = st.lists(st.tuples(st.sampled_from(["set", "advance"]), MOMENTS), max_size=6)


def test_it_runs_at_real_time_unless_moved() -> None:
    before, now, after = time.time_ns() // 1000, Clock().now(), time.time_ns() // 1000
    assert before <= now <= after


def test_a_clock_that_was_set_runs_on_from_there() -> None:
    clock = Clock()
    clock.set(5 * SECOND)
    first = clock.now()
    time.sleep(0.002)
    assert 5 * SECOND <= first < clock.now() < 65 * SECOND


def test_advancing_is_time_that_nobody_waited_for() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(3600 * SECOND)
    assert 3600 * SECOND <= clock.now() - before < 3660 * SECOND


def test_time_may_be_turned_back() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(-3600 * SECOND)
    assert clock.now() < before


def test_a_frozen_clock_stays() -> None:
    clock = Clock()
    clock.freeze()
    first = clock.now()
    time.sleep(0.002)
    assert clock.now() == first


def test_freezing_twice_is_freezing_once() -> None:
    clock = Clock()
    clock.freeze()
    first = clock.now()
    clock.freeze()
    assert clock.now() == first


@given(moment=MOMENTS, steps=STEPS)
def test_a_frozen_clock_is_exactly_where_it_was_put(moment: int, steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    clock.freeze()
    clock.set(moment)
    for step, microseconds in steps:
        getattr(clock, step)(microseconds)
        moment = microseconds if step == "set" else moment + microseconds
        assert clock.now() == moment


def test_a_thawed_clock_runs_on_from_where_it_stood() -> None:
    clock = Clock()
    clock.freeze()
    clock.set(5 * SECOND)
    clock.thaw()
    first = clock.now()
    time.sleep(0.002)
    assert 5 * SECOND <= first < clock.now() < 65 * SECOND


def test_thawing_a_clock_that_runs_changes_nothing() -> None:
    clock = Clock()
    clock.advance(SECOND)
    clock.thaw()
    assert clock.now() - time.time_ns() // 1000 == pytest.approx(SECOND, abs=SECOND / 10)


def test_a_clock_knows_what_it_jumped_over() -> None:
    clock = Clock()
    clock.freeze()
    clock.set(1000)
    clock.set(5000)
    assert [clock.has_jumped_over(moment) for moment in (1001, 5000, 5001)] == [True, True, False]
    assert clock.has_jumped_over(1000), "what was due when the clock jumped had no time to happen either"
    clock.set(2000)
    assert not clock.has_jumped_over(5001)
    for _ in range(3000):
        clock.advance(10)
    assert len(clock.jumps) <= 1000
