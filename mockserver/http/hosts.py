"""The names of this machine in requests, and the check that a request was sent on this machine.

A web page can have its own name resolved to 127.0.0.1 after it was loaded (DNS rebinding); the browser then takes this
server for the page's own and lets the page read every answer. Only the Host header shows it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mockserver.errors import MOST_SHOWN, HostRefused, shorten
from mockserver.http.responses import json_response

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(:[0-9]{0,5})?")
_FORWARDED = re.compile(
    r"forwarded|via|cdn-loop|(x-)?forwarded-.*|x-forwarded|x-original-.*|x-envoy-.*|(.*-)?(client|connecting|real|remote)-?(ip|addr)"
)
"""Fields by which proxies say that they forward a request: those of RFC 7239, 9110 and 8586, and those of nginx, IIS,
Envoy, Akamai, Azure, Cloudflare, Fastly, Fly.io and DigitalOcean. Their values are not trusted."""
MOST_KEPT = 64
"""Headers that were accepted and are not parsed again; one name with many ports has many."""


def names_this_machine(header: str, hosts: Iterable[str]) -> bool:
    """Whether a Host header has one of these names, with any port."""
    match = _HOST.fullmatch(header.strip().lower())
    return match is not None and match[1] in hosts


class KnownHosts:
    """An ASGI layer that answers 421 to a Host header whose name is not in `hosts`.

    Requests without a Host header (HTTP/1.0) are allowed: every browser sends one.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts
        self._good: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["headers"]:
            if name == b"host" and value not in self._good and not self._is_good(value):
                await _refuse(value, self._hosts)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_good(self, header: bytes) -> bool:
        good = names_this_machine(header.decode("latin-1"), self._hosts)
        if good and len(self._good) < MOST_KEPT:
            self._good.add(header)
        return good


def _refuse(header: bytes, hosts: frozenset[str]) -> ASGIApp:
    """Refuses in the shapes of both GraphQL and REST, because this layer does not know the route."""
    host = shorten(header.decode("latin-1"), MOST_SHOWN)
    error = HostRefused(
        f"The Host header is {host!r}; this server listens on loopback and answers to {', '.join(sorted(hosts))}. If "
        "clients reach it by that name, start it with --public-url and that URL, for example --public-url "
        "http://labelbox-mock:8000"
    )
    document = {"message": error.message, "code": error.code, "errors": [error.as_graphql()], "data": None}
    return json_response(document, error.status)


def is_on_this_machine(request: Request, hosts: Collection[str]) -> bool:
    """Whether the request was received over loopback, or over no network, for one of the names of this machine.

    A proxy on this machine forwards requests of others, and a web page can have its own name resolved to loopback.
    """
    if is_forwarded(request):
        return False
    if not all(names_this_machine(host, hosts) for host in request.headers.getlist("host")):
        return False
    return request.client is None or is_loopback(request.client.host)  # no address: a unix socket


def is_forwarded(request: Request) -> bool:
    """Whether a proxy says that it forwards the request."""
    return any(_FORWARDED.fullmatch(name) for name in request.headers)


def is_loopback(host: str) -> bool:
    """Whether a text is an address of this machine's loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Before Python 3.13 ::ffff:127.0.0.1 does not count as loopback by itself.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
