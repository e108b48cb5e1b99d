"""The official SDK as a client of the contract, by the calls that its users make. Runs in each SDK's environment."""

import inspect
from typing import Any

import labelbox

try:
    from labelbox.schema.export_task import StreamType
except ImportError:  # before 3.56 there are no streams
    StreamType = None

Json = dict[str, Any]
WITHIN = 50
"""Seconds for an export."""


class Client:
    def __init__(self, graphql_url: str, rest_url: str, api_key: str) -> None:
        known = inspect.signature(labelbox.Client.__init__).parameters
        options = {"rest_endpoint": rest_url, "enable_experimental": True}
        more = {name: value for name, value in options.items() if name in known}
        self.sdk = labelbox.Client(api_key=api_key, endpoint=graphql_url, **more)
        self.task: Any = None

    def export_rows(self, scope: Json, params: Json, filters: Json) -> Any:
        [(kind, value)] = scope.items()
        self.scope, self.params = scope, params
        if kind in {"data_rows", "global_keys"}:
            return self.read(labelbox.DataRow.export(client=self.sdk, params=params, **{kind: value}))
        if kind == "catalog":
            source = self.sdk.get_catalog()
        else:
            getter = "get_catalog_slice" if kind == "slice" else f"get_{kind}"
            source = getattr(self.sdk, getter)(value)
        export = getattr(source, "export", None) or source.export_v2
        return self.read(export(params=params, **({"filters": filters} if filters else {})))

    def read(self, task: Any) -> Any:
        self.task = task
        task.wait_till_done(timeout_seconds=WITHIN)
        if task.status != "COMPLETE":
            raise RuntimeError(f"the task is {task.status}")
        if not hasattr(task, "get_buffered_stream"):
            return task.result
        return (row.json for row in task.get_buffered_stream()) if task.has_result() else []

    def export_errors(self) -> Any:
        if StreamType is None:
            return self.task.errors or []
        stream = self.task.get_buffered_stream(StreamType.ERRORS) if self.task.has_errors() else []
        return [error.json for error in stream]


class LegacyClient(Client):
    """The SDK until 4.0.0, which has Export V1 too."""

    def export_labels_v1(self, project: str) -> Any:
        return self.sdk.get_project(project).export_labels(download=True)
