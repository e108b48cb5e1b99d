"""Labels in Export V1: the `Label` of each, and the element of the export's array around it.

V1 lists labels, V2 lists data rows; V1 writes null where V2 leaves out a key (payloads.md §4). The format of a file
depends on the payload date of its workspace (dates.py). Elements are written as text, as V2 rows are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import orjson

from mockserver.errors import NotFound
from mockserver.exports.allowance import Allowance
from mockserver.exports.fair_lock import TakeTurns
from mockserver.exports.legacy.annotations import PLACE_TEXT, LegacyAnnotations
from mockserver.exports.legacy.context import LabelContext, Metadata, find_splits
from mockserver.exports.legacy.dates import YOUNG_MASKS, load_legacy_format
from mockserver.exports.legacy.label_row import COLUMNS, LabelRow, read_long_texts
from mockserver.exports.legacy.media import render_media_attributes
from mockserver.exports.legacy.numbers import format_number
from mockserver.exports.legacy.workflow import Workflows
from mockserver.exports.streams import RowBatch
from mockserver.exports.text import json_string
from mockserver.generate.assets import build_asset, insert_tiles_url, is_document
from mockserver.links import LEGACY_KEY, RESULT_DAYS, Links, good_until
from mockserver.world import ids
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.media import FRAMED, TILED, WITHOUT_LEGACY_ATTRIBUTES
from mockserver.world.moments import format_zulu
from mockserver.world.queries.sources import LABELS
from mockserver.world.record import Row
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.people import Person
from mockserver.world.records.workspace import Workspace

PIECE = 128
"""Labels that are read, joined and written at a time. Joined 16 at a time, 31 turns of 20,000 labels took as much
processor time at the lowest, and 12 % more at the median."""

SKIPPED, SKIPPED_CLIP = "{}", '{"objects":[],"classifications":[],"relationships":[]}'
"""The `Label` of a skip: of pictures observed 2020-02 to 2021-11; of clips observed 2023-02, when SDK 3.38 found lists
in it and no `frames`. Of other media, and of clips after that, it is inferred."""

SKIPPED_KEY, NOT_SKIPPED_KEY = ',"Skipped":true', ',"Skipped":false'

JsonObject = dict[str, Any]
Parts = tuple[str, str, str, str]
"""The text between two elements, and an element as JSON: the text in front of its `Label`, the `Label`, the rest."""


def build_label(connection: Connection, label_id: str, *, links: Links, host: str, now: int) -> JsonObject:
    """Builds the V1 `Label` of one label, skipped or not. Raises NotFound if there is no such label."""
    label: JsonObject = build_element(connection, label_id, links=links, host=host, now=now)["Label"]
    return label


def build_element(connection: Connection, label_id: str, *, links: Links, host: str, now: int) -> JsonObject:
    """Builds the element of `export_labels` for one label, a deleted one too. `host` is scheme and host of its URLs;
    its links live from `now` on (microseconds). Raises NotFound."""
    return LabelElements(connection, links=links, host=host, now=now).one(label_id)


class LabelElements:
    """The elements of labels, as one connection shows them. Facts that they share are read once."""

    def __init__(
        self,
        connection: Connection,
        *,
        links: Links,
        host: str,
        now: int,
        run: str | None = None,
        copies: bool = False,
    ) -> None:
        """`run` is the model run whose labels they are: they have keys and ids of their own there (sample). `copies`
        says that they are those of `Label.label` in GraphQL, whose masks once had no token."""
        self._connection, self._links, self._run = connection, links, run
        self._form = load_legacy_format(connection)
        self._plain_host, self._host, self._expires = host, json_string(host)[1:-1], good_until(now, RESULT_DAYS)
        world = connection.select(Workspace)[0]
        self._seed = world.seed
        has_token = not copies or self._form.has("label_tokens")
        token = f"token={links.mask_token(world.user_id, world.organization_id, now=now)}" if has_token else ""
        allowance = self._allowance = Allowance(PIECE)
        self._bodies = LegacyAnnotations(connection, self._form, host=host, token=token, allowance=allowance)
        self._asset = links.signer("assets", LEGACY_KEY, now)
        self._emails = {person.id: json_string(person.email) for person in connection.select(Person)}
        self._datasets = {dataset.id: json_string(dataset.name) for dataset in connection.select(Dataset)}
        self._metadata, self._workflows = Metadata(connection), Workflows(connection)
        has = self._form.has
        self._of_2023, self._row_facts, self._skipped = has("workflow"), has("row_facts"), has("skipped")
        self._global_key, self._lists_of_clips = has("global_key"), has("lists_of_clips")
        self._none = "-1" if has("numbers_for_none") else "null"
        self._reference = "" if has("numbers_for_none") else '"Benchmark Reference ID":null,'

    def one(self, label_id: str) -> JsonObject:
        """The element of one label, a deleted one too. Raises NotFound."""
        text = b"".join(piece.text for piece in self.pieces(Clause("l.id = :id", id=label_id)))
        if not text:
            raise NotFound(f"Label {label_id!r} does not exist in this workspace")
        element: JsonObject = orjson.loads(text)
        return element

    def build_version(self, label_id: str, body_id: int) -> JsonObject:
        """The `Label` of a label, a deleted one too, as if it had another body. Raises NotFound."""
        own = Clause("l.id = :id", id=label_id)
        rows = self._connection.select_columns(LABELS, COLUMNS, own)
        if not rows:
            raise NotFound(f"Label {label_id!r} does not exist in this workspace")
        row = LabelRow._make(rows[0])._replace(body_id=body_id, skipped=0)
        self._allowance.begin(1)
        self._bodies.read_projects({row.project_id})
        self._bodies.read([(row.body_id, row.project_id, row.media_type, row.created_at < YOUNG_MASKS)])
        label: JsonObject = orjson.loads(self._render_label(row))
        return label

    def pieces(self, condition: Clause, *, between: str = ",\n", take_turns: TakeTurns = iter) -> Iterator[RowBatch]:
        """JSON objects with `between` between them, ASCII only, in the order in which rows were created.

        In the condition `l` is the label and `dr` its data row. `take_turns` is with whom pieces are rendered in turns.
        """
        order = "l.data_row_no, l.no"
        start = len(between)  # the first element has nothing in front
        for batch in self._connection.select_batches(LABELS, COLUMNS, condition, order=order, size=PIECE):
            rows = [LabelRow._make(row) for row in batch]
            for piece in take_turns(self._render(rows, between)):
                yield RowBatch(piece.text[start:], piece.lines)
                start = 0

    def _render(self, rows: list[LabelRow], between: str) -> Iterator[RowBatch]:
        """Renders as many labels together as have no more long values than is allowed."""
        self._bodies.read_projects({row.project_id for row in rows})
        return self._allowance.divide(len(rows), lambda first, end: self._render_part(rows[first:end], between))

    def _render_part(self, rows: list[LabelRow], between: str) -> RowBatch:
        """Renders labels together. Raises TooMuchTogether."""
        self._bodies.read(
            [
                (row.body_id, row.project_id, row.media_type, row.created_at < YOUNG_MASKS)
                for row in rows
                if not row.skipped
            ]
        )
        whole = read_long_texts(self._connection, rows, self._allowance)
        # In parts until all are joined: labels are long, and each copy of one takes its time.
        text = "".join(chain.from_iterable(self._build_elements(whole, between)))
        return RowBatch(text.encode("ascii"), len(rows))

    def _build_elements(self, rows: list[LabelRow], between: str) -> Iterator[Parts]:
        if self._run is not None:
            return self._build_run_elements(rows, self._run, between)
        context = LabelContext(self._connection, rows)
        workflows = self._workflows.render([row.data_row_no for row in rows]) if self._of_2023 else {}
        return (self._build_element(row, context, workflows, between) for row in rows)

    def _build_element(
        self, row: LabelRow, context: LabelContext, workflows: Mapping[tuple[str, int], str], between: str
    ) -> Parts:
        """Keys in the order of the newest samples (video notebook of 2022-04, a reader of 2023-04)."""
        label_id, project_id, media = row.id, row.project_id, row.media_type
        place = (project_id, row.data_row_no)
        seconds = key = own = more = ""
        if self._of_2023:
            seconds = f'"Seconds to Review":{row.seconds_to_review},"Seconds to Create":{row.seconds_to_create},'
            own = f'"Is Benchmark":{int(row.is_benchmark)},'
        if self._global_key:
            key = f'"Global Key":{_nullable(row.global_key)},'
        if self._skipped:
            more = SKIPPED_KEY if row.skipped else NOT_SKIPPED_KEY
        if self._row_facts:
            has_none = media in WITHOUT_LEGACY_ATTRIBUTES
            attributes = "{}" if has_none else render_media_attributes(row.media_attributes, row.asset, self._seed)
            fields = self._metadata.fields(row.metadata)
            more += f',"DataRow Metadata":[{fields}],"Media Attributes":{attributes},"Data Split":null'
        if self._of_2023:
            more += f',"DataRow Workflow Info":{workflows.get(place, "null")}'
        consensus, benchmark = row.consensus_score, row.benchmark_score
        reviews = context.reviews.get(row.no)
        data = self._render_labeled_data(row)
        before = f'{{"ID":"{label_id}","DataRow ID":"{row.data_row_id}","Labeled Data":{data},"Label":'
        after = (
            f',"Created By":{self._emails[row.created_by]},'
            f'"Project Name":{self._bodies.projects[project_id].name},"Created At":"{format_zulu(row.created_at)}",'
            f'"Updated At":"{format_zulu(row.updated_at)}","Seconds to Label":{row.seconds_to_create},{seconds}'
            f'"External ID":{_nullable(row.external_id)},{key}'
            f'"Agreement":{self._none if consensus is None else format_number(consensus)},{own}'
            f'"Benchmark Agreement":{self._none if benchmark is None else format_number(benchmark)},'
            f'"Benchmark ID":{_nullable(context.benchmarks.get(place))},{self._reference}'
            f'"Dataset Name":{self._datasets[row.dataset_id]},'
            f'"Reviews":[{self._render_reviews(reviews, label_id) if reviews else ""}],'
            f'"View Label":"https://editor.labelbox.com?project={project_id}&label={label_id}",'
            f'"Has Open Issues":{context.count_open_issues(place, label_id)}{more}}}'
        )
        if row.skipped or media in FRAMED or row.created_at < YOUNG_MASKS:
            return between, before, self._render_label(row), after
        return (
            between,
            before,
            row.feature_prefix.join(self._bodies.labels[row.body_id, project_id, media, False]),
            after,
        )

    def _build_run_elements(self, rows: list[LabelRow], run: str, between: str) -> Iterator[Parts]:
        """Labels in a model run: keys, their order and ids of their own as in the sample of 2024-01
        (labelbox-notebooks, v1 to v2 migration)."""
        splits = find_splits(self._connection, [row.data_row_no for row in rows], run)
        return (
            (between, self._render_run_keys(row, run, splits.get(row.data_row_no)), self._render_label(row), "}")
            for row in rows
        )

    def _render_run_keys(self, row: LabelRow, run: str, split: str | None) -> str:
        """The keys in front of the `Label`."""
        return (
            f'{{"ID":"{ids.random_uuid(run, row.id)}","Data Split":{_split(split)},"DataRow ID":"{row.data_row_id}",'
            f'"External ID":{_nullable(row.external_id)},"Labeled Data":{self._render_labeled_data(row)},'
            f'"Media Attributes":{render_media_attributes(row.media_attributes, row.asset, self._seed)},"Label":'
        )

    def _render_label(self, row: LabelRow) -> str:
        """The `Label`."""
        is_framed = row.media_type in FRAMED
        if row.skipped:
            return SKIPPED_CLIP if is_framed and self._lists_of_clips else SKIPPED
        frames = f'"frames":"{self._host}/v1/frames/{row.id}"'
        if is_framed and not self._lists_of_clips:
            return f"{{{frames}}}"
        is_old = row.created_at < YOUNG_MASKS
        body = self._bodies.labels[row.body_id, row.project_id, row.media_type, is_old]
        label = row.feature_prefix.join(body)
        if is_old:
            label = label.replace(PLACE_TEXT, f"{row.created_by}/{row.data_row_id}")
        return f"{label[:-1]},{frames}}}" if is_framed else label

    def _render_labeled_data(self, row: LabelRow) -> str:
        """The imported text or URL, or the link of the row's file; of a map the content of its file, as text (sample:
        tiled_image_export.json)."""
        if row.row_data is not None:
            return json_string(row.row_data)
        row_id = row.data_row_id
        if row.media_type in TILED and row.asset is not None:
            if is_document(row.asset):
                return json_string(row.asset)
            file = build_asset(row.asset, seed=self._seed)
            if file.tiled:
                tiles = self._plain_host + self._links.tiles(row_id, expires=self._expires)
                return json_string(insert_tiles_url(file.content, tiles).decode())
        return f'"{self._host}{self._asset(row_id, row.external_id or row_id, 0)}"'

    def _render_reviews(self, reviews: Iterable[Row], label_id: str) -> str:
        return ",".join(
            [
                f'{{"id":"{review}","score":{format_number(score)},"createdAt":"{format_zulu(created)}",'
                f'"createdBy":{self._emails[person]},"labelId":"{label_id}"}}'
                for review, score, created, person in reviews
            ]
        )


def _nullable(text: str | None) -> str:
    return "null" if text is None else json_string(text)


def _split(split: str | None) -> str:
    """The split in lower case: `"training"` (sample); null for a row that is in no split (inferred)."""
    return "null" if split is None else f'"{split.lower()}"'
