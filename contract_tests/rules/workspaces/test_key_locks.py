"""Changes of one API key take turns, also when their requests are answered on event loops of several threads."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from mockserver.workspaces.key_locks import KeyLocks

MET_WITHIN_SECONDS = 1.0
"""How long a thread waits for another one at the same step, which comes only if nothing keeps it away."""


class MeetingDict(dict[str, int]):
    """A dictionary in which two threads read and write a key at the same time, if they can."""

    def __init__(self) -> None:
        super().__init__()
        self._meeting = threading.Barrier(2)

    def get(self, key: str, default: int = 0) -> int:  # type: ignore[override]  # one of the overloads, the one that is used
        value = super().get(key, default)
        self._meet()
        return value

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        self._meet()

    def _meet(self) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            self._meeting.wait(MET_WITHIN_SECONDS)


def test_two_threads_that_begin_with_one_key_at_the_same_time_both_hold_it_in_turns() -> None:
    locks = KeyLocks()
    locks._users = MeetingDict()
    holders: list[str] = []

    async def count_holders() -> int:
        async with locks.hold("key"):
            holders.append("key")
            await asyncio.sleep(0)
            count = len(holders)
            holders.remove("key")
            return count

    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(lambda _: asyncio.run(count_holders()), range(2)))
    assert counts == [1, 1]
    assert not locks._users
    assert not locks._locks
