"""Groups of users, and invitations to the organization."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import Record


class UserGroup(Record, frozen=True):
    """`color` has six hexadecimal digits (SDK user_group.py UserGroupColor)."""

    TABLE: ClassVar[str] = "user_group"
    id: str
    name: str
    color: str
    description: str
    created_by: str
    created_at: int
    updated_at: int


class GroupMember(Record, frozen=True):
    TABLE: ClassVar[str] = "group_member"
    group_id: str
    user_id: str
    role_id: str


class GroupProject(Record, frozen=True):
    TABLE: ClassVar[str] = "group_project"
    group_id: str
    project_id: str


class GroupEvent(Record, frozen=True):
    """An entry of the audit log of groups (SDK user_group_audit.py). Changes of the server itself have no actor."""

    TABLE: ClassVar[str] = "group_event"
    no: int
    id: str
    group_id: str
    type: str
    channel: str
    actor_id: str | None
    member_id: str | None
    previous_role_id: str | None
    role_id: str | None
    project_id: str | None
    occurred_at: int


class GroupInvite(Record, frozen=True):
    """The role that an invited person will have in a group."""

    TABLE: ClassVar[str] = "group_invite"
    invite_id: str
    group_id: str
    role_id: str


class Invite(Record, frozen=True):
    """An invitation of somebody who is no user of the organization."""

    TABLE: ClassVar[str] = "invite"
    id: str
    email: str
    role_id: str
    created_by: str
    created_at: int


class ProjectInvite(Record, frozen=True):
    """The role that an invited person will have in a project."""

    TABLE: ClassVar[str] = "project_invite"
    id: str
    invite_id: str
    project_id: str
    role_id: str
