"""Everything that can be true of a data row beside its annotations, which the packaged scenario `states` shows."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.worlds import generate_world
from mockserver.generate import history
from mockserver.generate.chance import Chance
from mockserver.generate.consensus import DRIFT, move_objects
from mockserver.generate.scenario import parse
from mockserver.world.moments import format_moment
from mockserver.world.record import Record
from mockserver.world.records.data_rows import DataRow, MetadataSchema
from mockserver.world.records.issues import Comment, Issue, IssueStatus
from mockserver.world.records.labels import Body, Label, ProjectRow, parse_body
from mockserver.world.records.projects import Project

Records = list[Any]


@pytest.fixture(scope="module")
def pieces() -> list[list[Record]]:
    return generate_world("states")[1]


def select(kind: type[Record], pieces: list[list[Record]], project: str | None = None) -> Records:
    """Records of a kind, those of one project by its name."""
    records: Records = [record for piece in pieces for record in piece if type(record) is kind]
    if project is None:
        return records
    [wanted] = [each.id for each in select(Project, pieces) if each.name == project]
    return [record for record in records if record.project_id == wanted]


@pytest.mark.known("sample")
def test_labels_of_a_consensus_are_of_different_people_and_have_one_score(pieces: list[list[Record]]) -> None:
    labels = [label for label in select(Label, pieces, "consensus") if not label.skipped]
    by_row = Counter(label.data_row_no for label in labels)
    assert Counter(by_row.values()) == {3: 10, 2: 1, 1: 1}
    people = {(label.data_row_no, label.created_by) for label in labels}
    assert len(people) == len(labels)
    scores = {row: {label.consensus_score for label in labels if label.data_row_no == row} for row in by_row}
    assert all(len(row_scores) == 1 for row_scores in scores.values())
    assert all((row_scores == {None}) == (by_row[row] < 3) for row, row_scores in scores.items())
    assert all(label.benchmark_score is None for label in labels)


@pytest.mark.known("sample")
def test_the_score_of_a_consensus_changes_the_earlier_labels(pieces: list[list[Record]]) -> None:
    labels = [label for label in select(Label, pieces, "consensus") if label.consensus_score is not None]
    for row in {label.data_row_no for label in labels}:
        mine = [label for label in labels if label.data_row_no == row]
        assert len({label.updated_at for label in mine}) == 1
        assert mine[0].updated_at > max(label.content_updated_at for label in mine)


def test_the_selected_label_is_one_of_the_rows(pieces: list[list[Record]]) -> None:
    labels = select(Label, pieces, "consensus")
    chosen = set()
    for project_row in select(ProjectRow, pieces, "consensus"):
        rivals = [label.id for label in labels if label.data_row_no == project_row.data_row_no and not label.skipped]
        assert project_row.expected_label_count == 3
        if rivals:
            chosen.add(rivals.index(project_row.selected_label_id))
    assert len(chosen) > 1


def test_labels_of_a_consensus_are_not_copies(pieces: list[list[Record]]) -> None:
    bodies = {body.id: body.content for body in select(Body, pieces)}
    labels = [label for label in select(Label, pieces, "consensus") if not label.skipped]
    seen: dict[int, set[bytes]] = {}
    for label in labels:
        seen.setdefault(label.data_row_no, set()).add(bodies[label.body_id])
    assert sum(len(contents) == 3 for contents in seen.values()) > len(seen) // 2


def test_a_benchmark_row_has_a_reference_and_a_label_that_is_measured(pieces: list[list[Record]]) -> None:
    labels = select(Label, pieces, "benchmark")
    measured = [label for label in labels if label.benchmark_score is not None]
    assert len(measured) == sum(label.is_benchmark for label in labels) == 4
    references = {label.data_row_no for label in labels if label.is_benchmark}
    assert {label.data_row_no for label in measured} == references
    assert all(label.benchmark_score is None for label in labels if label.is_benchmark)


def test_issues_are_open_or_resolved_about_a_label_or_a_row_and_have_comments(pieces: list[list[Record]]) -> None:
    issues, labels = select(Issue, pieces, "talked about"), {label.id for label in select(Label, pieces)}
    assert {issue.status for issue in issues} == set(IssueStatus)
    assert {issue.label_id in labels for issue in issues} == {True, False}
    assert {issue.label_id for issue in issues} - labels == {None}
    assert {comment.issue_no for comment in select(Comment, pieces)} == {issue.no for issue in select(Issue, pieces)}


@pytest.mark.known("sample")
def test_a_row_that_comes_back_from_done_has_no_previous_task(pieces: list[list[Record]]) -> None:
    rows = select(ProjectRow, pieces, "talked about")
    entries = [sum(step.previous_task_id is None for step in row.steps) for row in rows]
    assert entries.count(2) == 2


def test_a_row_may_be_in_two_projects(pieces: list[list[Record]]) -> None:
    first = {row.data_row_no for row in select(ProjectRow, pieces, "consensus")}
    second = {row.data_row_no for row in select(ProjectRow, pieces, "second look")}
    assert second < first
    assert {row.no for row in select(DataRow, pieces)} >= first


def test_a_rows_latest_activity_is_that_of_all_its_projects(pieces: list[list[Record]]) -> None:
    rows = {row.no: row for row in select(DataRow, pieces)}
    latest = dict.fromkeys(rows, "")
    for label in select(Label, pieces):
        latest[label.data_row_no] = max(latest[label.data_row_no], format_moment(label.updated_at))
    for project_row in select(ProjectRow, pieces):
        for step in project_row.steps[:1]:
            latest[project_row.data_row_no] = max(latest[project_row.data_row_no], step.created_at)
    for issue in select(Issue, pieces):
        latest[issue.data_row_no] = max(latest[issue.data_row_no], format_moment(issue.updated_at))
    waiting = {no for no in latest if latest[no] == "" or not history_of(no, pieces)}
    for no, row in rows.items():
        if no in waiting:  # it was sent to the project, or its last label a moment after it was made
            assert latest[no] < format_moment(row.last_activity_at)
        else:
            assert latest[no] == format_moment(row.last_activity_at)
    assert max(latest.values()) < format_moment(generate_world("states")[0].ends)


def history_of(row: int, pieces: list[list[Record]]) -> list[Any]:
    """All steps of a row in all projects."""
    return [
        step
        for project_row in select(ProjectRow, pieces)
        if project_row.data_row_no == row
        for step in project_row.steps
    ]


def test_rows_may_have_neither_key_nor_external_id(pieces: list[list[Record]]) -> None:
    bare = {row.data_row_no for row in select(ProjectRow, pieces, "nameless")}
    rows = [row for row in select(DataRow, pieces) if row.no in bare]
    assert {(row.global_key, row.external_id) for row in rows} == {(None, None)}


def test_metadata_has_a_value_of_every_kind(pieces: list[list[Record]]) -> None:
    kinds = {schema.id: schema.kind for schema in select(MetadataSchema, pieces) if schema.parent_id is None}
    used = {kinds[schema_id] for row in select(DataRow, pieces) for schema_id in row.metadata_values}
    assert used == {"CustomMetadataString", "CustomMetadataNumber", "CustomMetadataDateTime", "CustomMetadataEnum"}


NUMBER = 'metadata = [{ name = "score", kind = "number" }]\n'
BASE = 'description = "d"\n[ontologies.o]\nmedia = "text"\n[[projects]]\nname = "p"\nmedia = "text"\nontology = "o"\n'
REFUSED = {
    "both consensus and benchmarks": (BASE + "consensus = 2\nbenchmarks = 1", "not both"),
    "frames of texts": (BASE + "frames = 3", ".frames: only projects of media 'video' take it"),
    "a value of no field": (BASE + 'values = [{ field = "tgа", value = "x" }]', "there is no metadata field"),
    "a value that JSON cannot hold": (
        NUMBER + BASE + 'values = [{ field = "score", value = inf }]',
        "JSON cannot hold inf",
    ),
    "a value of another kind": (BASE + 'values = [{ field = "tag", value = 3 }]', "'tag' is a string, and 3.0 is none"),
    "no moment": (BASE + 'values = [{ field = "captureDateTime", value = "soon" }]', "'soon' is no moment"),
    "no option": (BASE + 'values = [{ field = "split", value = "tran" }]', "no option 'tran'; known are \"train\""),
    "pictures inline": (
        BASE.replace('"text"', '"image"') + "inline = true",
        ".inline: only projects of media 'text' take it",
    ),
    "a tag that is not there": (BASE + 'tags = ["t"]', "there is no tag 't'"),
    "rows that wait without a consensus": (BASE + "waiting = 1", "only with a consensus of 2 or more"),
    "more issues than labelled rows": (BASE + "labelled = 2\nissues = 3", "only the 2 labelled rows"),
    "rows of a project that is not there": (BASE + 'rows_of = "q"', "no project 'q'"),
    "rows of itself": (BASE + 'rows_of = "p"', "no project 'p'"),
    "more rows than are shared": (
        BASE + '[[projects]]\nname = "r"\nmedia = "text"\nontology = "o"\nrows_of = "p"\nlabelled = 50',
        "'p' has 12 rows of text; this project wants 53 of text",
    ),
    "an enum without options": ('description = "d"\n[[metadata]]\nname = "m"\nkind = "enum"', "an enum needs options"),
    "options of a number": (
        'description = "d"\n[[metadata]]\nname = "m"\nkind = "number"\noptions = ["a"]',
        "a number takes no options",
    ),
    "an unknown kind": ('description = "d"\n[[metadata]]\nname = "m"\nkind = "nubmer"', '"number"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_plan_that_makes_no_sense_is_refused_in_words(case: str) -> None:
    text, words = REFUSED[case]
    with pytest.raises(Exception, match=r"plan\.toml:\d+: at ") as refused:
        parse(text.encode(), source="plan.toml")
    assert words in str(refused.value)


@given(
    st.integers(0, 30),
    st.integers(0, 5),
    st.integers(0, 3),
    st.integers(1, 5),
    st.integers(0, 30),
    st.integers(0, 5),
)
def test_whatever_the_plan_every_row_has_its_state(
    labelled: int, skipped: int, unlabelled: int, consensus: int, issues: int, waiting: int
) -> None:
    waiting = waiting if consensus > 1 else 0
    numbers = f"labelled = {labelled}\nskipped = {skipped}\nunlabelled = {unlabelled}\nconsensus = {consensus}\n"
    numbers += f"waiting = {waiting}\n"
    plan = parse((BASE + numbers + f"issues = {min(issues, labelled)}\nvariants = 2").encode(), source="plan.toml")
    pieces = list(history.build_world(plan, name="plan", seed=1)[1])
    assert len(select(DataRow, pieces)) == len(select(ProjectRow, pieces)) == labelled + skipped + waiting + unlabelled
    for row in select(ProjectRow, pieces):
        assert (row.steps == []) == (row.workflow_status == "ToLabel")
    further = len(select(Label, pieces)) - consensus * labelled - skipped
    assert waiting <= further <= waiting * max(consensus - 1, 0)
    assert len(select(Issue, pieces)) == min(issues, labelled)


GIVEN = """
metadata = false
labelled = 6
values = [
  { field = "tag", value = "shelf b-{number}" },
  { field = "tag", value = "the first", last = 1 },
  { field = "split", value = "valid", first = 2, last = 3 },
  { field = "captureDateTime", value = "2023-08-06T12:20:30.5+02:00", first = 4, last = 4 },
  { field = "words", value = 31, first = 5, last = 5 },
]
[[metadata]]
name = "words"
kind = "number"
"""


def test_rows_have_the_values_that_the_plan_gives_to_them() -> None:
    plan = parse((BASE + GIVEN).encode(), source="plan.toml")
    pieces = list(history.build_world(plan, name="plan", seed=1)[1])
    names = {schema.id: schema.name for schema in select(MetadataSchema, pieces)}
    values = [
        {names[schema]: names.get(str(value), value) for schema, value in row.metadata_values.items()}
        for row in select(DataRow, pieces)
    ]
    assert [row["tag"] for row in values[:3]] == ["the first", "shelf b-2", "shelf b-3"]
    assert [row.get("split") for row in values[:4]] == [None, "valid", "valid", None]
    assert values[3]["captureDateTime"] == "2023-08-06T10:20:30Z"
    assert values[4]["words"] == 31
    assert [len(row) for row in values] == [1, 2, 2, 2, 2, 1, 1, 1, 1]


def test_another_view_moves_shapes_a_little_and_keeps_them_inside() -> None:
    body = (
        b'{"objects":[{"feature_id":"\x0200001","bounding_box":{"top":1.5,"left":0.0,"height":4.0,"width":3.0}},'
        b'{"feature_id":"\x0200002","polygon":[{"x":9.0,"y":2.0},{"x":12.0,"y":8.0},{"x":9.0,"y":2.0}]}]}'
    )
    moved = [move_objects(body, Chance("view", number)) for number in range(50)]
    assert len(set(moved)) > 5
    for view in map(parse_body, moved):
        box, ring = view["objects"][0]["bounding_box"], view["objects"][1]["polygon"]
        assert (box["height"], box["width"]) == (4.0, 3.0)
        assert 0 <= 1.5 - box["top"] <= 1.5
        assert box["left"] == 0
        assert ring[0] == ring[-1]
        assert 0 <= 9 - ring[0]["x"] <= DRIFT
    assert all(view.count(b"\x02") == 2 for view in moved)
