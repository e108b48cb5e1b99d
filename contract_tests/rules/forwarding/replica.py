"""A replica with a small application, in a process of its own.

`python -m contract_tests.rules.forwarding.replica NUMBER FOLDER` prints its port when it is ready. The file
`owners-NUMBER.json` in the folder says who serves which API key: `[number, address]`, or null for this replica; and
under `dead` which replicas have lost their leases. It is read again for every search.
"""

import asyncio
import hashlib
import json
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from mockserver import server
from mockserver.forwarding.layer import ForwardingLayer
from mockserver.http.ranged import RangedResponse
from mockserver.http.sources import BytesSource
from mockserver.serving.endings import reset_connection
from mockserver.serving.protocol import TRANSPORT
from mockserver.storage.interface import Remote
from mockserver.workspaces.naming import WorkspaceName

SECRET = "the-secret-of-the-database"
OWN_KEY = "own-key"
CHUNK = 64 * 1024
PATIENCE = 3.0


class Owners:
    """Owners as a file lists them."""

    secret = SECRET

    def __init__(self, file: Path, number: int) -> None:
        self._file, self._number = file, number

    @property
    def number(self) -> int:
        return int(self._read().get("number", self._number))

    def _read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self._file.read_text())
        return content

    def serves(self, name: WorkspaceName) -> bool:
        return self._read().get(name.value, 0) is None

    async def find(self, name: WorkspaceName) -> Remote | None:
        place = self._read().get(name.value)
        return None if place is None else Remote(*place)

    def use(self, name: WorkspaceName) -> AbstractContextManager[None]:
        return nullcontext()

    def forget(self, name: WorkspaceName, remote: Remote) -> None:
        pass

    def is_alive(self, remote: Remote) -> bool:
        return remote.number not in self._read().get("dead", [])


class Application:
    """Repeats the request that it received, or answers in the ways that a test chooses by the path."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        options = dict(parse_qsl(scope["query_string"].decode()))
        answer = getattr(self, "answer_" + scope["path"].split("/")[-1].replace("-", "_"), self.answer_echo)
        response = await answer(request, options)
        if response is not None:
            await response(scope, receive, send)
        elif "lost" in options:  # no answer at all
            await send({"type": "http.response.start", "status": 200, "headers": []})

    async def answer_echo(self, request: Request, options: dict[str, str]) -> Response:
        digest, size = hashlib.sha256(), 0
        async for part in request.stream():
            digest.update(part)
            size += len(part)
        scope = request.scope
        self.seen.append(f"{scope['method']} {scope['path']}")
        answer = {
            "replica": self.number,
            **{key: scope[key] for key in ("method", "path", "scheme", "http_version", "client", "server")},
            "query": scope["query_string"].decode(),
            "raw_path": scope["raw_path"].decode(),
            "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
            "size": size,
            "sha256": digest.hexdigest(),
        }
        headers = dict(pair.split(":", 1) for pair in options.get("headers", "").split(",") if pair)
        return JSONResponse(answer, int(options.get("status", "200")), headers)

    async def answer_empty(self, _request: Request, options: dict[str, str]) -> Response:
        status = int(options["status"])
        return Response(status_code=status, headers={"Location": "/elsewhere"} if status == 301 else None)

    async def answer_big(self, _request: Request, options: dict[str, str]) -> Response:
        async def parts() -> Any:
            for _ in range(int(options["size"]) // CHUNK):
                yield b"x" * CHUNK
                self.seen.append("part")

        return StreamingResponse(parts(), headers={"Content-Length": options["size"]})

    async def answer_ranged(self, _request: Request, options: dict[str, str]) -> RangedResponse:
        content = bytes(range(256)) * 1024
        return RangedResponse(BytesSource(content), "application/x-ndjson", compressed="gzip" in options)

    async def answer_events(self, request: Request, _options: dict[str, str]) -> Response:
        async def events() -> Any:
            try:
                for number in range(1000):
                    yield f"data: {number}\n\n"
                    await asyncio.sleep(0.05)
            finally:
                self.seen.append("events ended")

        return StreamingResponse(events(), media_type="text/event-stream")

    async def answer_long_poll(self, _request: Request, _options: dict[str, str]) -> Response:
        await asyncio.sleep(2)
        return JSONResponse({"replica": self.number})

    async def answer_hang(self, request: Request, _options: dict[str, str]) -> None:
        self.seen.append("hanging")
        await wait_for_end(request)
        self.seen.append("disconnected")

    async def answer_refused_early(self, _request: Request, _options: dict[str, str]) -> Response:
        return JSONResponse({"refused": True}, 413)

    async def answer_incomplete(self, request: Request, options: dict[str, str]) -> "Ending":
        return Ending(options, request.scope[TRANSPORT])

    async def answer_seen(self, _request: Request, _options: dict[str, str]) -> Response:
        return JSONResponse(self.seen)


class Ending:
    """An answer that ends the connection, as requested faults do."""

    def __init__(self, options: dict[str, str], transport: Any) -> None:
        self._options, self._transport = options, transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "head" in self._options:
            headers = [(b"content-length", self._options["head"].encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"beginning", "more_body": True})
        self._transport.write(self._options.get("beside", "").encode())
        how = self._options["how"]
        if how == "reset":
            await reset_connection(self._transport)
        elif how == "close":
            self._transport.close()
        if how != "return":
            await wait_for_end(Request(scope, receive))


async def wait_for_end(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def main(number: int, folder: Path) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    layer = ForwardingLayer(Application(number), Owners(folder / f"owners-{number}.json", number), OWN_KEY, PATIENCE)
    bound = server.bind("127.0.0.1", 0)
    ready = lambda: print(bound.getsockname()[1], flush=True)  # noqa: E731, T201  for the test that started us
    server.serve(layer, bound, [layer], ready=ready, companion=os.getppid())


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
