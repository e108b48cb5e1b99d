"""Who may drive the server: anybody on this machine, others with the control token."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from mockserver.errors import ControlRefused
from mockserver.http.hosts import on_this_machine


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


def _from_a_page_elsewhere(request: Request) -> bool:
    """Browsers send Origin with every change, where ours is the host that was asked, and Sec-Fetch-Site with all."""
    sites = ",".join(request.headers.getlist("sec-fetch-site")).lower().split(",")
    if not {"cross-site", "same-site"}.isdisjoint(map(str.strip, sites)):
        return True
    host = request.headers.get("host")
    return any(_host_of(origin) != host for origin in request.headers.getlist("origin"))


def _host_of(origin: str) -> str:
    """Host and port of an Origin header; empty where it is no URL with a host, which no Host header of ours is."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
