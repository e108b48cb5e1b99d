"""What the rows of one export share: names of people, datasets, batches, queues and schemas. Read once, as JSON."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from mockserver.exports.text import quoted
from mockserver.world.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.database import Connection, where
from mockserver.world.people import Person
from mockserver.world.projects import Batch, TaskQueue


class Names:
    """JSON strings by id."""

    def __init__(self, connection: Connection, projects: Collection[str] | None) -> None:
        """`projects` are the ids of those that are told about."""
        here = where("project_id IN :ids", ids=list(projects or ()))
        self.emails = {person.id: quoted(person.email) for person in connection.select(Person)}
        self.datasets = {dataset.id: quoted(dataset.name) for dataset in connection.select(Dataset)}
        self.batches = {batch.id: quoted(batch.name) for batch in connection.select(Batch, here)}
        self.queues = {queue.id: quoted(queue.name) for queue in connection.select(TaskQueue, here)}
        schemas = connection.select(MetadataSchema)
        self._schemas = {
            schema.id: f'{{"schema_id":"{schema.id}","schema_name":{quoted(schema.name)}' for schema in schemas
        }
        self._enums = {schema.id for schema in schemas if schema.kind == "CustomMetadataEnum"}
        self.embeddings = {item.id: _embedding(item) for item in connection.select(Embedding)}

    def metadata(self, values: str) -> str:
        """`metadata_fields` of a data row, from its values by schema id as JSON; an enum's value is a list of its
        options (labelbase downloader.py)."""
        schemas, enums = self._schemas, self._enums
        return ",".join(
            [
                f'{schemas[schema]},"value":[{schemas[str(value)]}}}]}}'
                if schema in enums
                else f'{schemas[schema]},"value":{quoted(value) if isinstance(value, str) else repr(value)}}}'
                for schema, value in orjson.loads(values).items()
            ]
        )


def _embedding(embedding: Embedding) -> str:
    """An entry of `embeddings` up to its only vector (docs/export-quick-reference; five keys live-tested)."""
    custom = "true" if embedding.is_custom else "false"
    return (
        f'{{"id":{quoted(embedding.id)},"name":{quoted(embedding.name)},"dimensions":{embedding.dimensions},'
        f'"is_custom":{custom},"values":[{{"value":'
    )
