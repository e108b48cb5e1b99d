"""The organization, its people and roles."""

from __future__ import annotations

from typing import Any

from mockserver.api.graphql.call import call_of
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.resolvers.fields import Fields, no_list, nothing
from mockserver.world.people import Organization, Person, Role
from mockserver.world.projects import ResourceTag

USER = "id email name nickname picture isViewer isExternalUser timezone createdAt updatedAt"


def add_to(fields: Fields) -> None:
    fields.attributes("User", Person, USER)
    fields.add(
        User_intercomHash=nothing,
        User_lastLoginAt=last_login_at,
        User_orgRole=role,
        User_organization=organization,
        Query_user=user,
        Query_users=users,
    )
    fields.attributes("Role", Role, "id name")
    fields.attributes("Organization", Organization, "id name createdAt updatedAt")
    fields.add(Organization_resourceTag=resource_tags)
    fields.attributes("ResourceTag", ResourceTag, "id text color")
    fields.add(Organization_users=users, Query_organization=organization, Query_roles=roles)
    integration = "id name provider valid lastValidAt isOrgDefault createdAt updatedAt settings"
    fields.add(Query_iamIntegrations=no_list, **{f"IAMIntegration_{name}": nothing for name in integration.split()})
    fields.add(
        AwsIamIntegrationSettings_roleArn=nothing,
        GcpIamIntegrationSettings_serviceAccountEmailId=nothing,
        GcpIamIntegrationSettings_readBucket=nothing,
    )


def resource_tags(_source: Any, info: Any) -> list[ResourceTag]:
    """All tags of the organization."""
    return call_of(info).select(ResourceTag, order="created_at, id")


def user(_source: Any, info: Any, where: Any = None) -> Person:
    """The owner of the API key, whom SDKs ask for before every look at a task; with `where` anybody of ours."""
    call = call_of(info)
    if not where:
        return call.store.user()
    return call.one(Person, unique(Person, where), f"User {where.get('id') or dict(where)!r}")


def users(_source: Any, info: Any, where: Any = None, skip: int = 0, first: int | None = None) -> list[Person]:
    clause = condition(Person, where)
    return call_of(info).select(Person, clause, order="created_at, id", skip=skip, first=first)


def organization(_source: Any, info: Any) -> Organization:
    return call_of(info).store.organization()


def roles(_source: Any, info: Any, skip: int = 0, first: int | None = None) -> list[Role]:
    return call_of(info).select(Role, order="position", skip=skip, first=first)


def role(source: Person, info: Any) -> Role | None:
    return call_of(info).find(Role, source.role_id)


def last_login_at(_source: Person, info: Any) -> int:
    return call_of(info).workspace.world.ends
