"""Server-sent events: an open page hears which of its parts have changed, and requests only these again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mockserver.console.headers import HEADERS
from mockserver.console.tasks import TaskState, list_states
from mockserver.console.view import View
from mockserver.errors import Conflict, WireError
from mockserver.workspaces.registry import Registry
from mockserver.workspaces.workspace import Workspace
from mockserver.world.records.tasks import TaskStatus

MOST_STREAMS = 64
"""Open streams of the server. A page without one polls. A browser closes that of a page that is not seen."""
INTERVAL = 1.0
"""Seconds from one look at a workspace to the next."""
KEEP_ALIVE = 15.0
"""Seconds after which a stream without events sends a comment, so that a vanished browser is noticed."""
TASKS, WORLD, REQUESTS = "tasks", "world", "requests"
"""What may change: exports as clients see them, anything in the world, the journal."""
DELETED = "event: deleted\ndata:\n\n"
"""The last event when the workspace was deleted: the page requests nothing more. After a reset it connects again."""


class Stream:
    """The stream of one page: the names of what has changed since the last event."""

    def __init__(self) -> None:
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._ended = False

    def report(self, names: set[str]) -> None:
        self._changed |= names
        self._woken.set()

    def end(self) -> None:
        self._ended = True
        self._woken.set()

    async def events(self) -> AsyncGenerator[str]:
        """Yields the events as they are sent; ends when the store of the workspace is closed."""
        yield "retry: 3000\n\n"
        while not self._ended:
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._woken.wait()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            self._woken.clear()
            changed, self._changed = sorted(self._changed), set()
            if changed:
                yield f"event: changed\ndata: {' '.join(changed)}\n\n"


class Watch:
    """Looks at one workspace for all of its streams, once a second, while there are any. It holds no thread."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.streams: set[Stream] = set()
        self._is_dirty = True
        self._tasks: list[TaskState] = []
        self._received = workspace.journal.received
        self.running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            with self._workspace.store.watch(self._mark):
                while True:
                    await self._look()
                    await asyncio.sleep(INTERVAL)
        except WireError:
            pass  # the workspace was deleted or reset, and its store is closed
        finally:
            for stream in self.streams:
                stream.end()

    def _mark(self) -> None:
        """Notes a change of the store, in the thread in which it happened."""
        self._is_dirty = True

    async def _look(self) -> None:
        changed = set()
        if (received := self._workspace.journal.received) != self._received:
            self._received = received
            changed.add(REQUESTS)
        # An export that runs may go on by the clock alone; all else is a change of the store.
        runs = any(state.status == TaskStatus.IN_PROGRESS for state in self._tasks)
        if self._is_dirty or runs:
            changed |= {WORLD} if self._is_dirty else set()
            self._is_dirty = False
            tasks = await asyncio.to_thread(list_states, self._workspace)
            if tasks != self._tasks:
                self._tasks = tasks
                changed.add(TASKS)
        if changed:
            for stream in self.streams:
                stream.report(changed)


class EventResponse(StreamingResponse):
    """A response that reports its end, however it ends."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str], end: Callable[[], None]) -> None:
        super().__init__(events, headers={**HEADERS, "X-Accel-Buffering": "no"})
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()


class Streams:
    """All open streams, by workspace. Used on the event loop."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self._most = most
        self._watches: dict[Workspace, Watch] = {}
        self._open = 0

    def answer(self, view: View) -> Response:
        """Answers with a stream. Raises Conflict when too many are open."""
        if self._open >= self._most:
            raise Conflict(f"{self._most} streams are open already; close a page of this server, or poll a view")
        self._open += 1
        return EventResponse(self._follow(view.workspace, view.workspaces.registry), self._count_end)

    def _count_end(self) -> None:
        self._open -= 1

    async def _follow(self, workspace: Workspace, registry: Registry) -> AsyncGenerator[str]:
        stream, watch = Stream(), self._find_watch(workspace)
        watch.streams.add(stream)
        try:
            async with contextlib.aclosing(stream.events()) as events:
                async for event in events:
                    yield event
            if not registry.has(workspace.api_key):
                yield DELETED
        finally:
            watch.streams.discard(stream)
            if not watch.streams:
                self._drop(workspace, watch)

    def _find_watch(self, workspace: Workspace) -> Watch:
        watch = self._watches.get(workspace)
        if watch is None or watch.running.done():
            watch = self._watches[workspace] = Watch(workspace)
        return watch

    def _drop(self, workspace: Workspace, watch: Watch) -> None:
        """Ends the watch of a workspace that no page looks at."""
        watch.running.cancel()
        if self._watches.get(workspace) is watch:
            del self._watches[workspace]
