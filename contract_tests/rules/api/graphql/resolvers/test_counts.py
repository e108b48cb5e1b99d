"""Counts of a list of projects are read together, and are what each project alone says."""

from typing import Any

from contract_tests.rules.api.asking import ask_in
from mockserver.testing import MockWorkspace

ONE = "query($id: ID!){project(where: {id: $id}){id dataRowCount lastActivityTime}}"
LIST = "{projects{id dataRowCount lastActivityTime}}"
ROW = "query($id: ID!){project(where: {id: $id}){labels(first: 1){dataRow{id}}}}"


def counts(projects: list[dict[str, Any]]) -> dict[str, int]:
    return {project["id"]: project["dataRowCount"] for project in projects}


def test_each_project_of_a_list_has_its_own_counts(workspace: MockWorkspace) -> None:
    listed = ask_in(workspace, LIST)["projects"]
    assert listed == [ask_in(workspace, ONE, id=project["id"])["project"] for project in listed]
    assert len(listed) == len(workspace.projects)


def test_a_count_under_two_names_is_the_same_count(workspace: MockWorkspace) -> None:
    for project in ask_in(workspace, "{projects{a: dataRowCount b: dataRowCount}}")["projects"]:
        assert project["a"] == project["b"] > 0


def test_lists_in_one_answer_have_their_own_counts(workspace: MockWorkspace) -> None:
    answer = ask_in(workspace, "{all: projects{id dataRowCount} some: projects(first: 2, skip: 1){id dataRowCount}}")
    assert list(counts(answer["some"]).items()) == list(counts(answer["all"]).items())[1:3]


def test_a_document_of_changes_counts_anew_after_each(workspace: MockWorkspace) -> None:
    project = workspace.project("image")
    row = ask_in(workspace, ROW, id=project)["project"]["labels"][0]["dataRow"]["id"]
    document = (
        "mutation($id: ID!, $row: ID!){"
        "before: updateProject(where: {id: $id}, data: {}){organization{projects{id dataRowCount}}}"
        "deleteDataRows(where: {dataRowIds: [$row]}){id}"
        "after: updateProject(where: {id: $id}, data: {}){dataRowCount organization{projects{id dataRowCount}}}}"
    )
    answer = ask_in(workspace, document, id=project, row=row)
    before, after = (counts(answer[name]["organization"]["projects"]) for name in ("before", "after"))
    assert after == before | {project: before[project] - 1}
    assert answer["after"]["dataRowCount"] == after[project]
