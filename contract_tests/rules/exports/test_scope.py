"""Whose rows, and whose labels on them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, HOST, NOW, TASK
from contract_tests.rules.worlds import in_file, stored
from mockserver.errors import MalformedRequest
from mockserver.exports.request import ExportParams, ExportRequest, decode
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import scope_of
from mockserver.links import Links
from mockserver.world.data_rows import DataRow
from mockserver.world.database import where
from mockserver.world.projects import Project
from mockserver.world.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with stored(in_file(tmp_path)) as opened:
        yield opened


def exported(store: Store, request: ExportRequest) -> list[dict[str, Any]]:
    with store.reading() as connection:
        scope = scope_of(connection, request)
        links = Links.of("key", 0)
        rows = ExportRows(connection, scope, request.params, links=links, host=HOST, task_id=TASK, now=NOW)
        lines = rows.text().splitlines()
        assert rows.count() == len(lines)
        return [json.loads(line) for line in lines]


def project_id(store: Store, name: str) -> str:
    with store.reading() as connection:
        return connection.select(Project, where("name = :name", name=name))[0].id


def with_params(**params: Any) -> ExportParams:
    return decode({"params": params}).params


def test_a_catalog_row_has_no_projects_unless_they_are_asked_for(store: Store) -> None:
    assert all("projects" not in row for row in exported(store, ExportRequest(params=EVERY_SECTION)))
    assert all("projects" in row for row in exported(store, ExportRequest(params=with_params(allProjects=True))))


def test_the_same_row_reads_the_same_in_both_scopes(store: Store) -> None:
    project = project_id(store, "image")
    in_catalog = with_params(projectIds=[project], includeProjectDetails=True, includeLabelDetails=True)
    in_project = with_params(includeProjectDetails=True, includeLabelDetails=True)
    rows = exported(store, ExportRequest(params=in_catalog))
    standing = [row for row in rows if row["projects"]]
    assert standing == exported(store, ExportRequest(project, params=in_project))


def test_a_row_of_two_projects_tells_both(store: Store) -> None:
    with store.change() as change:
        change.connection.run(
            "INSERT INTO project_row SELECT p.id, pr.data_row_no, pr.batch_id, NULL, 'Done', 5, 1, NULL"
            " FROM project_row pr JOIN project p ON p.name = 'text' JOIN project q ON q.id = pr.project_id"
            " WHERE q.name = 'image'"
        )
    rows = exported(store, ExportRequest(params=with_params(allProjects=True)))
    both = {project_id(store, "image"), project_id(store, "text")}
    assert [set(row["projects"]) for row in rows].count(both) == 12


def test_a_deleted_project_is_told_nowhere(store: Store) -> None:
    project = project_id(store, "image")
    store.update_project(project, deleted=True)
    rows = exported(store, ExportRequest(params=with_params(allProjects=True)))
    with store.reading() as connection:
        assert len(rows) == connection.count(DataRow)
    assert all(project not in row["projects"] for row in rows)


REFUSED: dict[str, tuple[Callable[[], ExportRequest], type[Exception], str]] = {
    "an unknown project": (lambda: ExportRequest("nobody"), MalformedRequest, "'nobody'"),
    "31 projects": (lambda: ExportRequest(params=with_params(projectIds=["p"] * 31)), MalformedRequest, "at most 30"),
    "model runs": (lambda: ExportRequest(params=with_params(modelRunIds=["r"])), MalformedRequest, "not served yet"),
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


@pytest.mark.parametrize(("request_of", "error", "told"), REFUSED.values(), ids=list(REFUSED))
def test_what_no_scope_has_is_refused(
    store: Store, request_of: Callable[[], ExportRequest], error: type[Exception], told: str
) -> None:
    request = request_of()
    if request.project_id == "IMAGE":
        request = ExportRequest(project_id(store, "image"), request.terms)
    with pytest.raises(error, match=told):
        exported(store, request)
