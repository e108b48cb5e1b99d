"""The organization, its users and their roles."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world.record import Record

NO_ROLE = "NONE"
"""The role without access, as the SDK upper-cases it (client.get_roles)."""
THROUGH_PROJECT, THROUGH_ORGANIZATION = "PROJECT_MEMBERSHIP", "ORGANIZATION"
"""Where a member's access to a project is from (SDK project.py ProjectMember)."""


class Organization(Record, frozen=True):
    TABLE: ClassVar[str] = "organization"
    id: str
    name: str
    created_at: int
    updated_at: int


class Role(Record, frozen=True):
    TABLE: ClassVar[str] = "role"
    id: str
    position: int
    name: str


class Person(Record, frozen=True):
    """`name` is the full name, `nickname` the short one (the SDK swaps them: user.py)."""

    TABLE: ClassVar[str] = "person"
    id: str
    email: str
    name: str
    nickname: str
    picture: str
    is_viewer: bool
    is_external_user: bool
    timezone: str
    role_id: str
    created_at: int
    updated_at: int
    deleted: bool = False
    """Whether the user was removed from the organization. What they did keeps their name."""


class ProjectMember(Record, frozen=True):
    TABLE: ClassVar[str] = "project_member"
    id: str
    project_id: str
    user_id: str
    role_id: str
    access_from: str
