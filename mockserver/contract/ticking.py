"""Moves a workspace's clock, or does something else, again and again while a client waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from mockserver.testing.errors import MockServerError
from mockserver.testing.workspace import MockWorkspace


class Ticking:
    """A context manager: `every` so many real seconds the clock advances by `seconds`, and `then` is called."""

    def __init__(
        self, workspace: MockWorkspace, *, seconds: float, every: float, then: Callable[[], None] = lambda: None
    ) -> None:
        self._workspace, self._seconds, self._every, self._then = workspace, seconds, every, then
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _tick(self) -> None:
        while not self._ended.wait(self._every):
            try:
                if self._seconds:
                    self._workspace.clock.advance(self._seconds)
                self._then()
            except MockServerError:
                return
