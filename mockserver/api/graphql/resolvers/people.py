"""The organization, its people and roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, resolve_null
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.pages import Window
from mockserver.errors import BadInput
from mockserver.world.records.people import Organization, Person, Role
from mockserver.world.records.projects import ResourceTag

USER = "id email name nickname picture isViewer isExternalUser timezone createdAt updatedAt"


def add_to(fields: Fields) -> None:
    fields.add_attributes("User", Person, USER)
    fields.add("User", "intercomHash", resolve_null)
    fields.add("User", "lastLoginAt", get_last_login)
    fields.add("User", "orgRole", find_role)
    fields.add("User", "organization", get_organization)
    fields.add("Query", "user", find_user)
    fields.add("Query", "users", list_users)
    fields.add_attributes("Role", Role, "id name")
    fields.add_attributes("Organization", Organization, "id name createdAt updatedAt")
    fields.add("Organization", "resourceTag", list_resource_tags)
    fields.add_attributes("ResourceTag", ResourceTag, "id text color")
    fields.add("Organization", "users", list_users)
    fields.add("Query", "organization", get_organization)
    fields.add("Query", "roles", list_roles)
    fields.add("Mutation", "updateUser", remove_user)
    fields.add("RemovedUser", "id", lambda source, _call: source.id)
    fields.add("RemovedUser", "deleted", lambda _source, _call: True)


def list_resource_tags(_source: Any, call: Call) -> list[ResourceTag]:
    """All tags of the organization."""
    return call.select(ResourceTag, order="created_at, id")


def find_user(_source: Any, call: Call, where: Any = None) -> Person:
    """The owner of the API key, whom SDKs read in front of every poll of a task; with `where` any user."""
    if not where:
        return call.store.user()
    return call.get_unique(Person, where, "User")


def list_users(_source: Any, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Person]:
    return call.search(Person, where, order="created_at, id", **window)


def remove_user(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Person:
    """Removes a user from the organization. Raises NotFound, NotAllowed, BadInput."""
    if not data["deleted"]:
        raise BadInput("updateUser was sent with deleted: false; expected true, as a removed user does not come back")
    return call.workspace.people.remove(read_id(where, "updateUser"))


def get_organization(_source: Any, call: Call) -> Organization:
    return call.store.organization()


def list_roles(_source: Any, call: Call, **window: Unpack[Window]) -> list[Role]:
    return call.select(Role, order="position", **window)


def find_role(source: Person, call: Call) -> Role | None:
    return call.find(Role, source.role_id)


def get_last_login(_source: Person, call: Call) -> int:
    return call.workspace.world.ends
