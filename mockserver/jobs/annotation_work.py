"""The work of one import of annotations: its lines are grouped by data row, checked, and built into bodies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mockserver.generate.features import parse_ontology
from mockserver.imports.annotation_files import NOWHERE, AnnotationFile, read_uuid
from mockserver.imports.bodies import Target, build_body
from mockserver.imports.contents import Contents, ReadFile
from mockserver.imports.line_decoding import check_json, decode_line
from mockserver.imports.lines import Line
from mockserver.imports.metrics import AGGREGATIONS, decode_metric, encode_value, is_metric
from mockserver.imports.problems import LineProblem, refuse_value
from mockserver.imports.scopes import Scope, build_scope
from mockserver.imports.statuses import StatusWriter
from mockserver.world.changes.annotation_imports import NewAnnotations, NewMetric, find_members
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.record import JsonText
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.imports import AnnotationImport, AnnotationKind
from mockserver.world.records.models import Model, ModelRun
from mockserver.world.records.projects import Ontology, Project
from mockserver.world.store import Store

ROWS_TOGETHER = 20
"""Data rows of one transaction, some 8 ms, in which no other change can be made."""
BYTES_TOGETHER = 1024 * 1024
"""Bytes of lines after which a transaction has no further row."""
KEYS_TOGETHER = 500
"""As few as in world/changes/annotation_imports.py, for the same reason."""
LARGEST_ROW = 32 * 1024 * 1024
"""Bytes of the lines of one data row in one import."""
NO_ONTOLOGY = '{"tools":[],"classifications":[]}'


class Parent(NamedTuple):
    """The project or the model run of an import: the features that lines may name, and the media type of a project."""

    scope: Scope
    media: str | None


class Place(NamedTuple):
    """A data row that lines name."""

    no: int
    id: str


class Group(NamedTuple):
    """The annotations of some data rows. `rows_done` is how many data rows of the file are done with them."""

    annotations: list[NewAnnotations]
    rows_done: int


def read_parent(connection: Connection, record: AnnotationImport) -> Parent:
    """Raises NotFound."""
    media = None
    if record.kind == AnnotationKind.PREDICTIONS:
        run = connection.one_by_id(ModelRun, record.parent_id)
        ontology_id = connection.one_by_id(Model, run.model_id).ontology_id
    else:
        project = connection.one_by_id(Project, record.parent_id)
        ontology_id, media = project.ontology_id, project.allowed_media_type
    return Parent(read_scope(connection, ontology_id), media)


def read_scope(connection: Connection, ontology_id: str | None) -> Scope:
    """The features of an ontology; none without one."""
    ontology = None if ontology_id is None else connection.find(Ontology, Clause("id = :id", id=ontology_id))
    normalized = NO_ONTOLOGY if ontology is None else ontology.normalized
    return build_scope(parse_ontology(ontology_id or "", normalized))


class AnnotationWork:
    """One file on its way into a project or a model run. What an earlier server has written of it is left out."""

    def __init__(
        self, store: Store, record: AnnotationImport, parent: Parent, file: AnnotationFile, read_file: ReadFile
    ) -> None:
        self._store, self._record, self._parent = store, record, parent
        self._file, self._read_file = file, read_file
        self._seed = store.workspace.seed
        self._places: dict[int, Place] = {}
        """Number of a reference of the file -> the data row it names."""
        self._problems: dict[int, LineProblem] = {}
        """Number of a line -> why it was left out. Lines with the same problem share it."""
        self._distinct: dict[tuple[str, str], LineProblem] = {}
        self._lines_of: dict[int, list[int]] = {}
        """Number of a data row in the world -> its lines."""

    def find_failure(self) -> LineProblem | None:
        """The reason why the file as a whole cannot be imported, or None."""
        if not self._file.is_complete:
            return LineProblem("FileTooLarge", f"The file has more than {len(self._file):,} lines; send it in parts")
        if not self._file.has_objects:
            return LineProblem(
                "InvalidFile", "No line of the file is a JSON object; expected NDJSON, one object a line"
            )
        return None

    def iterate(self) -> Iterator[Group]:
        """Yields the annotations of the data rows, a group of rows at a time."""
        self._find_rows()
        for group in self._iterate_groups():
            annotations = self._build_group(group)
            if annotations:
                yield Group(annotations, max(group.values()))

    def _iterate_groups(self) -> Iterator[dict[int, int]]:
        """Yields the data rows of each transaction, as `_sort_rows` returns them."""
        group: dict[int, int] = {}
        size = 0
        for number, owner in self._sort_rows().items():
            group[number] = owner
            size += sum(map(self._file.size, self._lines_of[number]))
            if len(group) == ROWS_TOGETHER or size >= BYTES_TOGETHER:
                yield group
                group, size = {}, 0
        if group:
            yield group

    def leave_out(self, numbers: Iterable[int]) -> None:
        """Notes that data rows, by their numbers in the world, were deleted or taken out since the file was read."""
        for number in numbers:
            words = "The data row was deleted, or taken out of the project or the model run, while the import ran"
            self._problems |= dict.fromkeys(self._lines_of[number], LineProblem("DataRowNotFound", words))

    def _find_rows(self) -> None:
        """Finds the data rows that lines name, and those of them that are in the project or the model run."""
        keys = self._file.keys
        for start in range(1, len(keys), KEYS_TOGETHER):
            numbers = range(start, min(start + KEYS_TOGETHER, len(keys)))
            for column, attribute in (("id", "row_id"), ("global_key", "global_key")):
                names = {getattr(keys[number], attribute): number for number in numbers}
                names.pop(None, None)
                clause = Clause(f"{column} IN :names AND NOT deleted", names=list(names))
                with self._store.reading() as connection:
                    records = connection.select_columns(DataRow, f"{column}, no, id", clause)
                self._places |= {names[name]: Place(no, row_id) for name, no, row_id in records}

    def _sort_rows(self) -> dict[int, int]:
        """Sorts the lines by data rows. Returns the number of each data row in the world with its number in the file,
        in order. One that is named by its id and by its global key is named once."""
        with self._store.read_apart() as connection:
            numbers = sorted({place.no for place in self._places.values()})
            members = find_members(connection, self._record, numbers)
        first: dict[int, int] = {}
        for owner, lines in self._file.iterate_rows():
            place = self._places.get(owner)
            if owner == NOWHERE:
                for number in lines:
                    self._note(number, self._explain_line(number))
            elif place is None or place.no not in members:
                problem = self._explain_row(owner, place)
                self._problems.update(dict.fromkeys(lines, problem))
            else:
                first.setdefault(place.no, owner)
                self._lines_of.setdefault(place.no, []).extend(lines)
        return first

    def _note(self, number: int, problem: LineProblem) -> None:
        """Keeps the problem of a line, without the traceback, which would keep the line as well."""
        what = (problem.name, problem.message)
        self._problems[number] = self._distinct.setdefault(what, LineProblem(*what))

    def _explain_line(self, number: int) -> LineProblem:
        """The reason why a line has no data row: it may be no JSON."""
        try:
            check_json(self._file.read(number))
        except LineProblem as problem:
            return problem
        return refuse_value("dataRow", "missing or wrong", 'either {"id": …} or {"globalKey": …}')

    def _explain_row(self, owner: int, place: Place | None) -> LineProblem:
        key = self._file.keys[owner]
        name = f"dataRow.id is {key.row_id!r}" if key.row_id is not None else f"dataRow.globalKey is {key.global_key!r}"
        if place is None:
            return LineProblem("DataRowNotFound", f"{name}; no data row of this workspace has it")
        if self._record.kind == AnnotationKind.PREDICTIONS:
            return LineProblem(
                "DataRowNotInModelRun", f"{name}, not in the model run; add it by upsert_data_rows first"
            )
        return LineProblem("DataRowNotInProject", f"{name}, not in the project; add it by a batch first")

    def _build_group(self, group: dict[int, int]) -> list[NewAnnotations]:
        """The annotations of data rows that are to be written. The lines of all of them are checked."""
        with self._store.reading() as connection:
            rows = connection.select(DataRow, Clause("no IN :numbers", numbers=list(group)))
        by_number = {row.no: row for row in rows}
        built = [self._build_row(by_number[number], self._lines_of[number]) for number in group]
        return [new for new in built if new is not None and group[new.row.no] > self._record.rows_done]

    def _build_row(self, row: DataRow, numbers: list[int]) -> NewAnnotations | None:
        if sum(map(self._file.size, numbers)) > LARGEST_ROW:
            words = f"The lines of its data row have more than {LARGEST_ROW:,} bytes; send fewer"
            self._problems |= dict.fromkeys(numbers, LineProblem("LabelTooLarge", words))
            return None
        lines: list[Line] = []
        metrics: list[NewMetric] = []
        right_numbers: list[int] = []
        for number in numbers:
            try:
                text = self._file.read(number)
                if self._record.kind == AnnotationKind.PREDICTIONS and is_metric(text):
                    metrics.append(self._build_metric(text))
                    continue
                lines.append(decode_line(text))
                right_numbers.append(number)
            except LineProblem as problem:
                self._note(number, problem)
        if not lines:
            return NewAnnotations(row, None, None, metrics=metrics) if metrics else None
        media, predictions = self._parent.media or row.media_type, self._record.kind == AnnotationKind.PREDICTIONS
        target = Target(media, Contents(row, self._seed, self._read_file), self._parent.scope, predictions)
        body = build_body(target, lines)
        for index, reason in body.problems.items():
            self._note(right_numbers[index], reason)
        if body.content is None and not metrics:
            return None
        return NewAnnotations(row, body.content, body.aside, body.is_benchmark, metrics)

    def _build_metric(self, text: bytes) -> NewMetric:
        line = decode_metric(text, self._parent.scope)
        aggregation = line.aggregation or AGGREGATIONS[0]
        value = JsonText(encode_value(line))
        return NewMetric(line.metric_name, line.feature_name, line.subclass_name, aggregation, value)

    def write_statuses(self, statuses: StatusWriter) -> None:
        """Writes what became of each line, in the order of the file."""
        for number in range(len(self._file)):
            owner = self._file.owner(number)
            place = self._places.get(owner)
            problem = self._problems.get(number)
            numbered = None if problem is None else _add_line(problem, number)
            uuid = read_uuid(self._file.read(number))
            statuses.write(uuid, self._file.keys[owner], None if place is None else place.id, numbered)


def _add_line(problem: LineProblem, number: int) -> LineProblem:
    return LineProblem(problem.name, f"Line {number + 1}: {problem.message}")
