"""One view of each kind, of a world in which clients have been at work: for axe, for screenshots, and for hostile
names."""

from __future__ import annotations

import html
import re
from typing import Any

import requests

from contract_tests.serving import ServedWorld

DRAWN = ("image", "video", "text", "document", "geospatial", "audio", "conversational", "dicom", "html", "chat")
"""The projects of the default world whose first data rows are looked at: one for each way of drawing."""


AUDITED = (
    "home", "rows", "catalog-export", "export-v1", "ontology", "issues", "events", "tasks", "webhooks", "requests",
    "graphql", "api", "docs-search", "row-video", "row-text", "row-document", "row-conversational", "delivery",
    "request", "certify",
)  # fmt: skip
"""The views that axe examines: one for each template and each way of drawing that brings elements of its own."""


def list_views(server: ServedWorld) -> dict[str, str]:
    """Path of a view of each kind, by a short name."""
    project = f"/console/projects/{choose(server, 'projects', 'image')}"
    dataset, run, piece = (
        choose(server, kind, name) for kind, name in (("datasets", "image rows"), ("model_runs", ""), ("slices", ""))
    )
    views = {
        "home": "/",
        "rows": project,
        "rows-filtered": f"{project}?workflow_status=InReview&q=image",
        "rows-none": f"{project}?q=nothing-begins-like-this",
        "export": f"{project}/export",
        "export-v1": f"{project}/export?version=v1",
        "ontology": f"{project}/ontology",
        "issues": f"{project}/issues",
        "events": f"{project}/events",
        "project-webhooks": f"{project}/webhooks",
        "dataset": f"/console/datasets/{dataset}",
        "slice-export": f"/console/slices/{piece}/export",
        "model-run": f"/console/model-runs/{run}",
        "model-run-export": f"/console/model-runs/{run}/export",
        "catalog": "/console/catalog",
        "catalog-export": "/console/catalog/export",
        "tasks": "/console/tasks",
        "webhooks": "/console/webhooks",
        "certify": "/console/certify",
        "requests": "/console/requests",
        "graphql": "/console/graphql",
        "api": "/console/api",
        "docs": "/docs/",
        "docs-search": "/docs/?q=clock",
        "docs-page": "/docs/journal.md",
        "not-found": "/console/projects/nothing",
    }
    drawn = {name: server.projects[name] for name in DRAWN if name in server.projects}
    rows = {
        f"row-{name}": find_first(server, f"/console/projects/{project_id}", "/console/rows/")
        for name, project_id in (drawn or {"first": choose(server, "projects", "")}).items()
    }
    details = {
        "delivery": find_first(server, "/console/webhooks", "/console/deliveries/"),
        "request": find_first(server, "/console/requests", "/console/requests?number="),
    }
    return views | rows | {name: path for name, path in details.items() if path}


def choose(server: ServedWorld, kind: str, name: str) -> str:
    """The id of the thing with this name, or of the first of its kind."""
    ids: dict[str, str] = server.ready[kind]
    return ids.get(name) or next(iter(ids.values()))


def find_first(server: ServedWorld, path: str, start: str) -> str:
    """The first link of a view that begins with a text; empty without one."""
    text = requests.get(server.url + path, headers={"Accept": "text/html"}, timeout=60).text
    match = re.search(rf'href="({re.escape(start)}[^"]*)"', text)
    return html.unescape(match[1]) if match else ""


def populate(server: ServedWorld) -> None:
    """Lets some things happen, so that no view is empty: exports, webhooks, issues, faults, wrong requests."""
    project = server.projects["image"]

    def control(path: str, body: object) -> Any:
        answer = requests.post(f"{server.url}/_mock/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    secret = {"secret": "CHANGE-ME", "topics": ["LABEL_CREATED", "REVIEW_CREATED"]}
    control("webhooks", {"url": "http://127.0.0.1:9/webhook-endpoint", "version": "v2", **secret})
    label = control("events", {"event": "LABEL_CREATED", "project": "image"})["label_id"]
    control("events", {"event": "ISSUE_CREATED", "project": "image", "label": label})
    for event in ("REVIEW_CREATED", "WORKFLOW_ACTION"):
        control("events", {"event": event, "project": "image"})
    export = "mutation($id: ID!) { exportDataRowsInProject(input: {filters: {projectId: $id}}) { taskId } }"
    server.ask(export, id=project)
    server.ask("query ListProjects { projects { id name } }")
    control("faults", {"fault": "export_fails", "times": 1})
    server.ask(export, id=project)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    body = {"query": "query Wrong { projects { nmae } }"}
    requests.post(server.graphql_url, json=body, headers=headers, timeout=60)
