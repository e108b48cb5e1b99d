"""The targets of webhooks: this machine and private networks are allowed, other addresses only by `--webhook-allow`.

A mock runs on laptops and in CI with URLs copied from real settings, so the default is the reverse of real services':
their senders refuse private addresses, this one refuses public ones. The address counts, after the name is resolved.
"""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec

from mockserver.errors import BadInput, StartupError
from mockserver.webhooks.metadata_addresses import Address, Network, decode_destination, find_metadata_address


class Target(msgspec.Struct, frozen=True):
    """A parsed URL. `path` is the target of the request line, with the query; `authority` is the Host header."""

    secure: bool
    host: str
    port: int
    path: str
    authority: str


@functools.lru_cache(maxsize=256)
def parse_target(url: str) -> Target:
    """Raises BadInput for a URL to which nothing can be sent."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"The URL is {url!r}: {error}; {_EXAMPLE}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise BadInput(f"The URL is {url!r}; {_EXAMPLE}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise BadInput(f"The URL is {url!r}, with characters that must be percent-encoded; {_EXAMPLE}")
    secure = parts.scheme == "https"
    authority = f"[{host}]" if ":" in host else host
    if port is None:
        return Target(secure, host, 443 if secure else 80, path, authority)
    return Target(secure, host, port, path, f"{authority}:{port}")


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
                    f"--webhook-allow is {pattern!r}; expected a host name (* matches any characters), an address "
                    "or a network, for example --webhook-allow '*.example.com' or --webhook-allow 203.0.113.0/24"
                ) from None
            self._hosts.append(pattern.lower())

    def refusal(self, host: str, address: str) -> str | None:
        """The reason to send nothing to `host` at `address`; None if it is allowed."""
        ip_address = ipaddress.ip_address(address)
        if (metadata_address := find_metadata_address(ip_address)) is not None:
            return self._metadata_refusal(host, address, metadata_address)
        destination = decode_destination(ip_address)
        if _is_private(destination) or any(destination in network for network in self._networks):
            return None
        if any(fnmatch.fnmatchcase(host.lower(), pattern) for pattern in self._hosts):
            return None
        return (
            f"{host} is {address}, which is neither this machine nor a private network; the mock sends nothing there "
            f"unless it is started with --webhook-allow {host}"
        )

    def _metadata_refusal(self, host: str, address: str, metadata_address: Address) -> str | None:
        """Only the address itself allows this one: patterns of hosts and networks are meant for receivers."""
        if any(network.num_addresses == 1 and metadata_address in network for network in self._networks):
            return None
        return (
            f"{host} is {address}, where clouds answer their machines with credentials; the mock sends nothing there "
            f"unless it is started with that very address, --webhook-allow {metadata_address}"
        )


class Everywhere(Allowed):
    """Allows every address: for a receiver that the caller names."""

    def refusal(self, host: str, address: str) -> str | None:
        return None


def _is_private(address: Address) -> bool:
    if address.is_loopback or address.is_unspecified:
        return True
    return not (address.is_global or address.is_multicast)
