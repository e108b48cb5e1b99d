"""A small application behind our server, in a process of its own, with the bounds that a test chooses.

`python -m contract_tests.rules.serving.small '[{"head_seconds": 5}, null, null]'` prints its port when it is ready.
`GET /big` answers 64 MiB, `GET /slow` after a second of the loop's clock, and `GET /advance/SECONDS` moves that clock;
everything else is answered with the number of bytes of the body.
"""

import asyncio
import json
import logging
import os
import resource
import sys
import time
from typing import Any

from starlette.types import Receive, Scope, Send

from mockserver import server
from mockserver.commands.listening import NoCompanion
from mockserver.server import CONNECTIONS_INTERVAL
from mockserver.serving.refusals import Bounds

BIG = 64 * 1024 * 1024
TICK, TICKS = 0.1, 2 * CONNECTIONS_INTERVAL
"""The server looks at its connections every few ticks."""


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    size = 0
    message: Any = {"more_body": True}
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    if scope["path"].startswith("/advance/"):
        await advance_clock(float(scope["path"].rpartition("/")[2]))
    body = b"x" * BIG if scope["path"] == "/big" else str(size).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def advance_clock(seconds: float) -> None:
    """Moves the clock by which all bounds are judged and all timers run, and waits until the bounds were judged."""
    move_clock(seconds - TICKS * TICK)
    for _ in range(TICKS):
        asyncio.get_running_loop().call_soon(move_clock, TICK)
        await asyncio.sleep(TICK)


def move_clock(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    moved, began = loop.time() + seconds, time.monotonic()
    loop.time = lambda: moved + time.monotonic() - began  # type: ignore[method-assign]  # there is no other way


def main(bounds: dict[str, Any], most_connections: int | None, files: int | None) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    bound = server.bind("127.0.0.1", 0)
    server.serve(
        application,
        bound,
        [NoCompanion()],
        ready=lambda: print(bound.getsockname()[1], flush=True),  # noqa: T201  for the test that started us
        companion=os.getppid(),
        most_connections=most_connections,
        bounds=Bounds(**bounds),
    )


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
