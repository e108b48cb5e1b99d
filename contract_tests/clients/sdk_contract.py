"""The official SDK as a client of the contract, by the calls that its users make. Runs in each SDK's environment.

What a version has no call for is not offered; what it drops in silence is its mistake.
"""

import inspect
import json
from typing import Any

import labelbox
import requests

try:
    from labelbox.schema import export_filters
except ImportError:  # before 3.40 exports have no filters
    export_filters = None
try:
    from labelbox.schema.export_task import ExportTask, StreamType
except ImportError:  # before 3.56 there are no streams
    ExportTask = StreamType = None

STREAMS = hasattr(ExportTask, "get_buffered_stream")
"""Whether users call `export`; until 3.72 it was an experiment, and they called `export_v2`."""

Json = dict[str, Any]
WITHIN = 120
"""Seconds for an export: machines are busy."""


def create_client(graphql_url: str, rest_url: str, api_key: str) -> Any:
    """A client with the operations of the installed version: 3.37 brought Export V2, and V1 ended with 4.0.0."""
    bases = [
        base
        for base, method in ((LegacyExports, "export_labels"), (Exports, "export_v2"))
        if hasattr(labelbox.Project, method)
    ]
    return type("Client", (*bases, Client), {})(graphql_url, rest_url, api_key)


class Client:
    def __init__(self, graphql_url: str, rest_url: str, api_key: str) -> None:
        known = inspect.signature(labelbox.Client.__init__).parameters
        options = {"rest_endpoint": rest_url, "enable_experimental": True}
        more = {name: value for name, value in options.items() if name in known}
        self.sdk = labelbox.Client(api_key=api_key, endpoint=graphql_url, **more)
        self.task: Any = None
        self.scope: Json = {}
        self.params: Json = {}


class LegacyExports(Client):
    def export_labels_v1(self, project: str) -> Any:
        return self.sdk.get_project(project).export_labels(download=True)


class Exports(Client):
    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        self.scope, self.params = scope, params
        [(kind, value)] = scope.items()
        if kind in {"data_rows", "global_keys"}:
            return self.read(self.start(labelbox.DataRow, params, {"client": self.sdk, kind: value}))
        more = {"filters": filters} if filters else {}
        return self.read(self.start(self.find_source(kind, value), params, more))

    def find_source(self, kind: str, value: Any) -> Any:
        getter = {"slice": "get_catalog_slice", "catalog": "get_catalog"}.get(kind, f"get_{kind}")
        if not hasattr(self.sdk, getter):
            raise NotImplementedError(f"it has no Client.{getter}")
        return getattr(self.sdk, getter)(*([] if kind == "catalog" else [value]))

    def start(self, source: Any, params: Json, more: Json) -> Any:
        export = getattr(source, "export" if STREAMS else "export_v2", None)
        name = getattr(source, "__name__", type(source).__name__)
        if export is None:
            raise NotImplementedError(f"its {name} has no export")
        known = inspect.signature(export).parameters
        for argument in more:
            if argument not in known:
                raise NotImplementedError(f"the export of its {name} has no {argument}")
        # A name was required before 3.39, and label_details was called labels until then.
        old = {"task_name": "contract"} if known["task_name"].default is inspect.Parameter.empty else {}
        spelled = params | {"labels": params.get("label_details", False)} if old else params
        return export(params=spelled, **old, **more)

    def read(self, task: Any) -> Any:
        self.task = task
        task.wait_till_done(timeout_seconds=WITHIN)
        if task.status != "COMPLETE":
            raise RuntimeError(f"the task is {task.status}")
        if STREAMS:
            return (row.json for row in task.get_buffered_stream()) if task.has_result() else []
        if not hasattr(task, "errors_url"):
            return read_by_hand(task.result_url)
        return task.result or []

    def changed_since(self, moment: str) -> Any:
        if not hasattr(export_filters, "ISO_8061_FORMAT"):
            moment = moment.removesuffix("Z").replace("T", " ")
        return self.export_rows(self.scope, self.params, {"last_activity_at": [moment, None]})

    def export_errors(self) -> Any:
        if not STREAMS:
            if not hasattr(self.task, "errors_url"):
                raise NotImplementedError("its tasks have no errors of exports")
            return self.task.errors or []
        stream = self.task.get_buffered_stream(StreamType.ERRORS) if self.task.has_errors() else []
        return [error.json for error in stream]


def read_by_hand(url: str) -> list[Any]:
    """3.37 knows results of imports alone, so its users fetched the file themselves."""
    response = requests.get(url, timeout=30)
    response.raise_for_status()
    return [json.loads(line) for line in response.text.splitlines()]
