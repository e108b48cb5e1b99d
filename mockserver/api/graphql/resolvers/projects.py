"""Projects, their batches, queues, members and counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.api.graphql.call import Call
from mockserver.api.graphql.fields import Fields, no_list, nothing
from mockserver.api.graphql.filters import condition, unique
from mockserver.api.graphql.matching import matches
from mockserver.api.graphql.pages import Page, PageInfo
from mockserver.api.graphql.resolvers.people import organization
from mockserver.errors import BadInput, NotFound
from mockserver.exports.selection import build_project_condition
from mockserver.world import ids
from mockserver.world.data_rows import Dataset
from mockserver.world.database import EVERYTHING, Clause
from mockserver.world.people import Person, ProjectMember, Role
from mockserver.world.projects import Batch, LabelingFrontend, Ontology, Project, ResourceTag, TaskQueue
from mockserver.world.queries.conditions import (
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

PROJECT = (
    "id name description allowedMediaType queueMode editorTaskType autoAuditNumberOfLabels autoAuditPercentage"
    " isBenchmarkEnabled isConsensusEnabled setupComplete createdAt updatedAt"
)
OVERRIDE = "id priority numberOfLabels dataRow"
_SET_UP = Clause("labeling_frontend_id IS NOT NULL AND ontology_id IS NOT NULL AND NOT deleted")


class StateCount(msgspec.Struct, frozen=True):
    state: str
    count: int


def add_to(fields: Fields) -> None:
    fields.add_attributes("Project", Project, PROJECT)
    fields.add("Query", "project", project)
    fields.add("Query", "projects", projects)
    fields.add("User", "projects", projects)
    fields.add("Organization", "projects", projects)
    fields.add("Project", "createdBy", created_by)
    fields.add("Project", "organization", organization)
    fields.add("Project", "ontology", lambda source, call: call.find(Ontology, source.ontology_id))
    fields.add("Project", "labelingFrontend", labeling_frontend)
    fields.add("Project", "uploadType", nothing)
    fields.add("Project", "modelSetupComplete", nothing)
    fields.add("Project", "lastActivityTime", last_activity_time)
    fields.add("Project", "dataRowCount", data_row_count)
    fields.add("Project", "labelCount", label_count)
    fields.add("Project", "completedDataRowCount", completed_data_row_count)
    fields.add("Project", "tagSetStatus", tag_set_status)
    fields.add("Project", "workstreamStateCounts", workstream_state_counts, long=True)
    fields.add("Project", "taskQueues", task_queues)
    fields.add("Project", "batches", batches)
    fields.add("Project", "members", members)
    fields.add("Project", "datasets", datasets)
    fields.add("Project", "labelingParameterOverrides", no_list)
    fields.add("Project", "resourceTags", resource_tags)
    fields.add("Project", "labelingFrontendOptions", frontend_options)
    fields.add("Query", "labelingFrontendOptions", frontend_options_by_id)
    fields.add("LabelingFrontendOptions", "id", frontend_options_id)
    fields.add("LabelingFrontendOptions", "customizationOptions", customization_options)
    fields.add("LabelingFrontendOptions", "project", lambda source, _call: source)
    fields.add("LabelingFrontendOptions", "labelingFrontend", labeling_frontend)
    fields.add("LabelingFrontendOptions", "organization", organization)
    fields.add_nulls("LabelingParameterOverride", OVERRIDE)
    fields.add_attributes("StateCount", StateCount, "state count")
    fields.add_attributes("TaskQueue", TaskQueue, "id name description queueType")
    fields.add("TaskQueue", "dataRowCount", rows_in_queue)
    fields.add_attributes("ProjectMember", ProjectMember, "id accessFrom")
    fields.add("ProjectMember", "user", lambda source, call: call.find(Person, source.user_id))
    fields.add("ProjectMember", "role", lambda source, call: call.find(Role, source.role_id))
    fields.add_attributes("Batch", Batch, "id name size createdAt updatedAt")
    fields.add("Batch", "consensusSettingsJson", consensus_settings)
    fields.add("Batch", "user", created_by)
    fields.add_attributes("BatchConnection", Page, "nodes pageInfo")
    fields.add_attributes("PageInfo", PageInfo, "startCursor endCursor hasNextPage")


def created_by(source: Any, call: Call) -> Person | None:
    """Whoever made the record."""
    return call.find(Person, source.created_by)


def project(_source: Any, call: Call, where: Mapping[str, Any]) -> Project:
    return call.one(Project, unique(Project, where), f"Project {where.get('id')!r}")


def projects(source: Any, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Project]:
    """All projects, or those of an ontology or dataset."""
    clause = condition(Project, where)
    if isinstance(source, Ontology):
        clause &= Clause("ontology_id = :id", id=source.id)
    elif isinstance(source, Dataset):
        clause &= match_projects_of_dataset(source.id)
    found = call.select(Project, clause, order="created_at, id", skip=skip, first=first)
    call.read_together([project.id for project in found])
    return found


def last_activity_time(source: Project, call: Call) -> int | None:
    """Of the latest activity on one of its data rows; null without rows (inferred)."""
    return call.value_of(source.id, find_last_activities)


def data_row_count(source: Project, call: Call) -> int:
    return call.value_of(source.id, count_rows_of_projects)


def completed_data_row_count(source: Project, call: Call) -> int:
    with call.reading() as connection:
        return count_done_rows(connection, source.id)


def label_count(source: Project, call: Call) -> int:
    with call.reading() as connection:
        return count_labels(connection, source.id)


def workstream_state_counts(source: Project, call: Call, batchIds: list[str] | None = None) -> list[StateCount]:  # noqa: N803  the wire's word
    """Every state the SDK's get_overview needs (project.py 7.17.0); `batchIds` narrows it (SDK 7.9 and later)."""
    with call.reading() as connection:
        groups = count_rows_by_state(connection, source.id, batchIds or [])
    return [StateCount(state, count) for state, count in _states(groups).items()]


def _states(groups: list[Any]) -> dict[str, int]:
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


def tag_set_status(source: Project, _call: Call) -> str:
    return "DISABLED" if source.queue_mode == "DATA_SET" else "ENABLED"


def task_queues(source: Project, call: Call) -> list[TaskQueue]:
    return call.select(TaskQueue, Clause("project_id = :id", id=source.id), order="position")


def rows_in_queue(source: TaskQueue, call: Call, input: Any = None) -> int:  # noqa: A002  the wire's word
    """All, or those of some batches."""
    terms = ((input or {}).get("searchQuery") or {}).get("query") or []
    clause = build_project_condition(terms) if terms else EVERYTHING
    if any(term.get("type") != "batch" for term in terms):
        raise BadInput("dataRowCount can be asked for the rows of batches only: a term of the type 'batch'")
    with call.reading() as connection:
        return count_queued_rows(connection, source.id, clause)


def labeling_frontend(source: Project, call: Call) -> LabelingFrontend | None:
    return call.find(LabelingFrontend, source.labeling_frontend_id)


def resource_tags(source: Project, call: Call) -> list[ResourceTag]:
    """The same as in exports."""
    return call.select(ResourceTag, match_tags_of_project(source.id), order="id")


def frontend_options(
    source: Project, call: Call, where: Any = None, skip: int = 0, first: int | None = None
) -> list[Project]:
    """Those of the one editor, once it has an ontology; they are the project's own fields."""
    if source.labeling_frontend_id is None or source.ontology_id is None:
        return []
    fields = {"id": frontend_options_id, "customizationOptions": customization_options}
    found = [source] if matches(where, lambda name: fields[name](source, call)) else []
    return found[skip : None if first is None else skip + first]


def frontend_options_by_id(_source: Any, call: Call, where: Mapping[str, Any]) -> Project:
    """The project whose options they are. Raises NotFound."""
    wanted = where.get("id")
    for found in call.select(Project, _SET_UP):
        if frontend_options_id(found, call) == wanted:
            return found
    raise NotFound(f"Labeling frontend options {wanted!r} do not exist in this workspace")


def frontend_options_id(source: Project, _call: Call) -> str:
    return ids.cuid(source.created_at, "frontend options", source.id)


def customization_options(source: Project, call: Call) -> str | None:
    ontology = call.find(Ontology, source.ontology_id)
    return None if ontology is None else ontology.normalized


def datasets(source: Project, call: Call, where: Any = None, skip: int = 0, first: int | None = None) -> list[Dataset]:
    """Those that live rows of the project are in."""
    return call.select(
        Dataset,
        condition(Dataset, where) & match_datasets_of_project(source.id),
        order="created_at, id",
        skip=skip,
        first=first,
    )


def members(source: Project, call: Call, skip: int = 0, first: int | None = None) -> list[ProjectMember]:
    clause = Clause("project_id = :id", id=source.id)
    return call.select(ProjectMember, clause, order="id", skip=skip, first=first)


def batches(source: Project, call: Call, where: Any = None, after: str | None = None, first: int | None = None) -> Page:
    """The cursor is the id of the last batch; null after the last page (SDK pagination.py stops on it)."""
    clause = condition(Batch, where) & _batches_after(source, after)
    found = call.select(Batch, clause, order="id", first=None if first is None else first + 1)
    more = first is not None and len(found) > first
    nodes = found[:first] if more else found
    return Page(nodes, PageInfo(None, nodes[-1].id if more and nodes else None, more))


def _batches_after(source: Project, after: str | None) -> Clause:
    clause = Clause("project_id = :id", id=source.id)
    return clause & Clause("id > :after", after=after) if after else clause


def consensus_settings(source: Batch, _call: Call) -> dict[str, Any]:
    """Snake case on the way out, camel case on the way in (SDK tests test_batch.py:107-123)."""
    return {"number_of_labels": source.number_of_labels, "coverage_percentage": source.coverage_percentage}
