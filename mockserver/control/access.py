"""Who may drive the server: anybody on this machine, others with the control token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from mockserver.control.hosts import names_this_machine
from mockserver.errors import ControlRefused

FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
"""Fields by which proxies say that a request is not their own. None of them is believed, whatever it says of whom."""


def check(request: Request, token: str, hosts: Collection[str]) -> None:
    """Raise ControlRefused unless the request comes from a program on this machine or brings the control token.

    `hosts` are the names of this machine. A page in a browser is a stranger even when the browser runs here.
    """
    if on_this_machine(request, hosts) and not _from_a_page_elsewhere(request):
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    raise ControlRefused(
        "From another machine, through a proxy or from a web page /_mock/ needs 'Authorization: Bearer CONTROL_TOKEN'; "
        "the token is that of --control-token, or else the one that the server printed and wrote into its ready file, "
        "or, on loopback, its own API key"
    )


def on_this_machine(request: Request, hosts: Collection[str]) -> bool:
    """Whether the request came over loopback, or over no network at all, for one of the names of this machine.

    A proxy on this machine passes on what others ask, and a web page can have its own name resolved to loopback.
    """
    headers = request.headers
    if any(name in headers for name in FORWARDED):
        return False
    if not all(names_this_machine(host, hosts) for host in headers.getlist("host")):
        return False
    return request.client is None or is_loopback(request.client.host)  # no address: a unix socket


def is_loopback(host: str) -> bool:
    """Whether a text is an address of this machine's loopback."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Before Python 3.13 ::ffff:127.0.0.1 does not count as loopback by itself.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _from_a_page_elsewhere(request: Request) -> bool:
    """Browsers send Origin with every change, where ours is the host that was asked, and Sec-Fetch-Site with all."""
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        return True
    host = request.headers.get("host")
    return any(_host_of(origin) != host for origin in request.headers.getlist("origin"))


def _host_of(origin: str) -> str:
    """Host and port of an Origin header; empty where it is no URL with a host, which no Host header of ours is."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
