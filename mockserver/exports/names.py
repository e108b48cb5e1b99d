"""What the rows of one export share: names of people, datasets, batches, queues and schemas. Read once, as JSON."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection
from typing import Any

import orjson

from mockserver.exports.dates import PayloadFormat
from mockserver.exports.text import json_string
from mockserver.world.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.database import Clause, Connection
from mockserver.world.moments import format_moment
from mockserver.world.people import Organization, Person
from mockserver.world.projects import Batch, ProjectTag, ResourceTag, TaskQueue


class Names:
    """JSON strings by id."""

    def __init__(self, connection: Connection, projects: Collection[str] | None, form: PayloadFormat) -> None:
        """`projects` are the ids of those that are told about."""
        here = Clause("project_id IN :ids", ids=list(projects or ()))
        self.emails = {person.id: json_string(person.email) for person in connection.select(Person)}
        self.datasets = {dataset.id: json_string(dataset.name) for dataset in connection.select(Dataset)}
        self.batches = {batch.id: json_string(batch.name) for batch in connection.select(Batch, here)}
        self.queues = {queue.id: json_string(queue.name) for queue in connection.select(TaskQueue, here)}
        schemas = connection.select(MetadataSchema)
        heads = {schema.id: _schema(schema, kind=form.has("schema_kinds")) for schema in schemas}
        self._fields = {schema.id: (f'{heads[schema.id]},"value":', _writer(schema.kind, heads)) for schema in schemas}
        self._tags = _tags(connection, here)
        self.embeddings = {item.id: _embedding(item) for item in connection.select(Embedding)}

    def tags(self, project_id: str) -> str:
        """Items of `project_tags` (observed 2024-12)."""
        return ",".join(self._tags.get(project_id, ()))

    def metadata(self, values: str) -> str:
        """`metadata_fields` of a data row, from its values by schema id as JSON."""
        fields, written = self._fields, []
        for schema, value in orjson.loads(values).items():
            head, write = fields[schema]
            written.append(f"{head}{write(value)}}}")
        return ",".join(written)


def _writer(kind: str, heads: dict[str, str]) -> Callable[[Any], str]:
    """How the values of a kind of field are written: numbers as floats (observed 2024-12), moments as `_date_time`
    has them, an enum's as a list of its options (labelbase downloader.py)."""
    if kind == "CustomMetadataEnum":
        return lambda option: f"[{heads[option]}}}]"
    if kind == "CustomMetadataDateTime":
        return _date_time
    return lambda value: json_string(value) if isinstance(value, str) else repr(float(value))


def _tags(connection: Connection, here: Clause) -> dict[str, list[str]]:
    """By project, in the order in which the tags were made."""
    [organization] = connection.select(Organization)
    written = {
        tag.id: f'{{"id":"{tag.id}","organization_id":"{organization.id}","text":{json_string(tag.text)},'
        f'"color":"{tag.color}","created_at":"{format_moment(tag.created_at)}","updated_at":"{format_moment(tag.updated_at)}",'
        f'"created_by_id":"{tag.created_by}","type":"Default"}}'
        for tag in connection.select(ResourceTag)
    }
    found: dict[str, list[str]] = {}
    for tagged in connection.select(ProjectTag, here, order="project_id, tag_id"):
        found.setdefault(tagged.project_id, []).append(written[tagged.tag_id])
    return found


def _schema(schema: MetadataSchema, *, kind: bool) -> str:
    """How an entry begins. An option of an enum has no kind of its own (inferred)."""
    known = f',"schema_kind":"{schema.kind}"' if kind and schema.parent_id is None else ""
    return f'{{"schema_id":"{schema.id}","schema_name":{json_string(schema.name)}{known}'


_OURS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII).fullmatch


def _date_time(text: str) -> str:
    """`"2023-08-06T10:20:30.000+00:00"`: what lies below a second is lost (observed 2023-08). A text that is no moment
    stays as it is."""
    if _OURS(text):  # almost all are written so
        return f'"{text[:19]}.000+00:00"'
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return json_string(text)
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    return f'"{found.astimezone(datetime.UTC).isoformat()[:19]}.000+00:00"'


def _embedding(embedding: Embedding) -> str:
    """An entry of `embeddings` up to its only vector (docs/export-quick-reference; five keys live-tested)."""
    custom = "true" if embedding.is_custom else "false"
    return (
        f'{{"id":{json_string(embedding.id)},"name":{json_string(embedding.name)},"dimensions":{embedding.dimensions},'
        f'"is_custom":{custom},"values":[{{"value":'
    )
