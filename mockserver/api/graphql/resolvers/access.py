"""Roles with their permissions, and the limit of invitations (SDK api_key.py, organization.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, resolve_empty_list, resolve_null
from mockserver.api.graphql.filters import read_id
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.groups import Invite
from mockserver.world.records.people import Organization, Person, Role

SEATS = 1_000
"""People that an organization may have (inferred: no client shows a limit)."""


class InvitesLimit(msgspec.Struct, frozen=True):
    used: int
    limit: int

    @property
    def remaining(self) -> int:
        return self.limit - self.used


def add_to(fields: Fields) -> None:
    fields.add("User", "isAdvEnabled", lambda _source, _call: True)
    fields.add("Query", "organizationRole", find_organization_role)
    fields.add("Role", "permissions", resolve_empty_list)
    fields.add("Role", "organizationId", lambda _source, call: call.store.workspace.organization_id)
    fields.add("Role", "description", resolve_null)
    fields.add("Query", "invitesLimit", count_invites)
    fields.add_attributes("InvitesLimit", InvitesLimit, "used limit remaining")


def find_organization_role(_source: Any, call: Call, userId: str | None = None) -> Role | None:
    """The role of a user, by default of the owner of the API key."""
    person = call.store.user() if userId is None else call.get(Person, userId, "User")
    return call.find(Role, person.role_id)


def count_invites(_source: Any, call: Call, where: Mapping[str, Any]) -> InvitesLimit:
    """Counts the users of the organization and the invitations (SDK organization.py)."""
    call.get(Organization, read_id(where, "invitesLimit"))
    return InvitesLimit(call.count(Person, LIVE) + call.count(Invite, Clause("TRUE")), SEATS)
