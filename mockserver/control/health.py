"""The control that says that the server answers, and that what it needs outside of its process can be used."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request

from mockserver import __version__
from mockserver.control.bodies import Health
from mockserver.control.monitoring import Monitoring
from mockserver.errors import NotReady


class HealthControl:
    """Imports nothing that a server without controls does not need."""

    def __init__(self, monitoring: Monitoring) -> None:
        """Resources are tried in threads of their own: whatever the other threads do, health is answered."""
        self._resources = monitoring.resources
        self._threads = ThreadPoolExecutor(max(1, len(self._resources)), thread_name_prefix="health")

    async def health(self, _request: Request, _body: None) -> Health:
        """Answers 200 as soon as GraphQL can be answered, and 503 while a store that it needs cannot be used."""
        if self._resources:
            loop = asyncio.get_running_loop()
            tries = [loop.run_in_executor(self._threads, find) for find in self._resources]
            failures = [failure for failure in await asyncio.gather(*tries) if failure is not None]
            if failures:
                raise NotReady("; ".join(failures))
        return Health("ok", __version__)
