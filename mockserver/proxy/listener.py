"""The proxy: requests for the real hosts go to the mock, all others to where they want. One thread each."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import threading
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from mockserver.digits import parse_digits
from mockserver.proxy.certificates import Certificates
from mockserver.proxy.hosts import is_real_host
from mockserver.proxy.messages import READ, Head, Malformed, Reader, read_body, read_head

IDLE = 300.0
"""Seconds after which a silent connection is closed."""
MOST_PORT = 65_535
CONNECT_WITHIN = 30.0
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
Address = tuple[str, int]


class Proxy:
    """Listens on a free port of this machine. A context manager."""

    def __init__(self, mock: Address, certificates: Certificates) -> None:
        self.mock, self.certificates = mock, certificates
        self._server = _Listener(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Prints nothing: a client that hangs up is no error of the proxy."""


class _Connection(socketserver.BaseRequestHandler):
    """One request, or one tunnel."""

    server: _Listener

    def handle(self) -> None:
        client: socket.socket = self.request
        client.settimeout(IDLE)
        reader = Reader(client)
        with contextlib.suppress(OSError, EOFError):
            try:
                head = read_head(reader)
                if head.method == "CONNECT":
                    self._connect(client, head)
                else:
                    self._pass_plain(client, head, reader)
            except Malformed as error:
                client.sendall(_render_error(400, str(error)))

    def _connect(self, client: socket.socket, head: Head) -> None:
        host, _, port = head.target.rpartition(":")
        host = host.strip("[]")
        number = parse_digits(port, 5)
        if not host or number is None or number > MOST_PORT:
            raise Malformed("CONNECT needs a host and a port")
        if not is_real_host(host):
            self._tunnel(client, (host, number))
            return
        client.sendall(ESTABLISHED)
        context = self.server.proxy.certificates.context_of(host)
        with context.wrap_socket(client, server_side=True) as secure:
            reader = Reader(secure)
            head = read_head(reader)
            self._pass(secure, head, reader, self.server.proxy.mock, head.target)
            with contextlib.suppress(OSError):
                secure.unwrap()

    def _pass_plain(self, client: socket.socket, head: Head, reader: Reader) -> None:
        parts = urlsplit(head.target)
        if parts.scheme != "http" or not parts.hostname:
            raise Malformed("this is a proxy; give the whole address, as in GET http://host/path")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = (parts.hostname, parts.port or 80)
        self._pass(client, head, reader, self.server.proxy.mock if is_real_host(parts.hostname) else own, target)

    def _pass(self, client: socket.socket, head: Head, reader: Reader, address: Address, target: str) -> None:
        """Sends the request to a server, and its answer back."""
        try:
            server = socket.create_connection(address, CONNECT_WITHIN)
        except OSError as error:
            client.sendall(_render_error(502, f"{address[0]}:{address[1]} cannot be reached: {error}"))
            return
        with server:
            server.settimeout(IDLE)
            server.sendall(head.render(target, f"{address[0]}:{address[1]}"))
            if (head.field("expect") or "").lower() == "100-continue":
                client.sendall(CONTINUE)
            for part in read_body(head, reader):
                server.sendall(part)
            while data := server.recv(READ):
                client.sendall(data)

    def _tunnel(self, client: socket.socket, address: Address) -> None:
        """Passes bytes in both directions, unread."""
        try:
            server = socket.create_connection(address, CONNECT_WITHIN)
        except OSError as error:
            client.sendall(_render_error(502, f"{address[0]}:{address[1]} cannot be reached: {error}"))
            return
        with server, selectors.DefaultSelector() as selector:
            client.sendall(ESTABLISHED)
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while selector.get_map() and (ready := selector.select(IDLE)):
                for key, _ in ready:
                    source: Any = key.fileobj
                    data = source.recv(READ)
                    if data:
                        key.data.sendall(data)
                    else:
                        selector.unregister(source)
                        with contextlib.suppress(OSError):
                            key.data.shutdown(socket.SHUT_WR)


def _render_error(status: int, message: str) -> bytes:
    body = f"mockserver's proxy: {message}\n".encode()
    head = f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
