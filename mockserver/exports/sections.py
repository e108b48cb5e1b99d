"""The sections around a data row: its projects, attachments and embeddings (payloads.md §1.5, §1.6).

They are read for a batch of rows at a time, one query for each section, and rendered as JSON by data row number.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from mockserver.exports.allowance import SHORT, Allowance, select_long, select_short
from mockserver.exports.annotations import Annotations
from mockserver.exports.names import Names
from mockserver.exports.text import escape_non_ascii, json_string
from mockserver.links import AssetKey, Links
from mockserver.world.clause import Clause
from mockserver.world.database import Connection
from mockserver.world.queries.conditions import match_precomputed
from mockserver.world.records.data_rows import BUILT_IN_EMBEDDING, Attachment, DataRow, EmbeddingVector
from mockserver.world.records.labels import ProjectRow, WorkflowStatus
from mockserver.world.records.projects import Project

STATUS_WORDS = {
    WorkflowStatus.TO_LABEL: "TO_LABEL",
    WorkflowStatus.IN_REVIEW: "IN_REVIEW",
    WorkflowStatus.IN_REWORK: "IN_REWORK",
    WorkflowStatus.DONE: "DONE",
}
"""Rows spell a status differently from filters (IN_REVIEW: SDK test; TO_LABEL: observed 2024-12; DONE: sample;
IN_REWORK: inferred)."""

Texts = dict[int, str]
"""Number -> JSON texts with commas between them. Numbers without a text are left out."""


class Membership(NamedTuple):
    """A project of a row. `details` is empty, or a comma and `project_details` up to the selected label, which `rest`
    follows."""

    project_id: str
    details: str = ""
    selected: str = ""
    """The label that counts among several, for rows that are done. A single label is not named (observed 2023-10), nor
    is a label of a row in review (observed 2024-12)."""
    rest: str = ""


class Files:
    """URLs of the files that this server hosts, as JSON strings."""

    def __init__(self, links: Links, *, host: str, key: AssetKey, now: int) -> None:
        self._before = f'"{json_string(host)[1:-1]}'
        self._asset = links.signer("assets", key, now)
        self._attachment = links.signer("attachments", key, now)
        self._text_layer = links.signer("text-layers", key, now)

    def build_asset_url(self, row_id: str, name: str, row: int) -> str:
        """The URL of the file of a data row. `row` is the row's number."""
        return f'{self._before}{self._asset(row_id, name, row)}"'

    def build_text_layer_url(self, row_id: str, row: int) -> str:
        """The URL of the text layer of a document. `row` is the row's number."""
        return f'{self._before}{self._text_layer(row_id, f"{row_id}-text-layer.json", row)}"'

    def build_attachment_url(self, attachment_id: str, name: str, row: int) -> str:
        """The URL of an attachment. `row` is the number of its data row."""
        return f'{self._before}{self._attachment(attachment_id, name, row)}"'


class Sections:
    """The sections of one export around its rows."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        vectors: Annotations,
        files: Files,
        projects: dict[str, Project],
        allowance: Allowance,
    ) -> None:
        self._connection, self._names, self._vectors, self._files = connection, names, vectors, files
        self._allowance = allowance
        self._ontologies = {
            project.id: "" if project.ontology_id is None else f'"ontology_id":"{project.ontology_id}",'
            for project in projects.values()
        }

    def render_memberships(self, clause: Clause) -> dict[int, list[Membership]]:
        """The exported projects of each row, with details.

        Only rows that wait for review or rework have a `task_id`: rows that are done (sample of 2023-10) and rows that
        wait for labels (observed 2024-12) have none.
        """
        memberships: dict[int, list[Membership]] = defaultdict(list)
        ontologies, batches = self._ontologies, self._names.batches
        columns = (
            "data_row_no, project_id, batch_id, task_queue_id, workflow_status, priority, expected_label_count,"
            " selected_label_id, workflow_history"
        )
        rows = self._connection.select_columns(ProjectRow, columns, clause, order="data_row_no")
        for number, project, batch, queue, status, priority, expected, selected, history in rows:
            if project in ontologies:
                task = '"task_name":"Done",' if queue is None else self._render_queue(queue, status)
                details = (
                    f',"project_details":{{{ontologies[project]}{task}"batch_id":"{batch}","batch_name":'
                    f'{batches[batch]},"workflow_status":"{STATUS_WORDS[status]}","priority":{priority},'
                )
                done = status == WorkflowStatus.DONE and selected is not None
                winner = f'"selected_label_id":"{selected}",' if done else ""
                rest = f'"consensus_expected_label_count":{expected},"workflow_history":{escape_non_ascii(history)}}}'
                memberships[number].append(Membership(project, details, winner, rest))
        return memberships

    def list_memberships(self, clause: Clause) -> dict[int, list[Membership]]:
        """The exported projects of each row, without details."""
        memberships: dict[int, list[Membership]] = defaultdict(list)
        columns = "data_row_no, project_id"
        for number, project in self._connection.select_columns(ProjectRow, columns, clause, order="data_row_no"):
            if project in self._ontologies:
                memberships[number].append(Membership(project))
        return memberships

    def _render_queue(self, queue_id: str, status: str) -> str:
        name = f'"task_name":{self._names.queues[queue_id]},'
        return name if status == WorkflowStatus.TO_LABEL else f'"task_id":"{queue_id}",{name}'

    def render_attachments(self, rows: Clause) -> Texts:
        """Attachments as `{type, value, [name]}` (inferred: samples have empty lists). Raises TooMuchTogether."""
        texts: Texts = {}
        columns = f"data_row_no, no, id, type, asset, name, {select_short('value')}"
        read = self._connection.select_columns(Attachment, columns, rows, order="data_row_no, no")
        self._allowance.take(sum(size for *_, size in read if size is not None))
        is_short = all(size is None or size <= SHORT for *_, size in read)
        long = {} if is_short else select_long(self._connection, Attachment, "no", "value", rows)
        for row, number, attachment, kind, asset, name, short, _ in read:
            value = long.get(number, short)
            entry_name = "" if name is None else f',"name":{json_string(name)}'
            url = (
                json_string(value or "")
                if asset is None
                else self._files.build_attachment_url(attachment, name or attachment, row)
            )
            text = f'{{"type":"{kind}","value":{url}{entry_name}}}'
            texts[row] = f"{texts[row]},{text}" if row in texts else text
        return texts

    def render_embeddings(self, numbers: list[int]) -> Texts:
        """Embeddings; `values` has one entry (docs/export-quick-reference, SDK test_export_embeddings_streamable)."""
        rows, texts = match_numbers("data_row_no", numbers), self._draw_embeddings(numbers)
        columns = "data_row_no, embedding_id, body_id"
        read = self._connection.select_columns(EmbeddingVector, columns, rows, order="data_row_no, embedding_id")
        vectors = self._vectors.read([row[2] for row in read])
        for row, embedding_id, body_id in read:
            text = f"{self._names.embeddings[embedding_id]}{vectors[body_id][0]}}}]}}"
            texts[row] = f"{texts[row]},{text}" if row in texts else text
        return texts

    def _draw_embeddings(self, numbers: list[int]) -> Texts:
        """The precomputed embedding of the pictures that clients imported (SDK tests
        test_export_embeddings_precomputed): drawn by their ids, not kept (inferred)."""
        from mockserver.generate.chance import Chance  # noqa: PLC0415  few exports have embeddings
        from mockserver.generate.data_rows import draw_vector  # noqa: PLC0415  as above

        name = self._names.embeddings.get(BUILT_IN_EMBEDDING)
        if name is None:
            return {}
        pictures = match_numbers("no", numbers) & match_precomputed()
        rows = self._connection.select_columns(DataRow, "no, id", pictures)
        return {row: f"{name}{draw_vector(Chance('embedding', row_id)).decode()}}}]}}" for row, row_id in rows}


def match_numbers(column: str, numbers: list[int]) -> Clause:
    """A condition on numbers: a range if they are close together, which is one search of the index; else a list."""
    first, last = min(numbers, default=0), max(numbers, default=0)
    if numbers and last - first < 4 * len(numbers):
        return Clause(f"{column} BETWEEN :first AND :last", first=first, last=last)
    return Clause(f"{column} IN :numbers", numbers=numbers)
