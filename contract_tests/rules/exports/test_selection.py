"""Each search term the SDK sends (wire.md §4.2), against the world it selects from."""

import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.errors import MalformedRequest
from mockserver.exports.selection import MOST_IDS, build_project_condition, parse_date_term
from mockserver.world.clause import Clause
from mockserver.world.records.data_rows import DataRow
from mockserver.world.records.labels import Label, ProjectRow
from mockserver.world.records.projects import Batch
from mockserver.world.store import Store

MICROSECOND = datetime.timedelta(microseconds=1)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def select(store: Store, *terms: dict[str, Any], project: str = "image") -> list[str]:
    """Ids of the data rows of a project that meet all terms."""
    with store.reading() as connection:
        condition = Clause(
            "pr.project_id = (SELECT id FROM project WHERE name = :name)", name=project
        ) & build_project_condition([*terms])
        sql = f"SELECT dr.id FROM project_row pr JOIN data_row dr ON dr.no = pr.data_row_no WHERE {condition.sql}"
        return [row[0] for row in connection.rows(f"{sql} ORDER BY dr.no", condition.params)]


def all_rows(store: Store) -> list[DataRow]:
    with store.reading() as connection:
        return connection.select(DataRow, Clause("media_type = 'IMAGE'"), order="no")


def build_range(kind: str, low: str, high: str, **more: str) -> dict[str, Any]:
    value = {"min": low, "max": high}
    return {"type": kind, "value": {"operator": "BETWEEN", "timezone": "UTC", "value": value} | more}


def build_bound(kind: str, operator: object, value: object, **more: object) -> dict[str, Any]:
    return {"type": kind, "value": {"operator": operator, "timezone": "UTC", "value": value} | more}


def build_ids(kind: str, ids: object, **more: object) -> dict[str, Any]:
    return {"type": kind, "operator": "is", "ids": ids} | more


@pytest.mark.known("client")
def test_no_term_selects_every_row(store: Store) -> None:
    assert select(store) == [row.id for row in all_rows(store)]


@pytest.mark.known("client")
@pytest.mark.parametrize("key", ["data_row_id", "global_key"])
def test_rows_are_selected_by_id_and_by_global_key(store: Store, key: str) -> None:
    rows = all_rows(store)[2:5]
    keys = [row.id if key == "data_row_id" else row.global_key for row in rows]
    assert select(store, build_ids(key, [*keys, "unknown"])) == [row.id for row in rows]


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", ["data_row_id", "global_key", "batch"])
def test_no_id_selects_no_row(store: Store, kind: str) -> None:
    assert select(store, build_ids(kind, [])) == []


@pytest.mark.known("client")
def test_a_batch_selects_its_rows_and_another_none(store: Store) -> None:
    with store.reading() as connection:
        batches = {batch.name: batch.id for batch in connection.select(Batch)}
    assert select(store, build_ids("batch", [batches["image batch 1"]])) == select(store)
    assert select(store, build_ids("batch", [batches["text batch 1"]])) == []


@pytest.mark.known("client")
@pytest.mark.parametrize("status", ["ToLabel", "InReview", "InRework", "Done"])
def test_rows_are_selected_by_status(store: Store, status: str) -> None:
    term = {"type": "task_queue_not_exist"} if status == "ToLabel" else {"type": "task_queue_status", "status": status}
    with store.reading() as connection:
        memberships = connection.select(ProjectRow, Clause("workflow_status = :status", status=status))
    numbers = {row.data_row_no for row in memberships}
    expected = [row.id for row in all_rows(store) if row.no in numbers]
    assert select(store, term) == expected != []


@pytest.mark.known("documented")
def test_terms_are_anded(store: Store) -> None:
    first, second, third = (row.id for row in all_rows(store)[:3])
    assert select(store, build_ids("data_row_id", [first, second]), build_ids("data_row_id", [second, third])) == [
        second
    ]


@pytest.mark.parametrize("count", [1, 40, 150, 1500])
def test_many_terms_are_still_one_condition(store: Store, count: int) -> None:
    """SQLite takes an expression 1,000 deep; no SDK sends as many, but other clients may."""
    assert select(store, *[build_ids("data_row_id", ["nobody"])] * count) == []


# Dates


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", ["data_row_last_activity_at", "labeled_at"])
def test_a_range_holds_its_first_and_its_last_day(store: Store, kind: str) -> None:
    moments_of = activity_times(store) if kind == "data_row_last_activity_at" else label_times(store)
    days = sorted({at.date() for at in moments_of.values()})
    low, high = days[1], days[-2]
    expected = [row for row, at in moments_of.items() if low <= at.date() <= high]
    assert select(store, build_range(kind, str(low), str(high))) == expected != []


@pytest.mark.known("client")
def test_open_ends_share_the_rows_at_their_common_day(store: Store) -> None:
    moments_of = activity_times(store)
    day = sorted(at.date() for at in moments_of.values())[4]
    after = select(store, build_bound("data_row_last_activity_at", "GREATER_THAN_OR_EQUAL", str(day)))
    before = select(store, build_bound("data_row_last_activity_at", "LESS_THAN_OR_EQUAL", str(day)))
    assert after == [row for row, at in moments_of.items() if at.date() >= day]
    assert before == [row for row, at in moments_of.items() if at.date() <= day]


@pytest.mark.known("inferred")
def test_a_row_without_labels_was_never_label_times(store: Store) -> None:
    ever = select(store, build_bound("labeled_at", "GREATER_THAN_OR_EQUAL", "1970-01-01"))
    assert ever == list(label_times(store))


def activity_times(store: Store) -> dict[str, datetime.datetime]:
    return {row.id: EPOCH + row.last_activity_at * MICROSECOND for row in all_rows(store)}


def label_times(store: Store) -> dict[str, datetime.datetime]:
    with store.reading() as connection:
        created = {label.data_row_no: label.created_at for label in connection.select(Label)}
    return {row.id: EPOCH + created[row.no] * MICROSECOND for row in all_rows(store) if row.no in created}


@pytest.mark.known("inferred")
@pytest.mark.parametrize(
    ("text", "zone", "first", "last"),
    [
        ("2024-03-01", "UTC", "2024-03-01T00:00:00+00:00", "2024-03-02T00:00:00+00:00"),
        ("2024-03-01", None, "2024-03-01T00:00:00+00:00", "2024-03-02T00:00:00+00:00"),
        ("2024-03-01", "", "2024-03-01T00:00:00+00:00", "2024-03-02T00:00:00+00:00"),
        ("2024-03-01", "Asia/Kolkata", "2024-02-29T18:30:00+00:00", "2024-03-01T18:30:00+00:00"),
        ("2024-10-27", "Europe/Berlin", "2024-10-26T22:00:00+00:00", "2024-10-27T23:00:00+00:00"),
        ("2024-03-31", "Europe/Berlin", "2024-03-30T23:00:00+00:00", "2024-03-31T22:00:00+00:00"),
        ("2000-01-01 00:00:00", "UTC", "2000-01-01T00:00:00+00:00", "2000-01-01T00:00:01+00:00"),
        ("2024-03-01T12:00:00+0530", "UTC", "2024-03-01T06:30:00+00:00", "2024-03-01T06:30:01+00:00"),
        (
            "2024-03-01T12:00:00.250Z",
            "Asia/Kolkata",
            "2024-03-01T12:00:00.250+00:00",
            "2024-03-01T12:00:00.250001+00:00",
        ),
    ],
)
def test_the_text_of_a_moment_covers(text: str, zone: str | None, first: str, last: str) -> None:
    """A day is a day of its zone, also when clocks change on it; other texts cover a second, or a fraction."""
    low, high = parse_date_term(build_range("labeled_at", text, text) | {"value": {
        "operator": "BETWEEN", "timezone": zone, "value": {"min": text, "max": text},
    }})  # fmt: skip
    assert [EPOCH + low * MICROSECOND, EPOCH + high * MICROSECOND] == list(
        map(datetime.datetime.fromisoformat, (first, last))
    )


@pytest.mark.known("client")
def test_old_sdks_send_no_time_zone(store: Store) -> None:
    term = {"type": "labeled_at", "value": {"operator": "GREATER_THAN_OR_EQUAL", "value": "1970-01-01"}}
    assert select(store, term) == list(label_times(store))


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_the_first_and_the_last_day_of_the_calendar_are_days(store: Store, day: str, zone: str) -> None:
    term = build_range("labeled_at", day, day)
    assert select(store, term | {"value": term["value"] | {"timezone": zone}}) == []


# Malformed terms

DATE = "data_row_last_activity_at"
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({}, "unknown type None"),
    "a type that is a list": ({"type": []}, "unknown type []"),
    "an unknown type": ({"type": "datarow_id", "ids": []}, '"data_row_id"'),
    "ids that are text": (build_ids("batch", "b1"), "'batch' has ids 'b1'; expected a list of strings"),
    "ids that are missing": ({"type": "global_key"}, "'global_key' has ids None"),
    "ids that are numbers": (build_ids("data_row_id", [1]), "expected a list of strings"),
    "too many ids": (build_ids("data_row_id", ["x"] * (MOST_IDS + 1)), "2001 ids; at most 2000"),
    "another operator": (build_ids("batch", [], operator="is_not"), "operator 'is_not'; expected 'is'"),
    "an unknown status": ({"type": "task_queue_status", "status": "DONE"}, '"Done"'),
    "a status that is a list": ({"type": "task_queue_status", "status": ["Done"]}, "status ['Done']"),
    "a date without a value": ({"type": DATE}, "known are BETWEEN"),
    "a value that is text": ({"type": DATE, "value": "2024-01-01"}, "known are BETWEEN"),
    "an unknown comparison": (build_bound(DATE, "EQUALS", "2024-01-01"), "'EQUALS'; known are BETWEEN"),
    "a comparison that is a list": (build_bound(DATE, [], "2024-01-01"), "known are BETWEEN"),
    "BETWEEN without both ends": (build_bound(DATE, "BETWEEN", "2024-01-01"), '{"min", "max"}'),
    "BETWEEN with one end": (build_bound(DATE, "BETWEEN", {"min": "2024-01-01"}), "has None; expected 'YYYY-MM-DD'"),
    "no date": (build_bound(DATE, "GREATER_THAN_OR_EQUAL", "yesterday"), "has 'yesterday'; expected 'YYYY-MM-DD'"),
    "a date that is a number": (build_bound(DATE, "GREATER_THAN_OR_EQUAL", 5), "has 5; expected"),
    "a number that could be a date": (build_bound(DATE, "GREATER_THAN_OR_EQUAL", 20241231), "has 20241231; expected"),
    "a date without hyphens": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "20241231"), "has '20241231'; expected"),
    "a day of a week": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2024-W50-1"), "has '2024-W50-1'; expected"),
    "an hour without minutes": (
        build_bound(DATE, "LESS_THAN_OR_EQUAL", "2024-12-31 10"),
        "has '2024-12-31 10'; expected",
    ),
    "a day that does not exist": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-29"), "has '2023-02-29'"),
    "an unknown zone": (
        build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone="Mars/Base"),
        "timezone 'Mars/Base'",
    ),
    "a zone that is a list": (
        build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone=["UTC"]),
        "timezone ['UTC']",
    ),
    "a zone that is a number": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone=0), "timezone 0"),
    "a zone that is a folder": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone="Europe"), "'Europe'"),
    "a zone that climbs": (
        build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone="../../etc/passwd"),
        "timezone '../",
    ),
    "a zone without end": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone="a" * 5000), "timezone"),
    "a zone beyond ASCII": (build_bound(DATE, "LESS_THAN_OR_EQUAL", "2023-02-28", timezone="\ud800"), "timezone"),
}


@pytest.mark.parametrize(("term", "message"), MALFORMED.values(), ids=list(MALFORMED))
def test_a_malformed_term_is_named_with_what_was_expected(term: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        build_project_condition([term])
    assert message in refused.value.message
    assert str(term.get("type")) in refused.value.message


@pytest.mark.known("client")
def test_a_malformed_term_carries_the_sibling_that_export_calls_read() -> None:
    """Without it the SDK's user gets `KeyError: 'errors'` (wire trap 5)."""
    with pytest.raises(MalformedRequest) as refused:
        build_project_condition([{"type": "nonsense"}])
    assert refused.value.as_graphql()["errors"] == [{"error": refused.value.message}]


WORDS = st.sampled_from([
    "data_row_id", "global_key", "batch", "task_queue_status", "task_queue_not_exist", "labeled_at", DATE, "BETWEEN",
    "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL", "is", "UTC", "Europe/Berlin", "2024-01-01", "0001-01-01", "Done",
])  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["operator", "timezone", "value", "min", "max"]) | st.text(max_size=3), inner)
    ),
    max_leaves=8,
)
SOME = WORDS | ANY
VALUE = st.fixed_dictionaries({"operator": SOME}, optional={"timezone": SOME, "value": SOME})
PARTS = {"type": SOME, "operator": SOME, "ids": st.lists(WORDS) | ANY, "status": SOME, "value": VALUE | ANY}
TERM = st.fixed_dictionaries({}, optional=PARTS)


@given(terms=st.lists(TERM, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_terms_are_a_condition_or_malformed_and_nothing_else(store: Store, terms: list[dict[str, Any]]) -> None:
    try:
        condition = build_project_condition(terms)
    except MalformedRequest:
        return
    assert isinstance(condition, Clause)
    assert set(select(store, *terms)) <= set(select(store))
