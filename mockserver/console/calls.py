"""The calls that a client sends for what a view does: for the SDK, in GraphQL, and by curl."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import Any, NamedTuple

import msgspec

from mockserver.console.snippets import build_client
from mockserver.console.subjects import Subject
from mockserver.console.view import View
from mockserver.exports.words import Term

Json = dict[str, Any]


class ShownCall(NamedTuple):
    """One call in three forms. `body` is what the page itself sends."""

    sdk: str
    document: str
    variables: Json
    curl: str

    @property
    def body(self) -> Json:
        return {"query": self.document, "variables": self.variables}


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
