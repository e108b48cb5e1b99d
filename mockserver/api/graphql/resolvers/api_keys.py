"""API keys: the one that names the workspace, and those that clients create (SDK api_key.py).

A client that uses a created key acts as the owner of the workspace, whatever its user and role (inferred: which
permissions a role has is not known).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, NotFound, nearest, quote
from mockserver.workspaces.created_keys import write_key
from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.clock import SECOND
from mockserver.world.queries.conditions import LIVE
from mockserver.world.record import encode_json
from mockserver.world.records.api_keys import ApiKey
from mockserver.world.records.people import Person, Role

NEVER = 2**31 - 1
"""When the key of the workspace ends, in seconds since 1970: the last timestamp that a GraphQL Int has (inferred)."""
SHORTEST, LONGEST = 60, 25 * 7 * 24 * 60 * 60
"""Seconds that a key is valid: a minute, and 25 weeks, as long as one without validitySeconds (SDK api_key.py;
inferred)."""
MOST_NETWORKS = 50
WITHOUT_KEYS = ("None", "Tenant Admin")
"""Roles that no key can have (SDK api_key.py _get_available_api_key_roles)."""


class CreatedKey(msgspec.Struct, frozen=True):
    """The answer to createApiKey: the only place where the text of a key is shown."""

    id: str
    jwt: str


def add_to(fields: Fields) -> None:
    fields.add("User", "apiKeys", list_api_keys)
    fields.add("User", "apiKeysOtherUsers", list_keys_of_others)
    fields.add_attributes(
        "ApiKey", ApiKey, "id name createdAt updatedAt userId revoked allowedIpCidrs", createdByUserId="created_by"
    )
    fields.add("ApiKey", "userEmail", find_email)
    fields.add("ApiKey", "expiresAtEpoch", lambda source, _call: source.expires_at // SECOND)
    fields.add("Mutation", "createApiKey", create_api_key)
    fields.add("Mutation", "updateApiKey", revoke_api_key)
    fields.add_attributes("CreatedApiKey", CreatedKey, "id jwt")
    fields.add("RevokedApiKey", "id", lambda source, _call: source)


def list_api_keys(source: Person, call: Call) -> list[ApiKey]:
    """The keys of a user; the owner has the one that names the workspace, too."""
    created = call.select(ApiKey, Clause("user_id = :user", user=source.id), order="created_at, id")
    return [_build_own_key(source, call), *created] if source.id == call.store.workspace.user_id else created


def list_keys_of_others(source: Person, call: Call) -> list[ApiKey]:
    """The keys that others have; only the owner sees them (inferred)."""
    if source.id != call.store.workspace.user_id:
        return []
    return call.select(ApiKey, Clause("user_id != :user", user=source.id), order="created_at, id")


def find_email(source: ApiKey, call: Call) -> str | None:
    """The address of the user of a key, who may have been removed."""
    person = call.find(Person, source.user_id)
    return None if person is None else person.email


def _build_own_key(owner: Person, call: Call) -> ApiKey:
    """The key that names the workspace."""
    created = call.store.organization().created_at
    return ApiKey(
        _own_key_id(call), "API key", owner.id, owner.role_id, created_by=owner.id, allowed_ip_cidrs=encode_json([]),
        expires_at=NEVER * SECOND, revoked=call.workspace.key_revoked, created_at=created, updated_at=created,
    )  # fmt: skip


def _own_key_id(call: Call) -> str:
    return ids.cuid(call.store.organization().created_at, "api key", call.store.workspace.organization_id)


def create_api_key(_source: Any, call: Call, data: Mapping[str, Any]) -> CreatedKey:
    """Creates a key. Raises BadInput, NotFound, Conflict."""
    check_texts(data)
    if not data["name"].strip():
        raise BadInput("createApiKey was sent with an empty name; expected a text that names the key")
    user, role = _find_user(call, data["targetUserEmailId"]), _find_role(call, data.get("role"))
    seconds = _check_validity(data.get("validitySeconds"))
    networks = _read_networks(data.get("allowedIpCidrs") or [])
    key = call.workspace.api_keys.create(data["name"], user.id, role, seconds=seconds, allowed_ip_cidrs=networks)
    return CreatedKey(key.id, write_key(call.workspace, key))


def _find_user(call: Call, email: str) -> Person:
    people = call.select(Person, LIVE)
    person = next((person for person in people if person.email == email), None)
    if person is None:
        known = quote(nearest(email, [person.email for person in people]))
        raise NotFound(f"No user of the organization has the address {email!r}; the nearest known are {known}")
    return person


def _find_role(call: Call, name: str | None) -> str:
    """The id of the role; without a name the owner's (inferred)."""
    if name is None:
        return call.store.user().role_id
    roles = {role.name: role.id for role in call.select(Role) if role.name not in WITHOUT_KEYS}
    if name not in roles:
        raise BadInput(f"The role of an API key is {name!r}; expected one of {quote(roles)}")
    return roles[name]


def _check_validity(seconds: int | None) -> int:
    seconds = LONGEST if seconds is None else seconds
    if not SHORTEST <= seconds <= LONGEST:
        raise BadInput(f"validitySeconds is {seconds}; expected {SHORTEST} to {LONGEST:,}, a minute to 25 weeks")
    return seconds


def _read_networks(sent: list[str]) -> list[str]:
    """The addresses and networks, each once."""
    networks = list(dict.fromkeys(map(_read_network, sent)))
    if len(networks) > MOST_NETWORKS:
        raise BadInput(f"allowedIpCidrs has {len(networks)} entries; at most {MOST_NETWORKS} are kept")
    return networks


def _read_network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text.strip())) if "/" in text else str(ipaddress.ip_address(text.strip()))
    except ValueError:
        raise BadInput(
            f"allowedIpCidrs has {text!r}; expected an address like 192.0.2.1 or a network like 192.0.2.0/24"
        ) from None


def revoke_api_key(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Revokes a key; that of the workspace until the control API restores it. Raises NotFound, BadInput."""
    if not data["revoked"]:
        raise BadInput("updateApiKey was sent with revoked: false; expected true, as a revoked key stays revoked")
    key_id = read_id(where, "updateApiKey")
    if key_id == _own_key_id(call):
        call.workspace.revoke_key(revoked=True)
        return key_id
    return call.workspace.api_keys.revoke(key_id)
