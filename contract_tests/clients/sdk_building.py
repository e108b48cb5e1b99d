"""Programs that build what they export, as users write them. Runs on the Python of one SDK version's environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from labelbox import Client, DataRow, Project
from labelbox.schema.data_row_metadata import (
    DataRowMetadata,
    DataRowMetadataField,
    DataRowMetadataKind,
    DeleteDataRowMetadata,
)
from labelbox.schema.media_type import MediaType

TALK = {
    "type": "application/vnd.labelbox.conversational",
    "version": 1,
    "messages": [
        {
            "messageId": "m-1", "timestampUsec": 1, "content": "hello", "user": {"userId": "a", "name": "A"},
            "align": "left", "canLabel": True,
        },
    ],
}  # fmt: skip


def build_project(client: Client, *, name: str) -> Any:
    """A dataset of four data rows with metadata and attachments, in a batch of a new project."""
    ontology = client.get_data_row_metadata_ontology()
    city = ontology.create_schema(f"{name} city", DataRowMetadataKind.string)
    season = ontology.create_schema(f"{name} season", DataRowMetadataKind.enum, ["summer", "winter"])
    fields = [
        DataRowMetadataField(schema_id=city.uid, value="Tōkyō"),
        DataRowMetadataField(schema_id=season.uid, value=season.options[1].uid),
    ]
    dataset = client.create_dataset(name=f"{name} rows", iam_integration=None)
    rows = [
        {
            DataRow.row_data: "https://example.com/street-640x480.jpg", DataRow.external_id: "street.jpg",
            DataRow.global_key: f"{name}-1", DataRow.metadata_fields: fields,
            "attachments": [{"type": "IMAGE", "value": "https://example.com/overlay.png"}],
        },
        {DataRow.row_data: "https://example.com/clip.mp4", DataRow.global_key: f"{name}-2"},
        {DataRow.row_data: "A text that stays as it is", DataRow.global_key: f"{name}-3"},
        {DataRow.row_data: TALK, DataRow.global_key: f"{name}-4"},
    ]  # fmt: skip
    task = dataset.create_data_rows(rows)
    task.wait_till_done()
    lookup = client.get_data_row_ids_for_global_keys([f"{name}-{number}" for number in (1, 2, 3, 4)])
    project = client.create_project(name=name, media_type=MediaType.Image)
    batch = project.create_batch(f"{name} batch", lookup["results"], priority=2)
    return {
        "project": project.uid, "dataset": dataset.uid, "rows": lookup["results"], "batch": batch.uid,
        "size": batch.size, "failed": list(batch.failed_data_row_ids or []),
        "status": task.status, "errors": task.errors, "created": len(task.result),
        "schemas": [city.uid, season.uid],
    }  # fmt: skip


def change_project(client: Client, *, project_id: str, rows: list[str], schemas: list[str]) -> Any:
    """The first row gets another name and other metadata, the second moves to review, the third is deleted."""
    first, second, third = (client.get_data_row(row) for row in rows[:3])
    first.update(external_id="renamed.jpg")
    attachment = first.create_attachment("RAW_TEXT", "a note")
    ontology = client.get_data_row_metadata_ontology()
    fields = [DataRowMetadataField(schema_id=schemas[0], value="Kyōto")]
    refused = ontology.bulk_upsert([DataRowMetadata(data_row_id=first.uid, fields=fields)])
    refused += ontology.bulk_delete([DeleteDataRowMetadata(data_row_id=first.uid, fields=[schemas[1]])])
    project: Project = client.get_project(project_id)
    queues = {queue.name: queue.uid for queue in project.task_queues()}
    project.move_data_rows_to_task_queue(*_identify(second.uid), queues["Initial review task"])
    third.delete()
    return {"refused": len(refused), "attachment": attachment.attachment_value}


def _identify(row_id: str) -> list[Any]:
    """The argument for data rows of methods that took a list of ids up to 3.56."""
    try:
        from labelbox.schema.identifiables import UniqueIds
    except ImportError:
        return [[row_id]]
    return [UniqueIds([row_id])]


def repeat_keys(client: Client, *, name: str) -> Any:
    """One global key twice in one call, and again alone: tests test_data_rows.py of the SDK."""
    dataset = client.create_dataset(name=name, iam_integration=None)
    row = {DataRow.row_data: "https://example.com/a.jpg", DataRow.global_key: f"{name}-key"}
    first = dataset.create_data_rows([dict(row), dict(row)])
    first.wait_till_done()
    second = dataset.create_data_rows([dict(row)])
    second.wait_till_done()
    return {
        "messages": [failed["message"] for failed in first.failed_data_rows],
        "keys": [failed["failedDataRows"][0]["globalKey"] for failed in first.failed_data_rows],
        "created": [len(first.result or []), len(second.result or [])],
        "statuses": [first.status, second.status],
        "rows": len(list(dataset.data_rows())),
    }


def change_keys(client: Client, *, dataset_id: str) -> Any:
    """Global keys are cleared and assigned anew."""
    rows = list(client.get_dataset(dataset_id).data_rows())
    cleared = client.clear_global_keys([row.global_key for row in rows])
    links = [{"data_row_id": row.uid, "global_key": f"new-{row.uid}"} for row in rows]
    assigned = client.assign_global_keys_to_data_rows(links)
    return {
        "statuses": [cleared["status"], assigned["status"]],
        "keys": {row["data_row_id"]: row["global_key"] for row in assigned["results"]},
    }


def upsert_rows(client: Client, *, name: str) -> Any:
    """A row is created by its key, and changed by its id (SDK 3.67 and later)."""
    from labelbox.schema.identifiable import GlobalKey, UniqueId

    dataset = client.create_dataset(name=name, iam_integration=None)
    key = GlobalKey(f"{name}-key")
    task = dataset.upsert_data_rows([{"key": key, "row_data": "https://example.com/a.jpg"}])
    task.wait_till_done()
    [created] = task.result
    task = dataset.upsert_data_rows(
        [{"key": UniqueId(created["id"]), "external_id": "new", "attachments": [{"type": "RAW_TEXT", "value": "x"}]}]
    )
    task.wait_till_done()
    row = client.get_data_row(created["id"])
    return {
        "key": row.global_key, "external_id": row.external_id, "row_data": row.row_data,
        "attachments": [attachment.attachment_value for attachment in row.attachments()], "errors": task.errors,
    }  # fmt: skip


def make_batches(client: Client, *, name: str) -> Any:
    """Batches of every kind: by keys, of a dataset, emptied and deleted (SDK 3.60 and later)."""
    dataset = client.create_dataset(name=name, iam_integration=None)
    rows = [{"row_data": f"https://example.com/{n}.jpg", "global_key": f"{name}-{n}"} for n in range(6)]
    dataset.create_data_rows(rows).wait_till_done()
    project = client.create_project(name=name, media_type=MediaType.Image)
    first = project.create_batch("first", global_keys=[f"{name}-0", f"{name}-1"])
    task = project.create_batches_from_dataset("rest", dataset.uid)
    task.wait_till_done()
    rest = task.result()
    sizes = {batch.name: batch.size for batch in project.batches()}
    rest[0].remove_queued_data_rows()
    first.delete()
    return {"sizes": sizes, "after": {batch.name: batch.size for batch in project.batches()}}


def make_run(client: Client, *, project_id: str, name: str) -> Any:
    """A model with a run that has the labels of a project, some in a split."""
    project = client.get_project(project_id)
    model = client.create_model(name, project.ontology().uid)
    run = model.create_model_run("first", {"epochs": 3})
    labels = list(project.labels())
    run.upsert_labels([label.uid for label in labels])
    rows = list(run.model_run_data_rows())
    run.assign_data_rows_to_split([rows[0].data_row().uid], "TRAINING")
    run.update_config({"epochs": 4})
    run.delete_model_run_data_rows([rows[1].data_row().uid])
    left = list(run.model_run_data_rows())
    config = run.get_config()
    model.delete()
    return {
        "labels": len(labels), "rows": len(rows), "left": len(left), "config": config,
        "splits": sorted(str(getattr(row.data_split, "value", row.data_split)) for row in left),
    }  # fmt: skip


def send_rows(client: Client, *, project_id: str, run_id: str) -> Any:
    """Sends labelled data rows to a clone of their project, with labels and then with predictions (SDK 3.71 and
    later)."""
    from labelbox.schema.identifiables import DataRowIds

    project = client.get_project(project_id)
    rows = [label.data_row().uid for label in list(project.labels())[:3]]
    target = project.clone()
    labels = {"source_project_id": project.uid, "annotations_ontology_mapping": {}}
    first = client.send_to_annotate_from_catalog(
        destination_project_id=target.uid, task_queue_id=None, batch_name="from the catalog",
        data_rows=DataRowIds(rows), params=labels,
    )  # fmt: skip
    first.wait_till_done()
    run = client.get_model_run(run_id)
    predicted = [row.data_row().uid for row in run.model_run_data_rows()][:2]
    other = project.clone()
    second = run.send_to_annotate_from_model(
        destination_project_id=other.uid, batch_name="from the run", data_rows=DataRowIds(predicted),
        task_queue_id=other.task_queues()[0].uid, params={"predictions_ontology_mapping": {}},
    )  # fmt: skip
    second.wait_till_done()
    return {
        "statuses": [first.status, second.status], "rows": len(set(rows)),
        "labels": len(list(target.labels())), "batches": [batch.size for batch in other.batches()],
    }  # fmt: skip


def make_embedding(client: Client, *, name: str, row_id: str, path: str) -> Any:
    """An embedding with the vector of one data row (SDK 3.68 and later)."""
    embedding = client.create_embedding(name, 3)
    Path(path).write_text(f'{{"id": "{row_id}", "vector": [0.5, 1.0, 2.0]}}\n')
    embedding.import_vectors_from_file(path)
    counted = embedding.get_imported_vector_count()
    embedding.delete()
    return {"count": counted, "left": name in {known.name for known in client.get_embeddings()}}


def export_legacy(client: Client, *, project_id: str, dataset_id: str) -> Any:
    """Export V1 of the queue, the batch and the dataset (SDK 4.0 and before)."""
    project = client.get_project(project_id)
    [batch] = project.batches()
    dataset = client.get_dataset(dataset_id)
    return {
        "queued": project.export_queued_data_rows(include_metadata=True),
        "batch": [_facts_of(row) for row in batch.export_data_rows(include_metadata=True)],
        "dataset": [_facts_of(row) for row in dataset.export_data_rows(include_metadata=True)],
    }


def _facts_of(row: DataRow) -> Any:
    return {
        "id": row.uid, "global_key": row.global_key, "external_id": row.external_id, "row_data": row.row_data,
        "media_attributes": row.media_attributes, "fields": row.metadata_fields,
    }  # fmt: skip


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question
    for question in (
        build_project, change_project, repeat_keys, change_keys, upsert_rows, make_batches, make_run, make_embedding,
        export_legacy, send_rows,
    )
}  # fmt: skip
