"""Exploration of faults: a test is run again with one fault at each of the calls that its client makes.

It is active with `pytest --labelbox-explore`, for tests that use `labelbox_mock` and pass without a fault.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol

from mockserver.testing.journal import describe_request
from mockserver.testing.rows import WrongRowsError
from mockserver.testing.workspace import MockWorkspace

MOST_CALLS = 200
"""Calls of one test that are tried."""
DEADLINE = 150.0
"""Seconds of one run. SDKs repeat a failing call for 120."""
PROPERTY = "labelbox_exploration"
"""The user property of a report that holds the text, so that it reaches the session's own process under xdist."""
STATUS = 503
PASSES, ERROR, WRONG, HANGS = "passes", "error", "wrong data", "hangs"
BAD = (WRONG, HANGS)
"""Outcomes that fail the test: an error of its own tells its user what happened."""


class Injection(NamedTuple):
    """A fault at one call: `before` it has an effect, `after` that, or `within` the body of its answer."""

    number: int
    place: str
    request: dict[str, Any]

    def apply(self, workspace: MockWorkspace) -> None:
        """Requests the fault in a fresh workspace."""
        if self.place == "within":
            half = int(self.request["answer_bytes"]) // 2
            workspace.fault("closed_within", first=self.number, bytes=half)
        else:
            workspace.fault("server_error", first=self.number, status=STATUS, when=self.place)


class Outcome(NamedTuple):
    """How a run of the test ended."""

    word: str
    message: str = ""


class Hang(BaseException):
    """Ends a run that takes longer than the deadline. Not an Exception: clients catch those and go on."""


class Sibling:
    """A stand-in for a test beside another one: fixtures of the module and of the session live on for it."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[Any]:
        parents = [] if self._item.parent is None else self._item.parent.listchain()
        return [*parents, self]


class Exploration:
    """The plugin of a session with `--labelbox-explore`."""

    def __init__(self, deadline: float = DEADLINE) -> None:
        self._deadline = deadline
        self._injection: Injection | None = None
        self._calls: list[dict[str, Any]] = []
        self._error: pytest.ExceptionInfo[BaseException] | None = None
        self._is_active = False

    # The fixture calls these

    def begin(self, workspace: MockWorkspace) -> None:
        """Requests the fault of this run, if it has one."""
        if self._is_active and self._injection is not None:
            self._injection.apply(workspace)

    def end(self, workspace: MockWorkspace) -> None:
        """Keeps the calls of this run."""
        if self._is_active:
            self._calls = list_calls(workspace)

    # pytest calls these

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if "labelbox_mock" not in getattr(item, "fixturenames", ()):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = self._explore(item)
        item.session._setupstate.teardown_exact(nextitem)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Keeps the exception of a run. One of the deadline would end the session."""
        if self._is_active and call.excinfo is not None and self._error is None:
            self._error = call.excinfo
        yield

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        with limit_time(self._deadline if self._injection is not None else 0):
            yield

    def _explore(self, item: pytest.Item) -> list[pytest.TestReport]:
        """The reports of the run without a fault, with the outcomes of all others."""
        self._is_active = True
        try:
            reports, outcome, seconds = self._run(item, None)
            if outcome.word != PASSES:
                return reports
            calls = self._calls[:MOST_CALLS]
            tried = []
            for injection in list_injections(calls):
                _, outcome, _ = self._run(item, injection)
                tried.append((injection, outcome))
        finally:
            self._is_active = False
        add_outcomes(reports, render_outcomes(item, calls, tried, seconds), tried)
        return reports

    def _run(self, item: pytest.Item, injection: Injection | None) -> tuple[list[pytest.TestReport], Outcome, float]:
        """Runs the test once, in a fresh workspace; the reports, the outcome, and the seconds."""
        self._injection, self._error = injection, None
        began = time.monotonic()
        sibling: Any = Sibling(item)
        reports = runtestprotocol(item, log=False, nextitem=sibling)
        self._injection = None
        failed = any(report.failed for report in reports)
        outcome = classify(self._error, item) if failed else Outcome(PASSES)
        return reports, outcome, time.monotonic() - began


@contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Raises Hang after so many seconds; 0 for never. Only where the system has alarms, and in the main thread."""
    possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not seconds or not possible:
        yield
        return

    def end(_number: int, _frame: Any) -> None:
        raise Hang

    former = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def list_calls(workspace: MockWorkspace) -> list[dict[str, Any]]:
    """The calls of a run, each with the bytes of its answer."""
    calls = []
    for request in workspace.find_requests():
        answer_bytes = request.pop("answer")["bytes"]
        del request["request"]
        calls.append({**request, "answer_bytes": answer_bytes})
    return calls


def list_injections(calls: list[dict[str, Any]]) -> list[Injection]:
    """One fault before each call; one after it if it changes something; one within it if it is a file."""
    injections = []
    for number, call in enumerate(calls, 1):
        places = ["before"]
        if call["operation_type"] == "mutation" or call["method"] not in {"GET", "HEAD", "POST"}:
            places.append("after")
        if call["operation_type"] is None and call["method"] == "GET" and call["answer_bytes"] > 1:
            places.append("within")
        injections += [Injection(number, place, call) for place in places]
    return injections


def classify(error: pytest.ExceptionInfo[BaseException] | None, item: pytest.Item) -> Outcome:
    """An assertion of the test itself means that its client gave it wrong data; all else is an error that it got."""
    if error is None:
        return Outcome(ERROR)
    message = f"{error.typename}: {error.value}".splitlines()[0][:200]
    if isinstance(error.value, Hang):
        return Outcome(HANGS)
    is_of_test = isinstance(error.value, AssertionError) and str(error.traceback[-1].path) == str(item.path)
    if is_of_test or isinstance(error.value, WrongRowsError):
        return Outcome(WRONG, message)
    return Outcome(ERROR, message)


def render_outcomes(
    item: pytest.Item, calls: list[dict[str, Any]], tried: list[tuple[Injection, Outcome]], seconds: float
) -> str:
    """The outcomes of all runs as text: a line for the test, one for each call, and below it one for each fault."""
    counts = Counter(outcome.word for _, outcome in tried)
    summary = ", ".join(f"{counts[word]} {word}" for word in (PASSES, ERROR, WRONG, HANGS) if counts[word])
    lines = [f"{item.nodeid}: {len(calls)} calls in {seconds:.1f} s, {len(tried)} faults: {summary or 'none tried'}"]
    for number, call in enumerate(calls, 1):
        lines.append(describe_request({**call, "number": number}))
        lines += [
            f"       {injection.place:<7} {outcome.word:<10} {outcome.message}".rstrip()
            for injection, outcome in tried
            if injection.number == number
        ]
    return "\n".join(lines)


def add_outcomes(reports: list[pytest.TestReport], text: str, tried: list[tuple[Injection, Outcome]]) -> None:
    """Adds the text to the report of the test, which fails if a client hung or got wrong data without an error."""
    [report] = [report for report in reports if report.when == "call"]
    report.user_properties.append((PROPERTY, text))
    bad = sum(outcome.word in BAD for _, outcome in tried)
    if bad:
        report.outcome = "failed"
        report.longrepr = f"With {bad} of {len(tried)} faults the test hung, or its client gave it wrong data:\n{text}"


def find_texts(reporter: Any) -> list[str]:
    """The texts of all tests of a session that passed, in their order; those of others are in their reports."""
    reports = [report for reports in reporter.stats.values() for report in reports]
    passed = [report for report in reports if getattr(report, "when", "") == "call" and report.passed]
    return [text for report in passed for name, text in report.user_properties if name == PROPERTY]
