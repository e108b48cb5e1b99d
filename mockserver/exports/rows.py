"""Rows of Export V2, in batches (shapes: payloads.md §1; keys that do not apply are absent, never null).

Rows are written column by column: each section returns one string per row, and the strings are zipped into lines. (A
call per row and section was 11 % slower.) Long values stay lists of parts until the line is joined.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import partial
from itertools import chain

from mockserver.exports.allowance import SHORT, Allowance, select_long, select_short
from mockserver.exports.annotations import Annotations
from mockserver.exports.columns import DataRowColumns, cut_rows, transpose_rows
from mockserver.exports.dates import PayloadFormat, load_format, remove_page_count
from mockserver.exports.experiments import Experiments, get_experiment_keys
from mockserver.exports.failures import FailedRow
from mockserver.exports.fair_lock import TakeTurns
from mockserver.exports.frames import interpolate_frames
from mockserver.exports.future import CHANGES
from mockserver.exports.labels import PARTS_OF_A_LABEL, LabelKinds, Labels
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.scope import Scope
from mockserver.exports.sections import Files, Membership, Sections, Texts, match_numbers
from mockserver.exports.steps import Document, Step
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import escape_non_ascii, json_string, unescape
from mockserver.links import Links
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.media import LABEL_KINDS, WITH_TEXT_LAYER
from mockserver.world.moments import format_moment, round_to_second
from mockserver.world.record import Row
from mockserver.world.records.data_rows import DataRow

ROWS_PER_BATCH = 128
"""Rows rendered at a time: enough to share the cost of the queries for their sections, too few to hold memory."""
ROWS_PER_READ = 512
"""Rows read at a time, without their sections and long texts: each read waits where the world is in PostgreSQL."""
LINES_PER_TEXT = 32
"""Rows joined at a time, some 150 kB: larger texts take memory that the system must clear first."""
FEW_PROJECTS = 30
"""Up to so many projects are searched one by one; for more, all rows of the batch are read."""

_COLUMNS = ("no", "id", "global_key", "external_id", "media_type", "media_attributes")
_TEXTS = ("row_data", "row_data_size")
_DETAILS = ("dataset_id", "created_at", "updated_at", "last_activity_at", "created_by")

Parts = Sequence[str]
"""A text that is not joined yet."""


def build_steps(params: ExportParams, form: PayloadFormat, keep: int = 1) -> list[Step]:
    """The steps from a canonical body to the form that the params and the payload date require.

    Only every `keep`th frame is left.
    """
    interpolates = params.include_interpolated_frames and form.has("interpolated_frames")
    dropping = [partial(drop_frames, keep=keep)] if keep > 1 else []
    return [*([interpolate_frames] if interpolates else []), *form.steps, *dropping]


def drop_frames(document: Document, *, keep: int) -> Document:
    """Leaves every `keep`th frame of a clip, or of each plane of a volume, the first one included. The maps of key
    frames and segments still name the others, as the service's own did (observed 2025-04)."""
    planes = document.get("groups")
    for part in [document, *(planes.values() if isinstance(planes, dict) else [])]:
        if isinstance(part, dict) and isinstance(part.get("frames"), dict):
            part["frames"] = dict(list(part["frames"].items())[::keep])
    return document


class ExportRows:
    """The rows of a scope in one snapshot."""

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
        keep: int = 1,
        take_turns: TakeTurns = iter,
    ) -> None:
        """`failing` are ids and global keys of data rows that are left out; `failed` lists them afterwards. Of the
        frames of clips every `keep`th is left. `take_turns` is with whom batches are rendered in turns."""
        self._take_turns = take_turns
        self._failing, self.failed = failing, list[FailedRow]()
        self._connection, self._scope, self._params = connection, scope, params
        projects = scope.projects or {}
        self._headings = {
            project.id: f'"{project.id}":{{"name":{json_string(project.name)},"labels":['
            for project in projects.values()
        }
        few = 0 < len(projects) <= FEW_PROJECTS
        self._in_projects = Clause("project_id IN :ids", ids=list(projects)) if few else EVERYTHING
        self._form = load_format(connection)
        self._change = CHANGES.get(self._form.switches.future)
        self._files = Files(links, host=host, key=self._form.asset_key, now=now)
        self._names = Names(connection, projects, self._form)
        has_tags = self._form.has("project_tags")
        self._tags = {
            project: f',"project_tags":[{self._names.render_tags(project)}]' if has_tags else "" for project in projects
        }
        allowance = self._allowance = Allowance(ROWS_PER_BATCH)
        steps = build_steps(params, self._form, keep)
        bodies = Annotations(connection, host=host, task_id=task_id, steps=steps, allowance=allowance)
        vectors = Annotations(connection, host=host, task_id=task_id, steps=[], allowance=allowance)
        self._labels = Labels(connection, self._names, bodies, params, self._form)
        self._sections = Sections(connection, self._names, vectors, self._files, projects, allowance)

    def render(self) -> bytes:
        """The whole NDJSON as one text, for small selections."""
        return b"".join(batch.text for batch in self.render_batches())

    def count(self) -> int:
        """The number of rows."""
        return self._connection.count_rows(self._scope.source, self._scope.condition)

    def render_batches(self) -> Iterator[RowBatch]:
        """Yields NDJSON in whole lines, in ASCII unless a switch says otherwise, LINES_PER_TEXT rows at a time. Rows
        are in order of creation."""
        scope, params = self._scope, self._params
        names = [*_COLUMNS, *(["metadata"] if params.include_metadata else [])]
        names += _DETAILS if params.include_data_row_details else []
        selected = ", ".join([*(f"dr.{name}" for name in names), select_short("dr.row_data")])
        for rows in self._connection.select_batches(
            scope.source, selected, scope.condition, order=scope.order, size=ROWS_PER_READ
        ):
            good = self._remove_failing(rows) if self._failing else rows
            if good:
                yield from self._take_turns(self._render(transpose_rows(DataRowColumns, [*names, *_TEXTS], good)))

    def _remove_failing(self, rows: list[Row]) -> list[Row]:
        good = []
        for row in rows:
            _, row_id, global_key, *_ = row
            if row_id in self._failing or global_key in self._failing:
                self.failed.append(FailedRow(row_id, global_key))
            else:
                good.append(row)
        return good

    def _render(self, rows: DataRowColumns) -> Iterator[RowBatch]:
        """Renders as many rows together as have no more long values than is allowed."""

        def render(first: int, end: int) -> list[list[Parts]]:
            return self._render_columns(self._read_texts(cut_rows(rows, first, end)))

        for columns in self._allowance.divide(len(rows.no), render):
            yield from self._join(columns)
            columns.clear()  # they may be long, and the next rows too

    def _read_texts(self, rows: DataRowColumns) -> DataRowColumns:
        """The same rows with their long texts. Raises TooMuchTogether."""
        sizes = [size or 0 for size in rows.row_data_size]
        self._allowance.take(sum(sizes))
        if max(sizes) <= SHORT:
            return rows
        long = select_long(self._connection, DataRow, "no", "row_data", match_numbers("no", list(rows.no)))
        texts = zip(rows.no, rows.row_data, strict=True)
        return rows._replace(row_data=tuple(long.get(number, text) for number, text in texts))

    def _join(self, columns: list[list[Parts]]) -> Iterator[RowBatch]:
        """Joins the columns, LINES_PER_TEXT rows at a time."""
        rows = len(columns[0])
        for first in range(0, rows, LINES_PER_TEXT):
            lines = zip(*(column[first : first + LINES_PER_TEXT] for column in columns), strict=True)
            text = "".join(chain.from_iterable(chain.from_iterable(lines))).encode("ascii")
            if self._change is not None:
                text = self._change(text)
            count = min(LINES_PER_TEXT, rows - first)
            yield RowBatch(unescape(text) if self._form.switches.characters == "utf-8" else text, count)

    def _render_columns(self, rows: DataRowColumns) -> list[list[Parts]]:
        """Three columns: everything in front of `projects`, that section, and the rest. Keys are in the order of the
        sample; a section that the params request is there even if it is empty."""
        numbers, params = list(rows.no), self._params
        media_types = zip(rows.no, rows.media_type, strict=True)
        kinds = {number: LABEL_KINDS[media] for number, media in media_types if media in LABEL_KINDS}
        in_batch = match_numbers("data_row_no", numbers)
        texts = [self._render_data_rows(rows), self._render_media_attributes(rows)]
        if params.include_attachments:
            texts.append(_render_list("attachments", self._sections.render_attachments(in_batch), numbers))
        if params.include_metadata:
            texts.append(
                [f',"metadata_fields":[{fields}]' for fields in map(self._names.render_metadata, rows.metadata)]
            )
        if params.include_embeddings:
            texts.append(_render_list("embeddings", self._sections.render_embeddings(numbers), numbers))
        columns: list[list[Parts]] = [list(zip(*texts, strict=True))]
        if self._scope.projects is not None:
            columns.append(self._render_projects(numbers, in_batch & self._in_projects, kinds))
        columns.append(self._render_experiments(numbers, kinds))
        return columns

    def _render_data_rows(self, rows: DataRowColumns) -> list[str]:
        """The data rows, each with the beginning of the line."""
        asset = self._files.build_asset_url
        keys = ["" if key is None else f'"global_key":{json_string(key)},' for key in rows.global_key]
        names = ["" if name is None else f'"external_id":{json_string(name)},' for name in rows.external_id]
        sources = [
            asset(row_id, name or row_id, number) if row_data is None else json_string(row_data)
            for number, row_id, name, row_data in zip(rows.no, rows.id, rows.external_id, rows.row_data, strict=True)
        ]
        details = self._render_details(rows) if self._params.include_data_row_details else [""] * len(rows.no)
        return [
            f'{{"data_row":{{"id":"{row_id}",{name}{key}"row_data":{source}{more}}}'
            for row_id, key, name, source, more in zip(rows.id, keys, names, sources, details, strict=True)
        ]

    def _render_details(self, rows: DataRowColumns) -> list[str]:
        """The `details` of data rows."""
        datasets, emails = self._names.datasets, self._names.emails
        write = format_moment if self._form.has("row_milliseconds") else _format_second
        return [
            f',"details":{{"dataset_id":"{dataset}","dataset_name":{datasets[dataset]},'
            f'"created_at":"{write(created)}","updated_at":"{write(updated)}",'
            f'"last_activity_at":"{write(active)}","created_by":{emails[person]}}}'
            for dataset, created, updated, active, person in zip(
                rows.dataset_id, rows.created_at, rows.updated_at, rows.last_activity_at, rows.created_by, strict=True
            )
        ]

    def _render_media_attributes(self, rows: DataRowColumns) -> list[str]:
        write = self._form.render_attributes if self._form.changes_attributes else escape_non_ascii
        kinds = enumerate(zip(rows.media_type, rows.media_attributes, strict=True))
        return [
            f',"media_attributes":{self._render_document(rows, at) if media in WITH_TEXT_LAYER else write(text)}'
            for at, (media, text) in kinds
        ]

    def _render_document(self, rows: DataRowColumns, at: int) -> str:
        """The attributes of a document name its text layer (observed 2025-05), unless its file is on another server."""
        attributes = self._form.render_attributes(remove_page_count(rows.media_attributes[at]))
        if rows.row_data[at] is not None:
            return attributes
        return f'{attributes[:-1]},"text_layer_url":{self._files.build_text_layer_url(rows.id[at], rows.no[at])}}}'

    def _render_projects(self, numbers: list[int], condition: Clause, kinds: LabelKinds) -> list[Parts]:
        if not self._headings:
            return [(',"projects":{', "}")] * len(numbers)
        labels = self._labels.render_by_project(condition, kinds)
        memberships = self._render_memberships(numbers, condition)
        return [self._render_project(number, memberships.get(number, []), labels) for number in numbers]

    def _render_project(
        self, number: int, memberships: list[Membership], labels: dict[tuple[str, int], list[str]]
    ) -> Parts:
        """The `projects` of one row."""
        parts, comma = [',"projects":{'], ""
        for project, details, selected, rest in memberships:
            texts = labels.get((project, number), ())
            winner = selected if len(texts) > PARTS_OF_A_LABEL else ""
            parts += [comma, self._headings[project], *texts, f"]{details}{winner}{rest}{self._tags[project]}}}"]
            comma = ","
        parts.append("}")
        return parts

    def _render_memberships(self, numbers: list[int], condition: Clause) -> dict[int, list[Membership]]:
        """The projects of each row. Nothing is read if the answer is known: without details, all rows of a project's
        export have the same membership."""
        sole, detailed = self._scope.sole, self._params.include_project_details
        if sole is not None and not detailed:
            membership = [Membership(sole.id)]
            return dict.fromkeys(numbers, membership)
        return self._sections.render_memberships(condition) if detailed else self._sections.list_memberships(condition)

    def _render_experiments(self, numbers: list[int], kinds: LabelKinds) -> list[Parts]:
        """The `experiments` of each row, if there are any, and the end of the line, newline included."""
        runs = self._scope.runs
        if runs is None:
            return [("}\n",)] * len(numbers)
        blocks = Experiments(
            self._connection, runs, self._labels, form=self._form, predictions=self._params.include_predictions
        ).render(numbers, kinds)
        key, _ = get_experiment_keys(self._form)
        return [(f',"{key}":{{{blocks.get(number, "")}}}}}\n',) for number in numbers]


def _format_second(microseconds: int) -> str:
    return format_moment(round_to_second(microseconds))


def _render_list(key: str, texts: Texts, numbers: list[int]) -> list[str]:
    return [f',"{key}":[{texts.get(number, "")}]' for number in numbers]
