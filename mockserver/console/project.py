"""The ontology of a project with a scenario that has it, and the issues of a project."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from starlette.responses import Response

from mockserver.console.calls import build_issues_call, build_ontology_call
from mockserver.console.headers import HEADERS
from mockserver.console.subjects import find_subject
from mockserver.console.view import View
from mockserver.errors import BadInput, ScenarioError
from mockserver.generate.scenario_writer import NewProject, convert_ontology, find_media, render_scenario
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import LIVE
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.issues import Issue
from mockserver.world.records.projects import Ontology, Project

Json = dict[str, Any]
MOST_LISTED = 200


class ListedIssue(NamedTuple):
    """An issue, and the data row that it is about."""

    issue: Issue
    row: DataRow


def show_ontology(view: View) -> Response:
    """Shows the ontology of a project, or sends a scenario with it as a file. Raises NotFound, BadInput."""
    with view.snapshot() as connection:
        subject = find_subject(view, connection)
        project = connection.one_by_id(Project, subject.id)
        ontology = connection.find(Ontology, Clause("id = :id", id=project.ontology_id))
    normalized: Json = {} if ontology is None else orjson.loads(ontology.normalized)
    scenario, reason = write_scenario(project, normalized)
    if view.query.get("format") == "toml":
        if scenario is None:
            raise BadInput(reason)
        headers = {**HEADERS, "Content-Disposition": 'attachment; filename="scenario.toml"'}
        return Response(scenario, headers=headers, media_type="application/toml")
    return view.render(
        "ontology.html", subject=subject, ontology=ontology, tools=normalized.get("tools") or [],
        questions=normalized.get("classifications") or [], scenario=scenario, reason=reason,
        call=None if ontology is None else build_ontology_call(view, ontology.id),
    )  # fmt: skip


def write_scenario(project: Project, normalized: Json) -> tuple[str | None, str]:
    """Writes a scenario with the ontology of a project; without one, the reason."""
    try:
        plan, left_out = convert_ontology(normalized, find_media(project.allowed_media_type))
    except ScenarioError as error:
        return None, str(error)
    return render_scenario(f"The ontology of {project.name!r}.", [NewProject(project.name, plan, left_out)]), ""


def show_issues(view: View) -> Response:
    """Shows the newest issues of a project. Raises NotFound."""
    with view.snapshot() as connection:
        subject = find_subject(view, connection)
        mine = Clause("project_id = :id", id=subject.id) & LIVE
        issues = connection.select(Issue, mine, order="no DESC", first=MOST_LISTED)
        numbers = Clause("no IN :numbers", numbers=[issue.data_row_no for issue in issues])
        rows = {row.no: row for row in connection.select(DataRow, numbers)}
    listed = [ListedIssue(issue, rows[issue.data_row_no]) for issue in issues]
    call = build_issues_call(view, subject.id)
    return view.render("issues.html", subject=subject, issues=listed, most=MOST_LISTED, call=call)
