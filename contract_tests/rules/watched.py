"""A server that measures itself: `mockserver serve` with a clock around every callback of its event loop.

`GET /_held` returns the longest callback since the last such request, in seconds of the loop's own processor time, so
that a busy machine does not count; `GET /_routes` returns the paths of all routes. It is run by file name, as the
server's own command line is.
"""

import asyncio
import sys
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver import app
from mockserver.__main__ import main
from mockserver.error_answers import answer_errors
from mockserver.routes import Routes

LONGEST: dict[str, Any] = {"seconds": 0.0, "what": ""}


def measure_callbacks() -> None:
    """asyncio runs each callback by `Handle._run`; there is no public hook that measures it."""
    run: Any = vars(asyncio.Handle)["_run"]

    def run_timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        seconds = time.thread_time() - began
        if seconds > LONGEST["seconds"]:
            LONGEST.update(seconds=seconds, what=repr(handle)[:300])

    asyncio.Handle._run = run_timed  # type: ignore[assignment,method-assign]  # a method of C in typeshed


class Watched:
    """The application with two routes more."""

    def __init__(self, inner: ASGIApp, paths: list[str]) -> None:
        self._inner, self._paths = inner, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = Request(scope).url.path
        if path == "/_held":
            longest = dict(LONGEST)
            LONGEST.update(seconds=0.0, what="")
            await JSONResponse(longest)(scope, receive, send)
        elif path == "/_routes":
            await JSONResponse(self._paths)(scope, receive, send)
        else:
            await self._inner(scope, receive, send)


def watch_application() -> None:
    build = answer_errors

    def build_watched(routes: Routes) -> ASGIApp:
        return Watched(build(routes), [route.path for route in routes])

    vars(app)["answer_errors"] = build_watched


if __name__ == "__main__":
    measure_callbacks()
    watch_application()
    sys.exit(main())
