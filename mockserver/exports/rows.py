"""Export V2 rows, piece by piece (shapes: payloads.md §1; what does not apply is absent, never null).

A piece is written by columns: every section is a list with what it says of each row, and the lines are zipped from
these lists. A call for each list costs nothing; one for each row and section costs as much as the text it makes. What
is long stays in parts until all of a line is joined.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain

from mockserver.exports.annotations import Annotations
from mockserver.exports.columns import DataRowColumns, transpose_rows
from mockserver.exports.dates import PayloadFormat, load_format, remove_page_count
from mockserver.exports.experiments import Experiments, experiment_keys
from mockserver.exports.failures import FailedRow
from mockserver.exports.frames import interpolate_frames
from mockserver.exports.labels import PARTS_OF_A_LABEL, LabelKinds, Labels
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.scope import Scope
from mockserver.exports.sections import Files, Membership, Sections, Texts, match_numbers
from mockserver.exports.steps import Step
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import escape_non_ascii, json_string, unescape
from mockserver.links import Links
from mockserver.world.database import EVERYTHING, Clause, Connection, Row
from mockserver.world.media import LABEL_KINDS, WITH_TEXT_LAYER
from mockserver.world.moments import format_moment as _moment
from mockserver.world.moments import round_to_second

PIECE = 128
"""Rows read at a time: enough to share the cost of a query, too few to hold memory."""
LINES = 32
"""Rows joined at a time, some 150 kB: larger texts take memory that the system must clear first."""
FEW_PROJECTS = 30
"""So many are searched one by one; for more, all rows of the piece are looked at."""

_COLUMNS = ("no", "id", "global_key", "external_id", "row_data", "media_type", "media_attributes")
_DETAILS = ("dataset_id", "created_at", "updated_at", "last_activity_at", "created_by")

Parts = Sequence[str]
"""A text that is not joined yet."""


def steps_for(params: ExportParams, form: PayloadFormat) -> list[Step]:
    """What the params and the payload date make of a canonical body."""
    wanted = params.include_interpolated_frames and form.has("interpolated_frames")
    return [interpolate_frames, *form.steps] if wanted else form.steps


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
        projects = scope.projects or {}
        self._headings = {
            project.id: f'"{project.id}":{{"name":{json_string(project.name)},"labels":['
            for project in projects.values()
        }
        few = 0 < len(projects) <= FEW_PROJECTS
        self._here = Clause("project_id IN :ids", ids=list(projects)) if few else EVERYTHING
        self._form = load_format(connection)
        self._files = Files(links, host=host, key=self._form.asset_key, now=now)
        self._names = Names(connection, projects, self._form)
        told = self._form.has("project_tags")
        self._tags = {project: f',"project_tags":[{self._names.tags(project)}]' if told else "" for project in projects}
        bodies = Annotations(connection, host=host, task_id=task_id, steps=steps_for(params, self._form))
        vectors = Annotations(connection, host=host, task_id=task_id, steps=[])
        self._labels = Labels(connection, self._names, bodies, params, self._form)
        self._sections = Sections(connection, self._names, vectors, self._files, projects)

    def text(self) -> bytes:
        """All of it at once, for small selections."""
        return b"".join(piece.text for piece in self.pieces())

    def count(self) -> int:
        """How many rows there will be."""
        return self._connection.count_rows(self._scope.source, self._scope.condition)

    def pieces(self) -> Iterator[RowBatch]:
        """NDJSON in whole lines, ASCII unless a switch says otherwise, LINES rows at a time, in order of creation."""
        scope, params = self._scope, self._params
        names = [*_COLUMNS, *(["metadata"] if params.include_metadata else [])]
        names += _DETAILS if params.include_data_row_details else []
        selected = ", ".join(f"dr.{name}" for name in names)
        for rows in self._connection.select_batches(
            scope.source, selected, scope.condition, order=scope.order, size=PIECE
        ):
            good = self._without_failing(rows) if self._failing else rows
            if good:
                yield from self._written(transpose_rows(DataRowColumns, names, good))

    def _without_failing(self, rows: list[Row]) -> list[Row]:
        good = []
        for row in rows:
            _, row_id, global_key, *_ = row
            if row_id in self._failing or global_key in self._failing:
                self.failed.append(FailedRow(row_id, global_key))
            else:
                good.append(row)
        return good

    def _written(self, rows: DataRowColumns) -> Iterator[RowBatch]:
        columns = self._columns(rows)
        for first in range(0, len(rows.no), LINES):
            lines = zip(*(column[first : first + LINES] for column in columns), strict=True)
            text = "".join(chain.from_iterable(chain.from_iterable(lines))).encode("ascii")
            count = min(LINES, len(rows.no) - first)
            yield RowBatch(unescape(text) if self._form.switches.characters == "utf-8" else text, count)

    def _columns(self, rows: DataRowColumns) -> list[list[Parts]]:
        """What stands before `projects`, this section, and what comes after it. Keys in the order of the sample; a
        section that the params ask for is there even when it is empty."""
        numbers, params = list(rows.no), self._params
        media_types = zip(rows.no, rows.media_type, strict=True)
        kinds = {number: LABEL_KINDS[media] for number, media in media_types if media in LABEL_KINDS}
        here = match_numbers("data_row_no", numbers)
        texts = [self._data_rows(rows), self._media_attributes(rows)]
        if params.include_attachments:
            texts.append(_listed("attachments", self._sections.attachments(here), numbers))
        if params.include_metadata:
            texts.append([f',"metadata_fields":[{fields}]' for fields in map(self._names.metadata, rows.metadata)])
        if params.include_embeddings:
            texts.append(_listed("embeddings", self._sections.embeddings(here), numbers))
        columns: list[list[Parts]] = [list(zip(*texts, strict=True))]
        if self._scope.projects is not None:
            columns.append(self._projects(numbers, here & self._here, kinds))
        columns.append(self._experiments(numbers, kinds))
        return columns

    def _data_rows(self, rows: DataRowColumns) -> list[str]:
        """Each with the line's beginning."""
        asset = self._files.asset
        keys = ["" if key is None else f'"global_key":{json_string(key)},' for key in rows.global_key]
        names = ["" if name is None else f'"external_id":{json_string(name)},' for name in rows.external_id]
        sources = [
            asset(row_id, name or row_id, number) if row_data is None else json_string(row_data)
            for number, row_id, name, row_data in zip(rows.no, rows.id, rows.external_id, rows.row_data, strict=True)
        ]
        details = self._details(rows) if self._params.include_data_row_details else [""] * len(rows.no)
        return [
            f'{{"data_row":{{"id":"{row_id}",{name}{key}"row_data":{source}{more}}}'
            for row_id, key, name, source, more in zip(rows.id, keys, names, sources, details, strict=True)
        ]

    def _details(self, rows: DataRowColumns) -> list[str]:
        """The `details` of data rows."""
        datasets, emails = self._names.datasets, self._names.emails
        moment = _moment if self._form.has("row_milliseconds") else _whole_moment
        return [
            f',"details":{{"dataset_id":"{dataset}","dataset_name":{datasets[dataset]},'
            f'"created_at":"{moment(created)}","updated_at":"{moment(updated)}",'
            f'"last_activity_at":"{moment(active)}","created_by":{emails[person]}}}'
            for dataset, created, updated, active, person in zip(
                rows.dataset_id, rows.created_at, rows.updated_at, rows.last_activity_at, rows.created_by, strict=True
            )
        ]

    def _media_attributes(self, rows: DataRowColumns) -> list[str]:
        written = self._form.render_attributes if self._form.changes_attributes else escape_non_ascii
        kinds = enumerate(zip(rows.media_type, rows.media_attributes, strict=True))
        return [
            f',"media_attributes":{self._document_attributes(rows, at) if media in WITH_TEXT_LAYER else written(text)}'
            for at, (media, text) in kinds
        ]

    def _document_attributes(self, rows: DataRowColumns, at: int) -> str:
        """The attributes of a document name its text layer (observed 2025-05); of a file elsewhere there is none."""
        attributes = self._form.render_attributes(remove_page_count(rows.media_attributes[at]))
        if rows.row_data[at] is not None:
            return attributes
        return f'{attributes[:-1]},"text_layer_url":{self._files.text_layer(rows.id[at], rows.no[at])}}}'

    def _projects(self, numbers: list[int], here: Clause, kinds: LabelKinds) -> list[Parts]:
        told = bool(self._headings)
        labels = self._labels.in_projects(here, kinds) if told else {}
        standings = self._standings(numbers, here) if told else {}
        return [self._told(number, standings.get(number, []), labels) for number in numbers]

    def _told(self, number: int, standings: list[Membership], labels: dict[tuple[str, int], list[str]]) -> Parts:
        """The section of one row."""
        parts, comma = [',"projects":{'], ""
        for project, details, selected, rest in standings:
            told = labels.get((project, number), ())
            winner = selected if len(told) > PARTS_OF_A_LABEL else ""
            parts += [comma, self._headings[project], *told, f"]{details}{winner}{rest}{self._tags[project]}}}"]
            comma = ","
        parts.append("}")
        return parts

    def _standings(self, numbers: list[int], here: Clause) -> dict[int, list[Membership]]:
        """Read only where the answer is not known: in one project's export without details all rows stand there."""
        sole, detailed = self._scope.sole, self._params.include_project_details
        if sole is not None and not detailed:
            here_alone = [Membership(sole.id)]
            return dict.fromkeys(numbers, here_alone)
        return self._sections.standings(here) if detailed else self._sections.bare_standings(here)

    def _experiments(self, numbers: list[int], kinds: LabelKinds) -> list[Parts]:
        """With the line's end."""
        runs = self._scope.runs
        if runs is None:
            return [("}\n",)] * len(numbers)
        blocks = Experiments(
            self._connection, runs, self._labels, form=self._form, predictions=self._params.include_predictions
        ).blocks(numbers, kinds)
        key, _ = experiment_keys(self._form)
        return [(f',"{key}":{{{blocks.get(number, "")}}}}}\n',) for number in numbers]


def _whole_moment(microseconds: int) -> str:
    return _moment(round_to_second(microseconds))


def _listed(key: str, texts: Texts, numbers: list[int]) -> list[str]:
    return [f',"{key}":[{texts.get(number, "")}]' for number in numbers]
