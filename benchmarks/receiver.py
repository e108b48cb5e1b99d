"""Program: a fast webhook receiver that checks each signature. It prints its port, and its findings when stdin ends.

Findings: the number of messages, the times of the first and the last one, wrong signatures, and for the first two
thousand ids the time of arrival.
"""

import asyncio
import hmac
import json
import sys
import time

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ARRIVALS_KEPT = 2000


class Receiver(asyncio.Protocol):
    received = wrong = 0
    first = last = 0.0
    arrivals: dict[str, float] = {}  # noqa: RUF012  one receiver per process: its connections count together
    secret = b""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            headers = dict(line.split(b": ", 1) for line in self._buffer[:end].split(b"\r\n")[1:])
            headers_by_name = {name.lower(): value for name, value in headers.items()}
            length = int(headers_by_name[b"content-length"])
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._take(headers_by_name, body)
            self._transport.write(ANSWER)

    def _take(self, headers: dict[bytes, bytes], body: bytes) -> None:
        now = time.time()
        kind = Receiver
        kind.first = kind.first or now
        kind.last = now
        kind.received += 1
        expected = b"sha1=" + hmac.new(self.secret, body, "sha1").hexdigest().encode()
        kind.wrong += headers.get(b"x-hub-signature") != expected
        if len(kind.arrivals) < ARRIVALS_KEPT:
            kind.arrivals.setdefault(headers[b"x-labelbox-id"].decode(), now)


async def receive(*, secret: str) -> None:
    Receiver.secret = secret.encode()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    findings = {name: getattr(Receiver, name) for name in ("received", "wrong", "first", "last", "arrivals")}
    print(json.dumps(findings))


if __name__ == "__main__":
    asyncio.run(receive(**json.loads(sys.argv[1])))
