"""Changes of the users of the organization."""

from __future__ import annotations

from mockserver.errors import NotAllowed
from mockserver.world.changes.group_log import Channel, GroupLog
from mockserver.world.clause import Clause
from mockserver.world.records.api_keys import ApiKey
from mockserver.world.records.events import EventKind
from mockserver.world.records.groups import GroupMember
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.people import Person, ProjectMember
from mockserver.world.store import Store


class PeopleChanges:
    """The changes of one store's users."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def remove(self, user_id: str) -> Person:
        """Removes a user from the organization, from its projects and groups; what they labelled and reviewed keeps
        their name, their API keys are revoked, and what was assigned to them is free.

        Raises NotFound, and NotAllowed for the owner of the API key.
        """
        with self._store.change() as change:
            person = change.one(Person, user_id)
            if person.id == self._store.workspace.user_id:
                raise NotAllowed("The owner of the API key cannot be removed; remove another user")
            place = Clause("user_id = :id", id=person.id)
            groups = change.connection.select(GroupMember, place)
            logs = [GroupLog(change, member.group_id, None, Channel.SYSTEM) for member in groups]
            for kind in (ProjectMember, GroupMember):
                change.connection.delete(kind, place)
            for log in logs:
                log.write()
            change.connection.update(ProjectRow, Clause("reserved_by = :id", id=person.id), reserved_by=None)
            change.connection.update(ApiKey, place, revoked=True, updated_at=change.now)
            change.connection.update(Person, Clause("id = :id", id=person.id), deleted=True, updated_at=change.now)
            change.add_event(EventKind.SCHEMA_UPDATED, id=person.id)
            return person
