"""Who may drive the server: anybody on this machine, others with the control token."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from mockserver.errors import ControlRefused


def check(request: Request, token: str) -> None:
    """Raises ControlRefused. A page in a browser is a stranger even when the browser runs on this machine."""
    if on_this_machine(request) and not _from_a_page_elsewhere(request):
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    raise ControlRefused(
        "From another machine (or a web page) /_mock/ needs 'Authorization: Bearer CONTROL_TOKEN'; "
        "the token is that of --control-token, or else the server's own API key"
    )


def on_this_machine(request: Request) -> bool:
    """Whether the request came over loopback, or over no network at all."""
    if request.client is None:
        return True  # a unix socket
    try:
        address = ipaddress.ip_address(request.client.host)
    except ValueError:
        return False
    # Before Python 3.13 ::ffff:127.0.0.1 does not count as loopback by itself.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _from_a_page_elsewhere(request: Request) -> bool:
    """Browsers send Origin with every change; ours is the host that was asked."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
