"""The organization, its people and roles."""

from __future__ import annotations

from typing import Any

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, no_list, nothing
from mockserver.api.graphql.filters import condition, unique
from mockserver.world.people import Organization, Person, Role
from mockserver.world.projects import ResourceTag

USER = "id email name nickname picture isViewer isExternalUser timezone createdAt updatedAt"


def add_to(fields: Fields) -> None:
    fields.add_attributes("User", Person, USER)
    fields.add("User", "intercomHash", nothing)
    fields.add("User", "lastLoginAt", last_login_at)
    fields.add("User", "orgRole", role)
    fields.add("User", "organization", organization)
    fields.add("Query", "user", user)
    fields.add("Query", "users", users)
    fields.add_attributes("Role", Role, "id name")
    fields.add_attributes("Organization", Organization, "id name createdAt updatedAt")
    fields.add("Organization", "resourceTag", resource_tags)
    fields.add_attributes("ResourceTag", ResourceTag, "id text color")
    fields.add("Organization", "users", users)
    fields.add("Query", "organization", organization)
    fields.add("Query", "roles", roles)
    integration = "id name provider valid lastValidAt isOrgDefault createdAt updatedAt settings"
    fields.add("Query", "iamIntegrations", no_list)
    fields.add_nulls("IAMIntegration", integration)
    fields.add("AwsIamIntegrationSettings", "roleArn", nothing)
    fields.add("GcpIamIntegrationSettings", "serviceAccountEmailId", nothing)
    fields.add("GcpIamIntegrationSettings", "readBucket", nothing)


def resource_tags(_source: Any, call: Call) -> list[ResourceTag]:
    """All tags of the organization."""
    return call.select(ResourceTag, order="created_at, id")


def user(_source: Any, call: Call, where: Any = None) -> Person:
    """The owner of the API key, whom SDKs ask for before every look at a task; with `where` anybody of ours."""
    if not where:
        return call.store.user()
    return call.one(Person, unique(Person, where), f"User {where.get('id') or dict(where)!r}")


def users(_source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Person]:
    clause = condition(Person, where)
    return call.select(Person, clause, order="created_at, id", skip=skip, first=first)


def organization(_source: Any, call: Call) -> Organization:
    return call.store.organization()


def roles(_source: Any, call: Call, skip: int = 0, first: int | None = None) -> list[Role]:
    return call.select(Role, order="position", skip=skip, first=first)


def role(source: Person, call: Call) -> Role | None:
    return call.find(Role, source.role_id)


def last_login_at(_source: Person, call: Call) -> int:
    return call.workspace.world.ends
