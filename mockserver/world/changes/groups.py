"""Changes of groups of users and of invitations. No mail is ever sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mockserver.errors import BadInput, Conflict, MalformedRequest
from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.changes.group_log import Channel, GroupLog
from mockserver.world.clause import Clause
from mockserver.world.record import Record
from mockserver.world.records.events import EventKind
from mockserver.world.records.groups import GroupInvite, GroupMember, GroupProject, Invite, ProjectInvite, UserGroup
from mockserver.world.records.people import Person, Role
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

MOST_GROUPS = 1_000


class Membership(NamedTuple):
    """A user with a role: in a group or, if it is that of an invited person, in a project."""

    id: str
    role_id: str


class GroupSettings(NamedTuple):
    """Everything about a group that a client chooses."""

    name: str
    color: str
    description: str
    project_ids: Sequence[str]
    members: Sequence[Membership]


class GroupChanges:
    """The changes of one store's groups and invitations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # Groups

    def create(self, settings: GroupSettings) -> UserGroup:
        """Raises Conflict when there is a group of this name, MalformedRequest for unknown users or projects."""
        with self._store.change() as change:
            _check_name(change, settings.name)
            if change.connection.count(UserGroup) >= MOST_GROUPS:
                raise Conflict(f"There are {MOST_GROUPS:,} user groups already; delete one first")
            group = UserGroup(
                ids.random_uuid(change.new_id()), settings.name, settings.color, settings.description,
                self._store.workspace.user_id, change.now, change.now,
            )  # fmt: skip
            change.connection.insert([group])
            log = self._open_log(change, group)
            _replace_parts(change, group, settings)
            log.write()
            return group

    def update(self, group_id: str, settings: GroupSettings) -> UserGroup:
        """Replaces everything about a group. Raises NotFound, Conflict, MalformedRequest."""
        with self._store.change() as change:
            group = change.one(UserGroup, group_id)
            if settings.name != group.name:
                _check_name(change, settings.name)
            values = {"name": settings.name, "color": settings.color, "description": settings.description}
            place = Clause("id = :id", id=group_id)
            change.connection.update(UserGroup, place, updated_at=change.now, **values)
            log = self._open_log(change, group)
            _replace_parts(change, group, settings)
            log.write()
            return change.one(UserGroup, group_id)

    def delete(self, group_id: str) -> None:
        """Raises NotFound."""
        with self._store.change() as change:
            group = change.one(UserGroup, group_id)
            log = self._open_log(change, group)
            for kind in (GroupMember, GroupProject, GroupInvite):
                change.connection.delete(kind, Clause("group_id = :id", id=group.id))
            change.connection.delete(UserGroup, Clause("id = :id", id=group.id))
            log.write(deleted=True)
            _add_event(change, group.id)

    def _open_log(self, change: Change, group: UserGroup, channel: Channel = Channel.API) -> GroupLog:
        return GroupLog(change, group.id, self._store.workspace.user_id, channel)

    def add_members(self, group_id: str, members: Sequence[Membership], channel: Channel = Channel.API) -> list[str]:
        """Adds users to a group; those that are in it stay as they are. Returns the ids of the added ones. Raises
        NotFound, MalformedRequest."""
        with self._store.change() as change:
            group = change.one(UserGroup, group_id)
            known = {member.user_id for member in _select_members(change, group)}
            new = list({member.id: member for member in members if member.id not in known}.values())
            _check_members(change, new)
            log = self._open_log(change, group, channel)
            change.connection.insert(GroupMember(group.id, member.id, member.role_id) for member in new)
            log.write()
            _add_event(change, group.id)
            return [member.id for member in new]

    def remove_members(self, group_id: str, user_ids: Sequence[str]) -> None:
        """Raises NotFound."""
        with self._store.change() as change:
            group = change.one(UserGroup, group_id)
            members = Clause("group_id = :id AND user_id IN :users", id=group.id, users=list(user_ids))
            log = self._open_log(change, group)
            change.connection.delete(GroupMember, members)
            log.write()
            _add_event(change, group.id)

    # Invitations

    def invite(
        self, email: str, role_id: str, projects: Sequence[Membership], groups: Sequence[Membership] = ()
    ) -> Invite | None:
        """Invites somebody, or returns None if the address is that of a user (SDK organization.py invite_user). Raises
        BadInput, NotFound."""
        address = email.strip()
        if "@" not in address.strip("@") or any(character.isspace() for character in address):
            raise BadInput(f"{email[:100]!r} is no e-mail address; expected one like name@example.com")
        with self._store.change() as change:
            change.one(Role, role_id)
            if change.connection.count(Person, Clause("email = :email AND NOT deleted", email=address)):
                return None
            invite = Invite(change.new_id(), address, role_id, self._store.workspace.user_id, change.now)
            records: list[Record] = [invite]
            for project_id, project_role in dict(projects).items():
                change.one(Project, project_id)
                change.one(Role, project_role)
                records.append(ProjectInvite(change.new_id(), invite.id, project_id, project_role))
            for group_id, group_role in dict(groups).items():
                change.one(UserGroup, group_id)
                change.one(Role, group_role)
                records.append(GroupInvite(invite.id, group_id, group_role))
            change.connection.insert(records)
            _add_event(change, invite.id)
            return invite

    def cancel_invite(self, invite_id: str) -> str:
        """Raises NotFound."""
        with self._store.change() as change:
            invite = change.one(Invite, invite_id)
            for kind in (ProjectInvite, GroupInvite):
                change.connection.delete(kind, Clause("invite_id = :id", id=invite.id))
            change.connection.delete(Invite, Clause("id = :id", id=invite.id))
            _add_event(change, invite.id)
            return invite.id


def _check_name(change: Change, name: str) -> None:
    if not name.strip():
        raise BadInput(f"A user group has the name {name!r}; expected a text that is not empty")
    if change.connection.count(UserGroup, Clause("name = :name", name=name)):
        raise Conflict(f"There is a user group {name!r} already; give the new one another name")


def _check_members(change: Change, members: Sequence[Membership]) -> None:
    for kind, column in ((Person, [member.id for member in members]), (Role, [member.role_id for member in members])):
        names = sorted(set(column))
        live = Clause("id IN :ids AND NOT deleted" if kind is Person else "id IN :ids", ids=names)
        known = {name for (name,) in change.connection.select_columns(kind, "id", live)}
        if missing := [name for name in names if name not in known]:
            raise MalformedRequest(f"{kind.noun()} {missing[0]!r} does not exist in this workspace")


def _replace_parts(change: Change, group: UserGroup, settings: GroupSettings) -> None:
    _check_members(change, settings.members)
    projects = sorted(set(settings.project_ids))
    live = Clause("id IN :ids AND NOT deleted", ids=projects)
    known = {name for (name,) in change.connection.select_columns(Project, "id", live)}
    if missing := [name for name in projects if name not in known]:
        raise MalformedRequest(f"Project {missing[0]!r} does not exist in this workspace")
    members = {member.id: member for member in settings.members}
    for kind in (GroupMember, GroupProject):
        change.connection.delete(kind, Clause("group_id = :id", id=group.id))
    change.connection.insert(GroupMember(group.id, member.id, member.role_id) for member in members.values())
    change.connection.insert(GroupProject(group.id, project) for project in projects)
    _add_event(change, group.id)


def _select_members(change: Change, group: UserGroup) -> list[GroupMember]:
    return change.connection.select(GroupMember, Clause("group_id = :id", id=group.id))


def _add_event(change: Change, record_id: str) -> None:
    change.add_event(EventKind.SCHEMA_UPDATED, id=record_id)
