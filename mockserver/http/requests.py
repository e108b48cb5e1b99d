"""The parts of a request that every room needs: the body, within a bound, and the address that the client used."""

from __future__ import annotations

import re

from starlette.requests import Request

from mockserver.digits import parse_digits
from mockserver.errors import BodyTooLarge

MOST_BODY = 4 * 1024 * 1024
"""Bytes. The largest body an SDK sends is a bulk delete of 25,000 ids, some 700 kB."""

_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


async def read_body(request: Request, most: int = MOST_BODY) -> bytes:
    """Reads the whole body. Raises BodyTooLarge as soon as the body is known to be too large, without reading on."""
    announced = parse_digits(request.headers.get("content-length", "0"), 20)
    if announced is not None and announced > most:
        raise BodyTooLarge(f"The body has {announced} bytes; at most {most} are read")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BodyTooLarge(f"The body has more than {most} bytes; at most {most} are read")
    return bytes(body)


def base_url(request: Request, public_url: str | None) -> str:
    """Returns scheme and host for the URLs in an answer: the public URL, or the address that the client used."""
    if public_url is not None:
        return public_url.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):  # missing, or not a valid host of a URL
        host = "{}:{}".format(*(request.scope.get("server") or ("127.0.0.1", 80)))
    return f"{request.scope.get('scheme', 'http')}://{host}"
