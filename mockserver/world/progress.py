"""How far the asynchronous things of a workspace look: counts the polls and the time of each (moto's
managed_state_model)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from mockserver.world.clock import Clock
from mockserver.world.ids import digest
from mockserver.world.progression import Pace, progress

MOST_KEPT = 10_000
"""Things whose polls are remembered, for one workspace; the oldest are forgotten."""


class Polls(NamedTuple):
    """When a thing was started, in microseconds UTC, and how often it was polled since."""

    since: int
    polled: int


class Progress:
    """The polls of the things of one kind, each under a key of its own. Safe for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._polls: OrderedDict[bytes, Polls] = OrderedDict()
        self._lock = threading.Lock()

    def share(self, key: str, pace: Pace, *, since: int | None = None) -> float:
        """How much is done; 1 means finished, and nothing below 1 does.

        Without `since` the thing was started when it was first polled.
        """
        if pace == "at_once":
            return 1.0
        now = self._clock.now()
        started, polled = self._find_polls(digest(key), now if since is None else since)
        return progress(pace, polls=polled, elapsed=now - started)

    def poll(self, key: str, pace: Pace, *, since: int | None = None) -> float:
        """The same as `share`, and counts as a poll unless the thing is finished."""
        if pace == "at_once":
            return 1.0
        with self._lock:
            share = self.share(key, pace, since=since)
            if share < 1:
                name = digest(key)
                started, polled = self._find_polls(name, self._clock.now() if since is None else since)
                self._polls[name] = Polls(started, polled + 1)
                if len(self._polls) > MOST_KEPT:
                    self._polls.popitem(last=False)
            return share

    def _find_polls(self, name: bytes, since: int) -> Polls:
        return self._polls.get(name, Polls(since, 0))
