"""The data rows of a project, dataset, slice, model run or the catalog: one page of them, by key."""

from __future__ import annotations

import bisect
from collections import Counter
from typing import NamedTuple

from starlette.responses import Response

from mockserver.console.calls import build_export_call
from mockserver.console.counts import Counts, find_counts
from mockserver.console.filters import build_search, match_rows_of, query_of, read_filters
from mockserver.console.run_filters import MOST_EXAMINED, Matches, find_confident_rows, read_run_filters
from mockserver.console.subjects import Subject, find_subject
from mockserver.console.view import View
from mockserver.digits import parse_digits
from mockserver.errors import BadInput
from mockserver.exports.scope import Scope, build_scope
from mockserver.links import FIRST_KEY
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.database import Connection
from mockserver.world.media import BY_NAME
from mockserver.world.queries.projects import count_rows_of_projects, count_up_to
from mockserver.world.records.labels import Label, ProjectRow
from mockserver.world.records.models import DataSplit
from mockserver.world.records.projects import Batch

PAGE = 50
"""Data rows of a page."""
MOST_COUNTED = 10_000
"""Matching rows are counted up to so many: counting a million takes longer than a page may."""
MOST_BATCHES = 200
MOST_SELECTED = 250
"""Data rows that can be selected by hand: their ids are in an address."""
_COLUMNS = "dr.no, dr.id, dr.global_key, dr.external_id, dr.media_type, dr.row_data, dr.last_activity_at"


class ListedRow(NamedTuple):
    """A line of the list. `status` and `labels` are those of the project, if the list is one's."""

    no: int
    id: str
    global_key: str | None
    external_id: str | None
    media_type: str
    picture: str | None
    last_activity_at: int
    status: str
    labels: int

    @property
    def name(self) -> str:
        return self.global_key or self.external_id or self.id


class Page(NamedTuple):
    """A page of data rows, and the keys of the pages around it."""

    rows: list[ListedRow]
    next_after: int | None
    total: int
    is_counted: bool
    """Whether `total` is exact, and not the bound up to which rows are counted."""


def show_rows(view: View) -> Response:
    """Shows a page of data rows. Raises NotFound, BadInput."""
    after = read_after(view)
    counts = find_counts(view.workspace.store)
    with view.snapshot() as connection:
        subject = find_subject(view, connection)
        filters = read_filters(view, subject)
        scope = build_scope(connection, subject.build_request(filters.terms))
        if filters.text:
            scope = narrow(scope, build_search(connection, filters.text))
        run = read_run_filters(view, subject)
        scope = narrow(scope, run.condition)
        matches = find_confident_rows(connection, scope, run) if run.have_range else None
        is_filtered = filters.are_set or run.are_set
        page = load_page(
            view, connection, subject, scope, after, is_filtered=is_filtered, matches=matches, counts=counts
        )
        batches = list_batches(connection, subject)
    return view.render(
        "rows.html",
        subject=subject, page=page, filters=filters, query=query_of(view) | run.query, is_filtered=is_filtered,
        splits=list(DataSplit), target=find_target(subject), batches=batches, after=after, most_examined=MOST_EXAMINED,
        given=view.request.query_params, most_selected=MOST_SELECTED,
        call=build_export_call(view, subject, filters.terms, filters.filters, {"data_row_details": True}),
    )  # fmt: skip


def read_after(view: View) -> int:
    """Reads the key of the last row in front of the page. Raises BadInput."""
    text = view.query.get("after", "0")
    number = parse_digits(text)
    if number is None:
        raise BadInput(f"after is {text!r}; expected the number of a data row, as the link to the next page has it")
    return number


class Target(NamedTuple):
    """The view that exports rows selected by hand, and the fields that it needs besides their ids."""

    path: str
    fields: dict[str, str]


def find_target(subject: Subject) -> Target:
    """Finds the view that exports selected rows. Exports of slices and model runs take no filters, those of the catalog
    take ids, and carry the predictions of a run, too."""
    if subject.kind.filters:
        return Target(f"{subject.path}/export", {})
    fields = {"version": "v2", "param": "data_row_details"}
    if subject.kind_name == "model_run":
        fields |= {"param": "predictions", "model_run_ids": subject.id}
    return Target("/console/catalog/export", fields)


def narrow(scope: Scope, condition: Clause) -> Scope:
    """Returns the scope with a further condition."""
    return Scope(scope.source, scope.condition & condition, scope.projects, scope.sole, scope.runs, scope.order)


def load_page(
    view: View,
    connection: Connection,
    subject: Subject,
    scope: Scope,
    after: int,
    *,
    is_filtered: bool,
    matches: Matches | None,
    counts: Counts,
) -> Page:
    """Loads the rows after a key: one range of an index, however many rows there are. `matches` are those to choose
    from, if they are known."""
    behind = Clause(f"{scope.order} > :after", after=after)
    if matches is not None:
        start = bisect.bisect_right(matches.numbers, after)
        behind = Clause("dr.no IN :numbers", numbers=matches.numbers[start : start + PAGE + 1])
    records = connection.select_columns(
        scope.source, _COLUMNS, scope.condition & behind, order=scope.order, first=PAGE + 1
    )
    numbers = [row[0] for row in records[:PAGE]]
    statuses, labels = load_states(connection, subject, numbers)
    sign = view.workspace.links.signer("assets", FIRST_KEY, view.workspace.store.clock.now())
    rows = [
        ListedRow(
            no, row_id, key, name, media,
            sign(row_id, name or row_id, no) if media == BY_NAME["image"].wire and row_data is None else None,
            active, statuses.get(no, ""), labels[no],
        )
        for no, row_id, key, name, media, row_data, active in records[:PAGE]
    ]  # fmt: skip
    if matches is not None:
        total, is_counted = len(matches.numbers), matches.are_all
    else:
        total, is_counted = count_matching(connection, subject, scope, counts, is_filtered=is_filtered)
    return Page(rows, numbers[-1] if len(records) > PAGE else None, total, is_counted)


def count_matching(
    connection: Connection, subject: Subject, scope: Scope, counts: Counts, *, is_filtered: bool
) -> tuple[int, bool]:
    """Counts the rows of a scope, and says whether the number is exact."""
    if subject.kind_name == "project" and not is_filtered:
        return counts.get(subject.id, lambda: count_rows_of_projects(connection, [subject.id])[subject.id]), True
    count = count_up_to(connection, scope.source, scope.condition, MOST_COUNTED + 1)
    return min(count, MOST_COUNTED), count <= MOST_COUNTED


def load_states(connection: Connection, subject: Subject, numbers: list[int]) -> tuple[dict[int, str], Counter[int]]:
    """Loads the workflow status of rows in a project, and the number of their labels in it, or anywhere."""
    mine = Clause("project_id = :id", id=subject.id) if subject.kind_name == "project" else EVERYTHING
    these = match_rows_of("data_row_no", numbers)
    labels = connection.select_columns(Label, "data_row_no", mine & these & Clause("NOT deleted"))
    statuses: dict[int, str] = {}
    if subject.kind_name == "project":
        # Whole records: SQLite reads these two columns of the whole project from an index, 100 ms for a million rows.
        statuses = {row.data_row_no: row.workflow_status for row in connection.select(ProjectRow, mine & these)}
    return statuses, Counter(row[0] for row in labels)


def list_batches(connection: Connection, subject: Subject) -> list[Batch]:
    """Lists the batches of a project, for the filter."""
    if subject.kind_name != "project":
        return []
    mine = Clause("project_id = :id", id=subject.id)
    return connection.select(Batch, mine, order="created_at, id", first=MOST_BATCHES)
