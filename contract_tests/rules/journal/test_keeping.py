"""Journals that a database keeps: what a reader was shown is never lost, and no number is given twice."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mockserver.errors import ResourceFailed
from mockserver.journal.entry import Entry
from mockserver.journal.journal import Journal, Journals
from mockserver.journal.keeping import Keeper
from mockserver.journal.notes import AppliedFault, Operation, Unknown
from mockserver.journal.packing import FIELDS, pack_entry, unpack_entry
from mockserver.journal.table import Batch, Head, Place

LIFE = 1
MOST = 7
ENTRY = 2000
"""Bytes of the body of a large entry, which the memory for all journals holds three of."""


class MemoryTable:
    """The rows of one journal, whose owner may be replaced, and which may be lost."""

    def __init__(self) -> None:
        self.head, self.rows = Head(), dict[int, bytes]()
        self.owner, self.is_lost, self.loses_answers = 1, False, False

    def owns(self, place: Place) -> bool:
        return True  # a server does not know yet that it was taken over

    def read_head(self, _life: int) -> Head:
        self._answer()
        return self.head

    def read(self, _life: int, numbers: range) -> list[tuple[int, bytes]]:
        self._answer()
        return [(number, self.rows[number]) for number in sorted(self.rows) if number in numbers]

    def write(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self._check(batch.place)
            self.rows = {number: row for number, row in self.rows.items() if number >= batch.oldest}
            self.rows |= {number: row for number, row in batch.entries if number not in self.rows}
            self.head = Head(batch.received, batch.oldest)
        if batches and self.loses_answers:
            raise ResourceFailed("no answer to COMMIT")

    def clear(self, place: Place) -> None:
        self._check(place)
        self.head, self.rows = Head(), {}

    def trim(self, _most_bytes: int) -> None:
        pass

    def _check(self, place: Place) -> None:
        self._answer()
        if place.owner != self.owner:
            raise ResourceFailed("taken over")

    def _answer(self) -> None:
        if self.is_lost:
            raise ResourceFailed("the database is lost")


class BusyTable(MemoryTable):
    """Another request arrives while entries are written."""

    journal: Journal

    def write(self, batches: Sequence[Batch]) -> None:
        super().write(batches)
        assert self.head.received < 3 * MOST, "a reader waits as long as requests arrive"
        self.journal.add(Entry())


class ManualKeeper(Keeper):
    """Has no thread, and writes when the test says so."""

    def start(self, journals: Journals) -> None:
        pass


def start(table: MemoryTable, *, most_entries: int = MOST, most_bytes: int = 10**9) -> tuple[Journals, Keeper, Journal]:
    """The next server."""
    journals = Journals(most_entries=most_entries, most_bytes=most_bytes, most_body=10**6)
    keeper = ManualKeeper(table, most_bytes)
    journals.keep_by(keeper)
    return journals, keeper, journals.open("key", lambda: 0, Place(LIFE, table.owner))


class Servers(RuleBasedStateMachine):
    """Servers that serve a workspace one after the other, and a reader that follows its journal with `after`."""

    @initialize()
    def begin(self) -> None:
        self.table = MemoryTable()
        self.paths = itertools.count()
        self.shown: dict[int, str] = {}
        self.start()

    def start(self) -> None:
        self.journals, self.keeper, self.journal = start(self.table, most_bytes=4 * ENTRY + 4 * 1300)

    @rule(size=st.sampled_from([0, ENTRY]))
    def receive(self, size: int) -> None:
        entry = Entry()
        entry.path = f"/{next(self.paths)}"
        entry.answer_body = b"x" * size
        entry.size = entry.measure()
        self.journal.add(entry)

    @rule()
    def write(self) -> None:
        self.keeper._write_changed(self.journals)

    @rule()
    def read(self) -> None:
        try:
            entries = self.journal.entries()
        except ResourceFailed:
            assert self.table.is_lost or self.table.loses_answers
            return
        paths = {entry.number: entry.path for entry in entries}
        assert list(paths) == sorted(paths)
        assert all(self.shown[number] == path for number, path in paths.items() if number in self.shown)
        assert max(self.shown, default=0) <= self.journal.received
        assert self.journal.received - self.journal.dropped == len(entries) <= MOST
        if entries:
            # What is missing is older than what is there.
            assert {number for number in self.shown if number >= entries[0].number} <= set(paths)
        self.shown |= paths

    @precondition(lambda self: not self.table.is_lost)
    @rule(is_planned=st.booleans())
    def end(self, is_planned: bool) -> None:
        """The server ends, or is killed, and another one serves the workspace."""
        former, received = self.journal, self.journal.received
        if is_planned:
            self.journals.close(former)
        self.table.owner += 1
        self.start()
        if is_planned and not self.table.loses_answers:
            assert self.journal.received == received
        if not is_planned:
            head, rows = self.table.head, self.table.rows
            former.add(Entry())
            self.journals.close(former)  # a zombie
            assert (self.table.head, self.table.rows) == (head, rows)

    @rule()
    def clear(self) -> None:
        try:
            self.journal.clear()
        except ResourceFailed:
            return
        self.shown = {}
        assert self.journal.received == 0

    @rule(is_lost=st.booleans(), loses_answers=st.booleans())
    def disturb(self, is_lost: bool, loses_answers: bool) -> None:
        self.table.is_lost, self.table.loses_answers = is_lost, loses_answers

    @invariant()
    def check_bounds(self) -> None:
        if hasattr(self, "journals"):
            assert self.journals.size <= self.journals.most_bytes
            assert len(self.table.rows) <= 2 * MOST


TestServers = Servers.TestCase
TestServers.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)

texts = st.text(max_size=20)
names = st.none() | texts
bodies = st.binary(max_size=50)
FIELD_VALUES = {
    "client": st.none() | st.tuples(texts, st.integers(0, 65535)),
    "operation": st.none() | st.builds(Operation, names, texts, st.lists(texts, max_size=3).map(tuple)),
    "unknown": st.lists(
        st.builds(Unknown, texts, texts, st.lists(texts, max_size=2).map(tuple), texts), max_size=2
    ).map(tuple),
    "fault": st.none() | st.builds(AppliedFault, texts, texts),
    "world_time": st.none() | st.integers(0, 2**60),
    "seconds": st.floats(0, 1000),
    "status": st.none() | st.integers(100, 599),
    "route": names,
    "complete": st.booleans(),
}
BODIES = {"query", "headers", "answer_headers", "request_body", "answer_body"}
NUMBERS = {"started", "request_bytes", "answer_bytes"}


@given(data=st.data())
def test_an_entry_is_the_same_after_it_was_kept(data: st.DataObject) -> None:
    entry = Entry()
    for name in FIELDS:
        plain = bodies if name in BODIES else st.integers(0, 2**60) if name in NUMBERS else texts
        setattr(entry, name, data.draw(FIELD_VALUES.get(name, plain)))
    entry.size = entry.measure()
    again = unpack_entry(5, pack_entry(entry))
    assert again.number == 5
    slots = [name for kind in type(entry).__mro__ for name in getattr(kind, "__slots__", ())]
    assert {name: getattr(again, name) for name in slots if name != "number"} == {
        name: getattr(entry, name) for name in slots if name != "number"
    }


def test_the_first_request_after_a_deletion_is_kept() -> None:
    table = MemoryTable()
    _, _, journal = start(table)
    for _ in range(2):
        journal.add(Entry())
        journal.entries()
        journal.clear()
    journal.add(Entry())
    assert [entry.number for entry in journal.entries()] == [1]
    _, _, next_journal = start(table)
    assert [entry.number for entry in next_journal.entries()] == [1]


def test_a_request_that_ends_after_its_workspace_was_closed_takes_no_memory() -> None:
    journals, _, journal = start(MemoryTable())
    journals.close(journal)
    journal.add(Entry())
    assert (journals.size, journal.received) == (0, 0)


@pytest.mark.parametrize("most", [0, 3, MOST])
def test_a_server_with_another_limit_goes_on_with_the_newest(most: int) -> None:
    table = MemoryTable()
    _, _, journal = start(table)
    for _ in range(MOST):
        journal.add(Entry())
    journal.entries()
    _, _, next_journal = start(table, most_entries=most)
    assert [entry.number for entry in next_journal.entries()] == list(range(MOST - most + 1, MOST + 1))


def test_a_reader_is_shown_what_is_written_while_further_requests_arrive() -> None:
    table = BusyTable()
    _, _, table.journal = start(table)
    table.journal.add(Entry())
    assert [entry.number for entry in table.journal.entries()] == [1]
    assert [entry.number for entry in table.journal.entries()] == [1, 2]
    assert sorted(table.rows) == [1, 2]
