"""The organization, its people and roles."""

from __future__ import annotations

from typing import Any, Unpack

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, resolve_empty_list, resolve_null
from mockserver.api.graphql.pages import Window
from mockserver.world.people import Organization, Person, Role
from mockserver.world.projects import ResourceTag

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
    integration = "id name provider valid lastValidAt isOrgDefault createdAt updatedAt settings"
    fields.add("Query", "iamIntegrations", resolve_empty_list)
    fields.add_nulls("IAMIntegration", integration)
    fields.add("AwsIamIntegrationSettings", "roleArn", resolve_null)
    fields.add("GcpIamIntegrationSettings", "serviceAccountEmailId", resolve_null)
    fields.add("GcpIamIntegrationSettings", "readBucket", resolve_null)


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


def get_organization(_source: Any, call: Call) -> Organization:
    return call.store.organization()


def list_roles(_source: Any, call: Call, **window: Unpack[Window]) -> list[Role]:
    return call.select(Role, order="position", **window)


def find_role(source: Person, call: Call) -> Role | None:
    return call.find(Role, source.role_id)


def get_last_login(_source: Person, call: Call) -> int:
    return call.workspace.world.ends
