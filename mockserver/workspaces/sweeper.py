"""Deletes workspaces that nobody uses any more: `--sweep-after`."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from mockserver.errors import WireError
from mockserver.workspaces.lifecycle import Workspaces

LOG = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two sweeps at most; short ages are swept four times in their length."""

UNOWNED = 1.25
"""How much longer than others a workspace is kept that no server owns."""


class Sweeper:
    """Sweeps on the loop of the server until it is stopped."""

    def __init__(self, workspaces: Workspaces, age: float, own_key: str) -> None:
        """`age` in seconds by the machine's clock. The workspace of the server's own key stays."""
        self._workspaces, self._age, self._own_key = workspaces, age, own_key
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            with contextlib.suppress(WireError):
                await self._workspaces.note_uses()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(min(self._age / 4, LONGEST_PAUSE))
            await self.sweep()

    async def sweep(self) -> None:
        """Deletes the workspaces that are idle now. One that cannot be deleted is tried again after its age."""
        deleted = 0
        for api_key in self._workspaces.registry.list_idle(self._age):
            if api_key != self._own_key:
                try:
                    deleted += await self._workspaces.delete_idle(api_key, self._age)
                except (WireError, OSError) as error:
                    LOG.warning("an idle workspace could not be deleted: %s", error)
        try:
            # A server that is lost has not noted its last uses, of up to a quarter of the age.
            while some := await self._workspaces.delete_unused(UNOWNED * self._age, but=self._own_key):
                deleted += some
        except WireError as error:
            LOG.warning("idle workspaces that no server owns could not be deleted: %s", error)
        if deleted:
            LOG.info("deleted %s workspaces that no request has used for %g seconds", deleted, self._age)
