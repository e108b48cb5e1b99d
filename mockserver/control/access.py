"""Who may drive the server: anybody on this machine, others with the control token."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from mockserver.errors import ControlRefused


def check(request: Request, token: str) -> None:
    """Raises ControlRefused. A page in a browser is a stranger even when the browser runs on this machine."""
    if _on_this_machine(request) and not _from_a_page_elsewhere(request):
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    raise ControlRefused(
        "From another machine (or a web page) /_mock/ needs 'Authorization: Bearer CONTROL_TOKEN'; "
        "the token is that of --control-token, or else the server's own API key"
    )


def _on_this_machine(request: Request) -> bool:
    if request.client is None:
        return True  # a unix socket
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _from_a_page_elsewhere(request: Request) -> bool:
    """Browsers send Origin with every change; ours is the host that was asked."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")
