"""What stands around labels and data rows in V1 files: reviews, benchmarks, metadata. Read for a piece at a time."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable

import orjson

from mockserver.exports.sections import among
from mockserver.exports.text import ascii_json
from mockserver.world.data_rows import ENUM, MetadataSchema
from mockserver.world.database import Connection, Row, where
from mockserver.world.issues import IssueStatus


class Metadata:
    """Metadata of data rows, written as GraphQL writes it (inferred for `DataRow Metadata`: samples have none)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._schemas = {schema.id: schema for schema in connection.select(MetadataSchema)}
        self._begun = {schema.id: _begun(schema) for schema in self._schemas.values()}

    def of(self, numbers: list[int]) -> defaultdict[int, list[str]]:
        """Items of `metadataFields` as JSON texts, by data row number."""
        return self._items(numbers, self._field)

    def custom_of(self, numbers: list[int]) -> defaultdict[int, list[str]]:
        """Items of `customMetadata` as JSON texts, by data row number."""
        return self._items(numbers, self._custom)

    def _items(self, numbers: list[int], write: Callable[[str, str | float], str]) -> defaultdict[int, list[str]]:
        found: defaultdict[int, list[str]] = defaultdict(list)
        clause = among("no", numbers)
        sql = f"SELECT no, metadata FROM data_row WHERE {clause.sql}"
        for number, metadata in self._connection.rows(sql, clause.params):
            found[number] = [write(*field) for field in orjson.loads(metadata).items()]
        return found

    def _field(self, schema_id: str, value: str | float) -> str:
        """The value of an enum is the name of the chosen option (SDK tests test_data_rows_upsert.py)."""
        enum = self._schemas[schema_id].kind == ENUM
        return f"{self._begun[schema_id]}{json.dumps(self._schemas[str(value)].name if enum else value)}}}"

    def _custom(self, schema_id: str, value: str | float) -> str:
        """An enum is two items, the schema and the chosen option, both with an empty value (data_row_metadata.py)."""
        if self._schemas[schema_id].kind == ENUM:
            return f"{self._begun[schema_id]}{{}}}},{self._begun[str(value)]}{{}}}}"
        return f"{self._begun[schema_id]}{json.dumps(value)}}}"


def _begun(schema: MetadataSchema) -> str:
    """An item up to its value."""
    start = orjson.dumps({"schemaId": schema.id, "name": schema.name, "kind": schema.kind}).decode()
    return ascii_json(f'{start[:-1]},"value":')


class Surroundings:
    """Of one piece of labels: rows that begin with a label's number, id, project id and data row number."""

    def __init__(
        self, connection: Connection, metadata: Metadata, labels: list[Row], *, run: str | None = None
    ) -> None:
        numbers = [row[3] for row in labels]
        self.metadata = metadata.of(numbers)
        self.reviews = _reviews(connection, [row[0] for row in labels])
        self.benchmarks = _benchmarks(connection, numbers)
        self._issues = _open_issues(connection, numbers)
        self._splits = {} if run is None else _splits(connection, numbers, run)

    def open_issues(self, project_id: str, number: int, label_id: str) -> int:
        """1 when an issue about the label or its whole data row is open, else 0 (sample: a number)."""
        about = self._issues.get((project_id, number), ())
        return int(None in about or label_id in about)

    def split(self, number: int) -> str:
        """`"training"` in a model run, else null (sample)."""
        return f'"{self._splits[number].lower()}"' if number in self._splits else "null"


def _splits(connection: Connection, rows: list[int], run: str) -> dict[int, str]:
    """Of the data rows in a model run; one that is in no split has none."""
    clause = among("data_row_no", rows) & where(
        "model_run_id = :run AND data_split <> :none", run=run, none="UNASSIGNED"
    )
    return dict(connection.rows(f"SELECT data_row_no, data_split FROM model_run_row WHERE {clause.sql}", clause.params))


def _reviews(connection: Connection, labels: list[int]) -> defaultdict[int, list[Row]]:
    """(id, score, created at, person) by label number."""
    found: defaultdict[int, list[Row]] = defaultdict(list)
    clause = among("label_no", labels)
    sql = f"SELECT label_no, id, score, created_at, created_by FROM review WHERE {clause.sql} ORDER BY label_no, no"
    for number, *review in connection.rows(sql, clause.params):
        found[number].append(tuple(review))
    return found


def _benchmarks(connection: Connection, rows: list[int]) -> dict[tuple[str, int], str]:
    """The id of the reference label of a data row in a project."""
    clause = among("data_row_no", rows) & where("is_benchmark AND NOT deleted")
    sql = f"SELECT project_id, data_row_no, id FROM label WHERE {clause.sql}"
    return {(project, number): label for project, number, label in connection.rows(sql, clause.params)}


def _open_issues(connection: Connection, rows: list[int]) -> dict[tuple[str, int], set[str | None]]:
    """What the open issues of a data row in a project are about: a label's id, or None for the data row."""
    clause = among("data_row_no", rows) & where("status = :open AND NOT deleted", open=IssueStatus.OPEN)
    found: dict[tuple[str, int], set[str | None]] = {}
    sql = f"SELECT project_id, data_row_no, label_id FROM issue WHERE {clause.sql}"
    for project, number, label in connection.rows(sql, clause.params):
        found.setdefault((project, number), set()).add(label)
    return found
