"""Where webhooks may go: to this machine and private networks; elsewhere only where somebody has said so.

A mock runs on laptops and in CI with URLs copied from real settings, so the default of real services is turned round:
their senders refuse private addresses, ours refuses public ones. What counts is the address after resolving.
"""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from mockserver.errors import BadInput, StartupError
from mockserver.webhooks.metadata_addresses import Address, Network, plain, secrets_at


class Target(msgspec.Struct, frozen=True):
    """A URL taken apart once. `path` is what stands in the request line, with the query."""

    secure: bool
    host: str
    port: int
    path: str
    named: str
    """As the Host header says it."""


@functools.lru_cache(maxsize=256)
def target_of(url: str) -> Target:
    """Raises BadInput when nothing can be sent there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"The webhook's url is {url!r}: {error}; {_EXAMPLE}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise BadInput(f"The webhook's url is {url!r}; {_EXAMPLE}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise BadInput(f"The webhook's url is {url!r}, with characters that must be percent-encoded; {_EXAMPLE}")
    secure = parts.scheme == "https"
    named = f"[{host}]" if ":" in host else host
    if port is None:
        return Target(secure, host, 443 if secure else 80, path, named)
    return Target(secure, host, port, path, f"{named}:{port}")


_EXAMPLE = "expected http:// or https:// with a host, for example http://127.0.0.1:3001/webhook-endpoint"


class Allowed:
    """The patterns of `--webhook-allow`: host names with `*`, addresses, networks like 203.0.113.0/24."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Raises StartupError."""
        self._hosts: list[str] = []
        self._networks: list[Network] = []
        for pattern in patterns:
            self._add(pattern)

    def _add(self, pattern: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(pattern, strict=False))
        except ValueError:
            if not pattern or set(pattern) & set("/:@ "):
                raise StartupError(
                    f"--webhook-allow is {pattern!r}; expected a host name (* stands for any characters), an address "
                    "or a network, for example --webhook-allow '*.example.com' or --webhook-allow 203.0.113.0/24"
                ) from None
            self._hosts.append(pattern.lower())

    def refusal(self, host: str, address: str) -> str | None:
        """Why nothing is sent to `host` at `address`; None when it may be."""
        came = ipaddress.ip_address(address)
        found = plain(came)
        if (secret := secrets_at(came)) is not None:
            return self._secrets_refusal(host, address, secret)
        if _near(found) or any(found in network for network in self._networks):
            return None
        if any(fnmatch.fnmatchcase(host.lower(), pattern) for pattern in self._hosts):
            return None
        return (
            f"{host} is {address}, which is neither this machine nor a private network; the mock sends nothing there "
            f"unless it is started with --webhook-allow {host}"
        )

    def _secrets_refusal(self, host: str, address: str, found: Address) -> str | None:
        """A pattern of a host or a network was given for receivers, not for this: only the address itself allows it."""
        if any(network.num_addresses == 1 and found in network for network in self._networks):
            return None
        return (
            f"{host} is {address}, where a cloud answers its machines with credentials; the mock sends nothing there "
            f"unless it is started with that very address, --webhook-allow {found}"
        )


def _near(address: Address) -> bool:
    if address.is_loopback or address.is_unspecified:
        return True
    return not (address.is_global or address.is_multicast)
