"""Projects, their task queues and batches."""

from __future__ import annotations

from typing import ClassVar

from mockserver.world import ids
from mockserver.world.record import JsonText, Record


class LabelingFrontend(Record, frozen=True):
    TABLE: ClassVar[str] = "labeling_frontend"
    id: str
    name: str
    description: str
    iframe_url_path: str


class Ontology(Record, frozen=True):
    """`normalized` is `{"tools": […], "classifications": […]}` with every feature schema id filled in."""

    TABLE: ClassVar[str] = "ontology"
    id: str
    name: str
    description: str | None
    media_type: str | None
    normalized: JsonText
    created_by: str
    created_at: int
    updated_at: int


class FeatureSchema(Record, frozen=True):
    """A tool or a question that a client created, by itself or with an ontology. Ontologies hold copies of it in their
    `normalized`; those of generated ontologies are there alone. `deleted` ones are kept to be named as such."""

    TABLE: ClassVar[str] = "feature_schema"
    NOUN: ClassVar[str] = "Feature schema"
    id: str
    node_id: str
    normalized: JsonText
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool


class Project(Record, frozen=True):
    TABLE: ClassVar[str] = "project"
    id: str
    name: str
    description: str | None
    allowed_media_type: str | None
    queue_mode: str
    editor_task_type: str | None
    ontology_id: str | None
    labeling_frontend_id: str | None
    is_benchmark_enabled: bool
    is_consensus_enabled: bool
    auto_audit_percentage: float
    auto_audit_number_of_labels: int
    setup_complete: int | None
    shows_predictions: bool
    model_setup_complete: bool | None
    created_by: str
    created_at: int
    updated_at: int
    deleted: bool
    review_quota: float | None = None
    """The share of labelled rows that go to review, 0 to 1, where a client has set one."""
    frontend_options: str | None = None
    """The options of the editor as a client sent them, which created the ontology."""


class ResourceTag(Record, frozen=True):
    """A tag of the organization. `color` has six hexadecimal digits and no `#` (observed 2024-12)."""

    TABLE: ClassVar[str] = "resource_tag"
    id: str
    text: str
    color: str
    created_by: str
    created_at: int
    updated_at: int


class ProjectTag(Record, frozen=True):
    """A tag of a project."""

    TABLE: ClassVar[str] = "project_tag"
    project_id: str
    tag_id: str


class TaskQueue(Record, frozen=True):
    TABLE: ClassVar[str] = "task_queue"
    id: str
    project_id: str
    position: int
    name: str
    description: str
    queue_type: str


class ProjectWorkflow(Record, frozen=True):
    """The workflow that a client gave to a project. Without one, its queues are joined as those of a new project."""

    TABLE: ClassVar[str] = "project_workflow"
    project_id: str
    config: JsonText
    updated_at: int


class ProjectWorkforce(Record, frozen=True):
    """The labeling service of a project. `status` is SET_UP, then REQUESTED (SDK labeling_service_status.py)."""

    TABLE: ClassVar[str] = "project_workforce"
    NOUN: ClassVar[str] = "Labeling service"
    project_id: str
    id: str
    status: str
    created_by: str
    requested_by: str | None
    created_at: int
    updated_at: int


class Batch(Record, frozen=True):
    TABLE: ClassVar[str] = "batch"
    id: str
    project_id: str
    name: str
    size: int
    number_of_labels: int
    coverage_percentage: float
    created_by: str
    created_at: int
    updated_at: int


INITIAL_LABELING = "INITIAL_LABELING_QUEUE"
REVIEW = "MANUAL_REVIEW_QUEUE"
QUEUES = (
    ("Initial labeling task", "", INITIAL_LABELING),
    ("Initial review task", "", REVIEW),
    ("Rework (all rejected)", "", "MANUAL_REWORK_QUEUE"),
)
"""(name, description, type) of every new project's queues (names: sample; types: get_overview of the SDK 3.71)."""


def queues_of_new_project(project_id: str, *path: object) -> list[TaskQueue]:
    """A new project has three task queues (SDK tests v.6.0.0 test_task_queue.py). Their ids come from the path; that of
    the review queue is a version 4 UUID, the others have no version (observed 2024-12)."""
    return [
        TaskQueue(
            ids.random_uuid(*path, position) if queue_type == REVIEW else ids.plain_uuid(*path, position),
            project_id, position, name, description, queue_type,
        )
        for position, (name, description, queue_type) in enumerate(QUEUES)
    ]  # fmt: skip
