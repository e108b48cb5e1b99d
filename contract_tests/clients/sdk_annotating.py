"""Programs that annotate what they export, as users write them. Runs on the Python of one SDK version's environment."""

from collections.abc import Callable
from typing import Any

from labelbox import Client, DataRow, LabelImport, MALPredictionImport, MediaType

OPTIONS = [{"value": "first"}, {"value": "second", "options": [{"type": "text", "name": "why", "instructions": "why"}]}]
QUESTIONS_OF_ALL = [
    {"type": "radio", "name": "choice", "instructions": "choice", "options": OPTIONS},
    {"type": "checklist", "name": "choices", "instructions": "choices", "options": OPTIONS},
    {"type": "text", "name": "note", "instructions": "note"},
]
ANSWERS = [
    {"name": "choice", "answer": {"name": "second", "classifications": [{"name": "why", "answer": "because"}]}},
    {"name": "choices", "answer": [{"name": "first"}, {"name": "second"}]},
    {"name": "note", "answer": "written"},
]


def import_labels(
    client: Client, *, name: str, media: str, row_data: Any, tools: list[Any], lines: list[Any]
) -> dict[str, Any]:
    """A project of one data row with an ontology, made from nothing, and an import of its labels."""
    project, ontology, row = _build(client, name, media, row_data, tools)
    annotations = [
        {"uuid": f"{name}-{number}", "dataRow": {"globalKey": f"{name}-key"}, **line}
        for number, line in enumerate([*lines, *ANSWERS])
    ]
    # Before 3.44 the SDK knows no global keys here.
    by_id = [{**annotation, "dataRow": {"id": row}} for annotation in annotations]
    label_import = LabelImport.create_from_objects(client, project.uid, f"{name}-import", by_id)
    label_import.wait_until_done()
    return {
        "project": project.uid,
        "row": row,
        "schemas": {tool["name"]: tool["featureSchemaId"] for tool in ontology.normalized["tools"]},
        "state": label_import.state.value,
        "errors": label_import.errors,
        "statuses": [status["status"] for status in label_import.statuses],
        "inputs": len(label_import.inputs),
    }


def _build(client: Client, name: str, media: str, row_data: Any, tools: list[Any]) -> tuple[Any, Any, str]:
    media_type = MediaType(media)
    dataset = client.create_dataset(name=f"{name} rows", iam_integration=None)
    task = dataset.create_data_rows([{DataRow.row_data: row_data, DataRow.global_key: f"{name}-key"}])
    task.wait_till_done()
    [row] = client.get_data_row_ids_for_global_keys([f"{name}-key"])["results"]
    project = client.create_project(name=name, media_type=media_type)
    normalized = {"tools": tools, "classifications": QUESTIONS_OF_ALL}
    ontology = client.create_ontology(f"{name} ontology", normalized, media_type)
    if hasattr(project, "connect_ontology"):
        project.connect_ontology(ontology)
    else:
        project.setup_editor(ontology)
    project.create_batch(f"{name} batch", [row])
    return project, ontology, row


def predict(client: Client, *, name: str) -> dict[str, Any]:
    """Pre-labels of a project, and predictions of a model run for its data row."""
    tools = [{"tool": "rectangle", "name": "box"}]
    project, ontology, row = _build(client, name, "IMAGE", "https://example.com/a-640x480.jpg", tools)
    box = {"top": 1, "left": 2, "height": 3, "width": 4}
    line = {"uuid": f"{name}-1", "dataRow": {"id": row}, "name": "box", "bbox": box}
    pre_labels = MALPredictionImport.create_from_objects(client, project.uid, f"{name}-mal", [line])
    pre_labels.wait_until_done()
    run = client.create_model(f"{name} model", ontology.uid).create_model_run(f"{name} run")
    run.upsert_data_rows([row])
    predictions = run.add_predictions(f"{name}-mea", [{**line, "uuid": f"{name}-2", "confidence": 0.5}])
    predictions.wait_until_done()
    return {
        "project": project.uid,
        "run": run.uid,
        "states": [pre_labels.state.value, predictions.state.value],
        "errors": [pre_labels.errors, predictions.errors],
    }


def change_ontology(client: Client, *, name: str) -> dict[str, Any]:
    """Feature schemas and ontologies from nothing to nothing (SDK 3.51 and later)."""
    point = {"tool": "point", "name": f"{name} point", "color": "#ff0000"}
    schema = client.create_feature_schema(point)
    ontology = client.create_ontology_from_feature_schemas(f"{name} ontology", [schema.uid], MediaType.Image)
    renamed = client.update_feature_schema_title(schema.uid, f"{name} renamed")
    other = client.upsert_feature_schema({"tool": "polygon", "name": f"{name} polygon"})
    client.insert_feature_schema_into_ontology(other.uid, ontology.uid, 0)
    names = [tool["name"] for tool in client.get_ontology(ontology.uid).normalized["tools"]]
    removed = client.delete_feature_schema_from_ontology(ontology.uid, other.uid)
    archived = client.is_feature_schema_archived(ontology.uid, schema.uid)
    client.unarchive_feature_schema_node(ontology.uid, schema.uid)
    unused = [client.get_unused_ontologies(), client.get_unused_feature_schemas()]
    client.delete_unused_ontology(ontology.uid)
    for uid in (schema.uid, other.uid):
        client.delete_unused_feature_schema(uid)
    return {
        "renamed": renamed.normalized["name"],
        "names": names,
        "removed": [removed.archived, removed.deleted],
        "archived": archived,
        "unused": [ontology.uid in unused[0], other.uid in unused[1], schema.uid in unused[1]],
        "after": [client.get_unused_ontologies(), client.get_unused_feature_schemas()],
    }


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question for question in (import_labels, predict, change_ontology)
}
