"""Names that the rows of one export share: people, datasets, batches, queues and schemas. Read once, as JSON."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Collection
from typing import Any

import orjson

from mockserver.exports.dates import PayloadFormat
from mockserver.exports.text import json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.moments import format_moment
from mockserver.world.records.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.records.people import Organization, Person
from mockserver.world.records.projects import Batch, ProjectTag, ResourceTag, TaskQueue


class Names:
    """JSON strings by id."""

    def __init__(self, connection: Connection, projects: Collection[str] | None, form: PayloadFormat) -> None:
        """`projects` are the ids of the projects in the rows."""
        in_projects = Clause("project_id IN :ids", ids=list(projects or ()))
        self.emails = {person.id: json_string(person.email) for person in connection.select(Person)}
        self.datasets = {dataset.id: json_string(dataset.name) for dataset in connection.select(Dataset)}
        self.batches = {batch.id: json_string(batch.name) for batch in connection.select(Batch, in_projects)}
        self.queues = {queue.id: json_string(queue.name) for queue in connection.select(TaskQueue, in_projects)}
        schemas = connection.select(MetadataSchema)
        heads = {schema.id: _render_schema(schema, kind=form.has("schema_kinds")) for schema in schemas}
        self._fields = {
            schema.id: (f'{heads[schema.id]},"value":', _get_writer(schema.kind, heads)) for schema in schemas
        }
        self._tags = _render_tags(connection, in_projects)
        self.embeddings = {item.id: _render_embedding(item) for item in connection.select(Embedding)}

    def render_tags(self, project_id: str) -> str:
        """Items of `project_tags` (observed 2024-12)."""
        return ",".join(self._tags.get(project_id, ()))

    def render_metadata(self, values: str) -> str:
        """`metadata_fields` of a data row, from its values by schema id as JSON."""
        fields, texts = self._fields, []
        for schema, value in orjson.loads(values).items():
            head, write = fields[schema]
            texts.append(f"{head}{write(value)}}}")
        return ",".join(texts)


def _get_writer(kind: str, heads: dict[str, str]) -> Callable[[Any], str]:
    """The function that writes the values of a kind of field: numbers as floats (observed 2024-12), moments by
    `_render_date_time`, the value of an enum as a list of its options (labelbase downloader.py)."""
    if kind == "CustomMetadataEnum":
        return lambda option: f"[{heads[option]}}}]"
    if kind == "CustomMetadataDateTime":
        return _render_date_time
    return lambda value: json_string(value) if isinstance(value, str) else repr(float(value))


def _render_tags(connection: Connection, in_projects: Clause) -> dict[str, list[str]]:
    """Tags as JSON by project, in their order of creation."""
    [organization] = connection.select(Organization)
    texts = {
        tag.id: f'{{"id":"{tag.id}","organization_id":"{organization.id}","text":{json_string(tag.text)},'
        f'"color":"{tag.color}","created_at":"{format_moment(tag.created_at)}","updated_at":"{format_moment(tag.updated_at)}",'
        f'"created_by_id":"{tag.created_by}","type":"Default"}}'
        for tag in connection.select(ResourceTag)
    }
    tags: dict[str, list[str]] = {}
    for tagged in connection.select(ProjectTag, in_projects, order="project_id, tag_id"):
        tags.setdefault(tagged.project_id, []).append(texts[tagged.tag_id])
    return tags


def _render_schema(schema: MetadataSchema, *, kind: bool) -> str:
    """The beginning of an entry. An option of an enum has no kind of its own (inferred)."""
    known = f',"schema_kind":"{schema.kind}"' if kind and schema.parent_id is None else ""
    return f'{{"schema_id":"{schema.id}","schema_name":{json_string(schema.name)}{known}'


_is_plain = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII).fullmatch


def _render_date_time(text: str) -> str:
    """`"2023-08-06T10:20:30.000+00:00"`: fractions of seconds are dropped (observed 2023-08). A text that is no
    moment stays as it is."""
    if _is_plain(text):  # almost all are written so
        return f'"{text[:19]}.000+00:00"'
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return json_string(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return f'"{moment.astimezone(datetime.UTC).isoformat()[:19]}.000+00:00"'


def _render_embedding(embedding: Embedding) -> str:
    """An entry of `embeddings` up to its only vector (docs/export-quick-reference; five keys live-tested)."""
    custom = "true" if embedding.is_custom else "false"
    return (
        f'{{"id":{json_string(embedding.id)},"name":{json_string(embedding.name)},"dimensions":{embedding.dimensions},'
        f'"is_custom":{custom},"values":[{{"value":'
    )
