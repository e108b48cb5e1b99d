"""The calls that a client sends for what a view does or shows: for the SDK, in GraphQL, and by curl."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import Any, NamedTuple

import msgspec

from mockserver.console.snippets import build_client
from mockserver.console.subjects import Subject
from mockserver.console.view import View
from mockserver.console.words import format_json
from mockserver.exports.words import Term, build_terms

Json = dict[str, Any]
Line = tuple[str, str]
"""A call in one form: the name of the form, and the text."""


class ShownCall(NamedTuple):
    """One call in three forms. `body` is what the page itself sends."""

    sdk: str
    document: str
    variables: Json
    curl: str

    @property
    def body(self) -> Json:
        return {"query": self.document, "variables": self.variables}

    @property
    def lines(self) -> list[Line]:
        return [
            ("SDK", self.sdk),
            ("GraphQL", f"{self.document}\n\n{format_json(self.variables)}"),
            ("curl", self.curl),
        ]


def build_export_call(
    view: View, subject: Subject, terms: list[Term], filters: Json, params: dict[str, object]
) -> ShownCall:
    """Builds the calls of an Export V2. Raises BadInput."""
    kind, request = subject.kind, subject.build_request(terms, params)
    wire: Json = {}
    if subject.kind_name == "project":
        wire = {"projectId": subject.id}
    elif subject.kind_name == "slice":
        wire = {"sliceId": subject.id}
    elif subject.kind_name == "model_run":
        wire = {"modelRunId": subject.id}
    if subject.kind_name not in {"slice", "model_run"}:
        wire["searchQuery"] = {"scope": None, "query": request.terms}
    name = kind.mutation
    document = f"mutation Export($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ taskId }} }}"
    variables = {"input": {"filters": wire, "params": msgspec.to_builtins(request.params), "streamable": True}}
    arguments_by_word = [("params", params), ("filters", filters)]
    lines = "".join(f"    {word}={_literal(value, word)},\n" for word, value in arguments_by_word if value)
    arguments = f"\n{lines}" if lines else ""
    sdk = (
        f"{build_client(view.url, view.api_key)}subject = {kind.sdk.format(id=json.dumps(subject.id))}\n"
        f"task = subject.export({arguments})\n"
        "task.wait_till_done()\n"
        "for row in task.get_buffered_stream():\n"
        "    print(row.json)"
    )
    return ShownCall(sdk, document, variables, build_curl(view, document, variables))


def build_legacy_call(view: View, subject: Subject, created: list[str | None], active: list[str | None]) -> ShownCall:
    """Builds the calls of an Export V1: the labels of a project or model run, or the data rows of a dataset."""
    if subject.kind_name == "project":
        filters = {"labelCreatedAt": _range(created), "lastActivityAt": _range(active)}
        data = {"projectId": subject.id, "filters": {name: value for name, value in filters.items() if value}}
        words = zip(("start", "end", "last_activity_start", "last_activity_end"), [*created, *active], strict=True)
        arguments = ", ".join(["download=True", *(f"{name}={value!r}" for name, value in words if value)])
        mutation, kind, line = "exportLabels", "LabelExportInput", f"export_labels({arguments})"
    elif subject.kind_name == "dataset":
        data, mutation, kind = {"datasetId": subject.id}, "exportDatasetDataRows", "DatasetDataRowsExportInput"
        line = "export_data_rows()"
    else:
        data, mutation, kind = {"modelRunId": subject.id}, "exportModelRunAnnotations", "ModelRunAnnotationsExportInput"
        line = "export_labels(download=True)"
    document = f"mutation Export($data: {kind}!) {{ {mutation}(data: $data) {{ downloadUrl shouldPoll status }} }}"
    sdk = (
        f"{build_client(view.url, view.api_key)}subject = {subject.kind.sdk.format(id=json.dumps(subject.id))}\n"
        f"print(subject.{line})  # SDKs up to 3.78"
    )
    return ShownCall(sdk, document, {"data": data}, build_curl(view, document, {"data": data}))


def build_call(view: View, sdk: str, document: str, **variables: object) -> ShownCall:
    """Builds a call from the lines of the SDK after its client, and the document for the same."""
    return ShownCall(
        build_client(view.url, view.api_key) + sdk, document, variables, build_curl(view, document, variables)
    )


def build_row_call(view: View, project_id: str | None, row_id: str) -> ShownCall:
    """Builds the export of one data row: in a project, or with all projects that it is in."""
    subject = Subject("catalog", "", "") if project_id is None else Subject("project", project_id, "")
    params: dict[str, object] = {"data_row_details": True, "metadata_fields": True, "attachments": True}
    params |= {"label_details": True, "project_details": True, "performance_details": True}
    if project_id is None:
        params["all_projects"] = True
    filters = {"data_row_ids": [row_id]}
    return build_export_call(view, subject, build_terms(filters, subject.kind.filters), filters, params)


def build_ontology_call(view: View, ontology_id: str) -> ShownCall:
    sdk = f"print(client.get_ontology({json.dumps(ontology_id)}).normalized)"
    return build_call(
        view, sdk, "query Ontology($id: ID!) { ontology(where: {id: $id}) { name normalized } }", id=ontology_id
    )


def build_issues_call(view: View, project_id: str) -> ShownCall:
    sdk = (
        f"project = client.get_project({json.dumps(project_id)})\n"
        "for issue in project.get_issues():\n"
        "    print(issue.status, issue.content)"
    )
    fields = "nodes { id content status dataRowId labelId createdAt comments { content } } nextCursor"
    document = f"query Issues($id: ID!) {{ project(where: {{id: $id}}) {{ issues(first: 100) {{ {fields} }} }} }}"
    return build_call(view, sdk, document, id=project_id)


def build_webhook_call(view: View, project_id: str | None) -> ShownCall:
    """Builds the call that sets up a webhook. The SDK and GraphQL know V1 bodies only; the control API both."""
    url, topics = "http://127.0.0.1:3001/webhook-endpoint", ["LABEL_CREATED", "LABEL_UPDATED", "LABEL_DELETED"]
    project = "None" if project_id is None else f"client.get_project({json.dumps(project_id)})"
    sdk = (
        "webhook = Webhook.create(\n"
        f"    client,\n    topics={json.dumps(topics)},\n    url={json.dumps(url)},\n"
        f'    secret="CHANGE-ME",\n    project={project},\n)\n'
        "print(webhook.uid)"
    )
    data: Json = {"url": url, "secret": "CHANGE-ME", "topics": {"set": topics}}
    control: Json = {"url": url, "secret": "CHANGE-ME", "version": "v2", "topics": topics}
    if project_id is not None:
        data["project"], control["project"] = {"id": project_id}, project_id
    document = "mutation SetUp($data: WebhookData!) { createWebhook(data: $data) { id } }"
    call = build_call(view, sdk, document, data=data)
    program = build_client(view.url, view.api_key, "Webhook") + sdk
    return call._replace(sdk=program, curl=build_control_curl(view, "/_mock/webhooks", control))


def list_request_calls(view: View) -> list[Line]:
    """Lists the ways to read the journal. It is this server's own, so neither the SDK nor GraphQL has it."""
    program = (
        "def test_one_export_is_started(labelbox_mock):\n"
        "    ...  # the client at work\n"
        '    exports = labelbox_mock.find_requests(operation="exportDataRowsInProject")\n'
        "    assert len(exports) == 1"
    )
    return [("curl", build_control_curl(view, "/_mock/requests", order="newest", limit=100)), ("pytest", program)]


def list_delivery_calls(view: View, delivery_id: str) -> list[Line]:
    """Lists the check of a signature in Python, and the line that sends a delivery again."""
    program = (
        "import hashlib\nimport hmac\n\n\n"
        "def is_genuine(secret: bytes, body: bytes, header: str) -> bool:\n"
        '    """`header` is X-Hub-Signature, `body` the bytes as they were received."""\n'
        '    expected = "sha1=" + hmac.new(secret, body, hashlib.sha1).hexdigest()\n'
        "    return hmac.compare_digest(expected, header)"
    )
    again = build_control_curl(view, f"/_mock/deliveries/{delivery_id}/redeliver", {})
    return [("curl, redeliver", again), ("Python, check the signature", program)]


def build_control_curl(view: View, path: str, body: Json | None = None, /, **query: object) -> str:
    """Builds the line for a shell that sends a control call."""
    data = "" if body is None else f" \\\n  -d {shlex.quote(json.dumps(body))}"
    return f"curl -s {shlex.quote(view.url + view.link(path, **query))}{data}"


def build_curl(view: View, document: str, variables: Json) -> str:
    """Builds the line for a shell that sends a GraphQL document."""
    body = shlex.quote(json.dumps({"query": document, "variables": variables}))
    key = shlex.quote(f"Authorization: Bearer {view.api_key}")
    return f"curl -s {shlex.quote(f'{view.url}/graphql')} -H {key} \\\n  -d {body}"


def _range(dates: list[str | None]) -> Json:
    return {name: value for name, value in zip(("start", "end"), dates, strict=True) if value}


def _literal(value: object, word: str) -> str:
    """The value as Python, further lines under its first character."""
    return pformat(value, sort_dicts=False, width=70).replace("\n", "\n" + " " * (len(word) + 5))
