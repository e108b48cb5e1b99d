"""The projects, datasets, slices and model runs of a world, with the numbers of their rows and labels."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from mockserver.world.database import Connection
from mockserver.world.queries.conditions import LIVE, match_live_model
from mockserver.world.queries.projects import (
    count_labels_by_project,
    count_rows_by_dataset,
    count_rows_by_model_run,
    count_rows_by_project,
)
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.models import Model, ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice


class ListedProject(msgspec.Struct, frozen=True):
    """A project and how many live data rows and labels it has."""

    project: Project
    rows: dict[str, int]
    labels: int

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class Listing(msgspec.Struct, frozen=True):
    """Everything that can be exported from a world, at one time."""

    projects: list[ListedProject]
    datasets: list[tuple[Dataset, int]]
    slices: list[CatalogSlice]
    runs: list[tuple[Model, ModelRun, int]]


def build_listing(connection: Connection) -> Listing:
    """Counts all rows and labels with one query for each kind, not for each project."""
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for project_id, status, count in count_rows_by_project(connection):
        rows[project_id][status] = count
    labels = count_labels_by_project(connection)
    sizes, run_sizes = count_rows_by_dataset(connection), count_rows_by_model_run(connection)
    order = "created_at, name, id"
    projects = [
        ListedProject(project, rows[project.id], labels.get(project.id, 0))
        for project in connection.select(Project, LIVE, order=order)
    ]
    datasets = [(dataset, sizes.get(dataset.id, 0)) for dataset in connection.select(Dataset, LIVE, order=order)]
    models = {model.id: model for model in connection.select(Model, LIVE)}
    runs = [
        (models[run.model_id], run, run_sizes.get(run.id, 0))
        for run in connection.select(ModelRun, LIVE & match_live_model(), order=order)
    ]
    return Listing(projects, datasets, connection.select(CatalogSlice, LIVE, order=order), runs)
