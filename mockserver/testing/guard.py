"""A guard for tests with the mock: a client that is still pointed at the real service does not reach it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mockserver.proxy.hosts import is_real_host

ADVICE = (
    "a test that uses the mock tried to reach {hosts}: give the client the mock's addresses"
    " (labelbox_mock.graphql_url, .rest_url), or set labelbox_real_hosts = allow"
)


class EscapedError(Exception):
    """A test with the mock tried to reach the real service."""


@contextmanager
def guard_real_hosts() -> Iterator[None]:
    """Refuses to resolve names of the real service. Raises EscapedError at the end if one was asked about.

    The refusal itself looks like a name that does not exist, which a client may take for a failure that passes.
    """
    resolve, hosts = socket.getaddrinfo, list[str]()

    def refuse(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
        if isinstance(name, str) and is_real_host(name):
            hosts.append(name)
            raise socket.gaierror(socket.EAI_NONAME, ADVICE.format(hosts=name))
        return resolve(host, *arguments, **options)

    socket.getaddrinfo = refuse
    try:
        yield
    finally:
        socket.getaddrinfo = resolve
    if hosts:
        raise EscapedError(ADVICE.format(hosts=", ".join(dict.fromkeys(hosts))))
