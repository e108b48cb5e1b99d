"""The page at `/`: the server's addresses, its API key, the projects of its world, and a first export that works."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from mockserver import __version__
from mockserver.console.listing import ListedProject, load_listing
from mockserver.errors import NotFound, nearest
from mockserver.http.hosts import is_on_this_machine
from mockserver.http.requests import base_url
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import Dataset
from mockserver.world.labels import WorkflowStatus

PACKAGE = Path(__file__).parents[1]
MOST_LISTED = 200
"""Projects and datasets on the page; a scenario may have thousands."""

Line = Sequence[str | int]
"""One line of a table."""

NOT_YET = (
    ("Uploads", "no data row, label or prediction can be imported; GraphQL creates projects and datasets only"),
    ("Shared state", "one process and its files; no PostgreSQL yet"),
)
"""README.md says the same, and a test compares them."""

STATUSES = {
    WorkflowStatus.TO_LABEL: "To label",
    WorkflowStatus.IN_REVIEW: "In review",
    WorkflowStatus.IN_REWORK: "In rework",
    WorkflowStatus.DONE: "Done",
}


class Page:
    """Renders the page for each request: the world changes, and so does the address that a client uses."""

    def __init__(self, workspaces: Workspaces, *, own: str, public_url: str | None, hosts: frozenset[str]) -> None:
        """`own` is the server's own API key, `hosts` are the names of this machine."""
        self._workspaces, self._own, self._public_url, self._hosts = workspaces, own, public_url, hosts
        text = resources.files("mockserver.console").joinpath("page.html").read_text("utf-8")
        self._template = Template(text)
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": build_content_policy(text),
            "Referrer-Policy": "no-referrer",
        }
        self._documents = list_documents()

    # Both run in a thread, because counting a large world takes long. If they were no coroutines, Starlette would also
    # run them in a thread, but it would import its library for that on the loop first, for 80 ms.

    async def page(self, request: Request) -> Response:
        """Answers with the page of the server's own workspace, or of that named by `?api_key=`. Raises NotFound."""
        return await asyncio.to_thread(self._page, request)

    async def document(self, request: Request) -> Response:
        """Answers with a page of the documentation in Markdown. Raises NotFound."""
        return await asyncio.to_thread(self._document, request)

    def _page(self, request: Request) -> Response:
        requested = request.query_params.get("api_key")
        key = self._own if requested is None else requested
        if not self._workspaces.registry.has(key):
            # Unlike the control API, this page reveals no other key: anybody may open it.
            raise NotFound("No workspace has this api_key; leave it out to see the server's own")
        workspace = self._workspaces.registry.get(key)
        key_is_shown = requested is not None or is_key_shown(key, request, self._hosts)
        values = build_values(workspace, base_url(request, self._public_url), key_is_shown)
        return HTMLResponse(
            self._template.substitute(values, documents=render_documents(self._documents)), headers=self._headers
        )

    def _document(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self._documents.get(name)
        if path is None:
            near = ", ".join(nearest(name, self._documents, most=3)) or "none: this installation has no documents"
            raise NotFound(f"Unknown document {name!r}; the nearest known are {near}")
        return PlainTextResponse(path.read_text("utf-8"), headers=self._headers)


def build_content_policy(page: str) -> str:
    """Builds a policy that allows only the page's own style and script, even if a name were not escaped."""

    def hash_inside(tag: str) -> str:
        [inside] = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()

    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hash_inside('style')}'; "
        f"script-src 'sha256-{hash_inside('script')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def is_key_shown(api_key: str, request: Request, hosts: frozenset[str]) -> bool:
    """Whether the page shows the key: a default key is no secret, another is shown on this machine only."""
    return api_key.startswith("mock-") or is_on_this_machine(request, hosts)


# The page


def build_values(workspace: Workspace, url: str, key_is_shown: bool) -> dict[str, str]:
    """Builds the values of the template's names; every value is HTML."""
    world, listing = workspace.world, load_listing(workspace)
    key = workspace.api_key if key_is_shown else "YOUR_KEY"
    # The largest project has most to see.
    subject = max((item for item in listing.projects if item.total), key=lambda item: item.total, default=None)
    project_id = None if subject is None else subject.project.id
    texts = {
        "version": __version__,
        "graphql_url": f"{url}/graphql",
        "rest_url": f"{url}/api/v1",
        "api_key": key,
        "key_note": "" if key_is_shown else "(not shown on other machines; put yours in its place)",
        "organization_id": world.organization_id,
        "scenario": world.scenario,
        "seed": str(world.seed),
        "ends": format_moment(world.ends),
        "now": format_moment(workspace.store.clock.now()),
        "export_note": (
            "This world has no data rows to export; serve another scenario to get some."
            if subject is None
            else f"Exports the {subject.total:,} data rows of the project {subject.project.name!r}."
        ),
        "python_snippet": build_python_snippet(url, key, project_id),
        "curl_snippet": build_curl_snippet(url, key, world.organization_id, project_id),
    }
    parts = {
        "projects": render_projects(listing.projects),
        "datasets": render_datasets(listing.datasets),
        "not_yet": "\n".join(f"<li><b>{escape(what)}</b>: {escape(why)}.</li>" for what, why in NOT_YET),
    }
    return {name: escape(text) for name, text in texts.items()} | parts


def format_moment(microseconds: int) -> str:
    """Formats a time as `2025-01-01 00:00:00 UTC`."""
    time = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=microseconds)
    return time.strftime("%Y-%m-%d %H:%M:%S UTC")


def build_python_snippet(url: str, api_key: str, project_id: str | None) -> str:
    """Builds a program for the official SDK. JSON strings are Python strings, whatever the address contains."""
    client = (
        "from labelbox import Client\n\n"
        "client = Client(\n"
        f"    api_key={json.dumps(api_key)},\n"
        f"    endpoint={json.dumps(f'{url}/graphql')},\n"
        f"    rest_endpoint={json.dumps(f'{url}/api/v1')},\n"
        ")\n"
    )
    if project_id is None:
        return f"{client}print(client.get_organization().name)"
    return (
        f"{client}"
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


def render_projects(projects: Sequence[ListedProject]) -> str:
    heads = ["Name", "Media", "Id", "#Rows", *(f"#{name}" for name in STATUSES.values()), "#Labels", "#Skipped"]
    lines: list[Line] = [
        [
            item.project.name,
            item.project.allowed_media_type or "",
            item.project.id,
            item.total,
            *(item.rows.get(status, 0) for status in STATUSES),
            item.labels,
            item.skipped,
        ]
        for item in projects
    ]
    return render_table(heads, lines, nothing="No projects.")


def render_datasets(datasets: Sequence[tuple[Dataset, int]]) -> str:
    lines: list[Line] = [[dataset.name, dataset.id, rows] for dataset, rows in datasets]
    return render_table(["Name", "Id", "#Rows"], lines, nothing="No datasets.")


def render_table(heads: Sequence[str], lines: Sequence[Line], *, nothing: str) -> str:
    """Renders a table. A head that begins with # is that of a column of numbers, "Id" that of a column of ids."""
    if not lines:
        return f'<p class="soft">{nothing}</p>'
    kinds = [' class="number"' if head[0] == "#" else ' class="id"' if head == "Id" else "" for head in heads]
    head = render_cells("th", (escape(name.removeprefix("#")) for name in heads), kinds)
    body = "".join(render_cells("td", map(format_cell, line), kinds) for line in lines[:MOST_LISTED])
    more = f'<p class="soft">… and {len(lines) - MOST_LISTED:,} more.</p>' if len(lines) > MOST_LISTED else ""
    return f'<div class="table"><table>{head}{body}</table></div>{more}'


def render_cells(tag: str, texts: Iterable[str], kinds: Sequence[str]) -> str:
    inside = "".join(f"<{tag}{kind}>{text}</{tag}>" for text, kind in zip(texts, kinds, strict=True))
    return f"<tr>{inside}</tr>\n"


def format_cell(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(value)


# The documentation


def list_documents() -> dict[str, Path]:
    """Lists the pages of the documentation by file name: `mockserver/_docs` in a wheel, `docs` in a checkout."""
    for folder in (PACKAGE / "_docs", PACKAGE.parent / "docs"):
        if (folder / "scenarios.md").is_file():
            return {path.name: path for path in sorted([*folder.glob("*.md"), *folder.glob("*.json")])}
    return {}


def render_documents(documents: dict[str, Path]) -> str:
    """Renders links to the documents, by their titles."""
    if not documents:
        return '<p class="soft">Not part of this installation; it is in the source, under <code>docs/</code>.</p>'
    items = [
        f'<li><a href="docs/{escape(name)}">{escape(read_title(path))}</a></li>' for name, path in documents.items()
    ]
    return "<ul>" + "".join(items) + "</ul>"


def read_title(document: Path) -> str:
    """Reads the title of a document: its first line, or the name inside a Postman collection."""
    if document.suffix == ".json":
        return f"{json.loads(document.read_text('utf-8'))['info']['name']} (Postman collection)"
    return document.read_text("utf-8").partition("\n")[0].lstrip("# ")
