"""Lines of one cause come once a second, and what is left out is counted."""

import logging

import pytest

from mockserver.serving.log import MOST_CAUSES, OncePerSecond


class Lines(logging.Handler):
    """A handler that keeps what passes its filters."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(record.getMessage())


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def once(clock: Clock) -> OncePerSecond:
    return OncePerSecond(clock)


@pytest.fixture
def lines(once: OncePerSecond) -> Lines:
    handler = Lines()
    handler.addFilter(once)
    return handler


def log(lines: Lines, template: str, *arguments: object, error: BaseException | None = None, name: str = "a") -> None:
    exception = (type(error), error, None) if error else None
    lines.handle(logging.LogRecord(name, logging.WARNING, "file.py", 1, template, arguments, exception))


def test_a_cause_is_logged_again_after_a_second(lines: Lines, clock: Clock) -> None:
    for moment in (0, 0.1, 0.9, 1.0, 1.5, 2.5):
        clock.now = moment
        log(lines, "refused %s", moment)
    assert lines.written == ["refused 0", "refused 1.0", "refused 2.5"]


def test_other_causes_are_not_held_back(lines: Lines) -> None:
    for _ in range(3):
        log(lines, "one")
        log(lines, "two")
        log(lines, "one", name="b")
        log(lines, "one", error=ValueError())
        log(lines, "one", error=KeyError())
    assert lines.written == ["one", "two", "one", "one", "one"]


def test_what_was_left_out_is_counted(lines: Lines, once: OncePerSecond) -> None:
    logger = logging.getLogger("mockserver.serving.log")
    logger.addHandler(lines)
    try:
        for number in range(10):
            log(lines, "refused all of %s", number)
        once.log_left_out()
        once.log_left_out()
    finally:
        logger.removeHandler(lines)
    assert lines.written == ["refused all of 0", "9 more lines were left out of a: refused all of %s"]


def test_a_flood_of_different_lines_takes_no_memory(lines: Lines, once: OncePerSecond) -> None:
    for number in range(MOST_CAUSES * 5):
        log(lines, f"cause {number}")
        log(lines, f"cause {number}")
    assert len(lines.written) == MOST_CAUSES * 5
    assert len(once._last) <= MOST_CAUSES
    assert len(once._left_out) <= MOST_CAUSES
