"""The requests of clients, and which of them were acknowledged."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Act:
    """One request that changes something. Without an acknowledgement it may have happened or not."""

    kind: str
    key: str
    """The API key of its workspace."""
    name: str
    """The object of the act, by a name that no other act has."""
    began: float
    ended: float | None = None
    answer: Any = None
    acknowledged: bool = False


@dataclass
class Export:
    """One export of a project, as a client has followed it."""

    key: str
    task: str
    before: float
    """The time when it was requested; everything acknowledged by then is in it."""
    after: float
    """The time of the answer; nothing begun later is in it."""
    status: str = "IN_PROGRESS"
    reason: str | None = None
    content: str = ""
    polls: int = 0
    """Answers that showed it IN_PROGRESS."""
    unanswered: int = 0


@dataclass
class Reading:
    """The projects of a workspace as a client has read them while the service was disturbed."""

    key: str
    before: float
    """The time when they were requested; everything acknowledged, or seen by anyone, by then is in it."""
    after: float
    names: list[str]


@dataclass
class Journal:
    """Everything that the clients know. Safe for several threads."""

    acts: list[Act] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What must never be seen by a client, in words."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, kind: str, key: str, name: str) -> Act:
        act = Act(kind, key, name, time.monotonic())
        with self._lock:
            self.acts.append(act)
        return act

    def acknowledge(self, act: Act, answer: Any = None) -> None:
        act.answer, act.ended, act.acknowledged = answer, time.monotonic(), True

    def find(self, kind: str, key: str, *, acknowledged: bool | None = None) -> list[Act]:
        with self._lock:
            acts = list(self.acts)
        return [act for act in acts if act.kind == kind and act.key == key and acknowledged in {None, act.acknowledged}]

    def add_export(self, export: Export) -> None:
        with self._lock:
            self.exports.append(export)

    def add_reading(self, reading: Reading) -> None:
        with self._lock:
            self.readings.append(reading)

    def add_fault(self, words: str) -> None:
        with self._lock:
            self.faults.append(words)

    def count(self) -> int:
        """Acts that were acknowledged."""
        with self._lock:
            return sum(act.acknowledged for act in self.acts)
