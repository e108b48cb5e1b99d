"""Journals that outlive their server: they are in its memory, and are written to a database a few times a second.

A request never waits for that. A reader does: what it is shown is written first, so that no later server gives its
number to another request. The pending entries are those of the journal in memory, with its bounds, so a database that
is lost makes nothing grow.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from mockserver.errors import MockserverError
from mockserver.journal.entry import Entry
from mockserver.journal.journal import Journal, Journals
from mockserver.journal.packing import pack_entry, unpack_entry
from mockserver.journal.table import Batch, Head, JournalTable, Place

LOG = logging.getLogger(__name__)

INTERVAL = 0.2
"""Seconds between two writes: what a killed server may lose."""
BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of entries that one transaction writes of a journal, at least one entry."""
LOADED_TOGETHER = 200
"""Entries of an earlier server that are read together."""
TRIM_INTERVAL = 60.0
"""Seconds between two looks at how much all journals of the database take."""
FINISHED_WITHIN = 5.0
"""Seconds that the end of the server waits for the last write."""
NOTHING = range(0)


class KeptJournal(Journal):
    """The journal of a workspace, whose earlier entries are in a database until somebody reads them."""

    def __init__(
        self, journals: Journals, api_key: str | None, now: Callable[[], int] | None, keeper: Keeper, place: Place
    ) -> None:
        super().__init__(journals, api_key, now)
        self._keeper, self.place = keeper, place
        self._loading = threading.Lock()
        self._unloaded = NOTHING
        """The numbers of the entries that are in the database alone."""
        self.written = 0
        """The highest number in the database."""

    def go_on(self, head: Head) -> None:
        """Numbers the next request after those that an earlier server has received."""
        self.received = self.written = head.received
        newest = max(head.received - self._journals.most_entries, 0) + 1
        self._unloaded = range(max(head.oldest, newest), head.received + 1)

    def add(self, entry: Entry) -> None:
        super().add(entry)
        with self._journals.lock:
            if self.closed:
                return
            surplus = len(self._unloaded) + len(self._entries) - self._journals.most_entries
            if surplus > 0:
                self._unloaded = self._unloaded[surplus:]
            self._keeper.changed.add(self)

    def drop_oldest(self) -> None:
        """Drops one entry, and all that are not in memory, as they are older. The caller has the lock."""
        self._unloaded = NOTHING
        super().drop_oldest()

    def entries(self) -> list[Entry]:
        """The entries that are kept, oldest first, without those that arrive while the others are written. Raises
        ResourceFailed."""
        self._keeper.write([self])
        with self._loading:
            while self._unloaded:
                self._load(self._unloaded[-LOADED_TOGETHER:])
        return [entry for entry in super().entries() if entry.number <= self.written]

    def _load(self, numbers: range) -> None:
        """Reads the newest entries that are not in memory."""
        rows = self._keeper.table.read(self.place.life, numbers)
        entries = [unpack_entry(number, content) for number, content in rows]
        with self._journals.lock:
            entries = [entry for entry in entries if entry.number in self._unloaded]
            self._unloaded = self._unloaded[: -len(numbers)]
            self._entries.extendleft(reversed(entries))
            self._change_size(sum(entry.size for entry in entries))
            if self._journals.size > self._journals.most_bytes:
                self._journals.evict()

    @property
    def dropped(self) -> int:
        return super().dropped - len(self._unloaded)

    def clear(self) -> None:
        """Deletes all entries, those in the database included. Raises ResourceFailed."""
        with self._keeper.writing:
            self._keeper.table.clear(self.place)
            super().clear()

    def forget(self) -> None:
        with self._journals.lock:
            self._unloaded, self.written = NOTHING, 0
        super().forget()

    def close(self) -> None:
        """Writes what is pending, if the database can be written."""
        try:
            self._keeper.write_unless_finished(self)
        except MockserverError as error:
            LOG.warning("the newest requests in the journal of a workspace are lost: %s", error)
        super().close()

    def collect(self) -> Batch | None:
        """The oldest entries that are not in the database; None if all are."""
        with self._journals.lock:
            pending: list[Entry] = []
            for entry in reversed(self._entries):
                if entry.number <= self.written:
                    break
                pending.append(entry)
            received, oldest = self.received, self._find_oldest()
        if received <= self.written:
            return None
        packed, size = [], 0
        while pending and size < BATCH_BYTES:
            packed.append((pending[-1].number, pack_entry(pending.pop())))
            size += len(packed[-1][1])
        return Batch(self.place, packed[-1][0] if pending else received, oldest, packed)

    def _find_oldest(self) -> int:
        if self._unloaded:
            return self._unloaded.start
        return self._entries[0].number if self._entries else self.received + 1


class Keeper:
    """Writes the journals of a server from a thread of its own."""

    def __init__(self, table: JournalTable, most_bytes: int) -> None:
        self.table, self._most_bytes = table, most_bytes
        self.changed: set[KeptJournal] = set()
        """Journals with entries that are not in the database. Changed under the lock of all journals."""
        self.writing = threading.Lock()
        """Held while rows of journals are written or deleted."""
        self._stopped = threading.Event()
        self._trimmed_at = time.monotonic()
        self._thread: threading.Thread | None = None

    def open(self, journals: Journals, api_key: str | None, now: Callable[[], int] | None, place: Place) -> KeptJournal:
        """Opens the journal of a workspace where an earlier server has left it. Raises ResourceFailed."""
        journal = KeptJournal(journals, api_key, now, self, place)
        journal.go_on(self.table.read_head(place.life))
        self.start(journals)
        return journal

    def start(self, journals: Journals) -> None:
        """Starts the thread with the first journal."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(journals,), name="journal", daemon=True)
            self._thread.start()

    def write(self, journals: Iterable[KeptJournal]) -> None:
        """Writes the entries of these journals that are pending now, and does not wait for later ones. Raises
        ResourceFailed."""
        with self.writing:
            goals = {journal: journal.received for journal in journals if self.table.owns(journal.place)}
            pending = list(goals)
            while pending:
                batches = {journal: batch for journal in pending if (batch := journal.collect()) is not None}
                if batches:
                    self.table.write(list(batches.values()))
                for journal, batch in batches.items():
                    journal.written = batch.received
                pending = [journal for journal, batch in batches.items() if batch.received < goals[journal]]

    def write_unless_finished(self, journal: KeptJournal) -> None:
        """Writes the pending entries of a journal that is closed, unless that was the last thing the thread did. Raises
        ResourceFailed."""
        if not self._stopped.is_set():
            self.write([journal])

    def _run(self, journals: Journals) -> None:
        while not self._stopped.wait(INTERVAL):
            self._write_changed(journals)
        self._write_changed(journals)
        if self.changed:
            LOG.warning("the newest requests in the journals of %d workspaces are lost", len(self.changed))

    def _write_changed(self, journals: Journals) -> None:
        with journals.lock:
            changed, self.changed = self.changed, set()
        try:
            self.write(changed)
            self._trim()
        except MockserverError:  # it is in the log, and health reports it
            self._put_back(journals, changed)
        except Exception:
            LOG.exception("journals could not be written")
            self._put_back(journals, changed)

    def _put_back(self, journals: Journals, changed: set[KeptJournal]) -> None:
        with journals.lock:
            self.changed |= {journal for journal in changed if not journal.closed}

    def _trim(self) -> None:
        if time.monotonic() - self._trimmed_at > TRIM_INTERVAL:
            self._trimmed_at = time.monotonic()
            self.table.trim(self._most_bytes)

    def finish(self) -> None:
        """Writes what is pending for the last time. A database that does not answer loses it."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(FINISHED_WITHIN)
