"""Polls and time decide how far something that takes time looks."""

from mockserver.world.clock import SECOND, Clock
from mockserver.world.progress import MOST_KEPT, Progress
from mockserver.world.progression import Delay


def test_what_is_done_immediately_is_done_at_the_first_poll() -> None:
    assert Progress(Clock()).poll("a", "at_once") == 1


def test_polls_are_counted_for_each_key_and_looking_without_a_poll_counts_nothing() -> None:
    progress = Progress(Clock())
    two = Delay(looks=2)
    assert [progress.share("a", two) for _ in range(5)] == [0] * 5
    assert [progress.poll("a", two) < 1 for _ in range(4)] == [True, True, False, False]
    assert progress.poll("b", two) < 1


def test_time_passes_by_the_clock_of_the_world() -> None:
    clock = Clock(frozen_at=0)
    progress = Progress(clock)
    minute = Delay(seconds=60)
    assert progress.poll("from its first poll", minute) == 0
    clock.set(30 * SECOND)
    assert progress.share("from its first poll", minute) == 0.5
    assert progress.share("from the start", minute, since=-30 * SECOND) == 1
    clock.set(60 * SECOND)
    assert progress.poll("from its first poll", minute) == 1


def test_the_oldest_polls_are_forgotten() -> None:
    progress = Progress(Clock())
    one = Delay(looks=1)
    progress.poll("oldest", one)
    for number in range(MOST_KEPT):
        progress.poll(str(number), one)
    assert progress.share("oldest", one) < 1
    assert progress.share("1", one) == 1
