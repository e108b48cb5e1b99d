"""Export V2 rows, piece by piece (shapes: payloads.md §1; what does not apply is absent, never null)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterator

from mockserver.exports.dates import Form, form_of
from mockserver.exports.experiments import Blocks, Experiments, words
from mockserver.exports.failures import FailedRow
from mockserver.exports.forms import Step
from mockserver.exports.frames import interpolated
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.results import Piece
from mockserver.exports.scope import Scope
from mockserver.exports.sections import Bodies, Files, Sections
from mockserver.exports.text import ascii_json, moment, quoted, unescaped
from mockserver.links import ASSET_DAYS, Links, good_until
from mockserver.world.database import Connection, Row
from mockserver.world.labels import WorkflowStatus

PIECE = 128
"""Rows read and written at a time, some 600 kB: enough to share the cost of a query, too few to hold memory."""

SPELLED = {
    WorkflowStatus.TO_LABEL: "TO_LABEL",
    WorkflowStatus.IN_REVIEW: "IN_REVIEW",
    WorkflowStatus.IN_REWORK: "IN_REWORK",
    WorkflowStatus.DONE: "DONE",
}
"""Rows spell a status other than filters do (IN_REVIEW: SDK test; DONE: sample; the rest inferred)."""

_COLUMNS = "dr.no, dr.id, dr.global_key, dr.external_id, dr.row_data, dr.media_type, dr.media_attributes"
_METADATA = ", dr.metadata"
_DETAILS = ", dr.dataset_id, dr.created_at, dr.updated_at, dr.last_activity_at, dr.created_by"
VIDEO = "VIDEO"


def steps_for(params: ExportParams, form: Form) -> list[Step]:
    """What the params and the payload date make of a canonical body."""
    wanted = params.include_interpolated_frames and form.has("interpolated_frames")
    return [interpolated, *form.steps] if wanted else form.steps


class ExportRows:
    """The rows of a scope, as one snapshot shows them."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        params: ExportParams,
        *,
        links: Links,
        host: str,
        task_id: str,
        now: int,
        failing: Container[str] = (),
    ) -> None:
        """`failing` are ids and global keys of data rows that are left out, and found in `failed` afterwards."""
        self._failing, self.failed = failing, list[FailedRow]()
        self._connection, self._scope, self._params = connection, scope, params
        self._files = Files(links, host=host, expires=good_until(now, ASSET_DAYS))
        self._projects = scope.projects or {}
        self._headings = {
            project.id: f'"{project.id}":{{"name":{quoted(project.name)},"labels":['
            for project in self._projects.values()
        }
        self._names = Names(connection, self._projects)
        self._form = form_of(connection)
        self._runs_key, _ = words(self._form)
        self._tags = ',"project_tags":[]' if self._form.has("project_tags") else ""
        self._attributes = self._form.media_attributes if self._form.lost_attributes else ascii_json
        self._bodies = Bodies(connection, host=host, task_id=task_id, steps=steps_for(params, self._form))
        self._vectors = Bodies(connection, host=host, task_id=task_id, steps=[])

    def text(self) -> bytes:
        """All of it at once, for small selections."""
        return b"".join(piece.text for piece in self.pieces())

    def count(self) -> int:
        """How many rows there will be."""
        sql = f"SELECT count(*) FROM {self._scope.tables} WHERE {self._scope.condition.sql}"
        return int(self._connection.value(sql, self._scope.condition.params))

    def pieces(self) -> Iterator[Piece]:
        """NDJSON in whole lines, ASCII unless a switch says otherwise, PIECE rows at a time, in order of creation."""
        scope, params = self._scope, self._params
        columns = f"{_COLUMNS}{_METADATA if params.include_metadata else ''}"
        columns += _DETAILS if params.include_data_row_details else ""
        sql = f"SELECT {columns} FROM {scope.tables} WHERE {scope.condition.sql} ORDER BY {scope.order}"
        for rows in self._connection.pieces(sql, scope.condition.params, PIECE):
            good = self._without_failing(rows) if self._failing else rows
            if good:
                yield self._written(good)

    def _without_failing(self, rows: list[Row]) -> list[Row]:
        failing = [row for row in rows if row[1] in self._failing or row[2] in self._failing]
        self.failed += [FailedRow(row[1], row[2]) for row in failing]
        return [row for row in rows if row not in failing]

    def _written(self, rows: list[Row]) -> Piece:
        numbers = [row[0] for row in rows]
        videos = {row[0] for row in rows if row[5] == VIDEO}
        sections = Sections(
            self._connection,
            self._names,
            self._bodies,
            self._vectors,
            self._files,
            self._params,
            self._form,
            list(self._projects),
            numbers,
            videos,
        )
        standings = self._standings(sections)
        experiments = self._experiments(sections, numbers)
        lines = [part for row in rows for part in self._line(row, sections, standings, experiments)]
        text = "".join(lines).encode("ascii")
        return Piece(unescaped(text) if self._form.switches.characters == "utf-8" else text, len(rows))

    def _standings(self, sections: Sections) -> dict[int, list[Row]]:
        """Read only where the answer is not known: in one project's export without details all rows stand there."""
        sole = self._scope.sole
        if sole is not None and not self._params.include_project_details:
            return defaultdict(lambda: [(sole.id,)])
        return sections.standings() if self._projects else defaultdict(list)

    def _experiments(self, sections: Sections, numbers: list[int]) -> Blocks | None:
        """None where rows have no such section."""
        if self._scope.runs is None:
            return None
        return Experiments(
            self._connection,
            self._scope.runs,
            sections,
            numbers,
            form=self._form,
            predictions=self._params.include_predictions,
        ).blocks()

    def _line(
        self, row: Row, sections: Sections, standings: dict[int, list[Row]], experiments: Blocks | None
    ) -> Iterator[str]:
        """In parts, as lines are long and joined only once. Keys in the order of the sample; a section that the params
        ask for is there even when it is empty."""
        number, params = row[0], self._params
        yield f'{{"data_row":{self._data_row(row)},"media_attributes":{self._attributes(row[6])}'
        if params.include_attachments:
            yield f',"attachments":[{",".join(sections.attachments[number])}]'
        if params.include_metadata:
            yield f',"metadata_fields":[{self._names.metadata(row[7])}]'
        if params.include_embeddings:
            yield f',"embeddings":[{",".join(sections.embeddings[number])}]'
        if self._scope.projects is not None:
            comma = ',"projects":{'
            for standing in standings[number]:
                if standing[0] in self._projects:
                    yield comma
                    yield from self._project(number, standing, sections)
                    comma = ","
            yield "}" if comma == "," else ',"projects":{}'
        yield "}\n" if experiments is None else f',"{self._runs_key}":{{{experiments.get(number, "")}}}}}\n'

    def _project(self, number: int, standing: Row, sections: Sections) -> Iterator[str]:
        """One entry of `projects`."""
        yield self._headings[standing[0]]
        yield ",".join(sections.labels[standing[0], number])
        details = self._project_details(standing) if self._params.include_project_details else ""
        yield f"]{self._tags}{details}}}"

    def _data_row(self, row: Row) -> str:
        _, row_id, global_key, external_id, row_data = row[:5]
        key = "" if global_key is None else f'"global_key":{quoted(global_key)},'
        external = "" if external_id is None else f'"external_id":{quoted(external_id)},'
        source = self._files.asset(row_id, external_id or row_id) if row_data is None else quoted(row_data)
        details = self._details(*row[-5:]) if self._params.include_data_row_details else ""
        return f'{{"id":"{row_id}",{key}{external}"row_data":{source}{details}}}'

    def _details(self, dataset_id: str, created: int, updated: int, active: int, person: str) -> str:
        """The `details` of a data row."""
        return (
            f',"details":{{"dataset_id":"{dataset_id}","dataset_name":{self._names.datasets[dataset_id]},'
            f'"created_at":"{moment(created)}","updated_at":"{moment(updated)}",'
            f'"last_activity_at":"{moment(active)}","created_by":{self._names.emails[person]}}}'
        )

    def _project_details(self, standing: Row) -> str:
        """Keys in the order of the sample; `task_id` only while the row waits in a queue (inferred)."""
        project_id, batch_id, queue_id, status, priority, expected, selected, history = standing
        ontology_id = self._projects[project_id].ontology_id
        ontology = "" if ontology_id is None else f'"ontology_id":"{ontology_id}",'
        task = '"task_name":"Done",' if queue_id is None else self._waiting(queue_id)
        winner = "" if selected is None else f'"selected_label_id":"{selected}",'
        return (
            f',"project_details":{{{ontology}{task}"batch_id":"{batch_id}","batch_name":{self._names.batches[batch_id]},'
            f'"workflow_status":"{SPELLED[status]}","priority":{priority},"consensus_expected_label_count":{expected},'
            f'{winner}"workflow_history":[{self._names.history(history)}]}}'
        )

    def _waiting(self, queue_id: str) -> str:
        return f'"task_id":"{queue_id}","task_name":{self._names.queues[queue_id]},'
