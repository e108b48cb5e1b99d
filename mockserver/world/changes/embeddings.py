"""Changes of embeddings and of the vectors of data rows."""

from __future__ import annotations

from collections.abc import Sequence

from mockserver.errors import BadInput, Conflict, NotAllowed
from mockserver.world.changes.row_lookup import find_data_rows
from mockserver.world.clause import Clause
from mockserver.world.queries.conditions import match_subquery
from mockserver.world.records.data_rows import Embedding, EmbeddingVector
from mockserver.world.records.events import EventKind
from mockserver.world.records.labels import Body
from mockserver.world.store import Store

MOST_CUSTOM = 10
"""Embeddings of one organization (SDK client.py get_embedding_by_name)."""
MOST_DIMENSIONS = 2_048
LONGEST_NAME = 100


class EmbeddingChanges:
    """The changes of one store's embeddings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, dimensions: int) -> Embedding:
        """Raises BadInput, and Conflict when there are too many or one of this name."""
        is_name = 1 <= len(name.strip()) <= LONGEST_NAME and "\0" not in name
        if not is_name or not 1 <= dimensions <= MOST_DIMENSIONS:
            raise BadInput(
                f"An embedding has the name {name[:LONGEST_NAME]!r} and dims {dimensions}; expected a name of 1 to "
                f"{LONGEST_NAME} characters, none of them NUL, and 1 to {MOST_DIMENSIONS:,} dims"
            )
        with self._store.change() as change:
            embeddings = change.connection.select(Embedding)
            if any(embedding.name == name for embedding in embeddings):
                raise Conflict(f"There is an embedding {name!r} already; give the new one another name")
            if sum(embedding.is_custom for embedding in embeddings) >= MOST_CUSTOM:
                raise Conflict(f"There are {MOST_CUSTOM} custom embeddings already; delete one first")
            embedding = Embedding(change.new_id(), name, dimensions, is_custom=True)
            change.connection.insert([embedding])
            change.add_event(EventKind.SCHEMA_UPDATED, id=embedding.id)
            return embedding

    def delete(self, embedding_id: str) -> None:
        """Deletes an embedding with its vectors. Raises NotFound, and NotAllowed for one of the service."""
        with self._store.change() as change:
            embedding = change.one(Embedding, embedding_id)
            if not embedding.is_custom:
                raise NotAllowed(f"Embedding {embedding.name!r} is built in; only custom ones can be deleted")
            vectors = Clause("embedding_id = :id", id=embedding_id)
            change.connection.delete(Body, match_subquery("id", EmbeddingVector, "body_id", vectors))
            change.connection.delete(EmbeddingVector, vectors)
            change.connection.delete(Embedding, Clause("id = :id", id=embedding_id))
            change.add_event(EventKind.SCHEMA_UPDATED, id=embedding.id)

    def set_vectors(self, embedding_id: str, vectors: Sequence[tuple[str, bytes]]) -> None:
        """Gives data rows, by id, their vectors, as JSON; earlier ones are replaced. Raises NotFound,
        MalformedRequest."""
        with self._store.change() as change:
            embedding = change.one(Embedding, embedding_id)
            latest = dict(vectors)
            rows = find_data_rows(change.connection, list(latest))
            body = change.body_id()
            for number, row in enumerate(rows, body):
                place = Clause("data_row_no = :no AND embedding_id = :id", no=row.no, id=embedding.id)
                change.connection.delete(EmbeddingVector, place)
                change.connection.insert(
                    [Body(number, latest[row.id], None), EmbeddingVector(row.no, embedding.id, number)]
                )
                change.touch(row.no)
            change.add_event(EventKind.SCHEMA_UPDATED, id=embedding.id)
