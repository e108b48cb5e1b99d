"""Export V1 by the SDKs that have it (up to 4.0.0), in plain values. It runs in each SDK's environment."""

from collections.abc import Callable
from functools import partial
from typing import Any

from contract_tests.clients.conversation import Answer


def operations(client_of: Callable[..., Any]) -> dict[str, Callable[..., Answer]]:
    """The operations that an SDK of those years offers beside Export V2."""
    known = (
        *(export_labels, export_url, label_generator, export_queued_rows, dataset_rows, batch_rows, issues_url),
        model_run_labels,
    )
    return {function.__name__: partial(function, client_of) for function in known}


def export_labels(client_of: Any, *, project_id: str, filters: Answer, **server: str) -> Answer:
    return {"labels": client_of(**server).get_project(project_id).export_labels(download=True, **filters)}


def export_url(client_of: Any, *, project_id: str, timeout: float, **server: str) -> Answer:
    """The URL alone; None when the server was not done in time."""
    project = client_of(**server).get_project(project_id)
    return {"url": project.export_labels(download=False, timeout_seconds=timeout)}


def label_generator(client_of: Any, *, project_id: str, method: str, filters: Answer, **server: str) -> Answer:
    """Typed labels, by `label_generator` or `video_label_generator`."""
    labels = getattr(client_of(**server).get_project(project_id), method)(**filters)
    return {"labels": [describe(label) for label in labels]}


def export_queued_rows(client_of: Any, *, project_id: str, metadata: bool, **server: str) -> Answer:
    export = client_of(**server).get_project(project_id).export_queued_data_rows
    return {"rows": with_metadata(export, metadata)}


def dataset_rows(client_of: Any, *, dataset_id: str, metadata: bool, **server: str) -> Answer:
    export = client_of(**server).get_dataset(dataset_id).export_data_rows
    return {"rows": [row_facts(row) for row in with_metadata(export, metadata)]}


def batch_rows(client_of: Any, *, project_id: str, metadata: bool, **server: str) -> Answer:
    [batch] = client_of(**server).get_project(project_id).batches()
    return {"rows": [row_facts(row) for row in with_metadata(batch.export_data_rows, metadata)]}


def issues_url(client_of: Any, *, project_id: str, status: str | None, **server: str) -> Answer:
    return {"url": client_of(**server).get_project(project_id).export_issues(status)}


def model_run_labels(client_of: Any, *, model_run_id: str, **server: str) -> Answer:
    return {"labels": client_of(**server).get_model_run(model_run_id).export_labels(download=True)}


def with_metadata(export: Callable[..., Any], metadata: bool) -> list[Any]:
    """The argument was added in 3.28."""
    try:
        return list(export(include_metadata=metadata))
    except TypeError:
        return list(export())


def row_facts(row: Any) -> Answer:
    return {
        "id": row.uid,
        "external_id": row.external_id,
        "row_data": row.row_data,
        "created_at": row.created_at.isoformat(),
        "media_attributes": row.media_attributes,
        "metadata": len(row.metadata_fields or []),
    }


def describe(label: Any) -> Answer:
    return {
        "id": label.uid,
        "data_row_id": label.data.uid,
        "data": type(label.data).__name__,
        "created_by": label.extra["Created By"],
        "annotations": [annotation_of(item) for item in label.annotations],
    }


def annotation_of(item: Any) -> Answer:
    annotation = {"name": item.name, "schema_id": item.feature_schema_id, "kind": type(item.value).__name__}
    annotation |= {"value": value_of(item.value), "feature_id": (item.extra or {}).get("feature_id")}
    for name in ("frame", "keyframe"):
        if hasattr(item, name):
            annotation[name] = getattr(item, name)
    annotation["classifications"] = [annotation_of(nested) for nested in getattr(item, "classifications", None) or []]
    return annotation


def value_of(value: Any) -> Any:
    kind = type(value).__name__
    if kind in {"Text", "Radio", "Checklist", "Dropdown"}:
        return answer_of(value.answer)
    if kind == "Rectangle":
        return [value.start.x, value.start.y, value.end.x, value.end.y]
    if kind in {"Polygon", "Line"}:
        return [[point.x, point.y] for point in value.points]
    if kind == "Point":
        return [value.x, value.y]
    if kind == "Mask":
        return value.mask.url
    return [value.start, value.end]


def answer_of(answer: Any) -> Any:
    if isinstance(answer, str):
        return answer
    return [one.name for one in answer] if isinstance(answer, list) else answer.name
