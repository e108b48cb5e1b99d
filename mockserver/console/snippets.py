"""Programs that make a first export from the running server, with its own address, key and ids filled in."""

from __future__ import annotations

import json
import shlex
from typing import NamedTuple


class Snippet(NamedTuple):
    """A program, for what it is, and the id of its element."""

    id: str
    title: str
    code: str


def build_snippets(url: str, api_key: str, organization_id: str, project_id: str | None) -> list[Snippet]:
    """Builds the snippets of the home page. Without a project they read the organization."""
    return [
        Snippet(
            "python-snippet",
            "Python, with the official labelbox package",
            build_python_snippet(url, api_key, project_id),
        ),
        Snippet("curl-snippet", "curl", build_curl_snippet(url, api_key, organization_id, project_id)),
        Snippet("pytest-snippet", "pytest, with a server and a workspace of its own", PYTEST),
        Snippet("node-snippet", "Node", build_node_snippet(url, api_key)),
    ]


def build_client(url: str, api_key: str, *also: str) -> str:
    """Builds the lines that import the official SDK's client, and `also` other names of it, and create a client. JSON
    strings are Python strings, whatever the address contains."""
    return (
        f"from labelbox import {', '.join(('Client', *also))}\n\n"
        "client = Client(\n"
        f"    api_key={json.dumps(api_key)},\n"
        f"    endpoint={json.dumps(f'{url}/graphql')},\n"
        f"    rest_endpoint={json.dumps(f'{url}/api/v1')},\n"
        ")\n"
    )


def build_python_snippet(url: str, api_key: str, project_id: str | None) -> str:
    """Builds a program for the official SDK."""
    if project_id is None:
        return f"{build_client(url, api_key)}print(client.get_organization().name)"
    return (
        f"{build_client(url, api_key)}"
        f"project = client.get_project({json.dumps(project_id)})\n"
        'task = project.export(params={"label_details": True, "project_details": True})\n'
        "task.wait_till_done()\n"
        "for row in task.get_buffered_stream():\n"
        "    print(row.json)"
    )


def build_curl_snippet(url: str, api_key: str, organization_id: str, project_id: str | None) -> str:
    """Builds lines for a shell that start an export, then fetch its rows."""
    graphql, key = shlex.quote(f"{url}/graphql"), shlex.quote(f"Authorization: Bearer {api_key}")
    if project_id is None:
        return f'curl -s {graphql} -H {key} \\\n  -d \'{{"query": "{{ organization {{ name }} }}"}}\''
    query = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
    variables = json.dumps({"id": project_id})
    body = shlex.quote(f'{{"query": "{query}",\n      "variables": {variables}}}')
    results = shlex.quote(f"{url}/api/v1/export-results/")
    return (
        f"task=$(curl -s {graphql} -H {key} \\\n  -d {body} \\\n  | grep -o 'c[0-9a-z]\\{{24\\}}')\n"
        f"curl -s {results}$task/{organization_id} \\\n  -H {key}"
    )


PYTEST = """from labelbox import Client


def test_export(labelbox_mock):
    client = Client(
        labelbox_mock.api_key,
        endpoint=labelbox_mock.graphql_url,
        rest_endpoint=labelbox_mock.rest_url,
    )
    project = client.get_project(labelbox_mock.project("image"))
    task = project.export()
    task.wait_till_done()
    rows = [row.json for row in task.get_buffered_stream()]
    assert rows == labelbox_mock.expected_rows("image")"""
"""A test that starts a server of its own (docs/pytest.md)."""


def build_node_snippet(url: str, api_key: str) -> str:
    """Builds a program for Node that lists the projects. A JSON string is a JavaScript string."""
    headers = f'{{ Authorization: {json.dumps(f"Bearer {api_key}")}, "Content-Type": "application/json" }}'
    return (
        f"const answer = await fetch({json.dumps(f'{url}/graphql')}, {{\n"
        '  method: "POST",\n'
        f"  headers: {headers},\n"
        '  body: JSON.stringify({ query: "{ projects { id name } }" }),\n'
        "});\n"
        "console.log((await answer.json()).data.projects);"
    )
