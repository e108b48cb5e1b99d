"""API keys that clients created: refused once they have expired or were revoked, and from elsewhere."""

from __future__ import annotations

import ipaddress
from typing import Any

import orjson

from mockserver.errors import AuthenticationFailed
from mockserver.workspaces.workspace import Workspace
from mockserver.world.clause import Clause
from mockserver.world.clock import SECOND
from mockserver.world.records.api_keys import ApiKey

KEY_ID = "apiKeyId"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")


def write_key(workspace: Workspace, key: ApiKey) -> str:
    """The text of a key, with the claims that keys of the service have (inferred)."""
    return workspace.links.api_key(
        {
            "userId": key.user_id,
            "organizationId": workspace.world.organization_id,
            KEY_ID: key.id,
            "iat": key.created_at // SECOND,
            "exp": key.expires_at // SECOND,
        }
    )


def check_key(workspace: Workspace, api_key: str, claims: dict[str, Any], host: str | None) -> None:
    """Raises AuthenticationFailed unless the workspace created the key and it is valid for requests from `host`."""
    if not workspace.links.has_signed_key(api_key):
        raise AuthenticationFailed("This API key was changed; use the text that createApiKey answered with")
    with workspace.store.reading() as connection:
        key = connection.find(ApiKey, Clause("id = :id", id=claims.get(KEY_ID)))
    if key is None:
        raise AuthenticationFailed("This API key belongs to the world before a reset; create another one")
    if key.revoked:
        raise AuthenticationFailed(f"The API key {key.name!r} was revoked; create another one")
    if key.expires_at <= workspace.store.clock.now():
        raise AuthenticationFailed(f"The API key {key.name!r} has expired; create another one")
    _check_host(key, host)


def _check_host(key: ApiKey, host: str | None) -> None:
    networks = orjson.loads(key.allowed_ip_cidrs)
    if networks and not any(_is_within(host, network) for network in networks):
        raise AuthenticationFailed(
            f"The API key {key.name!r} may not be used from {host}; send the request from one of {', '.join(networks)}"
        )


def _is_within(host: str | None, network: str) -> bool:
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address) in _unmap(ipaddress.ip_network(network))


def _unmap(network: Network) -> Network:
    """A network of IPv4 addresses that is written as one of IPv6 (RFC 4291, 2.5.5.2): it is the same addresses."""
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        mapped = int(network.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED.prefixlen))
    return network
