"""Turns go to no more callers at a time than they are for, in the order of their calls."""

import asyncio

import pytest

from mockserver.jobs.turns import TurnLock

CALLERS = 7


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_callers_than_allowed_have_a_turn(most: int) -> None:
    turns, order, now, highest = TurnLock(most), list[int](), 0, 0

    async def use(number: int) -> None:
        nonlocal now, highest
        async with turns:
            order.append(number)
            now += 1
            highest = max(highest, now)
            await asyncio.sleep(0)
            now -= 1

    async def use_together() -> None:
        await asyncio.gather(*map(use, range(CALLERS)))

    asyncio.run(use_together())
    assert (order, highest) == (list(range(CALLERS)), most)
    assert not turns.is_held()


def test_a_caller_that_no_longer_waits_takes_no_turn() -> None:
    turns = TurnLock(2)

    async def use() -> None:
        await turns.acquire()
        await turns.acquire()
        assert turns.is_held()
        waiting = [asyncio.create_task(turns.acquire()) for _ in range(2)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        turns.release()
        await waiting[1]
        turns.release()
        turns.release()

    asyncio.run(use())
    assert not turns.is_held()
