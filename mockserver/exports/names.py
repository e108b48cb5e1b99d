"""What the rows of one export share: names of people, datasets, batches, queues and schemas. Read once."""

from __future__ import annotations

from mockserver.world.data_rows import Dataset, Embedding, MetadataSchema
from mockserver.world.database import Connection, where
from mockserver.world.people import Person
from mockserver.world.projects import Batch, Project, TaskQueue


class Names:
    """Looked up by id."""

    def __init__(self, connection: Connection, project: Project) -> None:
        here = where("project_id = :project", project=project.id)
        self.project = project
        self.emails = {person.id: person.email for person in connection.select(Person)}
        self.datasets = {dataset.id: dataset.name for dataset in connection.select(Dataset)}
        self.batches = {batch.id: batch.name for batch in connection.select(Batch, here)}
        self.queues = {queue.id: queue.name for queue in connection.select(TaskQueue, here)}
        self.schemas = {schema.id: schema for schema in connection.select(MetadataSchema)}
        self.embeddings = {embedding.id: embedding for embedding in connection.select(Embedding)}
