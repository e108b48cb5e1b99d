"""Export V1 on the payload date of its workspace: which keys there are, in which order, and what they say."""

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.exports.legacy import migration
from contract_tests.rules.exports.legacy.elements import LINKS, build_label_of, elements, with_body
from contract_tests.rules.exports.rows import HOST, NOW, read
from contract_tests.rules.worlds import PROJECTS, build_database, open_store
from mockserver.exports.legacy.dates import DATED, YOUNG_MASKS, LegacyFormat
from mockserver.exports.legacy.labels import LabelElements
from mockserver.links import DAY
from mockserver.world.changes.settings import WorkspaceSettings
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Label
from mockserver.world.store import Store

DAYS = st.dates(datetime.date(2019, 1, 1), datetime.date(2025, 1, 1))
START = ["ID", "DataRow ID", "Labeled Data", "Label", "Created By", "Project Name", "Created At", "Updated At"]
END = ["Dataset Name", "Reviews", "View Label", "Has Open Issues"]
OF_2020 = [*START, "Seconds to Label", "External ID", "Agreement", "Benchmark Agreement", "Benchmark ID", *END]
OF_2022 = [*START, "Seconds to Label", "External ID", "Global Key", *OF_2020[10:], "Skipped"]
OF_2023 = [
    *START, "Seconds to Label", "Seconds to Review", "Seconds to Create", "External ID", "Global Key", "Agreement",
    "Is Benchmark", "Benchmark Agreement", "Benchmark ID", *END, "Skipped", "DataRow Workflow Info",
]  # fmt: skip
ROW_FACTS = ["DataRow Metadata", "Media Attributes", "Data Split"]
KEYS_OF = {
    "2020-02-15": [*OF_2020[:13], "Benchmark Reference ID", *END],
    "2020-04-15": OF_2020,
    "2021-01-15": OF_2020,
    "2021-07-15": [*OF_2020, "Skipped"],
    "2022-04-15": [*OF_2020, "Skipped"],
    "2022-12-15": OF_2022,
    "2023-04-17": OF_2023,
    "2024-01-30": [*OF_2023[:-1], *ROW_FACTS, OF_2023[-1]],
}
"""Of the dates of samples."""


@contextmanager
def set_date(store: Store, date: str) -> Iterator[None]:
    WorkspaceSettings(store).set_payload_date(date)
    try:
        yield
    finally:
        WorkspaceSettings(store).set_payload_date(None)


def list_elements_on(store: Store, date: str, project: str) -> list[Any]:
    with set_date(store, date), store.reading() as connection:
        return elements(connection, project)


@pytest.mark.known("sample")
@pytest.mark.parametrize("date", KEYS_OF)
@pytest.mark.parametrize("project", ["image", "text", "video", "document"])
def test_an_element_has_the_keys_of_its_time_in_their_order(store: Store, date: str, project: str) -> None:
    exported = list_elements_on(store, date, project)
    assert exported
    assert {tuple(element) for element in exported} == {tuple(KEYS_OF[date])}


@pytest.mark.known("sample")
def test_until_2020_null_stood_where_there_is_no_agreement(store: Store) -> None:
    for element in list_elements_on(store, "2020-02-15", "image"):
        assert (element["Agreement"], element["Benchmark Agreement"]) == (None, None)
        assert element["Benchmark Reference ID"] is None
    for element in list_elements_on(store, "2021-01-15", "image"):
        assert (element["Agreement"], element["Benchmark Agreement"]) == (-1, -1)


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("date", "parts"),
    [
        ("2021-03-15", ["objects", "classifications"]),
        ("2021-07-15", ["objects", "classifications"]),
        ("2021-10-01", ["objects", "classifications", "relationships"]),
        ("2023-04-17", ["objects", "classifications", "relationships"]),
    ],
)
def test_a_label_has_relationships_since_2021(store: Store, date: str, parts: list[str]) -> None:
    labels = [element["Label"] for element in list_elements_on(store, date, "image")]
    assert {tuple(label) for label in labels} == {(), tuple(parts)}


@pytest.mark.known("sample")
def test_a_clip_of_early_2021_has_its_frames_alone_and_nothing_when_it_was_skipped(store: Store) -> None:
    clips = list_elements_on(store, "2021-03-15", "video")
    with store.reading() as connection:
        skipped = {label.id for label in connection.select(Label, Clause("skipped"))}
    assert {element["ID"] in skipped for element in clips} == {True, False}
    for element in clips:
        frames = {"frames": f"{HOST}/v1/frames/{element['ID']}"}
        assert element["Label"] == ({} if element["ID"] in skipped else frames)


@pytest.mark.known("sample")
@pytest.mark.parametrize("date", ["2022-04-15", "2023-02-20", "2024-01-30"])
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_a_skipped_clip_has_empty_lists_and_no_frames(store: Store, date: str, project: str) -> None:
    """SDK 3.38 raises ValueError on it (observed 2023-02); volumes alike (inferred)."""
    clips = list_elements_on(store, date, project)
    assert {element["Skipped"] for element in clips} == {True, False}
    for element in clips:
        assert [*element["Label"]] == ["objects", "classifications", "relationships", "frames"][
            : 4 - element["Skipped"]
        ]
        if element["Skipped"]:
            assert [*element["Label"].values()] == [[], [], []]


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", sorted(set(PROJECTS) - {"video", "dicom"}))
def test_every_other_skip_is_empty(store: Store, project: str) -> None:
    for date in ("2020-02-15", "2022-12-15", "2024-01-30"):
        labels = list_elements_on(store, date, project)
        with store.reading() as connection:
            skipped = {label.id for label in connection.select(Label, Clause("skipped"))}
        assert all(element["Label"] == {} for element in labels if element["ID"] in skipped)


@pytest.mark.known("sample")
def test_documents_of_2022_have_boxes_alone(store: Store) -> None:
    """Neither the entities of the text layer, nor relationships that join one."""
    early, late = (list_elements_on(store, date, "document") for date in ("2022-12-15", "2024-01-30"))
    drawn = {date: [item for element in exported for item in element["Label"].get("objects", [])]
             for date, exported in (("early", early), ("late", late))}  # fmt: skip
    assert {"bbox" in item for item in drawn["early"]} == {True}
    assert {"bbox" in item for item in drawn["late"]} == {True, False}
    for element in early:
        objects = {item["featureId"] for item in element["Label"].get("objects", [])}
        for edge in element["Label"].get("relationships", []):
            assert {edge["data"]["source"], edge["data"]["target"]} <= objects


@pytest.mark.known("client")
def test_since_2023_questions_have_a_scope_and_answers_their_position(store: Store) -> None:
    """Before the title, and behind the value (a reader of 2023-04)."""
    before, after = (questions(list_elements_on(store, date, "text")) for date in ("2022-12-15", "2023-04-17"))
    assert {tuple(item) for item in before} == {
        ("featureId", "schemaId", "title", "value", "answer"), ("featureId", "schemaId", "title", "value", "answers"),
    }  # fmt: skip
    assert {tuple(item)[:5] for item in after} == {("featureId", "schemaId", "scope", "title", "value")}
    assert {item["scope"] for item in after} == {"global"}
    options = {option["featureSchemaId"]: at for question in list_questions(store, "text") for at, option in question}
    seen = [answer for item in after for answer in list_options(item)]
    assert seen
    for answer in seen:
        assert [*answer] == ["featureId", "schemaId", "title", "value", "position"]
        assert answer["position"] == options[answer["schemaId"]]


def questions(exported: list[Any]) -> list[Any]:
    return [item for element in exported for item in element["Label"].get("classifications", [])]


def list_options(question: Any) -> list[Any]:
    """The answers that are options."""
    answer = question.get("answers", question.get("answer"))
    return answer if isinstance(answer, list) else [answer] if isinstance(answer, dict) else []


def list_questions(store: Store, project: str) -> Iterator[list[tuple[int, Any]]]:
    """The numbered options of each question of a project's ontology."""
    with store.reading() as connection:
        sql = "SELECT o.normalized FROM ontology o JOIN project p ON p.ontology_id = o.id WHERE p.name = :name"
        document = json.loads(connection.value(sql, {"name": project}))
    waiting = [
        *document["classifications"],
        *(below for tool in document["tools"] for below in tool["classifications"]),
    ]
    while waiting:
        options = waiting.pop()["options"]
        yield list(enumerate(options))
        waiting += [question for option in options for question in option["options"]]


@pytest.mark.known("inferred")
def test_questions_of_frames_have_the_scope_of_frames(store: Store) -> None:
    for date, scopes in (("2022-12-15", {None}), ("2023-04-17", {"index"})):
        with set_date(store, date):
            lines = [line for element in clips(store) for line in migration.frames_of(store, element).splitlines()]
        items = [item for line in lines for item in json.loads(line)["classifications"]]
        assert {item.get("scope") for item in items} == scopes
        assert {"position" in answer for item in items for answer in list_options(item)} == {date > "2023"}


def clips(store: Store) -> list[str]:
    with store.reading() as connection:
        return [element["ID"] for element in elements(connection, "video") if not element["Skipped"]]


@pytest.mark.known("client")
def test_the_workflow_of_2023_has_the_keys_of_its_time(store: Store) -> None:
    steps = [
        step
        for element in list_elements_on(store, "2023-04-17", "image")
        for step in element["DataRow Workflow Info"]["Workflow History"]
    ]
    first = ["actorId", "action", "createdAt"]
    previous, following = ["previousTaskId", "previousTaskName"], ["nextTaskId", "nextTaskName"]
    assert {tuple(step) for step in steps} >= {
        (*first, *following), (*first, *previous, *following), (*first, *previous),
    }  # fmt: skip
    for element in list_elements_on(store, "2023-04-17", "image"):
        moments = [step["createdAt"] for step in element["DataRow Workflow Info"]["Workflow History"]]
        assert moments == sorted(moments, reverse=True)


def test_a_label_whose_row_left_the_project_has_no_workflow(tmp_path: Any) -> None:
    with open_store(build_database(tmp_path)) as own:
        with own.change() as change:
            change.connection.run("DELETE FROM project_row")
        with own.reading() as connection:
            assert {element["DataRow Workflow Info"] for element in elements(connection, "image")} == {None}


# Masks by the age of the label


@pytest.mark.known("sample")
@pytest.mark.parametrize("date", ["2020-02-15", "2021-01-15", None])
def test_the_masks_of_a_label_of_2019_name_its_project_person_and_row(tmp_path: Any, date: str | None) -> None:
    """Whenever it is exported; those of younger labels name the object alone."""
    with open_store(build_database(tmp_path)) as own:
        WorkspaceSettings(own).set_payload_date(date)
        with own.change() as change:
            old, young = change.connection.select(Label, Clause("NOT skipped"), order="no", first=2)
            change.connection.update(Label, Clause("no = :no", no=old.no), created_at=YOUNG_MASKS - DAY)
            change.connection.update(Label, Clause("no = :no", no=young.no), created_at=YOUNG_MASKS)
        with own.reading() as connection:
            by_id = {element["ID"]: element for element in elements(connection, "image")}
        for item in by_id[old.id]["Label"]["objects"]:
            row = by_id[old.id]["DataRow ID"]
            start = f"{HOST}/masks/{old.project_id}/{old.created_by}/{row}/0?feature={item['featureId']}&token="
            assert item["instanceURI"].startswith(start)
        for item in by_id[young.id]["Label"]["objects"]:
            assert item["instanceURI"].startswith(f"{HOST}/masks/feature/{item['featureId']}?token=")


@pytest.mark.known("sample")
@pytest.mark.parametrize(("date", "has_token"), [("2021-03-15", False), ("2021-07-15", True), ("2024-01-30", True)])
def test_the_copies_of_labels_in_graphql_had_no_token_in_early_2021(store: Store, date: str, has_token: bool) -> None:
    with set_date(store, date), store.reading() as connection:
        label = connection.select(Label, Clause("NOT skipped"), order="no", first=1)[0]
        for copies in (True, False):
            label_copy = LabelElements(connection, links=LINKS, host=HOST, now=NOW, copies=copies).one(label.id)[
                "Label"
            ]
            assert {"token=" in item["instanceURI"] for item in label_copy["objects"]} == {has_token or not copies}


# The table


@given(DAYS, DAYS)
def test_what_was_added_once_stays(one: datetime.date, other: datetime.date) -> None:
    early, late = (LegacyFormat(day) for day in sorted((one, other)))
    assert all(late.has(name) for name in DATED if early.has(name))
    assert all(LegacyFormat().has(name) for name in DATED)


def test_the_table_is_in_the_order_of_time_and_says_how_each_date_is_known() -> None:
    assert [item.since for item in DATED.values()] == sorted(item.since for item in DATED.values())
    for item in DATED.values():
        assert item.source.startswith(("client", "sample", "documented", "inferred"))


@pytest.mark.parametrize("date", KEYS_OF)
def test_every_payload_date_has_the_same_labels(store: Store, date: str) -> None:
    """Export V2 has them all, and the people, moments and features that both tell are the same."""
    for project in PROJECTS:
        known = {label["id"]: label for row in read(store, project) for label in list_labels(row)}
        exported = list_elements_on(store, date, project)
        assert [element["ID"] for element in exported] == [*known]
        for element in exported:
            details = known[element["ID"]]["label_details"]
            assert element["Created By"] == details["created_by"]
            assert element["Created At"] == details["created_at"].replace("+00:00", "Z")
            for item in element["Label"].get("objects", []):
                assert item["featureId"] in json.dumps(known[element["ID"]]["annotations"])


def list_labels(row: Any) -> list[Any]:
    return [label for project in row["projects"].values() for label in project["labels"]]


@pytest.mark.known("sample")
def test_a_sample_of_a_conversation_is_written_in_its_keys(tmp_path: Any) -> None:
    """v1-conversation: a question names its message before its answer, a relationship its ends and its name."""
    question = answer(1, "mood", message_id="m-1", conversational_radio_answer=answer(2, "glad", classifications=[]))
    ends = {"source": "\x0200003", "target": "\x0200004"}
    spans = [answer(at, "span", classifications=[], conversational_location=SPAN) for at in (3, 4)]
    edge = answer(5, "replies to", classifications=[], unidirectional_relationship=ends)
    document = {"objects": spans, "classifications": [question], "relationships": [edge]}
    with open_store(build_database(tmp_path)) as own:
        WorkspaceSettings(own).set_payload_date("2023-03-01")
        label = with_body(own, document, media="CONVERSATIONAL")
        with own.reading() as connection:
            label_of_v1 = build_label_of(connection, label)
    [asked_of_message], [joined] = label_of_v1["classifications"], label_of_v1["relationships"]
    assert [*asked_of_message] == ["featureId", "schemaId", "title", "value", "messageId", "answer"]
    assert [*joined] == ["featureId", "schemaId", "data", "relationshipType", "version"]
    ids = [item["featureId"] for item in label_of_v1["objects"]]
    assert joined["data"] == {"source": ids[0], "target": ids[1], "label": "replies to"}


SPAN = {"message_id": "m-1", "location": {"start": 0, "end": 3}}


def answer(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"feature_id": f"\x02{number:05}", "feature_schema_id": f"s{number}", "name": name, "value": name, **more}
