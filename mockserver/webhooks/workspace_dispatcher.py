"""Sends the due deliveries of one workspace, retries failed ones, and records every attempt.

A loop: read the deliveries that are due by world time; send them; record the attempts; sleep until a delivery becomes
due, is written into the outbox, or the clock is moved. The database is read in threads, as a change of a large world
may hold its lock for long; few deliveries are in memory at a time, however many wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mockserver.errors import Conflict, ResourceFailed
from mockserver.webhooks.attempts import build_requests, evaluate_attempt
from mockserver.webhooks.queues import ConcurrencyLimits, SubscriptionQueue, share_room
from mockserver.webhooks.sending import Sender
from mockserver.world.changes.deliveries import Attempted, Deliveries, DueDeliveries, Room
from mockserver.world.clock import SECOND
from mockserver.world.machine_failures import find_machine_failure
from mockserver.world.records.webhooks import Delivery, DeliveryState
from mockserver.world.retention import Retention

LOG = logging.getLogger(__name__)

RECORDED_WITHIN = 0.01
"""Seconds after which an attempt is recorded; attempts that end within them share its transaction."""
RECORDED_TOGETHER = 256
LONGEST_SLEEP = 60.0
GRACE = 0.2
"""Seconds that open requests have to end when the server stops. Those that do not end are sent again."""
QUIET = 0.02
"""Seconds between two reads of the outbox of a workspace without subscriptions. The message of the first event after
the first subscription may be as late."""
PAUSE_AFTER_ERROR = 1.0
"""Seconds until the loop continues after the database could not be read."""


class WorkspaceDispatcher:
    """The deliveries of one workspace. Created in any thread; runs on the dispatcher's loop."""

    def __init__(
        self,
        deliveries: Deliveries,
        sender: Sender,
        limits: ConcurrencyLimits,
        threads: ThreadPoolExecutor,
        retention: Retention,
        *,
        idle: bool = False,
    ) -> None:
        """`idle`: nothing is read before the first change."""
        self._retention, self._idle = retention, idle
        self._deliveries, self._sender, self._limits, self._threads = deliveries, sender, limits, threads
        self._store = deliveries.store
        self._queues: dict[str, SubscriptionQueue] = {}
        self._taken: dict[str, set[int]] = {}
        """The numbers of the deliveries that are in memory, by subscription."""
        self._attempts: list[Attempted] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._next_due: int | None = None
        self._record_timer: asyncio.TimerHandle | None = None
        self._prune_timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self.loop: asyncio.AbstractEventLoop | None = None

    def wake(self) -> None:
        """Makes the loop read the outbox again, as it has changed. Works from any thread, at any time."""
        self._idle = False
        loop = self.loop
        # If it is woken already, the outbox is read after the mark is taken back, and so after this change.
        if loop is not None and not loop.is_closed() and not self._woken.is_set():
            loop.call_soon_threadsafe(self._woken.set)

    async def run(self) -> None:
        """Runs until it is stopped, or until the workspace is reset or deleted."""
        try:
            if self._idle:
                await self._sleep()
            while not self._stopping:
                await self._run_cycle_or_pause()
                await self._sleep()
        except Conflict:
            self._stopping = True  # the store is closed
        finally:
            await self._finish()

    async def _run_cycle_or_pause(self) -> None:
        """A full disk must not end all webhooks: attempts that could not be recorded are recorded later."""
        try:
            await self._run_cycle()
        except Conflict:
            raise
        except Exception as error:
            if find_machine_failure(error) is None:  # a fault of the machine is in the log already, once a minute
                LOG.exception("the webhooks of a workspace could not be sent; the dispatcher tries again")
            await asyncio.sleep(PAUSE_AFTER_ERROR)
            self._woken.set()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()

    async def _sleep(self) -> None:
        """Sleeps until woken or until the next delivery is due. While the clock is frozen no delivery becomes due."""
        frozen = self._store.clock.frozen_at is not None
        seconds = LONGEST_SLEEP
        if self._next_due is not None and not frozen:
            seconds = min(max((self._next_due - self._store.clock.now()) / SECOND, 0.0), LONGEST_SLEEP)
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
        if not self._queues and not self._stopping:
            await asyncio.sleep(
                QUIET
            )  # nobody listens: a client that makes changes should not pay for reads of nothing
        self._woken.clear()

    async def _run_cycle(self) -> None:
        """Records the attempts that have ended, reads the deliveries that are due, and starts to send them."""
        attempts, self._attempts = self._attempts, []
        most = share_room(len(self._queues))
        room = {name: queue.find_room(most) for name, queue in self._queues.items()}
        # A copy, as the thread reads it while deliveries end on this loop.
        taken = {name: set(numbers) for name, numbers in self._taken.items()}
        try:
            turn = await self._record_and_read(attempts, room, taken)
        except BaseException:
            self._attempts = attempts + self._attempts
            raise
        self._give_back([attempt.delivery for attempt in attempts])
        self._next_due = turn.next_due
        self._update_queues(turn)
        for subscription, due in turn.due:
            queue = self._queues[subscription.id]
            queue.waiting += due
            self._taken.setdefault(subscription.id, set()).update(delivery.no for delivery in due)
            self._start_workers(queue)
        if self._retention.is_due(turn.newest, len(attempts)) and self._prune_timer is None:
            await self._prune()

    async def _prune(self) -> None:
        """Deletes a batch of expired rows in a thread; the next batch follows after a pause, so that others can run."""
        idle = not any(queue.workers or queue.waiting for queue in self._queues.values())
        loop = asyncio.get_running_loop()
        pause = await loop.run_in_executor(self._threads, partial(self._retention.prune, idle=idle))
        if pause is not None:
            self._prune_timer = loop.call_later(pause, self._continue_pruning)

    def _continue_pruning(self) -> None:
        self._prune_timer = None
        self._woken.set()

    async def _record_and_read(
        self, attempts: list[Attempted], room: dict[str, Room], taken: dict[str, set[int]]
    ) -> DueDeliveries:
        loop = asyncio.get_running_loop()
        read_due, most = self._deliveries.record_and_read_due, share_room(len(self._queues))
        return await loop.run_in_executor(self._threads, read_due, attempts, room, most, taken)

    def _update_queues(self, turn: DueDeliveries) -> None:
        """Replaces the subscriptions; deliveries that wait for a changed one are released, to be read again if due."""
        for name in [name for name in self._queues if name not in turn.active]:
            self._release(self._queues.pop(name))
        for name, subscription in turn.active.items():
            queue = self._queues.get(name)
            if queue is None:
                queue = self._queues[name] = SubscriptionQueue(subscription)
            if queue.is_outdated_by(subscription):
                self._release(queue)
            queue.replace_subscription(subscription)

    def _release(self, queue: SubscriptionQueue) -> None:
        self._give_back(queue.waiting)
        queue.waiting.clear()
        self._woken.set()

    def _give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Lets these deliveries be read again when they are due."""
        for delivery in deliveries:
            numbers = self._taken.get(delivery.subscription_id, set())
            numbers.discard(delivery.no)
            if not numbers:
                self._taken.pop(delivery.subscription_id, None)

    def _start_workers(self, queue: SubscriptionQueue) -> None:
        """Starts a worker for each waiting delivery, up to the limit: a slow answer may hold those that run already."""
        for _ in range(min(queue.max_workers - queue.workers, len(queue.waiting))):
            queue.workers += 1
            worker = asyncio.create_task(self._work(queue))
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, queue: SubscriptionQueue) -> None:
        """Sends one delivery after the other until none is left."""
        try:
            while queue.waiting and not self._stopping:
                async with self._limits.acquire(queue):
                    await self._send_next(queue)
        finally:
            queue.workers -= 1

    async def _send_next(self, queue: SubscriptionQueue) -> None:
        """Takes a delivery only after the limit was acquired, so that it cannot wait behind a waiting worker."""
        if not queue.waiting or self._stopping:
            return
        attempt = await self._attempt(queue, queue.waiting.popleft())
        self._attempts.append(attempt)
        if queue.subscription.ordered and attempt.state != DeliveryState.DELIVERED:
            self._release(queue)  # none may overtake the failed one; they are read again after it
        self._schedule_recording(queue)

    def _schedule_recording(self, queue: SubscriptionQueue) -> None:
        """Runs the next cycle immediately if many attempts wait or the queue is empty, else within RECORDED_WITHIN."""
        if len(self._attempts) >= RECORDED_TOGETHER or not queue.waiting:
            self._woken.set()
        elif self._record_timer is None:
            self._record_timer = asyncio.get_running_loop().call_later(RECORDED_WITHIN, self._record_now)

    def _record_now(self) -> None:
        self._record_timer = None
        self._woken.set()

    async def _attempt(self, queue: SubscriptionQueue, delivery: Delivery) -> Attempted:
        clock = self._store.clock
        assert delivery.due_at is not None, "only due deliveries are sent"
        # A delivery that a jump of the clock passed is recorded at its planned time, so that days pass as they would.
        at = delivery.due_at if clock.has_jumped_over(delivery.due_at) else clock.now()
        outcomes = await self._sender.send_all(delivery.url, build_requests(queue.subscription, delivery))
        return evaluate_attempt(queue, delivery, outcomes[-1], at)

    async def _finish(self) -> None:
        """Waits shortly for open requests, and records them."""
        for timer in (self._record_timer, self._prune_timer):
            if timer is not None:
                timer.cancel()
        if self._workers:
            _, late = await asyncio.wait(self._workers, timeout=GRACE)
            for worker in late:
                worker.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        attempts, self._attempts = self._attempts, []
        if attempts:
            # The workspace is deleted with its records, or another server owns it, which sends them again.
            with contextlib.suppress(Conflict, ResourceFailed):
                await self._record_and_read(attempts, {}, {})
