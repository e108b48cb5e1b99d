"""The entries of one workspace, and the bounds of all journals of a server."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from mockserver.journal.entry import Entry

if TYPE_CHECKING:
    from mockserver.journal.table import Place

EVICTED_AT_ONCE = 16
"""Part of the limit that is freed at once, so that a full journal does not look for the largest with every entry."""


class Journal:
    """A journal in the memory of this process. Safe for several threads."""

    def __init__(self, journals: Journals, api_key: str | None, now: Callable[[], int] | None) -> None:
        """`now` is the workspace's clock in microseconds UTC; the journal of requests of no workspace has none, and no
        API key."""
        self._journals, self._now = journals, now
        self.api_key = api_key
        self._entries: deque[Entry] = deque()
        self.received = 0
        """Since the journal was opened or cleared."""
        self.size = 0
        """Bytes, an estimate."""
        self.closed = False

    def add(self, entry: Entry) -> None:
        """Numbers an entry and keeps it, in place of the oldest if there are too many."""
        if self._now is not None:
            entry.world_time = self._now()
        journals, entries = self._journals, self._entries
        with journals.lock:
            if self.closed:
                return
            entry.number = self.received = self.received + 1
            growth = entry.size
            entries.append(entry)
            if len(entries) > journals.most_entries:
                growth -= entries.popleft().size
            self.size += growth
            journals.size += growth
            if journals.size > journals.most_bytes:
                journals.evict()

    def drop_oldest(self) -> None:
        """Drops one entry. The caller has the lock."""
        self._change_size(-self._entries.popleft().size)

    def entries(self) -> list[Entry]:
        """The entries that are kept, oldest first."""
        return list(self._entries)

    @property
    def dropped(self) -> int:
        """How many of the received requests are no longer kept."""
        return self.received - len(self._entries)

    def clear(self) -> None:
        """Deletes all entries, and begins to number them at 1 again."""
        self.forget()

    def forget(self) -> None:
        """Removes all entries from memory."""
        with self._journals.lock:
            self._entries.clear()
            self.received = 0
            self._change_size(-self.size)

    def close(self) -> None:
        """Ends the journal of a workspace that is closed: a request that ends later is not recorded."""
        with self._journals.lock:
            self.closed = True
        self.forget()

    def _change_size(self, bytes_: int) -> None:
        self.size += bytes_
        self._journals.size += bytes_


class JournalKeeper(Protocol):
    """Keeps the journals of workspaces beyond the end of this process (keeping.py)."""

    def open(self, journals: Journals, api_key: str | None, now: Callable[[], int] | None, place: Place) -> Journal:
        """Opens the journal of a workspace where an earlier server has left it. Raises ResourceFailed."""

    def finish(self) -> None:
        """Writes what is not kept yet."""


class Journals:
    """All journals of a server: one for each workspace, and one for requests that belong to none."""

    def __init__(self, *, most_entries: int, most_bytes: int, most_body: int) -> None:
        """`most_entries` of one workspace; `most_bytes` of all together; `most_body` bytes of each body are kept."""
        self.most_entries, self.most_bytes, self.most_body = most_entries, most_bytes, most_body
        self.size = 0
        """Bytes, an estimate."""
        self.lock = threading.Lock()
        self._open: list[Journal] = []
        self._keeper: JournalKeeper | None = None
        self.unclaimed = self.open(None, None)
        """The requests that belong to no workspace."""

    def keep_by(self, keeper: JournalKeeper) -> None:
        """Keeps the journals of the workspaces that are opened from now on."""
        self._keeper = keeper

    def open(self, api_key: str | None, now: Callable[[], int] | None, place: Place | None = None) -> Journal:
        """Opens the journal of a workspace; `now` is its clock in microseconds UTC, and `place` that of its rows in the
        database, if there is one. Raises ResourceFailed."""
        if place is None or self._keeper is None:
            journal = Journal(self, api_key, now)
        else:
            journal = self._keeper.open(self, api_key, now, place)
        self._open.append(journal)
        return journal

    def close(self, journal: Journal) -> None:
        """Removes a journal from memory."""
        journal.close()
        if journal in self._open:
            self._open.remove(journal)

    def finish(self) -> None:
        """Writes what is not in the database yet, if there is one."""
        if self._keeper is not None:
            self._keeper.finish()

    def evict(self) -> None:
        """Drops the oldest entries of the largest journal until there is room. The caller has the lock."""
        target = self.most_bytes - self.most_bytes // EVICTED_AT_ONCE
        while self.size > target:
            largest = max(self._open, key=lambda journal: journal.size)
            if not largest.size:
                return
            goal = largest.size - min(self.size - target, largest.size)
            while largest.size > goal:
                largest.drop_oldest()
