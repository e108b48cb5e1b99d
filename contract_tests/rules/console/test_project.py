"""The ontology and the issues of a project."""

from pathlib import Path

import requests

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld
from mockserver.generate.scenario import load

HOSTILE = "<img src=x onerror=alert(1)>"


def test_the_ontology_of_every_project_becomes_a_scenario(server: ServedWorld, tmp_path: Path) -> None:
    for name, project_id in server.projects.items():
        content = fetch(server, f"/console/projects/{project_id}/ontology")
        [link] = find_texts(content, r'href="([^"]*)" download="scenario.toml"')
        answer = requests.get(server.url + link, timeout=30)
        assert answer.headers["Content-Disposition"] == 'attachment; filename="scenario.toml"'
        (tmp_path / f"{name}.toml").write_text(answer.text)
        scenario = load(tmp_path / f"{name}.toml")
        assert [plan.name for plan in scenario.projects] == [name]
        assert find_texts(content, r'<code id="scenario">(.*?)</code>') == [answer.text]


def test_a_project_without_ontology_says_how_to_get_one(server: ServedWorld) -> None:
    created = server.ask("mutation($name: String!) { createProject(data: {name: $name}) { id } }", name=HOSTILE)
    path = f"/console/projects/{created['createProject']['id']}"
    for tail in ("/ontology", "/issues"):
        content = fetch(server, path + tail)
        assert "<img src=x" not in content
    assert "no ontology yet" in fetch(server, f"{path}/ontology")
    assert "No issues" in fetch(server, f"{path}/issues")
    assert requests.get(f"{server.url}{path}/ontology", params={"format": "toml"}, timeout=30).status_code == 400


def test_issues_lead_to_their_data_rows(server: ServedWorld) -> None:
    event = {"event": "ISSUE_CREATED", "project": "image"}
    answer = requests.post(f"{server.url}/_mock/events", json=event, timeout=30).json()
    content = fetch(server, f"/console/projects/{server.projects['image']}/issues")
    assert f"/console/rows/{answer['data_row_id']}?project=" in content
    assert "Open" in content
