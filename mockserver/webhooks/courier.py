"""Sends what is due, tries again what failed, and records every try.

A round for each workspace: look what is due, by world time; send it; record what came of it; sleep until something
becomes due, is put into the outbox, or the clock is moved. The database is asked in threads, as a change of a large
world may hold its lock for long; few deliveries are in memory at a time, however many wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import orjson

from mockserver.errors import Conflict
from mockserver.settings import DEFAULT_OUTBOX_LIMIT
from mockserver.webhooks import misbehaving, schedule
from mockserver.webhooks.exchange import Exchange, Failure, Request
from mockserver.webhooks.lanes import IN_MEMORY, Lane, Limits
from mockserver.webhooks.sending import Sender
from mockserver.webhooks.targets import Allowed
from mockserver.world.clock import SECOND
from mockserver.world.database import JsonText
from mockserver.world.deliveries import Deliveries, Tried, Turn
from mockserver.world.faults import fault_of
from mockserver.world.retention import MEGABYTE, Retention
from mockserver.world.store import Store
from mockserver.world.webhooks import Attempt, Delivery, DeliveryState, Subscription

LOG = logging.getLogger(__name__)

RECORDED_WITHIN = 0.01
"""Seconds after which an attempt is recorded; those that end meanwhile share its transaction."""
RECORDED_TOGETHER = 256
LONGEST_SLEEP = 60.0
THREADS = 4
GRACE = 0.2
"""Seconds that requests on their way have to end when the server stops. What has not ended is sent again."""
GONE = 410
AFTER_A_FAILURE = 1.0
"""Seconds until a round goes on whose database could not be asked."""


class Round:
    """One workspace's deliveries. Made in any thread; runs on the courier's loop."""

    def __init__(
        self, store: Store, sender: Sender, limits: Limits, threads: ThreadPoolExecutor, retention: Retention
    ) -> None:
        self._retention = retention
        self._store, self._sender, self._limits, self._threads = store, sender, limits, threads
        self._deliveries = Deliveries(store)
        self._lanes: dict[str, Lane] = {}
        self._taken: set[int] = set()
        self._tried: list[Tried] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._next_due: int | None = None
        self._to_record: asyncio.TimerHandle | None = None
        self._to_prune: asyncio.TimerHandle | None = None
        self._stopping = False
        self.loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Look again: something changed. From any thread, at any time."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Until stopped, or until the workspace is reset or deleted."""
        try:
            while not self._stopping:
                await self._turn_or_wait()
                await self._sleep()
        except Conflict:
            self._stopping = True  # the store is closed
        finally:
            await self._end()

    async def _turn_or_wait(self) -> None:
        """A full disk must not end all webhooks: what could not be recorded is recorded later."""
        try:
            await self._turn()
        except Conflict:
            raise
        except Exception as error:
            if fault_of(error) is None:  # a fault of the machine is in the log already, once a minute
                LOG.exception("the courier of a workspace could not take its turn; it tries again")
            await asyncio.sleep(AFTER_A_FAILURE)
            self._woken.set()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    async def _sleep(self) -> None:
        """Until woken, or until the next delivery is due. While the clock is frozen nothing becomes due by itself."""
        frozen = self._store.clock.frozen_at is not None
        seconds = LONGEST_SLEEP
        if self._next_due is not None and not frozen:
            seconds = min(max((self._next_due - self._store.clock.now()) / SECOND, 0.0), LONGEST_SLEEP)
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _turn(self) -> None:
        """Record what was tried, read what is due, and send it."""
        tried, self._tried = self._tried, []
        room = {name: lane.room for name, lane in self._lanes.items()}
        # Handed over as a copy: the thread reads it while deliveries end here.
        taken = set(self._taken)
        try:
            turn = await self._in_thread(tried, room, taken)
        except BaseException:
            self._tried = tried + self._tried
            raise
        self._taken -= {item.delivery.no for item in tried}
        self._next_due = turn.next_due
        self._renew(turn)
        for subscription, due in turn.due:
            lane = self._lanes[subscription.id]
            lane.waiting += due
            self._taken.update(delivery.no for delivery in due)
            self._send(lane)
        look = self._retention.due(turn.newest, len(tried))
        if look and self._to_prune is None:
            await self._prune()

    async def _prune(self) -> None:
        """A part of what is kept too long, in a thread; the next part after a pause, so that others get their turn."""
        idle = not any(lane.workers or lane.waiting for lane in self._lanes.values())
        loop = asyncio.get_running_loop()
        pause = await loop.run_in_executor(self._threads, partial(self._retention.prune, idle=idle))
        if pause is not None:
            self._to_prune = loop.call_later(pause, self._prune_on)

    def _prune_on(self) -> None:
        self._to_prune = None
        self._woken.set()

    async def _in_thread(self, tried: list[Tried], room: dict[str, int], taken: set[int]) -> Turn:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._deliveries.turn, tried, room, IN_MEMORY, taken)

    def _renew(self, turn: Turn) -> None:
        """Subscriptions as they are now; what waited for one that has changed is let go, to be read again if due."""
        for name in [name for name in self._lanes if name not in turn.active]:
            self._let_go(self._lanes.pop(name))
        for name, subscription in turn.active.items():
            lane = self._lanes.get(name)
            if lane is None:
                lane = self._lanes[name] = Lane(subscription)
            if lane.changed_by(subscription):
                self._let_go(lane)
            lane.take(subscription)

    def _let_go(self, lane: Lane) -> None:
        self._taken -= {delivery.no for delivery in lane.waiting}
        lane.waiting.clear()
        self._woken.set()

    def _send(self, lane: Lane) -> None:
        """A worker for each that waits, as far as there are any: those at work may be held by a slow answer."""
        for _ in range(min(lane.most_workers - lane.workers, len(lane.waiting))):
            lane.workers += 1
            task = asyncio.create_task(self._work(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, lane: Lane) -> None:
        """One request after the other, as long as there are any."""
        try:
            while lane.waiting and not self._stopping:
                async with self._limits.of(lane):
                    await self._send_next(lane)
        finally:
            lane.workers -= 1

    async def _send_next(self, lane: Lane) -> None:
        """Taken only now: what waits for a worker that waits itself is sent by another meanwhile."""
        if not lane.waiting or self._stopping:
            return
        tried = await self._try(lane, lane.waiting.popleft())
        self._tried.append(tried)
        if lane.subscription.ordered and tried.state != DeliveryState.DELIVERED:
            self._let_go(lane)  # none may overtake it; they are read again behind it
        self._soon(lane)

    def _soon(self, lane: Lane) -> None:
        """Take a turn: at once when many are to be recorded or none is left to send, else within a moment."""
        if len(self._tried) >= RECORDED_TOGETHER or not lane.waiting:
            self._woken.set()
        elif self._to_record is None:
            self._to_record = asyncio.get_running_loop().call_later(RECORDED_WITHIN, self._record_now)

    def _record_now(self) -> None:
        self._to_record = None
        self._woken.set()

    async def _try(self, lane: Lane, delivery: Delivery) -> Tried:
        clock = self._store.clock
        assert delivery.due_at is not None, "only what is due is sent"
        # What a jump of the clock passed over happens at the time it was planned for, so that days pass as they would.
        at = delivery.due_at if clock.jumped_over(delivery.due_at) else clock.now()
        if lane.subscription.misbehave is not None:
            return judged(lane, delivery, await misbehaving.exchange(self._sender, lane.subscription, delivery), at)
        headers = list(orjson.loads(delivery.headers).items())
        request = Request(url=delivery.url, headers=headers, body=delivery.body, timeout=lane.subscription.timeout)
        exchange = await self._sender.send(request)
        return judged(lane, delivery, exchange, at)

    async def _end(self) -> None:
        """Let what is on its way come to an end, and record it."""
        for timer in (self._to_record, self._to_prune):
            if timer is not None:
                timer.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        tried, self._tried = self._tried, []
        if tried:
            with contextlib.suppress(Conflict):  # the workspace is gone, and its records with it
                await self._in_thread(tried, {}, set())


def judged(lane: Lane, delivery: Delivery, exchange: Exchange, at: int) -> Tried:
    """What an exchange means for the delivery and its subscription."""
    next_at = None
    state = DeliveryState.DELIVERED
    ended = None
    if not exchange.succeeded:
        ended = _gone(lane.subscription, exchange, at)
        hopeless = ended is not None or exchange.failure in {Failure.NOT_ALLOWED, Failure.NO_URL}
        wait = None if hopeless else schedule.wait(lane.schedule, delivery.id, delivery.failures + 1, exchange)
        state = DeliveryState.FAILED if wait is None else DeliveryState.PENDING
        next_at = None if wait is None else at + round(exchange.seconds * SECOND) + wait
    attempt = Attempt(
        no=0, delivery_no=delivery.no, number=delivery.attempts + 1, at=at, url=delivery.url,
        seconds=exchange.seconds, status=exchange.status,
        answer_headers=JsonText(orjson.dumps(exchange.headers).decode()), answer=exchange.answer,
        answer_size=exchange.answer_size, failure=exchange.failure, reason=exchange.reason, next_at=next_at,
    )  # fmt: skip
    return Tried(delivery, attempt, state, ended)


def _gone(subscription: Subscription, exchange: Exchange, at: int) -> str | None:
    """Why this receiver is told nothing more, if it is not."""
    if exchange.status == GONE:
        return "the receiver answered 410 Gone"
    since = subscription.failing_since
    if since is not None and at - since >= schedule.LONG_FAILURE:
        days = schedule.LONG_FAILURE // (24 * 3600 * SECOND)
        return f"every try for {days} days failed"
    return None


class Courier:
    """One for the server: a round for each workspace, connections and limits for all of them."""

    def __init__(self, allowed: Allowed, *, outbox_limit: int = DEFAULT_OUTBOX_LIMIT * MEGABYTE) -> None:
        """`outbox_limit` in bytes, for each workspace."""
        self._outbox_limit = outbox_limit
        self._sender = Sender(allowed)
        self._limits = Limits()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="courier")
        self._rounds: dict[Store, Round] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def attach(self, store: Store) -> None:
        """Send what is due in this world from now on. From any thread, also before the courier has started."""
        retention = Retention(store, self._outbox_limit)
        made = Round(store, self._sender, self._limits, self._threads, retention)
        store.after_commit = made.wake
        with self._lock:
            self._rounds[store] = made
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._begin, made)

    def detach(self, store: Store) -> None:
        """Before the store is closed."""
        with self._lock:
            found = self._rounds.pop(store, None)
        if found is not None and found.loop is not None and not found.loop.is_closed():
            found.loop.call_soon_threadsafe(found.stop)

    async def start(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            waiting = list(self._rounds.values())
        for one in waiting:
            self._begin(one)

    def _begin(self, one: Round) -> None:
        one.loop = self._loop
        task = asyncio.create_task(one.run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """Nothing is lost: what could not be sent or recorded is sent when the world is served again."""
        with self._lock:
            rounds = list(self._rounds.values())
        for one in rounds:
            one.stop()
        if self._running:
            await asyncio.gather(*self._running, return_exceptions=True)
        await self._sender.close()
        self._threads.shutdown(wait=True)
