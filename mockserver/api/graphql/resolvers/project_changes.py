"""Settings of projects: tags, members, instructions, copies (SDK project.py, organization.py, user.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.filters import read_id
from mockserver.api.graphql.texts import check_texts
from mockserver.errors import BadInput, WireError
from mockserver.world.clause import Clause
from mockserver.world.records.people import Role
from mockserver.world.records.projects import REVIEW, Project, ResourceTag, TaskQueue


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
    fields.add("ProjectChanges", "setTagSetStatus", set_queue_mode)
    fields.add("Mutation", "upsertReviewQueue", set_review_quota)
    fields.add("ReviewQueue", "id", lambda source, _call: source)
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
    return call.workspace.projects.set_instructions(read_id(where, "setProjectInstructions"), data["instructionsUrl"])


def delete_tag(_source: Any, call: Call, input: Mapping[str, Any]) -> str:
    return call.workspace.projects.delete_tag(input["id"])


def create_tag(_source: Any, call: Call, input: Mapping[str, Any]) -> ResourceTag:
    check_texts(input)
    if not input["text"].strip() or not input["color"].strip():
        raise BadInput(f"A tag has the text {input['text']!r} and color {input['color']!r}; expected both")
    return call.workspace.projects.create_tag(input["text"], input["color"])


def set_tags(source: Project, call: Call, input: Mapping[str, Any]) -> list[ResourceTag]:
    return call.workspace.projects.set_tags(source.id, input.get("resourceTagIds") or [])


def set_queue_mode(source: Project, call: Call, input: Mapping[str, Any]) -> Project:
    mode = "BATCH" if input["tagSetStatus"] == "ENABLED" else "DATA_SET"
    return call.workspace.catalog.update_project(source.id, queue_mode=mode)


def set_review_quota(_source: Any, call: Call, where: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Sets the share of labelled data rows that go to review (SDK project.py 3.52.0 upsert_review_queue). Returns the
    id of the project's review queue, or of the project. Raises NotFound, BadInput."""
    if not 0 <= data["quotaFactor"] <= 1:
        raise BadInput(f"quotaFactor is {data['quotaFactor']}; expected 0 to 1")
    project = call.workspace.catalog.update_project(
        read_id(where["project"], "upsertReviewQueue", "where.project.id"), review_quota=data["quotaFactor"]
    )
    reviews = Clause("project_id = :id AND queue_type = :type", id=project.id, type=REVIEW)
    queues = call.select(TaskQueue, reviews, order="position", first=1)
    return queues[0].id if queues else project.id


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
