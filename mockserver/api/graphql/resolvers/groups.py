"""Groups of users and invitations (SDK user_group.py, organization.py, invite.py). No mail is ever sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, MalformedRequest, WireError
from mockserver.world.changes.groups import MOST_GROUPS, GroupSettings, Membership
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE, match_subquery
from mockserver.world.records.groups import GroupMember, GroupProject, Invite, ProjectInvite, UserGroup
from mockserver.world.records.people import Person, Role
from mockserver.world.records.projects import Project

PAGE = 100
MOST_ADDRESSES = 100
"""Addresses of one request (SDK organization.py INVITE_USERS_BATCH_SIZE)."""
DEFAULT_ROLE = "Labeler"
"""The role in a group of users that are added without one, as SDKs before 7 do (inferred)."""


class NodePage(msgspec.Struct, frozen=True):
    nodes: list[Any]
    next_cursor: str | None = None
    total_count: int = 0


class Members(msgspec.Struct, frozen=True):
    nodes: list[Person]
    total_count: int
    user_group_roles: list[GroupMember]


class Added(msgspec.Struct, frozen=True):
    """The result of adding users to one group. It is never a job that goes on."""

    success: bool
    added: list[str] = []
    error: str | None = None
    batch_job: None = None


class InviteResult(msgspec.Struct, frozen=True):
    email: str
    status: str
    reason: str | None = None
    invite_id: str | None = None


def add_to(fields: Fields) -> None:
    fields.add("Query", "userGroup", partial(find_group, required=True))
    fields.add("Query", "userGroupV2", partial(find_group, required=False))
    for name in ("userGroups", "userGroupsV2"):
        fields.add("Query", name, page_groups)
    fields.add("Mutation", "createUserGroup", create_group)
    fields.add("Mutation", "updateUserGroup", update_group)
    fields.add("Mutation", "createUserGroupV3", create_group)
    fields.add("Mutation", "updateUserGroupV3", update_group)
    fields.add("Mutation", "deleteUserGroup", delete_group)
    fields.add("Mutation", "addUsersToGroupsV2", add_members, long=True)
    fields.add("Mutation", "removeUsersFromGroupV2", remove_members)
    fields.add("UserGroupAnswer", "group", lambda source, _call: source)
    fields.add("AddedToGroups", "results", lambda source, _call: source)
    fields.add_attributes("AddedToGroup", Added, "success added error batchJob")
    fields.add_nulls("GroupBatchJob", "batchJobId isComplete")
    fields.add_attributes("UserGroup", UserGroup, "id name color description updatedAt")
    fields.add("UserGroup", "createdByUserName", lambda source, call: call.get(Person, source.created_by).email)
    fields.add("UserGroup", "membersAsCSV", list_addresses)
    fields.add("UserGroup", "members", list_members)
    fields.add("UserGroup", "projects", list_projects)
    fields.add_attributes("UserGroupConnection", NodePage, "nodes nextCursor totalCount")
    fields.add_attributes("UserGroupProjects", NodePage, "nodes totalCount")
    fields.add_attributes("UserGroupMembers", Members, "nodes totalCount userGroupRoles")
    fields.add_attributes("UserGroupRole", GroupMember, "userId roleId")
    fields.add("Mutation", "createInvites", create_invites)
    fields.add("Mutation", "inviteMembers", invite_members)
    fields.add("Mutation", "cancelInvite", cancel_invite)
    fields.add("CreatedInvite", "invite", lambda source, _call: source.nodes[0] if source.nodes else None)
    fields.add("InvitedMembers", "results", lambda source, _call: source)
    fields.add_attributes("InvitedMember", InviteResult, "email status reason inviteId")
    fields.add("Organization", "invites", page_invites)
    fields.add("Project", "invites", page_invites)
    fields.add_attributes("InviteConnection", NodePage, "nodes nextCursor")
    fields.add_attributes("Invite", Invite, "id createdAt", inviteeEmail="email")
    fields.add("Invite", "organizationRoleName", get_role_name)
    fields.add("Invite", "inviter", lambda source, call: call.get(Person, source.created_by))
    fields.add("Invite", "projectInvites", list_project_invites)
    fields.add_attributes("ProjectInvite", ProjectInvite, "id projectId")
    fields.add("ProjectInvite", "projectRoleName", get_role_name)


# Groups

UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def find_group(_source: Any, call: Call, where: Mapping[str, Any], *, required: bool) -> UserGroup | None:
    """Null for an unknown one in the newer of both fields (SDK user_group.py 7.17.0). Raises NotFound in the other, and
    MalformedRequest for an id that is no UUID (SDK tests test_user_group.py 7.17.0)."""
    if not UUID.fullmatch(str(where.get("id"))):
        raise MalformedRequest("Invalid user group id")
    group = call.find(UserGroup, str(where.get("id")))
    return call.get(UserGroup, str(where.get("id")), "User group") if group is None and required else group


def page_groups(_source: Any, call: Call, after: str | None = None, first: int = PAGE) -> NodePage:
    """A page of groups; the cursor is the name of the last one."""
    within = Clause("name > :after", after=after or "")
    groups = call.select(UserGroup, within, order="name", first=first + 1)
    cursor = groups[first - 1].name if len(groups) > first > 0 else None
    return NodePage(groups[:first], cursor, call.count(UserGroup, Clause("TRUE")))


def create_group(_source: Any, call: Call, data: Mapping[str, Any]) -> UserGroup:
    return call.workspace.groups.create(_read_settings(call, data))


def update_group(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> UserGroup:
    return call.workspace.groups.update(read_id(where, "updateUserGroup"), _read_settings(call, data))


def delete_group(_source: Any, call: Call, where: Mapping[str, Any]) -> bool:
    call.workspace.groups.delete(read_id(where, "deleteUserGroup"))
    return True


def _read_settings(call: Call, data: Mapping[str, Any]) -> GroupSettings:
    """Raises BadInput."""
    check_texts(data)
    for name in ("roleId", "searchQuery"):
        if data.get(name) is not None:
            raise BadInput(f"A user group was sent with {name}, which is not imitated; list its members in userRoles")
    members = [Membership(entry["userId"], entry["roleId"]) for entry in data.get("userRoles") or []]
    if user_ids := data.get("userIds"):
        role = call.one(Role, Clause("name = :name", name=DEFAULT_ROLE), f"Role {DEFAULT_ROLE!r}")
        members += [Membership(user_id, role.id) for user_id in user_ids]
    return GroupSettings(data["name"], data["color"], data.get("description") or "", data["projectIds"], members)


def add_members(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> list[Added]:
    """Adds users to groups, each group by itself. Raises BadInput for more groups than there can be."""
    if len(where["ids"]) > MOST_GROUPS:
        raise BadInput(
            f"{len(where['ids']):,} groups were sent; expected at most {MOST_GROUPS:,}, as many as there can be"
        )
    members = [Membership(entry["userId"], entry["roleId"]) for entry in data.get("userRoles") or []]
    results = []
    for group_id in where["ids"]:
        try:
            results.append(Added(success=True, added=call.workspace.groups.add_members(group_id, members)))
        except WireError as error:
            results.append(Added(success=False, error=error.message))
    return results


def remove_members(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> bool:
    call.workspace.groups.remove_members(read_id(where, "removeUsersFromGroupV2"), data["userIds"])
    return True


def list_members(source: UserGroup, call: Call) -> Members:
    members = call.select(GroupMember, Clause("group_id = :id", id=source.id), order="user_id")
    people = call.select(Person, Clause("id IN :ids", ids=[member.user_id for member in members]), order="id")
    return Members(people, len(people), members)


def list_addresses(source: UserGroup, call: Call) -> str:
    """A CSV with a header (SDK user_group_v2.py `_parse_members_csv`)."""
    return "\n".join(["email", *(person.email for person in list_members(source, call).nodes)])


def list_projects(source: UserGroup, call: Call) -> NodePage:
    """The projects of a group that are not deleted."""
    within = LIVE & match_subquery("id", GroupProject, "project_id", Clause("group_id = :group", group=source.id))
    projects = call.select(Project, within, order="id")
    return NodePage(projects, None, len(projects))


# Invitations


def create_invites(_source: Any, call: Call, data: list[Mapping[str, Any]] | None = None) -> list[NodePage]:
    """One answer for each, without an invitation for the address of a user. Raises BadInput, NotFound; then nobody is
    invited."""
    _check_addresses(len(data or []))
    with call.store.change():
        return [_create_invite(call, entry) for entry in data or []]


def _create_invite(call: Call, entry: Mapping[str, Any]) -> NodePage:
    check_texts(entry)
    groups = [Membership(group_id, entry["organizationRoleId"]) for group_id in entry.get("userGroupIds") or []]
    groups += [Membership(item["groupId"], item["roleId"]) for item in entry.get("userGroupWithRoleIds") or []]
    projects = [Membership(item["projectId"], item["projectRoleId"]) for item in entry.get("projects") or []]
    invite = call.workspace.groups.invite(entry["inviteeEmail"], entry["organizationRoleId"], projects, groups)
    return NodePage([] if invite is None else [invite])


def _check_addresses(count: int) -> None:
    if count > MOST_ADDRESSES:
        raise BadInput(f"{count:,} addresses were sent; at most {MOST_ADDRESSES} are invited together")


def invite_members(_source: Any, call: Call, data: Mapping[str, Any]) -> list[InviteResult]:
    """One result for each address (SDK organization.py invite_users 7.17.0)."""
    _check_addresses(len(data["emails"]))
    for email in data["emails"]:
        check_texts({"An address": email})
    projects = [Membership(project_id, data["roleId"]) for project_id in data.get("projectIds") or []]
    groups = [Membership(group_id, data["roleId"]) for group_id in data.get("groupIds") or []]
    role_id = data["roleId"]
    if projects or groups:
        role_id = call.one(Role, Clause("name = 'None'"), "Role 'None'").id
    with call.store.change():
        return [_invite_one(call, email, role_id, projects, groups) for email in data["emails"]]


def _invite_one(
    call: Call, email: str, role_id: str, projects: list[Membership], groups: list[Membership]
) -> InviteResult:
    address = email.strip().lower()
    if call.count(Invite, Clause("email = :email", email=address)):
        return InviteResult(address, "ALREADY_INVITED")
    try:
        invite = call.workspace.groups.invite(address, role_id, projects, groups)
    except BadInput:
        return InviteResult(email.strip(), "INVALID_EMAIL")
    return (
        InviteResult(address, "ALREADY_MEMBER") if invite is None else InviteResult(address, "INVITED", None, invite.id)
    )


def cancel_invite(_source: Any, call: Call, where: Mapping[str, Any]) -> str:
    return call.workspace.groups.cancel_invite(read_id(where, "cancelInvite"))


def page_invites(source: Any, call: Call, first: int = PAGE, **rest: Any) -> NodePage:
    """Invitations of the organization, or those to a project; the cursor is the id of the last one."""
    within = Clause("id > :after", after=rest.get("from") or "")
    if isinstance(source, Project):
        within &= match_subquery("id", ProjectInvite, "invite_id", Clause("project_id = :project", project=source.id))
    invites = call.select(Invite, within, order="id", first=first + 1)
    return NodePage(invites[:first], invites[first - 1].id if len(invites) > first > 0 else None)


def get_role_name(source: Invite | ProjectInvite, call: Call) -> str:
    return call.get(Role, source.role_id).name


def list_project_invites(source: Invite, call: Call) -> list[ProjectInvite]:
    return call.select(ProjectInvite, Clause("invite_id = :id", id=source.id), order="id")
