"""What the rows of one export share: names of people, datasets, batches, queues and schemas. Read once, as JSON."""

from __future__ import annotations

from typing import Any

from mockserver.exports.text import quoted
from mockserver.world.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.database import Connection, where
from mockserver.world.people import Person
from mockserver.world.projects import Batch, Project, TaskQueue


class Names:
    """JSON strings by id."""

    def __init__(self, connection: Connection, project: Project) -> None:
        here = where("project_id = :project", project=project.id)
        self.project = project
        self.emails = {person.id: quoted(person.email) for person in connection.select(Person)}
        self.datasets = {dataset.id: quoted(dataset.name) for dataset in connection.select(Dataset)}
        self.batches = {batch.id: quoted(batch.name) for batch in connection.select(Batch, here)}
        self.queues = {queue.id: quoted(queue.name) for queue in connection.select(TaskQueue, here)}
        self.schemas = {schema.id: schema for schema in connection.select(MetadataSchema)}
        self.embeddings = {item.id: _embedding(item) for item in connection.select(Embedding)}

    def metadata_field(self, schema_id: str, value: str) -> str:
        """One entry of `metadata_fields`; an enum's value is a list of its options (labelbase downloader.py)."""
        schema = self.schemas[schema_id]
        if schema.kind == "CustomMetadataEnum":
            option: Any = self.schemas[value.strip('"')]
            value = f'[{{"schema_id":{quoted(option.id)},"schema_name":{quoted(option.name)}}}]'
        return f'{{"schema_id":{quoted(schema_id)},"schema_name":{quoted(schema.name)},"value":{value}}}'


def _embedding(embedding: Embedding) -> str:
    """An entry of `embeddings` up to its only vector (docs/export-quick-reference; five keys live-tested)."""
    custom = "true" if embedding.is_custom else "false"
    return (
        f'{{"id":{quoted(embedding.id)},"name":{quoted(embedding.name)},"dimensions":{embedding.dimensions},'
        f'"is_custom":{custom},"values":[{{"value":'
    )
