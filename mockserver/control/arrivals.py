"""New data rows that arrive in a project while a test runs, with real files like those of the generated ones."""

from __future__ import annotations

from mockserver.errors import Conflict
from mockserver.generate.assets import is_document, parse_recipe
from mockserver.generate.features import Ontology
from mockserver.generate.media.generator import MediaGenerator, find_generator, get_generator
from mockserver.generate.words import load_table
from mockserver.workspaces.workspace import Workspace
from mockserver.world.change import Change
from mockserver.world.changes.batches import DEFAULT_PRIORITY, Consensus
from mockserver.world.changes.row_lookup import RowRef
from mockserver.world.clause import Clause
from mockserver.world.new_rows import Content, RowSpec
from mockserver.world.queries.conditions import LIVE, match_subquery
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import ProjectRow
from mockserver.world.records.projects import Batch, Project


def add_data_row(
    workspace: Workspace, change: Change, project: Project, ontology: Ontology, *, global_key: str | None
) -> DataRow:
    """Creates a data row in the dataset of the project's newest one, and puts it into the newest batch.

    Raises Conflict if the media type is not known, and MalformedRequest if the global key is taken.
    """
    newest = _find_newest_row(change, project)
    number = change.number(DataRow)
    media, generator = _find_media(project, newest)
    recipe = f"{media}/{project.name}/{number}"
    variant = generator.build_variant(workspace.world.seed, project.name, number, ontology)
    names = load_table("names_files")
    stem = f"{names[number % len(names)]}-{number:04}"
    spec = RowSpec(
        dataset_id=newest.dataset_id if newest else workspace.catalog.create_dataset(name=f"{project.name} rows").id,
        content=Content(None, recipe, generator.media.wire, variant.media_attributes),
        external_id=f"{stem}.{generator.media.extension}",
        global_key=global_key or f"{project.name}-{stem}",
    )
    [row] = workspace.data_rows.upsert_or_refuse([spec])
    workspace.batches.add_rows(_find_batch(workspace, change, project), [RowRef(row.no, row.id)], DEFAULT_PRIORITY)
    return row


def _find_newest_row(change: Change, project: Project) -> DataRow | None:
    of_project = match_subquery("no", ProjectRow, "data_row_no", Clause("project_id = :project", project=project.id))
    rows = change.connection.select(DataRow, LIVE & of_project, order="no DESC", first=1)
    return rows[0] if rows else None


def _find_media(project: Project, newest: DataRow | None) -> tuple[str, MediaGenerator]:
    """The word of recipes and the generator: those of the newest row, or of the project's media type."""
    if newest is not None and newest.asset is not None and not is_document(newest.asset):
        generator, _, _ = parse_recipe(newest.asset)
        return newest.asset.split("/", 1)[0], generator
    wire = newest.media_type if newest is not None else project.allowed_media_type
    known = None if wire is None else find_generator(wire)
    if known is None:
        raise Conflict(f"No data rows are generated for project {project.name!r}, whose media type is {wire}")
    return known.media.name, get_generator(known.media.name)


def _find_batch(workspace: Workspace, change: Change, project: Project) -> Batch:
    """The newest batch, or the first one of a project without any."""
    of_project = Clause("project_id = :project", project=project.id)
    batches = change.connection.select(Batch, of_project, order="created_at DESC, id", first=1)
    return batches[0] if batches else workspace.batches.create_batch(project.id, "new rows", Consensus())
