"""The faults of one workspace: its rules, and how often each has hit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from mockserver.errors import Conflict, NotFound, nearest, quote
from mockserver.faults.kind import Stage
from mockserver.faults.rule import MOST_RULES, FaultRule, check_rule, parse_until
from mockserver.journal.notes import Operation
from mockserver.journal.selection import fits_path

_SECOND = 1_000_000


class Armed:
    """A rule with its counts. `ends` is a time of the workspace's clock in microseconds UTC."""

    def __init__(self, id: str, rule: FaultRule, ends: int | None) -> None:  # noqa: A002  the wire's word
        self.id, self.rule, self.ends = id, rule, ends
        self.calls = self.hits = 0
        self._window, self._passed = -1, 0

    def matches(self, method: str, path: str, operation: Operation | None) -> bool:
        """Whether a call counts."""
        rule = self.rule
        if rule.method is not None and rule.method.upper() != method:
            return False
        if rule.path is not None and not fits_path(rule.path, path):
            return False
        return rule.operation is None or (
            operation is not None and (rule.operation == operation.name or rule.operation in operation.root_fields)
        )

    def count(self, now: int) -> bool:
        """Counts a call, and returns whether the fault hits it."""
        self.calls += 1
        if self.has_ended(now) or not self.rule.hits(self.calls, self.hits) or self._is_within_limit(now):
            return False
        self.hits += 1
        return True

    def has_ended(self, now: int) -> bool:
        most = self.rule.most_hits
        return (self.ends is not None and now >= self.ends) or (most is not None and self.hits >= most)

    def _is_within_limit(self, now: int) -> bool:
        """Whether a limit of calls for each window lets this one pass."""
        if "limit" not in self.rule.kind.options:
            return False
        window = now // round(self.rule.option("window") * _SECOND)
        if window != self._window:
            self._window, self._passed = window, 0
        self._passed += 1
        passes: bool = self._passed <= self.rule.option("limit")
        return passes


class FaultState(msgspec.Struct, frozen=True):
    """A requested fault: `calls` of the client that counted, `hits` of them that it hit."""

    id: str
    rule: FaultRule
    calls: int
    hits: int
    ended: bool


class ActiveFaults:
    """Whether any workspace of the server has a fault: without one, no call is looked at."""

    def __init__(self) -> None:
        self.count = 0


class Faults:
    """The faults of one workspace. Safe for several threads; in memory, so a restart of the server forgets them."""

    def __init__(self, active: ActiveFaults, now: Callable[[], int], rules: Iterable[FaultRule] = ()) -> None:
        """`now` is the workspace's clock; `rules` are those of its scenario."""
        self._active, self._now = active, now
        self._lock = threading.Lock()
        self._armed: list[Armed] = []
        self._last = 0
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> FaultState:
        """Requests a fault. Raises BadInput for a wrong rule, and Conflict if there are MOST_RULES already."""
        check_rule(rule)
        ends = _find_end(rule, self._now())
        with self._lock:
            if len(self._armed) >= MOST_RULES:
                raise Conflict(f"{MOST_RULES} faults are requested already; remove them by DELETE /_mock/faults")
            self._last += 1
            armed = Armed(f"fault-{self._last}", rule, ends)
            self._armed.append(armed)
            self._active.count += 1
        return self._show(armed)

    def list_states(self) -> list[FaultState]:
        return [self._show(each) for each in list(self._armed)]

    def find(self, id: str) -> FaultState:  # noqa: A002  the wire's word
        """Raises NotFound."""
        for armed in list(self._armed):
            if armed.id == id:
                return self._show(armed)
        known = quote(nearest(id, [armed.id for armed in self._armed]))
        raise NotFound(f"There is no fault {id!r}; the nearest known are {known or 'none'}")

    def remove(self, id: str) -> None:  # noqa: A002  the wire's word
        """Raises NotFound."""
        self.find(id)
        with self._lock:
            self._keep([armed for armed in self._armed if armed.id != id])

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._keep([])

    def _keep(self, armed: list[Armed]) -> None:
        self._active.count -= len(self._armed) - len(armed)
        self._armed = armed

    @property
    def needs_operation(self) -> bool:
        """Whether a rule names an operation, which only the body of a call says."""
        return any(armed.rule.operation is not None for armed in self._armed)

    def hit_call(self, method: str, path: str, operation: Operation | None) -> Armed | None:
        """Counts a call for every rule that it matches, and returns the first that hits it."""
        now = self._now()
        with self._lock:
            hits = [
                armed
                for armed in self._armed
                if armed.rule.kind.stage is not Stage.EXPORT
                and armed.matches(method, path, operation)
                and armed.count(now)
            ]
        return hits[0] if hits else None

    def hit_export(self) -> FaultRule | None:
        """Counts an export that begins now, and returns the rule of the first fault that hits it."""
        if not self._armed:
            return None
        now = self._now()
        with self._lock:
            for armed in self._armed:
                if armed.rule.kind.stage is Stage.EXPORT and armed.count(now):
                    return armed.rule
        return None

    def now(self) -> int:
        """The workspace's clock, in microseconds UTC."""
        return self._now()

    def _show(self, armed: Armed) -> FaultState:
        return FaultState(armed.id, armed.rule, armed.calls, armed.hits, armed.has_ended(self._now()))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _find_end(rule: FaultRule, now: int) -> int | None:
    """The end of a rule that is requested now, in microseconds UTC."""
    if rule.lasts is not None:
        return now + round(rule.lasts * _SECOND)
    if rule.until is None:
        return None
    return (parse_until(rule.until) - _EPOCH) // timedelta(microseconds=1)
