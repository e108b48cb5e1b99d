"""What the rows of one export share: names of people, datasets, batches, queues and schemas. Read once, as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from functools import lru_cache

import orjson

from mockserver.exports.dates import Form
from mockserver.exports.text import quoted
from mockserver.world.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.database import Connection, where
from mockserver.world.people import Person
from mockserver.world.projects import Batch, TaskQueue


class Names:
    """JSON strings by id."""

    def __init__(self, connection: Connection, projects: Collection[str] | None, form: Form) -> None:
        """`projects` are the ids of those that are told about."""
        here = where("project_id IN :ids", ids=list(projects or ()))
        self.emails = {person.id: quoted(person.email) for person in connection.select(Person)}
        self.datasets = {dataset.id: quoted(dataset.name) for dataset in connection.select(Dataset)}
        self.batches = {batch.id: quoted(batch.name) for batch in connection.select(Batch, here)}
        self.queues = {queue.id: quoted(queue.name) for queue in connection.select(TaskQueue, here)}
        schemas = connection.select(MetadataSchema)
        self._schemas = {schema.id: _schema(schema, kind=form.has("schema_kinds")) for schema in schemas}
        self._enums = {schema.id for schema in schemas if schema.kind == "CustomMetadataEnum"}
        self._moments = {schema.id for schema in schemas if schema.kind == "CustomMetadataDateTime"}
        self.embeddings = {item.id: _embedding(item) for item in connection.select(Embedding)}

    def metadata(self, values: str) -> str:
        """`metadata_fields` of a data row, from its values by schema id as JSON."""
        schemas = self._schemas
        return ",".join(
            [
                f'{schemas[schema]},"value":{self._value(schema, value)}}}'
                for schema, value in orjson.loads(values).items()
            ]
        )

    def _value(self, schema: str, value: str | float) -> str:
        """Numbers are floats (observed 2024-12); an enum's value is a list of its options (labelbase downloader.py)."""
        if schema in self._enums:
            return f"[{self._schemas[str(value)]}}}]"
        if not isinstance(value, str):
            return repr(float(value))
        return quoted(_moment(value) if schema in self._moments else value)


def _schema(schema: MetadataSchema, *, kind: bool) -> str:
    """How an entry begins. An option of an enum has no kind of its own (inferred)."""
    known = f',"schema_kind":"{schema.kind}"' if kind and schema.parent_id is None else ""
    return f'{{"schema_id":"{schema.id}","schema_name":{quoted(schema.name)}{known}'


@lru_cache(maxsize=1024)
def _moment(text: str) -> str:
    """`2023-08-06T10:20:30.000+00:00`: what lies below a second is lost (observed 2023-08). A text that is no moment
    stays as it is."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return f"{moment.astimezone(datetime.UTC).isoformat()[:19]}.000+00:00"


def _embedding(embedding: Embedding) -> str:
    """An entry of `embeddings` up to its only vector (docs/export-quick-reference; five keys live-tested)."""
    custom = "true" if embedding.is_custom else "false"
    return (
        f'{{"id":{quoted(embedding.id)},"name":{quoted(embedding.name)},"dimensions":{embedding.dimensions},'
        f'"is_custom":{custom},"values":[{{"value":'
    )
