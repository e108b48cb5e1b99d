"""The faults of one workspace: its rules, and how often each has hit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from mockserver.errors import Conflict, NotFound, nearest, quote
from mockserver.faults.counts import NO_CALLS, Counts, FaultStorage
from mockserver.faults.kind import Stage
from mockserver.faults.rule import (
    MOST_CHARACTERS,
    MOST_RULES,
    FaultRule,
    check_rule,
    decode_rule,
    encode_rule,
    parse_until,
)
from mockserver.journal.notes import Operation
from mockserver.journal.searching import Glob

_SECOND = 1_000_000


class Armed:
    """A rule with its number."""

    def __init__(self, no: int, rule: FaultRule, ends: int | None) -> None:
        """`ends` is a time of the workspace's clock in microseconds UTC."""
        self.no, self.rule, self.ends = no, rule, ends
        self._paths = None if rule.path is None else Glob(rule.path)
        self.size = len(encode_rule(rule))
        """Characters of the rule as JSON."""

    @property
    def id(self) -> str:
        return f"fault-{self.no}"

    def matches(self, method: str, path: str, operation: Operation | None) -> bool:
        """Whether a call counts."""
        rule = self.rule
        if rule.method is not None and rule.method.upper() != method:
            return False
        if self._paths is not None and not self._paths.fits(path):
            return False
        return rule.operation is None or (
            operation is not None and (rule.operation == operation.name or rule.operation in operation.root_fields)
        )

    def count(self, counts: Counts, now: int) -> Counts:
        """The counts after a further call, which the fault hits if it fits its rule."""
        counts = counts._replace(calls=counts.calls + 1)
        if self.has_ended(counts, now) or not self.rule.hits(counts.calls, counts.hits):
            return counts
        if "limit" in self.rule.kind.options:
            counts = counts.let_pass(now // round(self.rule.option("window") * _SECOND))
            if counts.passed <= self.rule.option("limit"):
                return counts
        return counts._replace(hits=counts.hits + 1)

    def has_ended(self, counts: Counts, now: int) -> bool:
        most = self.rule.most_hits
        return (self.ends is not None and now >= self.ends) or (most is not None and counts.hits >= most)


class Hit(NamedTuple):
    """A fault that hits a call. `number` counts its hits from 1."""

    id: str
    rule: FaultRule
    number: int


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
    """The faults of one workspace. Safe for several threads.

    Rules are remembered, and counts are read from the storage and written to it for each call: so a fault hits as many
    calls as were requested, also if the server is killed between two of them.
    """

    def __init__(self, active: ActiveFaults, now: Callable[[], int], storage: FaultStorage) -> None:
        """`now` is the workspace's clock."""
        self._active, self._now, self._storage = active, now, storage
        self._lock = threading.Lock()
        self._armed: list[Armed] = []

    def begin(self, rules: Sequence[FaultRule]) -> None:
        """Requests the faults of a scenario."""
        if rules:
            with self._lock:
                self._add(rules)

    def load(self) -> None:
        """Goes on with the faults that an earlier server has left."""
        with self._lock:
            self._keep([Armed(fault.no, decode_rule(fault.rule), fault.ends) for fault in self._storage.load()])

    def close(self) -> None:
        """Forgets the faults, which stay in the storage."""
        with self._lock:
            self._keep([])

    def add(self, rule: FaultRule) -> FaultState:
        """Requests a fault. Raises BadInput for a wrong rule, and Conflict if the workspace has too many."""
        check_rule(rule)
        size = len(encode_rule(rule))
        with self._lock:
            if len(self._armed) >= MOST_RULES:
                raise Conflict(f"{MOST_RULES} faults are requested already; remove them by DELETE /_mock/faults")
            if sum(armed.size for armed in self._armed) + size > MOST_CHARACTERS:
                raise Conflict(
                    f"With this one, the faults would have more than {MOST_CHARACTERS:,} characters; name fewer "
                    "data_rows, or remove faults by DELETE /_mock/faults"
                )
            self._add([rule])
            return self._show(self._armed[-1], NO_CALLS)

    def _add(self, rules: Sequence[FaultRule]) -> None:
        """The caller has the lock."""
        ends = [_find_end(rule, self._now()) for rule in rules]
        first = self._storage.add([(encode_rule(rule), end) for rule, end in zip(rules, ends, strict=True)])
        armed = [Armed(first + index, rule, end) for index, (rule, end) in enumerate(zip(rules, ends, strict=True))]
        self._keep([*self._armed, *armed])

    def list_states(self) -> list[FaultState]:
        armed = self._armed
        if not armed:
            return []
        counts = {fault.no: fault.counts for fault in self._storage.load()}
        return [self._show(each, counts[each.no]) for each in armed if each.no in counts]

    def find(self, id: str) -> FaultState:  # noqa: A002  the wire's word
        """Raises NotFound."""
        states = self.list_states()
        for state in states:
            if state.id == id:
                return state
        known = quote(nearest(id, [state.id for state in states]))
        raise NotFound(f"There is no fault {id!r}; the nearest known are {known or 'none'}")

    def remove(self, id: str) -> None:  # noqa: A002  the wire's word
        """Raises NotFound."""
        self.find(id)
        self._remove([armed for armed in self._armed if armed.id == id])

    def clear(self) -> None:
        """Removes all faults."""
        self._remove(self._armed)

    def _remove(self, removed: list[Armed]) -> None:
        with self._lock:
            if removed:
                self._storage.remove([armed.no for armed in removed])
                self._keep([armed for armed in self._armed if armed not in removed])

    def _keep(self, armed: list[Armed]) -> None:
        self._active.count += len(armed) - len(self._armed)
        self._armed = armed

    @property
    def needs_operation(self) -> bool:
        """Whether a rule names an operation, which only the body of a call says."""
        return any(armed.rule.operation is not None for armed in self._armed)

    async def hit_call(self, method: str, path: str, operation: Operation | None) -> Hit | None:
        """Counts a call for every rule that it matches, and returns the first that hits it. Raises WireError if it
        cannot be counted."""
        matching = [
            armed
            for armed in self._armed
            if armed.rule.kind.stage is not Stage.EXPORT and armed.matches(method, path, operation)
        ]
        if not matching:
            return None
        hits = await self._storage.run(lambda: self._count(matching))
        return hits[0] if hits else None

    def hit_export(self) -> FaultRule | None:
        """Counts an export that begins now, and returns the rule of the first fault that hits it: the others do not
        count it. Within a change of the workspace, it is counted if that is committed."""
        for armed in self._armed:
            if armed.rule.kind.stage is Stage.EXPORT and self._count([armed]):
                return armed.rule
        return None

    def _count(self, matching: list[Armed]) -> list[Hit]:
        """Counts a call for these rules, and returns those that hit it."""
        now, rules = self._now(), {armed.no: armed for armed in matching}
        counted = self._storage.count(list(rules), lambda no, counts: rules[no].count(counts, now))
        return [
            Hit(rules[no].id, rules[no].rule, after.hits) for no, before, after in counted if after.hits > before.hits
        ]

    def now(self) -> int:
        """The workspace's clock, in microseconds UTC."""
        return self._now()

    def _show(self, armed: Armed, counts: Counts) -> FaultState:
        return FaultState(armed.id, armed.rule, counts.calls, counts.hits, armed.has_ended(counts, self._now()))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _find_end(rule: FaultRule, now: int) -> int | None:
    """The end of a rule that is requested now, in microseconds UTC."""
    if rule.lasts is not None:
        return now + round(rule.lasts * _SECOND)
    if rule.until is None:
        return None
    return (parse_until(rule.until) - _EPOCH) // timedelta(microseconds=1)
