"""The audit log of user groups: members that were added, removed or given another role, and projects of a group."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from mockserver.world import ids
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.records.groups import GroupEvent, GroupMember, GroupProject

MOST_KEPT = 100_000
"""Entries of the log of one world."""


class LogType(StrEnum):
    """SDK user_group_audit.py UserGroupAuditEventType."""

    MEMBER_ADDED = "MEMBER_ADDED"
    MEMBER_REMOVED = "MEMBER_REMOVED"
    MEMBER_ROLE_CHANGED = "MEMBER_ROLE_CHANGED"
    GROUP_ATTACHED_TO_PROJECT = "GROUP_ATTACHED_TO_PROJECT"
    GROUP_DETACHED_FROM_PROJECT = "GROUP_DETACHED_FROM_PROJECT"
    GROUP_DELETED = "GROUP_DELETED"


class Channel(StrEnum):
    """The ways of a change that exist here (SDK user_group_audit.py UserGroupAuditChannel)."""

    API = "API"
    CSV_IMPORT = "CSV_IMPORT"
    SYSTEM = "SYSTEM"


class GroupLog:
    """Writes entries about one group in one transaction. `actor` is a user's id; None is the server itself."""

    def __init__(self, change: Change, group_id: str, actor: str | None, channel: Channel = Channel.API) -> None:
        self._change, self._group_id, self._actor, self._channel = change, group_id, actor, channel
        self._roles = self._read_roles()
        self._projects = self._read_projects()

    def _read_roles(self) -> dict[str, str]:
        members = self._change.connection.select(GroupMember, Clause("group_id = :id", id=self._group_id))
        return {member.user_id: member.role_id for member in members}

    def _read_projects(self) -> set[str]:
        projects = self._change.connection.select(GroupProject, Clause("group_id = :id", id=self._group_id))
        return {project.project_id for project in projects}

    def write(self, *, deleted: bool = False) -> None:
        """Writes what has changed since the log was opened. The end of a group is an entry of its own."""
        entries: list[tuple[LogType, Mapping[str, str | None]]] = []
        if deleted:
            entries.append((LogType.GROUP_DELETED, {}))
        else:
            roles, projects = self._read_roles(), self._read_projects()
            for user_id in sorted(self._roles.keys() | roles.keys()):
                entries += self._compare(user_id, self._roles.get(user_id), roles.get(user_id))
            entries += [
                (LogType.GROUP_ATTACHED_TO_PROJECT, {"project_id": project})
                for project in sorted(projects - self._projects)
            ]
            entries += [
                (LogType.GROUP_DETACHED_FROM_PROJECT, {"project_id": project})
                for project in sorted(self._projects - projects)
            ]
        self._insert(entries)

    def _compare(
        self, user_id: str, before: str | None, after: str | None
    ) -> list[tuple[LogType, Mapping[str, str | None]]]:
        if before == after:
            return []
        kind = LogType.MEMBER_ADDED if before is None else LogType.MEMBER_ROLE_CHANGED
        kind = LogType.MEMBER_REMOVED if after is None else kind
        return [(kind, {"member_id": user_id, "previous_role_id": before, "role_id": after})]

    def _insert(self, entries: list[tuple[LogType, Mapping[str, str | None]]]) -> None:
        change, names = self._change, ("member_id", "previous_role_id", "role_id", "project_id")
        first, new_ids = change.number(GroupEvent), change.new_ids(len(entries))
        change.connection.insert(
            GroupEvent(
                no=first + index, id=ids.random_uuid(new_id), group_id=self._group_id, type=kind, channel=self._channel,
                actor_id=self._actor, occurred_at=change.now, **{name: details.get(name) for name in names},
            )
            for index, (new_id, (kind, details)) in enumerate(zip(new_ids, entries, strict=True))
        )  # fmt: skip
        oldest = first + len(entries) - 1 - MOST_KEPT
        if oldest > 0:
            change.connection.delete(GroupEvent, Clause("no <= :oldest", oldest=oldest))
