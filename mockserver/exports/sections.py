"""The sections around a data row: labels, reviews, attachments, embeddings (payloads.md §1.4-1.6).

They are read for a piece of rows at a time, one query for each section that the params ask for, and kept as JSON
text by data row number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from mockserver.exports.dates import Form
from mockserver.exports.earlier import PROJECT
from mockserver.exports.forms import Step, formed
from mockserver.exports.names import Names
from mockserver.exports.request import ExportParams
from mockserver.exports.text import ascii_json, moment, quoted
from mockserver.links import Links
from mockserver.world.database import Clause, Connection, Row, where
from mockserver.world.labels import FEATURES, HOST, TASK

BODIES_KEPT = 512
"""Large populations share bodies, so these are read once; where nothing is shared, few are kept."""
FEATURES_MARK = FEATURES.decode()
PROJECT_MARK = ascii_json(PROJECT)

Items = defaultdict[int, list[str]]
"""Number -> JSON texts, in order."""
InProjects = defaultdict[tuple[str, int], list[str]]
"""(Project id, data row number) -> JSON texts, in order."""
_LABEL = "data_row_no, id, feature_prefix, body_id, project_id"
_DETAILS = ", no, created_by, created_at, updated_at, content_updated_at"
_PERFORMANCE = ", skipped, seconds_to_create, seconds_to_review, consensus_score, benchmark_score"
FEW_PROJECTS = 30
"""So many are searched one by one; for more, all rows of the piece are looked at."""


class Bodies:
    """Canonical bodies by number, in ASCII, with host and task filled in: the same for all rows of an export.

    Each is cut where the label's feature prefix belongs, which joins it in a sixth of the time of `str.replace`.
    """

    def __init__(self, connection: Connection, *, host: str, task_id: str, steps: list[Step]) -> None:
        self._steps = steps
        self._connection, self._host, self._task_id = connection, quoted(host)[1:-1].encode(), task_id.encode()
        self._kept: dict[int, list[str]] = {}

    def read(self, wanted: set[int]) -> dict[int, list[str]]:
        """At least the wanted ones."""
        missing = sorted(wanted - self._kept.keys())
        if missing and len(self._kept) > BODIES_KEPT:
            self._kept = {number: self._kept[number] for number in wanted & self._kept.keys()}
        if missing:
            clause = where("id IN :ids", ids=missing)
            rows = self._connection.rows(f"SELECT id, content FROM body WHERE {clause.sql}", clause.params)
            self._kept.update((number, self._filled(content)) for number, content in rows)
        return self._kept

    def _filled(self, content: bytes) -> list[str]:
        filled = content.replace(HOST, self._host).replace(TASK, self._task_id)
        return ascii_json(formed(filled, self._steps).decode()).split(FEATURES_MARK)


class Files:
    """URLs of the files we host, as JSON strings."""

    def __init__(self, links: Links, *, host: str, expires: int) -> None:
        self._links, self._host, self._expires = links, quoted(host)[1:-1], expires

    def asset(self, row_id: str, name: str) -> str:
        return f'"{self._host}{self._links.asset(row_id, name, expires=self._expires)}"'

    def attachment(self, attachment_id: str, name: str) -> str:
        return f'"{self._host}{self._links.attachment(attachment_id, name, expires=self._expires)}"'


class Sections:
    """All sections of one piece of rows."""

    def __init__(
        self,
        connection: Connection,
        names: Names,
        bodies: Bodies,
        vectors: Bodies,
        files: Files,
        params: ExportParams,
        form: Form,
        projects: list[str],
        numbers: list[int],
        videos: set[int],
    ) -> None:
        self._connection, self._names, self._params = connection, names, params
        self._bodies, self._vectors, self._files = bodies, vectors, files
        self._videos = videos
        self._tells_of_content = form.has("content_last_updated_at")
        self._masks_stand_alone = form.masks != "composite"
        self._rows = among("data_row_no", numbers)
        few = 0 < len(projects) <= FEW_PROJECTS
        self._here = where("project_id IN :ids", ids=projects) & self._rows if few else self._rows
        self.labels = self._labels() if projects else InProjects(list)
        self.attachments = self._attachments() if params.include_attachments else Items(list)
        self.embeddings = self._embeddings() if params.include_embeddings else Items(list)

    def _select(self, columns: str, table: str, clause: Clause, order: str) -> list[Row]:
        sql = f"SELECT {columns} FROM {table} WHERE {clause.sql} ORDER BY {order}"
        return self._connection.rows(sql, clause.params)

    def standings(self) -> dict[int, list[Row]]:
        """Where each row stands, by number: (project, batch, queue, status, priority, expected labels, selected label,
        history)."""
        found: dict[int, list[Row]] = defaultdict(list)
        columns = (
            "data_row_no, project_id, batch_id, task_queue_id, workflow_status, priority, expected_label_count,"
            " selected_label_id, history"
        )
        for number, *standing in self._select(columns, "project_row", self._here, "data_row_no"):
            found[number].append(tuple(standing))
        return found

    def _labels(self) -> InProjects:
        labels = InProjects(list)
        for row, text in self._written(self._here & where("NOT deleted")):
            labels[row[4], row[0]].append(text)
        return labels

    def labels_by_id(self, label_ids: list[str]) -> dict[str, str]:
        """Those of them that are not deleted."""
        if not label_ids:
            return {}
        return {row[1]: text for row, text in self._written(where("id IN :ids AND NOT deleted", ids=label_ids))}

    def _written(self, clause: Clause) -> Iterator[tuple[Row, str]]:
        """Entries of `labels` and the rows they come from, (data row number, id, prefix, body, project, …)."""
        detailed, measured = self._params.include_label_details, self._params.include_performance_details
        columns = f"{_LABEL}{_DETAILS if detailed else ''}{_PERFORMANCE if measured else ''}"
        rows = self._select(columns, "label", clause, "data_row_no, no")
        bodies = self._bodies.read({row[3] for row in rows})
        reviews = self._reviews([row[5] for row in rows]) if detailed else Items(list)
        for row in rows:
            details = self._label_details(row, reviews[row[5]]) if detailed else ""
            if measured:
                details += performance_details(*row[-5:])
            joined = row[2].join(bodies[row[3]])
            yield row, self.annotated(row[0], row[1], joined, owner=row[4], details=details)

    def bodies(self, wanted: set[int]) -> dict[int, list[str]]:
        """Bodies by number, cut where feature prefixes belong."""
        return self._bodies.read(wanted)

    def _label_details(self, row: Row, reviews: list[str]) -> str:
        """Keys in the order of the sample."""
        person, created, updated, content_updated = row[6:10]
        content = f'"content_last_updated_at":"{moment(content_updated)}",' if self._tells_of_content else ""
        return (
            f'"label_details":{{"created_at":"{moment(created)}","updated_at":"{moment(updated)}",'
            f'"created_by":{self._names.emails[person]},{content}"reviews":[{",".join(reviews)}]}},'
        )

    def annotated(self, data_row: int, label_id: str, body: str, *, owner: str, details: str = "") -> str:
        """A label or a prediction of a data row: they are built alike (payloads.md §1.7). Clips have a kind of their
        own (SDK tests). Masks that stand alone are addressed through the project; of a prediction, through its model
        run (inferred)."""
        if self._masks_stand_alone:
            body = body.replace(PROJECT_MARK, owner)
        kind = "Video" if data_row in self._videos else "Default"
        return f'{{"label_kind":"{kind}","version":"1.0.0","id":"{label_id}",{details}"annotations":{body}}}'

    def _reviews(self, labels: list[int]) -> Items:
        """By label number. Items as in V1, in snake case (inferred: all samples have empty lists)."""
        found = Items(list)
        columns = "label_no, id, score, created_at, created_by"
        emails = self._names.emails
        for label, review, score, created, person in self._select(
            columns, "review", among("label_no", labels), "label_no, no"
        ):
            found[label].append(
                f'{{"id":"{review}","score":{score!r},"created_at":"{moment(created)}","created_by":{emails[person]}}}'
            )
        return found

    def _attachments(self) -> Items:
        """`{type, value, [name]}` (inferred: samples have empty lists)."""
        found = Items(list)
        columns = "data_row_no, id, type, value, asset, name"
        for row, attachment, kind, value, asset, name in self._select(
            columns, "attachment", self._rows, "data_row_no, no"
        ):
            named = "" if name is None else f',"name":{quoted(name)}'
            written = quoted(value or "") if asset is None else self._files.attachment(attachment, name or attachment)
            found[row].append(f'{{"type":"{kind}","value":{written}{named}}}')
        return found

    def _embeddings(self) -> Items:
        """`values` has one entry (docs/export-quick-reference; SDK test_export_embeddings_streamable.py)."""
        found = Items(list)
        columns = "data_row_no, embedding_id, body_id"
        rows = self._select(columns, "embedding_vector", self._rows, "data_row_no, embedding_id")
        vectors = self._vectors.read({row[2] for row in rows})
        for row, embedding_id, body_id in rows:
            found[row].append(f"{self._names.embeddings[embedding_id]}{vectors[body_id][0]}}}]}}")
        return found


def performance_details(
    skipped: bool, to_create: int, to_review: int, consensus: float | None, benchmark: float | None
) -> str:
    """Scores only where they were measured."""
    scores = "" if benchmark is None else f',"benchmark_score":{benchmark!r}'
    if consensus is not None:
        scores += f',"consensus_score":{consensus!r}'
    return (
        f'"performance_details":{{"seconds_to_create":{to_create},"seconds_to_review":{to_review},'
        f'"skipped":{"true" if skipped else "false"}{scores}}},'
    )


def among(column: str, numbers: list[int]) -> Clause:
    """Numbers as a range where they lie close together, which is one search of the index; else as a list."""
    first, last = min(numbers, default=0), max(numbers, default=0)
    if numbers and last - first < 4 * len(numbers):
        return where(f"{column} BETWEEN :first AND :last", first=first, last=last)
    return where(f"{column} IN :numbers", numbers=numbers)
