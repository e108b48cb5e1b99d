"""Faults that change an answer while it is sent."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect

from mockserver.faults.call import FaultyCall, pause
from mockserver.http.ranged import Headers

Act = Callable[[FaultyCall], Awaitable[None]]
Start = dict[str, Any]

SLICES = 10
"""Slices a second of a slow answer."""


class _Ended(ClientDisconnect):
    """Ends the application: the connection has ended."""


class Changer:
    """Sends the answer of the application, changed. Subclasses change the head or the chunks of the body."""

    def __init__(self, call: FaultyCall) -> None:
        self.call = call
        self.sent = 0
        """Bytes of the body so far."""

    async def run(self) -> None:
        with contextlib.suppress(_Ended):
            await self.call.pass_on(self._send)

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            await self.call.send({**message, "headers": self.change_headers(headers)})
            return
        body, more = bytes(message.get("body", b"")), bool(message.get("more_body", False))
        await self.send_chunk(body, more=more)

    def change_headers(self, headers: Headers) -> Headers:
        return headers

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        """Sends a chunk; the last one has no `more`."""
        self.sent += len(body)
        await self.call.send({"type": "http.response.body", "body": body, "more_body": more})


def find_length(headers: Headers) -> int | None:
    """The Content-Length of an answer."""
    return next((int(value) for name, value in headers if name.lower() == b"content-length"), None)


def replace_length(headers: Headers, length: int | None) -> Headers:
    """Headers with another Content-Length, or with none."""
    others = [pair for pair in headers if pair[0].lower() != b"content-length"]
    return others if length is None else [*others, (b"content-length", str(length).encode())]


class Interrupted(Changer):
    """Ends the connection after some bytes of the body."""

    def __init__(self, call: FaultyCall, *, reset: bool) -> None:
        super().__init__(call)
        self._most, self._reset = call.options["bytes"], reset
        self._length: int | None = None

    def change_headers(self, headers: Headers) -> Headers:
        self._length = find_length(headers)
        if self._length is not None:
            self._most = min(self._most, max(self._length - 1, 0))  # a body that was sent whole is not interrupted
        return headers

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        if more and self.sent + len(body) < self._most:
            await super().send_chunk(body, more=True)
            return
        await super().send_chunk(body[: max(self._most - self.sent, 0)], more=True)
        if self._reset:
            await self.call.reset()
        else:
            await self.call.close()
        raise _Ended


class Truncated(Changer):
    """Leaves out the last bytes; the announced length is that of the bytes that are sent."""

    def __init__(self, call: FaultyCall) -> None:
        super().__init__(call)
        self._cut = call.options["bytes"]
        self._held = b""

    def change_headers(self, headers: Headers) -> Headers:
        length = find_length(headers)
        return headers if length is None else replace_length(headers, max(length - self._cut, 0))

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        held = self._held + body
        keep = max(len(held) - self._cut, 0)
        self._held = held[keep:]
        await super().send_chunk(held[:keep], more=more)


class Corrupted(Changer):
    """Replaces the byte in the middle by zero, which no JSON may have; of a body of unknown length the first."""

    def __init__(self, call: FaultyCall) -> None:
        super().__init__(call)
        self._place = 0

    def change_headers(self, headers: Headers) -> Headers:
        self._place = (find_length(headers) or 0) // 2
        return headers

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        place = self._place - self.sent
        if 0 <= place < len(body):
            body = body[:place] + b"\0" + body[place + 1 :]
        await super().send_chunk(body, more=more)


class TooLong(Changer):
    """Announces more bytes than it sends, and ends the connection."""

    def change_headers(self, headers: Headers) -> Headers:
        length = find_length(headers)
        return headers if length is None else replace_length(headers, length + self.call.options["bytes"])

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        await super().send_chunk(body, more=True)
        if not more:
            await self.call.close()
            raise _Ended


class TooShort(Changer):
    """Announces fewer bytes than it sends; the rest follows on the connection, which then ends."""

    def __init__(self, call: FaultyCall) -> None:
        super().__init__(call)
        self._announced: int | None = None

    def change_headers(self, headers: Headers) -> Headers:
        length = find_length(headers)
        if length is None:
            return headers
        self._announced = max(length - self.call.options["bytes"], 0)
        return replace_length(headers, self._announced)

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        if self._announced is None:
            await super().send_chunk(body, more=more)
            return
        fits = body[: max(self._announced - self.sent, 0)]
        if fits:
            await super().send_chunk(fits, more=True)
        self.call.write(body[len(fits) :])
        if not more:
            await self.call.close()
            raise _Ended


class Slow(Changer):
    """Sends the body at `rate` bytes a second."""

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        size = max(self.call.options["rate"] // SLICES, 1)
        for start in range(0, len(body), size):
            await super().send_chunk(body[start : start + size], more=True)
            if self.call.is_ending:
                raise _Ended
            await pause(size / self.call.options["rate"])
        if not more:
            await super().send_chunk(b"", more=False)


class FewerLines(Changer):
    """Sends only every `keep`th line of NDJSON, the first one included."""

    def __init__(self, call: FaultyCall) -> None:
        super().__init__(call)
        call.refuse_compression()
        self._rest, self._number = b"", 0

    def change_headers(self, headers: Headers) -> Headers:
        return replace_length(headers, None)

    async def send_chunk(self, body: bytes, *, more: bool) -> None:
        *lines, self._rest = (self._rest + body).split(b"\n")
        if not more and self._rest:
            lines.append(self._rest)
        chosen = []
        for line in lines:
            if self._number % self.call.options["keep"] == 0:
                chosen.append(line + b"\n")
            self._number += 1
        await super().send_chunk(b"".join(chosen), more=more)


def change(changer: type[Changer]) -> Act:
    """A fault that sends the answer changed."""

    async def act(call: FaultyCall) -> None:
        await changer(call).run()

    return act


async def reset_within(call: FaultyCall) -> None:
    await Interrupted(call, reset=True).run()


async def close_within(call: FaultyCall) -> None:
    await Interrupted(call, reset=False).run()
