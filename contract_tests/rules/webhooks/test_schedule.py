"""When a delivery is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.webhooks.exchange import Outcome
from mockserver.webhooks.schedule import DEFAULT, JITTER, LONGEST_RETRY_AFTER, Schedule, retry_after, retry_wait
from mockserver.world.clock import SECOND

FAILED = Outcome(status=500)


def answer_with(after: str, date: str | None = None) -> Outcome:
    headers = [("Retry-After", after)] + ([("Date", date)] if date else [])
    return Outcome(status=503, headers=headers)


@given(st.text(), st.integers(1, len(DEFAULT)))
def test_a_wait_is_that_of_the_schedule_and_a_little_more_and_always_the_same(delivery: str, failures: int) -> None:
    waited = retry_wait("default", delivery, failures, FAILED)
    assert waited is not None
    assert DEFAULT[failures - 1] <= waited / SECOND <= DEFAULT[failures - 1] * (1 + JITTER / 100)
    assert waited == retry_wait("default", delivery, failures, FAILED)


def test_what_failed_together_does_not_come_back_together() -> None:
    assert len({retry_wait("default", f"d{number}", 3, FAILED) for number in range(50)}) > 40


@pytest.mark.parametrize(("schedule", "tries"), [("default", 10), ("none", 1), ((), 1), ((1.0, 2.0), 3)])
def test_a_schedule_has_an_end(schedule: Schedule, tries: int) -> None:
    waits = [retry_wait(schedule, "d", failures, FAILED) for failures in range(1, tries + 1)]
    assert [one is None for one in waits] == [False] * (tries - 1) + [True]


def test_the_default_lasts_longer_than_three_days() -> None:
    assert 3 * 86_400 < sum(DEFAULT) < 4 * 86_400


def test_a_receiver_may_ask_for_more_time_but_not_for_less() -> None:
    assert retry_wait((10.0,), "d", 1, answer_with("100")) == 100 * SECOND
    assert retry_wait((10.0,), "d", 1, answer_with("0")) == retry_wait((10.0,), "d", 1, FAILED)
    assert retry_wait("none", "d", 1, answer_with("100")) is None


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (answer_with("120"), 120),
        (answer_with("999999999"), LONGEST_RETRY_AFTER),
        (answer_with("Wed, 21 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"), 30),
        (answer_with("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:30 GMT"), 0),
        (answer_with("Wed, 21 Oct 2015 07:28:00 GMT"), 0),
        (answer_with("Wed, 21 Oct 2015 07:28:30 -0000", "Wed, 21 Oct 2015 07:28:00 GMT"), 30),
        (answer_with("Wed, 21 Oct 99999999999999999999 07:28:30 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"), 0),
        (answer_with("Fri, 31 Dec 9999 23:59:59 GMT"), LONGEST_RETRY_AFTER),
        (answer_with("9" * 5000), LONGEST_RETRY_AFTER),
        (answer_with("soon"), 0),
        (answer_with("-5"), 0),
        (answer_with("١٢"), 0),
        (FAILED, 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(outcome: Outcome, seconds: float) -> None:
    assert retry_after(outcome) == seconds
