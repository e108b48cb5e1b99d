"""Projects, their batches, queues, members and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields
from mockserver.api.graphql.matching import matches
from mockserver.api.graphql.pages import Page, PageInfo, Window, build_page, cut_window, get_id
from mockserver.api.graphql.resolvers.people import get_organization
from mockserver.errors import BadInput
from mockserver.exports.selection import build_project_condition
from mockserver.world import ids
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.media import GENERATING_MEDIA, LIVE_CHAT
from mockserver.world.queries.conditions import (
    LIVE,
    match_datasets_of_project,
    match_projects_of_dataset,
    match_tags_of_project,
)
from mockserver.world.queries.projects import (
    count_done_rows,
    count_labels,
    count_queued_rows,
    count_rows_by_state,
    count_rows_of_projects,
    find_last_activities,
)
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.people import NO_ROLE, THROUGH_ORGANIZATION, Person, ProjectMember, Role
from mockserver.world.records.projects import (
    Batch,
    LabelingFrontend,
    Ontology,
    Project,
    ResourceTag,
    TaskQueue,
)

PROJECT = (
    "id name description allowedMediaType queueMode editorTaskType autoAuditNumberOfLabels autoAuditPercentage"
    " isBenchmarkEnabled isConsensusEnabled setupComplete createdAt updatedAt"
)


class StateCount(msgspec.Struct, frozen=True):
    state: str
    count: int


def add_to(fields: Fields) -> None:
    fields.add_attributes("Project", Project, PROJECT)
    fields.add("Query", "project", find_project)
    fields.add("Query", "projects", list_projects)
    fields.add("User", "projects", list_projects)
    fields.add("Organization", "projects", list_projects)
    fields.add("Project", "createdBy", find_creator)
    fields.add("Project", "organization", get_organization)
    fields.add("Project", "ontology", lambda source, call: call.find(Ontology, source.ontology_id))
    fields.add("Project", "labelingFrontend", find_labeling_frontend)
    fields.add("Project", "uploadType", get_upload_type)
    fields.add("Project", "modelSetupComplete", is_setup_complete)
    fields.add("Project", "lastActivityTime", find_last_activity)
    fields.add("Project", "dataRowCount", count_data_rows)
    fields.add("Project", "labelCount", count_labels_of)
    fields.add("Project", "completedDataRowCount", count_completed_rows)
    fields.add("Project", "tagSetStatus", get_tag_set_status)
    fields.add("Project", "workstreamStateCounts", count_states, long=True)
    fields.add("Project", "taskQueues", list_task_queues)
    fields.add("Project", "batches", list_batches)
    fields.add("Project", "members", list_members)
    fields.add("Project", "datasets", list_datasets)
    fields.add("Project", "resourceTags", list_resource_tags)
    fields.add("Project", "labelingFrontendOptions", list_frontend_options)
    fields.add("LabelingFrontendOptions", "id", build_frontend_options_id)
    fields.add("LabelingFrontendOptions", "customizationOptions", find_customization_options)
    fields.add("LabelingFrontendOptions", "project", lambda source, _call: source)
    fields.add("LabelingFrontendOptions", "labelingFrontend", find_labeling_frontend)
    fields.add("LabelingFrontendOptions", "organization", get_organization)
    fields.add_attributes("StateCount", StateCount, "state count")
    fields.add_attributes("TaskQueue", TaskQueue, "id name description queueType")
    fields.add("TaskQueue", "dataRowCount", count_queue_rows)
    fields.add_attributes("ProjectMember", ProjectMember, "id accessFrom")
    fields.add("ProjectMember", "user", lambda source, call: call.find(Person, source.user_id))
    fields.add("ProjectMember", "role", lambda source, call: call.find(Role, source.role_id))
    fields.add_attributes("Batch", Batch, "id name size createdAt updatedAt")
    fields.add("Batch", "consensusSettingsJson", build_consensus_settings)
    fields.add("Batch", "user", find_creator)
    fields.add_attributes("BatchConnection", Page, "nodes pageInfo")
    fields.add_attributes("PageInfo", PageInfo, "startCursor endCursor hasNextPage")


def is_setup_complete(source: Project, _call: Call) -> bool | None:
    """Whether the models of the project are complete; null before a client has said so."""
    return None if source.model_setup_complete is None else bool(source.model_setup_complete)


def get_upload_type(source: Project, _call: Call) -> str:
    """`AUTO` of projects that generate their data rows, which take no batches (SDK project.py 5.2.1
    `is_auto_data_generation`; `MANUAL` of all others is inferred)."""
    generates = source.allowed_media_type in GENERATING_MEDIA or source.editor_task_type == LIVE_CHAT
    return "AUTO" if generates else "MANUAL"


def find_creator(source: Any, call: Call) -> Person | None:
    """The user who created the record."""
    return call.find(Person, source.created_by)


def find_project(_source: Any, call: Call, where: Mapping[str, Any]) -> Project:
    return call.get_unique(Project, where)


def list_projects(source: Any, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Project]:
    """All projects, or those of an ontology or dataset."""
    within = EVERYTHING
    if isinstance(source, Ontology):
        within = Clause("ontology_id = :id", id=source.id)
    elif isinstance(source, Dataset):
        within = match_projects_of_dataset(source.id)
    projects = call.search(Project, where, within, order="created_at, id", **window)
    call.read_together([project.id for project in projects])
    return projects


def find_last_activity(source: Project, call: Call) -> int | None:
    """The time of the latest activity on one of its data rows; null without data rows (inferred)."""
    return call.value_of(source.id, find_last_activities)


def count_data_rows(source: Project, call: Call) -> int:
    return call.value_of(source.id, count_rows_of_projects)


def count_completed_rows(source: Project, call: Call) -> int:
    with call.read() as connection:
        return count_done_rows(connection, source.id)


def count_labels_of(source: Project, call: Call) -> int:
    with call.read() as connection:
        return count_labels(connection, source.id)


def count_states(source: Project, call: Call, batchIds: list[str] | None = None) -> list[StateCount]:
    """Every state the SDK's get_overview needs (project.py 7.17.0); `batchIds` narrows it (SDK 7.9 and later)."""
    with call.read() as connection:
        groups = count_rows_by_state(connection, source.id, batchIds or [])
    return [StateCount(state, count) for state, count in _sum_states(groups).items()]


def _sum_states(groups: list[Any]) -> dict[str, int]:
    """(status, whether all labels are skipped or None without labels, rows) -> the counts of each state."""
    counts = dict.fromkeys(("Unlabeled", "Labeled", "Skipped", "InReview", "InRework", "Done", "All"), 0)
    for status, skipped, rows in groups:
        counts["All"] += rows
        if skipped is None:
            counts["Unlabeled"] += rows
        else:
            counts["Skipped" if skipped else "Labeled"] += rows
        if status in counts:
            counts[status] += rows
    return counts


def get_tag_set_status(source: Project, _call: Call) -> str:
    return "DISABLED" if source.queue_mode == "DATA_SET" else "ENABLED"


def list_task_queues(source: Project, call: Call) -> list[TaskQueue]:
    return call.select(TaskQueue, Clause("project_id = :id", id=source.id), order="position")


def count_queue_rows(source: TaskQueue, call: Call, input: Any = None) -> int:
    """The number of data rows in a queue, or of those of some batches."""
    terms = ((input or {}).get("searchQuery") or {}).get("query") or []
    clause = build_project_condition(terms) if terms else EVERYTHING
    if any(term.get("type") != "batch" for term in terms):
        raise BadInput(
            "dataRowCount counts all data rows of a queue, or those of batches; expected only terms of the type 'batch'"
        )
    with call.read() as connection:
        return count_queued_rows(connection, source.id, clause)


def find_labeling_frontend(source: Project, call: Call) -> LabelingFrontend | None:
    return call.find(LabelingFrontend, source.labeling_frontend_id)


def list_resource_tags(source: Project, call: Call) -> list[ResourceTag]:
    """The tags of the project, as in exports."""
    return call.select(ResourceTag, match_tags_of_project(source.id), order="id")


def list_frontend_options(source: Project, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Project]:
    """The options of the one editor, once the project has an ontology; they are the project's own fields."""
    if source.labeling_frontend_id is None or source.ontology_id is None:
        return []
    fields = {"id": build_frontend_options_id, "customizationOptions": find_customization_options}
    options = [source] if matches(where, lambda name: fields[name](source, call)) else []
    return cut_window(options, **window)


def build_frontend_options_id(source: Project, _call: Call) -> str:
    return ids.cuid(source.created_at, "frontend options", source.id)


def find_customization_options(source: Project, call: Call) -> str | None:
    """The text that a client sent (SDK tests, test_project_setup.py 5.2.1), or the ontology that it has connected."""
    if source.frontend_options is not None:
        return source.frontend_options
    ontology = call.find(Ontology, source.ontology_id)
    return None if ontology is None else ontology.normalized


def list_datasets(source: Project, call: Call, where: Any = None, **window: Unpack[Window]) -> list[Dataset]:
    """The datasets of the project's data rows."""
    return call.search(Dataset, where, match_datasets_of_project(source.id), order="created_at, id", **window)


def list_members(source: Project, call: Call, **window: Unpack[Window]) -> list[ProjectMember]:
    """The members of the project itself, and the users whose role in the organization reaches all projects (the SDK's
    tests, test_user_management.py 7.17.0)."""
    members = call.select(ProjectMember, Clause("project_id = :id", id=source.id))
    own = {member.user_id for member in members}
    nowhere = {role.id for role in call.select(Role) if role.name.upper() == NO_ROLE}
    members += [
        ProjectMember(
            ids.cuid(source.created_at, "member", source.id, person.id), source.id, person.id, person.role_id,
            THROUGH_ORGANIZATION,
        )
        for person in call.select(Person, LIVE)
        if person.id not in own and person.role_id not in nowhere
    ]  # fmt: skip
    return cut_window(sorted(members, key=lambda member: member.id), **window)


def list_batches(
    source: Project, call: Call, where: Any = None, after: str | None = None, first: int | None = None
) -> Page:
    """The cursor is the id of the last batch; null after the last page (SDK pagination.py stops on it)."""
    most = None if first is None else first + 1
    return build_page(
        call.search(Batch, where, _is_batch_after(source, after), order="id", first=most), first, cursor=get_id
    )


def _is_batch_after(source: Project, after: str | None) -> Clause:
    clause = Clause("project_id = :id", id=source.id)
    return clause & Clause("id > :after", after=after) if after else clause


def build_consensus_settings(source: Batch, _call: Call) -> dict[str, Any]:
    """Snake case on the way out, camel case on the way in (SDK tests test_batch.py:107-123)."""
    return {"number_of_labels": source.number_of_labels, "coverage_percentage": source.coverage_percentage}
