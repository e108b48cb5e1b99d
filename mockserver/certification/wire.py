"""A client that sends exactly the bytes it is given, and takes whatever comes back.

No HTTP library sends a wrong length, half a body or a header that is no ASCII; receivers meet all of these.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import msgspec

from mockserver.errors import StartupError
from mockserver.webhooks.misbehaviour import Shot

MOST_KEPT = 2000
"""Bytes of an answer's body that are kept."""


class Target(msgspec.Struct, frozen=True):
    """Where the receiver is."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Target:
        """Raises StartupError for anything that is no http(s) URL with a host."""
        try:
            parts = urlsplit(url)
            port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        except ValueError:
            raise StartupError(f"{url!r} is no URL; {EXAMPLE}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or " " in url:
            raise StartupError(f"{url!r} is no http:// or https:// URL with a host; {EXAMPLE}")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, parts.hostname, port, path)

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"http": 80, "https": 443}[self.scheme] else f"{host}:{self.port}"


EXAMPLE = "for example http://127.0.0.1:3001/webhook-endpoint"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver answered. `status` None: it did not, and `trouble` says what came instead.

    `waited`: it was silent for as long as we had patience. `reached`: there was a connection at all.
    """

    status: int | None
    seconds: float
    body: bytes = b""
    trouble: str = ""
    waited: bool = False
    reached: bool = True

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def crashed(self) -> bool:
        """5xx, or a connection closed without a word. 501 is an answer: that method is not served."""
        return self.status is None or (self.status >= 500 and self.status != http.HTTPStatus.NOT_IMPLEMENTED)

    @property
    def told(self) -> str:
        return self.trouble if self.status is None else str(self.status)


class NotReached(Exception):
    """Nobody listens there; the message says what the network said."""


class Parcel(Shot, frozen=True, kw_only=True):
    """A shot with what only the certification sends.

    `chunked`: Transfer-Encoding instead of a length. `cut`: the connection is reset after so many bytes of the body.
    """

    method: str = "POST"
    chunked: bool = False
    cut: int | None = None


class Wire:
    """Sends shots to one target, each on a connection of its own."""

    def __init__(self, target: Target, *, timeout: float) -> None:
        self.target, self._timeout = target, timeout

    def fire(self, shots: Sequence[Shot]) -> list[Answer]:
        """Their answers, in their order. Raises NotReached."""
        answers: list[Answer] = []
        for volley in volleys(shots):
            answers += self._together(volley)
        return answers

    def _together(self, volley: Sequence[Shot]) -> list[Answer]:
        if len(volley) == 1:
            return [self._send(volley[0])]
        found: dict[int, Answer] = {}
        threads = [
            threading.Thread(target=self._send_into, args=(found, number, shot)) for number, shot in enumerate(volley)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [found[number] for number in range(len(volley))]

    def _send_into(self, found: dict[int, Answer], number: int, shot: Shot) -> None:
        try:
            found[number] = self._send(shot)
        except NotReached as error:
            found[number] = Answer(status=None, seconds=0.0, trouble=str(error), reached=False)

    def _send(self, shot: Shot) -> Answer:
        if shot.after:
            time.sleep(shot.after)
        with self._connected() as connection:
            started = time.monotonic()
            trouble = self._write(connection, shot)
            if isinstance(shot, Parcel) and shot.cut is not None:
                return Answer(status=None, seconds=time.monotonic() - started, trouble="cut by us")
            return self._read(connection, shot, trouble, started)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        try:
            plain = socket.create_connection((self.target.host, self.target.port), timeout=self._timeout)
        except OSError as error:
            raise NotReached(f"{self.target.authority} cannot be reached: {error}") from None
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._secured(plain) as connection:
            yield connection

    def _secured(self, plain: socket.socket) -> socket.socket:
        if self.target.scheme == "http":
            return plain
        try:
            return ssl.create_default_context().wrap_socket(plain, server_hostname=self.target.host)
        except OSError as error:
            plain.close()
            raise NotReached(f"{self.target.authority} cannot be reached by TLS: {error}") from None

    def _write(self, connection: socket.socket, shot: Shot) -> str:
        """Why it could not all be sent. A receiver may answer and hang up before it has read everything."""
        try:
            parts = pieces_of(shot)
            connection.sendall(self.head(shot) + parts[0])
            for part in parts[1:]:
                time.sleep(shot.pause)
                connection.sendall(part)
            if isinstance(shot, Parcel) and shot.cut is not None:
                reset(connection)
            elif shot.length is not None and shot.length > len(shot.body):
                connection.shutdown(socket.SHUT_WR)  # or both would wait for the rest
        except TimeoutError:
            return "the receiver stopped reading"
        except OSError as error:
            return f"the connection broke while sending ({error})"
        return ""

    def _read(self, connection: socket.socket, shot: Shot, trouble: str, started: float) -> Answer:
        method = shot.method if isinstance(shot, Parcel) else "POST"
        response = http.client.HTTPResponse(connection, method=method)
        waited = False
        try:
            response.begin()
            body = response.read(MOST_KEPT)
        except TimeoutError:
            waited, found = True, f"no answer within {self._timeout:.0f} s"
        except http.client.RemoteDisconnected:
            found = "no answer: the connection was closed"
        except http.client.BadStatusLine:
            found = "no HTTP came back"
        except (OSError, http.client.HTTPException) as error:
            found = f"no answer: {error}"
        else:
            took = time.monotonic() - started
            return Answer(status=response.status, seconds=took, body=body)
        finally:
            response.close()
        return Answer(status=None, seconds=time.monotonic() - started, trouble=trouble or found, waited=waited)

    def head(self, shot: Shot) -> bytes:
        """Request line and headers as they go out."""
        method = shot.method if isinstance(shot, Parcel) else "POST"
        framing = ("Content-Length", str(len(shot.body) if shot.length is None else shot.length))
        if isinstance(shot, Parcel) and shot.chunked:
            framing = ("Transfer-Encoding", "chunked")
        headers = (("Host", self.target.authority), *shot.headers, framing, ("Connection", "close"))
        lines = [f"{method} {self.target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def check_header(what: str, value: str) -> None:
    """Refuse what no header can carry. Raises StartupError."""
    if not value or not value.isascii() or not value.isprintable():
        raise StartupError(f"{what} is {value!r}; expected printable ASCII, because it travels in a header")


def check_text(what: str, value: str) -> None:
    """Refuse what was no UTF-8 on the command line: Python keeps such bytes as lone surrogates. Raises StartupError."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise StartupError(f"{what} is {value!r}; expected UTF-8") from None


def volleys(shots: Sequence[Shot]) -> list[list[Shot]]:
    """Neighbours that do not wait for each other's answers stand together."""
    grouped: list[list[Shot]] = []
    for shot in shots:
        if shot.at_once and grouped:
            grouped[-1].append(shot)
        else:
            grouped.append([shot])
    return grouped


def pieces_of(shot: Shot) -> list[bytes]:
    """The body in the parts in which it is sent."""
    body = shot.body
    if isinstance(shot, Parcel) and shot.cut is not None:
        body = body[: shot.cut]
    size = max(1, -(-len(body) // shot.pieces))
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    if isinstance(shot, Parcel) and shot.chunked:
        return [*(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part), b"0\r\n\r\n"]
    return parts


def reset(connection: socket.socket) -> None:
    """Closing sends RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
