"""The official SDK as a client's process. Runs on the Python of one SDK version's environment."""

import json
from collections.abc import Callable
from functools import lru_cache
from inspect import signature
from typing import Any

import requests
from labelbox import Client, DataRow, Webhook

from contract_tests.clients import sdk_legacy, sdk_reads
from contract_tests.clients.conversation import Answer, converse

try:
    from labelbox.schema.export_task import StreamType
except ImportError:  # before 3.56 there are no streams, and no `export` that reads them
    StreamType = None


def export_project(
    *, way: str, project_id: str, params: Answer, filters: Answer, task_name: str | None, **server: str
) -> Answer:
    project = client_of(**server).get_project(project_id)
    export, read = WAYS[way]
    filtered = {"filters": filters} if filters else {}  # before 3.40 there is no such argument
    spelled = params | {"labels": params.get("label_details", False)}  # the word of before 3.39; later ones drop it
    return finish(getattr(project, export)(task_name=task_name, params=spelled, **filtered), read)


def export_catalog(
    *, way: str, dataset_id: str | None, data_row_ids: list[str] | None, params: Answer, filters: Answer, **server: str
) -> Answer:
    """A dataset, chosen data rows, or all of the catalog."""
    client = client_of(**server)
    export, read = WAYS[way]
    if data_row_ids is not None:
        return finish(getattr(DataRow, export)(client=client, data_rows=data_row_ids, params=params), read)
    scope = client.get_catalog() if dataset_id is None else client.get_dataset(dataset_id)
    return finish(getattr(scope, export)(params=params, filters=filters), read)


def read_ontology(*, project_id: str, **server: str) -> Answer:
    project = client_of(**server).get_project(project_id)
    ontology = project.ontology()
    return {
        "media_type": project.media_type.name,
        "tools": [(tool.name, tool.tool.value) for tool in ontology.tools()],
        "classifications": [
            (type(question).__name__, question.class_type.value, question.instructions)
            for question in ontology.classifications()
        ],
    }


def read_issues(*, project_id: str, where: Answer, **server: str) -> Answer:
    """The issues that a search finds, each read again by itself (SDK 7.6 and later)."""
    from labelbox.schema.issue import IssueStatus  # earlier SDKs have none

    project = client_of(**server).get_project(project_id)
    criteria = {name: IssueStatus(value) if name == "status" else value for name, value in where.items()}
    issues = [issue_facts(issue) for issue in project.get_issues(**criteria)]
    alone = [issue_facts(project.get_issue(issue["id"])) for issue in issues]
    return {"issues": issues, "alone": alone, "counted": project.get_overview().issues}


def issue_facts(issue: Any) -> Answer:
    return {
        **issue.model_dump(mode="json", exclude={"created_by", "resolved_by"}),
        "created_by": issue.created_by.email,
        "resolved_by": issue.resolved_by and issue.resolved_by.email,
        "data_row": issue.data_row().uid,
        "label": issue.label().uid,
        "comments": [[comment.created_by.email, comment.content] for comment in issue.comments()],
        "category": issue.category(),
    }


def export_slice(*, way: str, slice_id: str, params: Answer, **server: str) -> Answer:
    export, read = WAYS[way]
    return finish(getattr(client_of(**server).get_catalog_slice(slice_id), export)(params=params), read)


def export_model_run(*, way: str, model_run_id: str, params: Answer, **server: str) -> Answer:
    export, read = WAYS[way]
    run = client_of(**server).get_model_run(model_run_id)
    return finish(getattr(run, export)(task_name=None, params=params), read)  # a name was required before 3.39


def finish(task: Any, read: Any) -> Answer:
    task.wait_till_done()
    rows, errors = read(task)
    return {"rows": rows, "errors": errors, "task_id": task.uid, "task": facts_of(task)}


def create_webhook(*, project_id: str | None, topics: list[str], url: str, secret: str, **server: str) -> Answer:
    client = client_of(**server)
    project = None if project_id is None else client.get_project(project_id)
    return webhook_facts(Webhook.create(client, topics, url, secret, project))


def update_webhook(*, webhook_id: str, changes: Answer, **server: str) -> Answer:
    webhook = webhook_of(webhook_id, **server)
    webhook.update(**changes)
    return webhook_facts(webhook)


def delete_webhook(*, webhook_id: str, **server: str) -> Answer:
    webhook_of(webhook_id, **server).delete()
    return webhook_facts(webhook_of(webhook_id, **server))


def list_webhooks(*, project_id: str | None, **server: str) -> Answer:
    client = client_of(**server)
    owner = client.get_organization() if project_id is None else client.get_project(project_id)
    return {"webhooks": [webhook_facts(item) for item in owner.webhooks()]}


def webhook_of(webhook_id: str, **server: str) -> Any:
    """Searches the organization's list, as no client gets a webhook by its id."""
    return next(item for item in client_of(**server).get_organization().webhooks() if item.uid == webhook_id)


def webhook_facts(webhook: Any) -> Answer:
    project = webhook.project()
    return {
        "id": webhook.uid,
        "url": webhook.url,
        "topics": webhook.topics,
        "status": webhook.status,
        "project": project and project.uid,
        "organization": webhook.organization().uid,
        "created_by": webhook.created_by().email,
    }


@lru_cache(maxsize=8)
def client_of(*, graphql_url: str, rest_url: str, api_key: str) -> Client:
    # `export` was an experiment in 3.56, and the address of REST was added in 3.40.
    options = {"rest_endpoint": rest_url, "enable_experimental": True}
    known = signature(Client.__init__).parameters
    return Client(
        api_key=api_key, endpoint=graphql_url, **{name: value for name, value in options.items() if name in known}
    )


def read_streams(task: Any) -> tuple[list[Any], list[Any] | None]:
    rows = list(task.get_buffered_stream()) if task.has_result() else []
    errors = list(task.get_buffered_stream(StreamType.ERRORS)) if task.has_errors() else None
    return [row.json for row in rows], errors and [error.json for error in errors]


def read_lists(task: Any) -> tuple[list[Any], list[Any] | None]:
    return task.result, task.errors


def read_converted(task: Any) -> tuple[list[Any], list[Any] | None]:
    """The reader of 3.56 to 5.2, which finds rows by counting braces, file by file."""
    rows = list(task.get_stream()) if task.has_result() else []
    errors = list(task.get_stream(stream_type=StreamType.ERRORS)) if task.has_errors() else None
    return [json.loads(row.json_str) for row in rows], errors and [json.loads(error.json_str) for error in errors]


def read_by_hand(task: Any) -> tuple[list[Any], list[Any] | None]:
    """3.37 knows results of imports only, so its users fetched the URL themselves."""
    answer = requests.get(task.result_url, timeout=30)
    return [json.loads(line) for line in answer.text.splitlines()], None


# How the export is requested, and how its result is read.
WAYS = {
    "export": ("export", read_streams),
    "export_stream": ("export", read_converted),
    "export_v2": ("export_v2", read_lists),
    "export_v2_url": ("export_v2", read_by_hand),
}


def facts_of(task: Any) -> Answer:
    return {
        "id": task.uid,
        "name": task.name,
        "status": task.status,
        "type": getattr(task, "type", None),
        "completion_percentage": task.completion_percentage,
        "created_at": task.created_at.isoformat(),
    }


if __name__ == "__main__":
    operations: dict[str, Callable[..., Answer]] = {
        "export_project": export_project,
        "export_catalog": export_catalog,
        "export_slice": export_slice,
        "export_model_run": export_model_run,
        "read_ontology": read_ontology,
        "read_issues": read_issues,
        "create_webhook": create_webhook,
        "update_webhook": update_webhook,
        "delete_webhook": delete_webhook,
        "list_webhooks": list_webhooks,
    }
    converse(operations | sdk_legacy.operations(client_of) | sdk_reads.operations(client_of))
