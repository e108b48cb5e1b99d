"""The rows of an export, and the labels on them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, HOST, NOW, TASK
from contract_tests.rules.worlds import build_database, open_store
from mockserver.errors import MalformedRequest
from mockserver.exports.request import ExportParams, ExportRequest, parse_request
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.links import Links
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.clause import Clause
from mockserver.world.record import R, Record
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Label
from mockserver.world.records.models import Model, ModelRun
from mockserver.world.records.projects import Project
from mockserver.world.records.slices import CatalogSlice
from mockserver.world.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(build_database(tmp_path)) as opened:
        yield opened


def export(store: Store, request: ExportRequest) -> list[dict[str, Any]]:
    with store.reading() as connection:
        scope = build_scope(connection, request)
        links = Links.from_name("key", 0)
        rows = ExportRows(connection, scope, request.params, links=links, host=HOST, task_id=TASK, now=NOW)
        lines = rows.render().splitlines()
        assert rows.count() == len(lines)
        return [json.loads(line) for line in lines]


def project_id(store: Store, name: str) -> str:
    with store.reading() as connection:
        return connection.select(Project, Clause("name = :name", name=name))[0].id


def with_params(**params: Any) -> ExportParams:
    return parse_request({"params": params}).params


def test_a_catalog_row_has_no_projects_unless_they_are_requested(store: Store) -> None:
    assert all("projects" not in row for row in export(store, ExportRequest(params=EVERY_SECTION)))
    assert all("projects" in row for row in export(store, ExportRequest(params=with_params(allProjects=True))))


def test_the_same_row_reads_the_same_in_both_scopes(store: Store) -> None:
    project = project_id(store, "image")
    in_catalog = with_params(projectIds=[project], includeProjectDetails=True, includeLabelDetails=True)
    in_project = with_params(includeProjectDetails=True, includeLabelDetails=True)
    rows = export(store, ExportRequest(params=in_catalog))
    in_project_rows = [row for row in rows if row["projects"]]
    assert in_project_rows == export(store, ExportRequest(project, params=in_project))


def test_a_row_of_two_projects_names_both(store: Store) -> None:
    with store.change() as change:
        change.connection.run(
            "INSERT INTO project_row SELECT p.id, pr.data_row_no, pr.batch_id, NULL, 'Done', 5, 1, NULL, '[]', NULL"
            " FROM project_row pr JOIN project p ON p.name = 'text' JOIN project q ON q.id = pr.project_id"
            " WHERE q.name = 'image'"
        )
    rows = export(store, ExportRequest(params=with_params(allProjects=True)))
    both = {project_id(store, "image"), project_id(store, "text")}
    assert [set(row["projects"]) for row in rows].count(both) == 12


def test_a_deleted_project_is_named_nowhere(store: Store) -> None:
    project = project_id(store, "image")
    CatalogChanges(store).update_project(project, deleted=True)
    rows = export(store, ExportRequest(params=with_params(allProjects=True)))
    with store.reading() as connection:
        assert len(rows) == connection.count(DataRow)
    assert all(project not in row["projects"] for row in rows)


def get_only(store: Store, kind: type[R]) -> R:
    """The one record of a kind that the default world has."""
    with store.reading() as connection:
        [record] = connection.select(kind)
    return record


def delete_all(store: Store, kind: type[Record]) -> None:
    with store.change() as change:
        change.connection.update(kind, Clause("TRUE"), deleted=True)


def runs_of(row: dict[str, Any]) -> dict[str, Any]:
    return {run: block for model in row["experiments"].values() for run, block in model["runs"].items()}


def test_a_model_run_has_its_rows_and_names(store: Store) -> None:
    run, model = get_only(store, ModelRun), get_only(store, Model)
    rows = export(store, ExportRequest(model_run_id=run.id))
    assert len(rows) == 9
    for row in rows:
        assert row["experiments"][model.id]["name"] == "street detector"
        assert runs_of(row)[run.id]["name"] == "first training"
        assert "projects" not in row


def test_predictions_are_exported_only_on_request(store: Store) -> None:
    run = get_only(store, ModelRun)
    bare = export(store, ExportRequest(model_run_id=run.id))
    full = export(store, ExportRequest(model_run_id=run.id, params=with_params(includePredictions=True)))
    assert all("predictions" not in runs_of(row)[run.id] for row in bare)
    assert all(len(runs_of(row)[run.id]["predictions"]) == 1 for row in full)


def test_predictions_of_several_runs_are_on_one_row(store: Store) -> None:
    run = get_only(store, ModelRun)
    with store.change() as change:
        second = msgspec.structs.replace(run, id="second", name="second training")
        other = msgspec.structs.replace(run, id="third", model_id="other", name="of another model")
        model = msgspec.structs.replace(get_only(store, Model), id="other", name="another model")
        change.connection.insert([second, other, model])
        for new in ("second", "third"):
            change.connection.run(
                "INSERT INTO model_run_row (id, model_run_id, data_row_no, data_split, label_id)"
                " SELECT id || :new, :new, data_row_no, data_split, label_id FROM model_run_row WHERE no < 4",
                {"new": new},
            )
    rows = export(store, ExportRequest(params=with_params(allModelRuns=True, includePredictions=True)))
    three = [row for row in rows if len(runs_of(row)) == 3]
    assert len(three) == 3
    for row in three:
        assert [len(model["runs"]) for model in row["experiments"].values()] == [2, 1]
        assert runs_of(row)["second"]["predictions"] == runs_of(row)["third"]["predictions"] == []
        assert runs_of(row)["second"]["labels"] == runs_of(row)[run.id]["labels"]
    one = export(store, ExportRequest(params=with_params(modelRunIds=["third"])))
    assert [len(runs_of(row)) for row in one if row["experiments"]] == [1, 1, 1]


def test_a_label_that_was_deleted_is_not_in_a_run(store: Store) -> None:
    run = get_only(store, ModelRun)
    with store.reading() as connection:
        label = connection.select(Label, order="no", first=1)[0]
    LabelChanges(store).delete_labels([label.id])
    rows = export(store, ExportRequest(model_run_id=run.id))
    assert [len(runs_of(row)[run.id]["labels"]) for row in rows] == [0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_a_deleted_run_or_model_is_exported_nowhere(store: Store) -> None:
    request = ExportRequest(params=with_params(allModelRuns=True))
    assert any(row["experiments"] for row in export(store, request))
    delete_all(store, Model)
    assert all(row["experiments"] == {} for row in export(store, request))
    delete_all(store, ModelRun)
    with pytest.raises(MalformedRequest, match="does not exist"):
        export(store, ExportRequest(model_run_id=get_only(store, ModelRun).id))


def test_a_slice_has_the_rows_that_its_terms_match_in_the_catalog(store: Store) -> None:
    search = get_only(store, CatalogSlice)
    params = with_params(allProjects=True, allModelRuns=True)
    by_slice = export(store, ExportRequest(slice_id=search.id, params=params))
    assert by_slice == export(store, ExportRequest(terms=json.loads(search.query), params=params))
    assert len(by_slice) == 12


def test_a_slice_is_searched_anew_each_time(store: Store) -> None:
    search = get_only(store, CatalogSlice)
    rows = export(store, ExportRequest(slice_id=search.id))
    CatalogChanges(store).delete_data_rows([rows[0]["data_row"]["id"]])
    assert export(store, ExportRequest(slice_id=search.id)) == rows[1:]


REFUSED: dict[str, tuple[Callable[[], ExportRequest], type[Exception], str]] = {
    "an unknown project": (lambda: ExportRequest("nobody"), MalformedRequest, "'nobody'"),
    "31 projects": (lambda: ExportRequest(params=with_params(projectIds=["p"] * 31)), MalformedRequest, "at most 30"),
    "31 model runs": (
        lambda: ExportRequest(params=with_params(modelRunIds=["r"] * 31)),
        MalformedRequest,
        "params.modelRunIds has 31 ids",
    ),
    "an unknown slice": (lambda: ExportRequest(slice_id="nobody"), MalformedRequest, "Slice 'nobody'"),
    "an unknown model run": (lambda: ExportRequest(model_run_id="nobody"), MalformedRequest, "Model run 'nobody'"),
    "a batch in the catalog": (
        lambda: ExportRequest(terms=[{"type": "batch", "operator": "is", "ids": ["b"]}]),
        MalformedRequest,
        "unknown type 'batch'",
    ),
    "a dataset in a project's export": (
        lambda: ExportRequest("IMAGE", terms=[{"type": "dataset", "operator": "is", "ids": ["d"]}]),
        MalformedRequest,
        "unknown type 'dataset'",
    ),
}


@pytest.mark.parametrize(("request_of", "error", "message"), REFUSED.values(), ids=list(REFUSED))
def test_an_unknown_scope_is_refused(
    store: Store, request_of: Callable[[], ExportRequest], error: type[Exception], message: str
) -> None:
    request = request_of()
    if request.project_id == "IMAGE":
        request = ExportRequest(project_id(store, "image"), request.terms)
    with pytest.raises(error, match=message):
        export(store, request)
