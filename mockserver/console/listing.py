"""The projects and datasets of a world, with the numbers of their rows and labels."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import Dataset
from mockserver.world.database import Clause, Connection
from mockserver.world.projects import Project
from mockserver.world.queries.projects import (
    count_labels_by_project,
    count_rows_by_dataset,
    count_rows_by_project,
)


class ListedProject(msgspec.Struct, frozen=True):
    """A project and how many live data rows and labels it has."""

    project: Project
    rows: dict[str, int]
    labels: int
    skipped: int

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class Listing(msgspec.Struct, frozen=True):
    """The projects and datasets of a world at one time."""

    projects: list[ListedProject]
    datasets: list[tuple[Dataset, int]]


def build_listing(connection: Connection) -> Listing:
    """Counts all rows and labels with one query for each kind, not for each project."""
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for project_id, status, count in count_rows_by_project(connection):
        rows[project_id][status] = count
    labels = {project_id: (count, skipped) for project_id, count, skipped in count_labels_by_project(connection)}
    sizes = count_rows_by_dataset(connection)
    alive, order = Clause("NOT deleted"), "created_at, name, id"
    projects = [
        ListedProject(project, rows[project.id], *labels.get(project.id, (0, 0)))
        for project in connection.select(Project, alive, order=order)
    ]
    datasets = [(dataset, sizes.get(dataset.id, 0)) for dataset in connection.select(Dataset, alive, order=order)]
    return Listing(projects, datasets)


def load_listing(workspace: Workspace) -> Listing:
    """Builds the listing on a connection of its own, so that requests need not wait for it."""
    snapshot = workspace.store.snapshot()
    try:
        return build_listing(snapshot)
    finally:
        snapshot.close()
