"""Settings of projects: tags, members, instructions, copies (SDK project.py, organization.py, user.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, WireError
from mockserver.world.people import Role
from mockserver.world.projects import Project, ResourceTag


class Removal(msgspec.Struct, frozen=True):
    success: bool
    error_message: str | None = None


def add_to(fields: Fields) -> None:
    fields.add("Mutation", "cloneProject", clone_project)
    fields.add("Mutation", "setProjectInstructions", set_instructions)
    fields.add("Mutation", "createResourceTag", create_tag)
    fields.add("Mutation", "deleteResourceTag", delete_tag)
    fields.add("DeletedResourceTag", "id", lambda source, _call: source)
    fields.add("ProjectChanges", "updateProjectResourceTags", set_tags)
    fields.add("Mutation", "setProjectMembership", set_member)
    fields.add("Mutation", "deleteProjectMemberships", remove_members)
    fields.add("Mutation", "setOrganizationRole", set_organization_role)
    fields.add("ProjectMembership", "id", lambda source, _call: source)
    fields.add_attributes("RemovedMemberships", Removal, "success errorMessage")


def clone_project(_source: Any, call: Call, data: Mapping[str, Any]) -> Project:
    return call.workspace.projects.clone(data["projectId"])


def set_instructions(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> Project:
    """Sets the URL of instructions, which is never fetched."""
    check_texts(data)
    return call.workspace.projects.set_instructions(str(where.get("id")), data["instructionsUrl"])


def delete_tag(_source: Any, call: Call, input: Mapping[str, Any]) -> str:
    return call.workspace.projects.delete_tag(input["id"])


def create_tag(_source: Any, call: Call, input: Mapping[str, Any]) -> ResourceTag:
    check_texts(input)
    if not input["text"].strip() or not input["color"].strip():
        raise BadInput(f"A tag has the text {input['text']!r} and color {input['color']!r}; expected both")
    return call.workspace.projects.create_tag(input["text"], input["color"])


def set_tags(source: Project, call: Call, input: Mapping[str, Any]) -> list[ResourceTag]:
    return call.workspace.projects.set_tags(source.id, input.get("resourceTagIds") or [])


def set_member(_source: Any, call: Call, data: Mapping[str, Any]) -> str:
    return call.workspace.projects.set_member(data["projectId"], data["userId"], data["roleId"])


def remove_members(_source: Any, call: Call, where: Mapping[str, Any]) -> Removal:
    """Says why members could not be removed (SDK client.py delete_project_memberships)."""
    try:
        call.workspace.projects.remove_members(where["projectId"], where["userIds"])
    except WireError as error:
        return Removal(success=False, error_message=error.message)
    return Removal(success=True)


def set_organization_role(_source: Any, call: Call, data: Mapping[str, Any]) -> Role:
    return call.workspace.projects.set_organization_role(data["userId"], data["roleId"])
