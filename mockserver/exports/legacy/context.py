"""The reviews, benchmarks and issues of labels, and the metadata of data rows, in V1 files. One query reads those of a
whole batch."""

from __future__ import annotations

from collections import defaultdict

import orjson

from mockserver.exports.legacy.label_row import LabelRow
from mockserver.exports.legacy.numbers import format_number
from mockserver.exports.sections import match_numbers
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import Row
from mockserver.world.records.data_rows import ENUM, MetadataSchema
from mockserver.world.records.issues import Issue, IssueStatus
from mockserver.world.records.labels import Label, Review
from mockserver.world.records.models import ModelRunRow


class Metadata:
    """The metadata of data rows, which rows keep as JSON of the values by schema id. `DataRow Metadata` of labels is
    `metadataFields` (inferred: samples have empty lists)."""

    def __init__(self, connection: Connection) -> None:
        schemas = {schema.id: schema for schema in connection.select(MetadataSchema)}
        self._starts = {schema.id: _item_start(schema) for schema in schemas.values()}
        self._enums = frozenset(schema.id for schema in schemas.values() if schema.kind == ENUM)
        self._choices = {
            option.id: f"{self._starts[option.parent_id]}{json_string(option.name)}}}"
            for option in schemas.values()
            if option.parent_id is not None
        }

    def fields(self, metadata: str) -> str:
        """Items of `metadataFields`: an enum is one, whose value names the option (tests of SDK 3.42 to 7.17)."""
        starts, enums, choices = self._starts, self._enums, self._choices
        return ",".join(
            [
                choices[value]
                if schema in enums
                else f"{starts[schema]}{json_string(value) if type(value) is str else format_number(value)}}}"
                for schema, value in orjson.loads(metadata).items()
            ]
        )

    def custom(self, metadata: str) -> str:
        """Items of `customMetadata`: an enum is two, the schema and the chosen option, both with an empty value
        (SDK data_row_metadata.py)."""
        starts, enums = self._starts, self._enums
        return ",".join(
            [
                f"{starts[schema]}{{}}}},{starts[value]}{{}}}}"
                if schema in enums
                else f"{starts[schema]}{_format_value(value)}}}"
                for schema, value in orjson.loads(metadata).items()
            ]
        )


def _format_value(value: str | float) -> str:
    return json_string(value) if isinstance(value, str) else format_number(value)


def _item_start(schema: MetadataSchema) -> str:
    """An item up to its value."""
    start = orjson.dumps({"schemaId": schema.id, "name": schema.name, "kind": schema.kind}).decode()
    return escape_non_ascii(f'{start[:-1]},"value":')


class LabelContext:
    """The reviews, benchmarks and open issues of one batch of labels."""

    def __init__(self, connection: Connection, labels: list[LabelRow]) -> None:
        numbers = [label.data_row_no for label in labels]
        self.reviews = _reviews(connection, [label.no for label in labels])
        self.benchmarks = _benchmarks(connection, numbers)
        self._issues = _open_issues(connection, numbers)

    def count_open_issues(self, place: tuple[str, int], label_id: str) -> int:
        """1 when an issue about the label or its whole data row is open, else 0 (sample: a number). `place` is the
        project id and the data row number."""
        if place not in self._issues:
            return 0
        subjects = self._issues[place]
        return int(None in subjects or label_id in subjects)


def find_splits(connection: Connection, rows: list[int], run: str) -> dict[int, str]:
    """The splits of data rows in a model run, by data row number; a row without a split is absent."""
    clause = match_numbers("data_row_no", rows) & Clause(
        "model_run_id = :run AND data_split <> :none", run=run, none="UNASSIGNED"
    )
    return dict(connection.select_columns(ModelRunRow, "data_row_no, data_split", clause))


def _reviews(connection: Connection, labels: list[int]) -> defaultdict[int, list[Row]]:
    """(id, score, created at, person) by label number."""
    reviews: defaultdict[int, list[Row]] = defaultdict(list)
    clause = match_numbers("label_no", labels)
    columns = "label_no, id, score, created_at, created_by"
    for number, *review in connection.select_columns(Review, columns, clause, order="label_no, no"):
        reviews[number].append(tuple(review))
    return reviews


def _benchmarks(connection: Connection, rows: list[int]) -> dict[tuple[str, int], str]:
    """The id of the reference label of a data row in a project."""
    clause = match_numbers("data_row_no", rows) & Clause("is_benchmark AND NOT deleted")
    benchmarks = connection.select_columns(Label, "project_id, data_row_no, id", clause)
    return {(project, number): label for project, number, label in benchmarks}


def _open_issues(connection: Connection, rows: list[int]) -> dict[tuple[str, int], set[str | None]]:
    """The subjects of the open issues of a data row in a project: a label's id, or None for the data row."""
    clause = match_numbers("data_row_no", rows) & Clause("status = :open AND NOT deleted", open=IssueStatus.OPEN)
    subjects: dict[tuple[str, int], set[str | None]] = {}
    for project, number, label in connection.select_columns(Issue, "project_id, data_row_no, label_id", clause):
        subjects.setdefault((project, number), set()).add(label)
    return subjects
