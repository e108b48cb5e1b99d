"""The page at `/`: what this server is, how to reach it, what is in its world, and a first export that works."""

from __future__ import annotations

import asyncio
import base64
import datetime
import hashlib
import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from mockserver import __version__
from mockserver.errors import NotFound, nearest
from mockserver.http.hosts import on_this_machine
from mockserver.http.requests import base_url
from mockserver.workspaces.lifecycle import Workspaces
from mockserver.workspaces.workspace import Workspace
from mockserver.world.data_rows import Dataset
from mockserver.world.database import Clause, Connection
from mockserver.world.labels import WorkflowStatus
from mockserver.world.projects import Project
from mockserver.world.queries.projects import count_labels_by_project, count_rows_by_dataset, count_rows_by_project

PACKAGE = Path(__file__).parents[1]
MOST_LISTED = 200
"""Projects and datasets on the page; a made-to-measure world may have thousands."""

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


class ListedProject(msgspec.Struct, frozen=True):
    """A project and how many live data rows and labels it has."""

    project: Project
    rows: dict[str, int]
    labels: int
    skipped: int

    @property
    def total(self) -> int:
        return sum(self.rows.values())


class Listing(msgspec.Struct, frozen=True):
    """What one moment of the world holds."""

    projects: list[ListedProject]
    datasets: list[tuple[Dataset, int]]


class Page:
    """Draws the page anew for each look: the world changes, and so does the address under which it is asked."""

    def __init__(self, workspaces: Workspaces, *, own: str, public_url: str | None, hosts: frozenset[str]) -> None:
        """`own` is the server's own API key, `hosts` are the names of this machine."""
        self._workspaces, self._own, self._public_url, self._hosts = workspaces, own, public_url, hosts
        text = resources.files("mockserver.console").joinpath("page.html").read_text("utf-8")
        self._template = Template(text)
        self._headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": content_policy(text),
            "Referrer-Policy": "no-referrer",
        }
        self._documents = documents()

    # Both run beside the loop, because counting a large world takes its time. Were they no coroutines, Starlette would
    # run them so too, but the first time it would import its library for that on the loop, for 80 ms.

    async def page(self, request: Request) -> Response:
        """The page of the server's own workspace, or of that named by `?api_key=`. Raises NotFound."""
        return await asyncio.to_thread(self._page, request)

    async def document(self, request: Request) -> Response:
        """A page of the documentation as it was written. Raises NotFound."""
        return await asyncio.to_thread(self._document, request)

    def _page(self, request: Request) -> Response:
        named = request.query_params.get("api_key")
        key = self._own if named is None else named
        if not self._workspaces.registry.has(key):
            # Unlike the control API, this page says no other key: anybody may look at it.
            raise NotFound("No workspace has this api_key; leave it out to see the server's own")
        workspace = self._workspaces.registry.named(key)
        shown = named is not None or shows_key(key, request, self._hosts)
        values = page_values(workspace, base_url(request, self._public_url), shown)
        return HTMLResponse(
            self._template.substitute(values, documents=document_list(self._documents)), headers=self._headers
        )

    def _document(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self._documents.get(name)
        if path is None:
            near = ", ".join(nearest(name, self._documents, most=3)) or "none: this installation brings no documents"
            raise NotFound(f"There is no document {name!r}; the nearest are {near}")
        return PlainTextResponse(path.read_text("utf-8"), headers=self._headers)


def content_policy(page: str) -> str:
    """Nothing but the page's own style and script may run or load, even if a name were not escaped."""

    def digest(tag: str) -> str:
        [inside] = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        return base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()

    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest('style')}'; "
        f"script-src 'sha256-{digest('script')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def shows_key(api_key: str, request: Request, hosts: frozenset[str]) -> bool:
    """A default key is no secret; another is shown on the machine it was given on, and not to strangers."""
    return api_key.startswith("mock-") or on_this_machine(request, hosts)


# The world


def listing(connection: Connection) -> Listing:
    """Counts of everything at once: a query for each kind, not for each project."""
    rows: dict[str, dict[str, int]] = defaultdict(dict)
    for project_id, status, count in count_rows_by_project(connection):
        rows[project_id][status] = count
    labels = {project_id: (count, skipped) for project_id, count, skipped in count_labels_by_project(connection)}
    sizes = count_rows_by_dataset(connection)
    alive, order = Clause("NOT deleted"), "created_at, name, id"
    projects = [
        ListedProject(project, rows[project.id], *labels.get(project.id, (0, 0)))
        for project in connection.select(Project, alive, order=order)
    ]
    datasets = [(dataset, sizes.get(dataset.id, 0)) for dataset in connection.select(Dataset, alive, order=order)]
    return Listing(projects, datasets)


def listed(workspace: Workspace) -> Listing:
    """Of this moment, on a connection of its own: requests need not wait until all is counted."""
    snapshot = workspace.store.snapshot()
    try:
        return listing(snapshot)
    finally:
        snapshot.close()


# The page


def page_values(workspace: Workspace, url: str, key_is_shown: bool) -> dict[str, str]:
    """What the template's names stand for; every value is HTML."""
    world, found = workspace.world, listed(workspace)
    key = workspace.api_key if key_is_shown else "YOUR_KEY"
    # The largest: there is most to see.
    subject = max((item for item in found.projects if item.total), key=lambda item: item.total, default=None)
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
        "ends": moment(world.ends),
        "now": moment(workspace.store.clock.now()),
        "export_note": (
            "This world has no data rows to export; serve another scenario to get some."
            if subject is None
            else f"Exports the {subject.total:,} data rows of the project {subject.project.name!r}."
        ),
        "python_snippet": python_snippet(url, key, project_id),
        "curl_snippet": curl_snippet(url, key, world.organization_id, project_id),
    }
    parts = {
        "projects": project_table(found.projects),
        "datasets": dataset_table(found.datasets),
        "not_yet": "\n".join(f"<li><b>{escape(what)}</b>: {escape(why)}.</li>" for what, why in NOT_YET),
    }
    return {name: escape(text) for name, text in texts.items()} | parts


def moment(microseconds: int) -> str:
    """`2025-01-01 00:00:00 UTC`."""
    shown = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=microseconds)
    return shown.strftime("%Y-%m-%d %H:%M:%S UTC")


def python_snippet(url: str, api_key: str, project_id: str | None) -> str:
    """A program for the official SDK. JSON strings are Python strings, and an address may hold anything."""
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


def curl_snippet(url: str, api_key: str, organization_id: str, project_id: str | None) -> str:
    """Lines for a shell: start an export, then fetch its rows."""
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


def project_table(projects: Sequence[ListedProject]) -> str:
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
    return table(heads, lines, nothing="No projects.")


def dataset_table(datasets: Sequence[tuple[Dataset, int]]) -> str:
    lines: list[Line] = [[dataset.name, dataset.id, rows] for dataset, rows in datasets]
    return table(["Name", "Id", "#Rows"], lines, nothing="No datasets.")


def table(heads: Sequence[str], lines: Sequence[Line], *, nothing: str) -> str:
    """A head that starts with # stands over numbers; what stands under "Id" is an id."""
    if not lines:
        return f'<p class="soft">{nothing}</p>'
    kinds = [' class="number"' if head[0] == "#" else ' class="id"' if head == "Id" else "" for head in heads]
    head = cells("th", (escape(name.removeprefix("#")) for name in heads), kinds)
    body = "".join(cells("td", map(cell_text, line), kinds) for line in lines[:MOST_LISTED])
    more = f'<p class="soft">… and {len(lines) - MOST_LISTED:,} more.</p>' if len(lines) > MOST_LISTED else ""
    return f'<div class="table"><table>{head}{body}</table></div>{more}'


def cells(tag: str, texts: Iterable[str], kinds: Sequence[str]) -> str:
    inside = "".join(f"<{tag}{kind}>{text}</{tag}>" for text, kind in zip(texts, kinds, strict=True))
    return f"<tr>{inside}</tr>\n"


def cell_text(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(value)


# The documentation


def documents() -> dict[str, Path]:
    """The pages that travel with us, by file name: `mockserver/_docs` in a wheel, `docs` in a checkout."""
    for folder in (PACKAGE / "_docs", PACKAGE.parent / "docs"):
        if (folder / "scenarios.md").is_file():
            return {path.name: path for path in sorted([*folder.glob("*.md"), *folder.glob("*.json")])}
    return {}


def document_list(found: dict[str, Path]) -> str:
    """Links to the documents, by their titles."""
    if not found:
        return '<p class="soft">Not part of this installation; it is in the source, under <code>docs/</code>.</p>'
    items = [f'<li><a href="docs/{escape(name)}">{escape(title(path))}</a></li>' for name, path in found.items()]
    return "<ul>" + "".join(items) + "</ul>"


def title(document: Path) -> str:
    """Its first line, which is a heading; a collection of requests says its name elsewhere."""
    if document.suffix == ".json":
        return f"{json.loads(document.read_text('utf-8'))['info']['name']} (Postman collection)"
    return document.read_text("utf-8").partition("\n")[0].lstrip("# ")
