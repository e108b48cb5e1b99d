"""Access to the control API and to the views of the page: this machine, and others with the control token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request

from mockserver.errors import ControlRefused
from mockserver.http.hosts import is_on_this_machine

COOKIE = "mockserver_page"
"""The cookie of a browser that has signed in to the page with the control token."""


def check(request: Request, token: str, hosts: Collection[str]) -> None:
    """Raises ControlRefused unless the request is sent by a program on this machine or has the control token.

    `hosts` are the names of this machine. A web page needs the token even if the browser runs on this machine, except
    the page of this server.
    """
    own_origin = not is_from_another_origin(request)
    if own_origin and (is_on_this_machine(request, hosts) or _is_signed_in(request, token)):
        return
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and is_token(credentials.strip(), token):
        return
    raise ControlRefused(
        "From another machine, through a proxy or from a web page /_mock/ needs 'Authorization: Bearer CONTROL_TOKEN'; "
        "the token is that of --control-token, or else the one that the server printed and wrote to its ready file, "
        "or, on loopback, its own API key"
    )


def is_token(text: str, token: str) -> bool:
    """Whether a text is the control token."""
    return hmac.compare_digest(text.encode("utf-8", "replace"), token.encode())


def sign_in_value(token: str) -> str:
    """Returns the value of the cookie. It is a hash, as ports of one host share cookies."""
    return hashlib.sha256(b"page/" + token.encode()).hexdigest()


def _is_signed_in(request: Request, token: str) -> bool:
    value = request.cookies.get(COOKIE, "")
    return hmac.compare_digest(value.encode("utf-8", "replace"), sign_in_value(token).encode())


def is_from_another_origin(request: Request) -> bool:
    """Whether a web page of another origin sent it: browsers send Origin with changes and Sec-Fetch-Site with all."""
    sites = ",".join(request.headers.getlist("sec-fetch-site")).lower().split(",")
    if not {"cross-site", "same-site"}.isdisjoint(map(str.strip, sites)):
        return True
    host = request.headers.get("host")
    return any(_parse_host(origin) != host for origin in request.headers.getlist("origin"))


def _parse_host(origin: str) -> str:
    """Returns host and port of an Origin header; an empty text, which equals no Host header, if it is no URL."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
