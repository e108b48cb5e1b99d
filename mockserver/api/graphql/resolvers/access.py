"""Who may do what: API keys, permissions, invitations and groups of users (SDK api_key.py, invite.py, user_group.py).

A world has the people of its scenario and one API key; nobody is invited, and nobody is in a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.resolvers.fields import Fields, no_list, nothing
from mockserver.errors import NotFound
from mockserver.world import ids
from mockserver.world.database import Clause
from mockserver.world.people import Organization, Person, Role

SEATS = 1_000
"""People that an organization may have (inferred: no client shows a limit)."""
NEVER = 2**31 - 1
"""When an API key ends, in seconds since 1970: the last moment that a GraphQL Int can tell (inferred)."""


class ApiKey(msgspec.Struct, frozen=True):
    """The key that the workspace is named by. Its text is never told, as a real one's."""

    id: str
    user_id: str
    user_email: str
    created_at: int
    updated_at: int


class InvitesLimit(msgspec.Struct, frozen=True):
    used: int
    limit: int

    @property
    def remaining(self) -> int:
        return self.limit - self.used


class EmptyPage(msgspec.Struct, frozen=True):
    """A page of a list that nothing is in."""

    nodes: list[Any] = []
    next_cursor: None = None
    total_count: int = 0


INVITE = "id createdAt organizationRoleName inviteeEmail projectInvites"
GROUP = "id name color description projects members membersAsCSV"
MEMBERS = "nodes totalCount userGroupRoles"


def add_to(fields: Fields) -> None:
    fields.add(
        User_apiKeys=api_keys,
        User_apiKeysOtherUsers=no_list,
        User_isAdvEnabled=lambda _source, _info: True,
        Query_organizationRole=organization_role,
        Role_permissions=no_list,
        Role_organizationId=lambda _source, info: call_of(info).store.workspace.organization_id,
        Role_description=nothing,
        Query_invitesLimit=invites_limit,
        Organization_invites=empty_page,
        Project_invites=empty_page,
        Query_userGroups=empty_page,
        Query_userGroupsV2=empty_page,
        Query_userGroup=user_group,
        Query_userGroupV2=nothing,
        ApiKey_name=lambda _source, _info: "API key",
        ApiKey_revoked=lambda _source, _info: False,
        ApiKey_expiresAtEpoch=lambda _source, _info: NEVER,
        ApiKey_allowedIpCidrs=no_list,
    )
    fields.attributes("ApiKey", ApiKey, "id userId userEmail createdAt updatedAt", createdByUserId="user_id")
    fields.attributes("InvitesLimit", InvitesLimit, "used limit remaining")
    fields.attributes("InviteConnection", EmptyPage, "nodes nextCursor")
    fields.attributes("UserGroupConnection", EmptyPage, "nodes nextCursor totalCount")
    for kind, names in {
        "Invite": INVITE, "ProjectInvite": "id projectRoleName projectId", "UserGroup": GROUP,
        "UserGroupProjects": "nodes totalCount", "UserGroupMembers": MEMBERS, "UserGroupRole": "userId roleId",
    }.items():  # fmt: skip
        fields.add(**{f"{kind}_{name}": nothing for name in names.split()})


def api_keys(source: Person, info: Any) -> list[ApiKey]:
    """The owner's one; others have none."""
    call = call_of(info)
    world = call.store.workspace
    if source.id != world.user_id:
        return []
    made = call.store.organization().created_at
    return [ApiKey(ids.cuid(made, "api key", world.organization_id), source.id, source.email, made, made)]


def organization_role(_source: Any, info: Any, userId: str | None = None) -> Role | None:  # noqa: N803  the wire's word
    """The role of a person, by default of the owner of the API key."""
    call = call_of(info)
    person = (
        call.store.user() if userId is None else call.one(Person, Clause("id = :id", id=userId), f"User {userId!r}")
    )
    return call.find(Role, person.role_id)


def invites_limit(_source: Any, info: Any, where: Mapping[str, Any]) -> InvitesLimit:
    """Everybody who works here is counted, and who is invited (SDK organization.py)."""
    call = call_of(info)
    call.one(Organization, Clause("id = :id", id=where.get("id")), f"Organization {where.get('id')!r}")
    return InvitesLimit(call.count(Person, Clause("TRUE")), SEATS)


def empty_page(_source: Any, _info: Any, **_page: Any) -> EmptyPage:
    return EmptyPage()


def user_group(_source: Any, _info: Any, where: Mapping[str, Any]) -> None:
    raise NotFound(f"User group {where.get('id')!r} does not exist in this workspace")
