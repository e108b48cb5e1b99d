"""Names, texts and payloads that try to break out of a page, in a world that has them everywhere, on every view."""

import html
import json
import re
from collections.abc import Iterator

import pytest
import requests

from contract_tests.rules.console.browsing import fetch
from contract_tests.rules.console.views import list_views
from contract_tests.serving import ServedWorld

HOSTILE = "</pre></script><img src=x onerror=alert(1)>\"'`{{7*7}}&lt;\\u2028\u202e\u0000"
"""Closes elements and attributes, speaks to templates, reverses the direction of text, and ends strings of C."""
NAME = HOSTILE.replace("\0", "")
SCENARIO = """
description = "Names that are no names."
[ontologies.o]
media = "image"
tools = [{ name = %(name)s, tool = "rectangle" }]
questions = [{ name = %(name)s, type = "text" }]
[[projects]]
name = %(name)s
media = "image"
ontology = "o"
labelled = 3
skipped = 1
unlabelled = 1
[[slices]]
name = %(name)s
datasets = [%(name)s]
[[models]]
name = %(name)s
ontology = "o"
[[models.runs]]
name = %(name)s
project = %(name)s
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    scenario = tmp_path_factory.mktemp("scenario") / "hostile.toml"
    scenario.write_text(SCENARIO % {"name": json.dumps(NAME)}, "utf-8")
    with ServedWorld("--scenario", str(scenario)) as world:
        fill(world)
        yield world


def fill(world: ServedWorld) -> None:
    """Brings hostile texts in by every way that clients have: rows, issues, metadata, webhooks, faults, requests."""

    def control(path: str, body: object) -> None:
        answer = requests.post(f"{world.url}/_mock/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text

    [project] = world.projects.values()
    control(
        "webhooks", {"url": "http://127.0.0.1:9/?%3Cimg%20src=x%3E'\"", "secret": NAME, "topics": ["LABEL_CREATED"]}
    )
    for event in ("ISSUE_CREATED", "METADATA_UPDATED"):
        control("events", {"event": event, "project": project, "text": NAME})
    control("events", {"event": "LABEL_CREATED", "project": project})
    control("faults", {"fault": "graphql_error", "operation": NAME, "code": NAME, "message": NAME})
    control("faults", {"fault": "export_fails", "message": NAME})
    export = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
    world.ask(export, id=project)
    headers = {"Authorization": f"Bearer {world.api_key}", "X-User-Agent": "<img src=x onerror=alert(1)>\"'"}
    for body in ({"query": NAME}, {"query": "{ projects { id } }", "variables": {NAME: NAME}}):
        requests.post(world.graphql_url, json=body, headers=headers, timeout=60)
    requests.get(f"{world.url}/masks/feature/%3Cimg%20src=x%20onerror=alert(1)%3E", headers=headers, timeout=60)


def check_document(name: str, content: str) -> None:
    """No element, attribute or script comes from a text of the world."""
    assert "<img src=x" not in content, name
    assert "{{" not in content or "{{7*7}}" in content, name
    elements = "".join(re.findall(r"<[^>]*>", content))
    assert re.findall(r"<[^>]* (?:style|on[a-z]+)=\"|<style|<script(?! src=)", elements) == [], name
    for attribute in re.findall(r'data-(?:body|request)="([^"]*)"', content):
        json.loads(html.unescape(attribute))


def test_hostile_texts_are_texts_on_every_view(hostile: ServedWorld) -> None:
    views = set()
    for name, path in list_views(hostile).items():
        content = fetch(hostile, path, 404 if name == "not-found" else 200)
        check_document(name, content)
        if "onerror" in html.unescape(content):
            views.add(name)
    assert {
        "home",
        "rows",
        "export",
        "ontology",
        "issues",
        "project-webhooks",
        "events",
        "tasks",
        "requests",
        "request",
    } <= views


@pytest.mark.parametrize("text", ["<img src=x onerror=alert(1)>", "\"'><script>", "%00", "\u202e", "{{7*7}}"])
def test_hostile_addresses_are_answered_by_a_page(hostile: ServedWorld, text: str) -> None:
    [project] = hostile.projects.values()
    paths = {
        f"/console/projects/{project}": ("q", "after", "workflow_status", "batch", "id", "key", "active_from"),
        f"/console/projects/{project}/export": ("version", "param", "label_created_from", "project_ids"),
        f"/console/projects/{project}/webhooks": ("webhook", "state", "topic", "part"),
        "/console/requests": ("operation", "path", "status", "number"),
        "/console/webhooks": ("webhook", "state", "topic", "part"),
        "/console/tasks": ("id", "part"),
        "/docs/": ("q",),
    }
    headers = {"Accept": "text/html"}
    for path, names in paths.items():
        for name in names:
            answer = requests.get(hostile.url + path, params={name: text}, headers=headers, timeout=60)
            assert answer.status_code in {200, 400, 404}, (path, name, answer.text[:500])
            check_document(f"{path}?{name}", answer.text)
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
