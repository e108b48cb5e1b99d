"""The end of requests that are still open when the server stops."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.serving.protocol import TRANSPORT


class CutLayer:
    """Ends the connections of the requests that the server cancels when it stops, without a further byte.

    To its client a stopped server then looks as a killed one does. uvicorn would answer 500 and log a traceback, as if
    the request had failed; but its thread may still carry it out.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            scope[TRANSPORT].abort()
            await asyncio.sleep(0)  # uvicorn learns of the end in the next turn of the loop, and then expects no answer
