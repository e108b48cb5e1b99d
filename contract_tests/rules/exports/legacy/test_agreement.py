"""Export V1 and Export V2 agree about the same label: geometry, answers, people, times, surroundings."""

import datetime
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest

from contract_tests.rules.exports.legacy import migration
from contract_tests.rules.exports.legacy.elements import elements
from contract_tests.rules.exports.rows import EVERY_SECTION, read
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.text import to_camel_case
from mockserver.generate import scenario, scenario_files
from mockserver.world.clause import Clause
from mockserver.world.media import FRAMED
from mockserver.world.moments import round_to_second
from mockserver.world.records.people import Person
from mockserver.world.records.projects import Project
from mockserver.world.store import Store

SCENARIOS = ("default", "states", "forms")
PROJECTS = [
    (name, plan.name)
    for name in SCENARIOS
    for plan in scenario.load(scenario_files.find(name)).projects
    if plan.rows < 100
]
Both = list[tuple[Any, Any, Any]]
"""The element of V1, the label and the row of V2."""


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    with ExitStack() as opened:
        yield {
            name: opened.enter_context(open_store(build_database(tmp_path_factory.mktemp("agreement")), name))
            for name in SCENARIOS
        }


@pytest.fixture(params=PROJECTS, ids="-".join)
def both(request: pytest.FixtureRequest, stores: dict[str, Store]) -> Both:
    name, project = request.param
    store = stores[name]
    with store.reading() as connection:
        v1 = elements(connection, project)
        record = connection.find(Project, Clause("name = :name", name=project))
    assert record is not None
    v2 = [(label, row) for row in read(store, project) for label in row["projects"][record.id]["labels"]]
    assert [element["ID"] for element in v1] == [label["id"] for label, _ in v2]
    return [(element, label, row) for element, (label, row) in zip(v1, v2, strict=True)]


def moment_of(text: str) -> int:
    """Microseconds UTC. V2 rounds to the second, V1 has milliseconds."""
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000) * 1000


def test_people_times_and_scores_agree(both: Both) -> None:
    for element, label, _ in both:
        details, performance = label["label_details"], label["performance_details"]
        assert element["Created By"] == details["created_by"]
        assert element["Created At"] == details["created_at"].replace("+00:00", "Z")
        assert round_to_second(moment_of(element["Updated At"])) == moment_of(details["updated_at"])
        assert element["Seconds to Label"] == element["Seconds to Create"] == performance["seconds_to_create"]
        assert element["Seconds to Review"] == performance["seconds_to_review"]
        assert element["Skipped"] == performance["skipped"]
        assert element["Agreement"] == performance.get("consensus_score", -1)
        assert element["Benchmark Agreement"] == performance.get("benchmark_score", -1)
        assert [(item["id"], item["score"], item["createdBy"]) for item in element["Reviews"]] == [
            (item["id"], item["score"], item["created_by"]) for item in details["reviews"]
        ]


def test_the_data_row_agrees(both: Both) -> None:
    for element, _, row in both:
        data_row = row["data_row"]
        assert element["DataRow ID"] == data_row["id"]
        if data_row["row_data"].partition("?")[0].endswith(".json") and "tms" in row["media_attributes"]["asset_type"]:
            assert f"/tiles/{data_row['id']}/" in json.loads(element["Labeled Data"])["tileLayerUrl"]
        else:
            assert element["Labeled Data"].split("?Expires")[0] == data_row["row_data"].split("?Expires")[0]
        assert element["External ID"] == data_row.get("external_id")
        assert element["Global Key"] == data_row.get("global_key")
        assert element["Dataset Name"] == data_row["details"]["dataset_name"]
        known = [(item["schemaId"], item["value"]) for item in element["DataRow Metadata"]]
        assert known == [(item["schema_id"], metadata_value(item["value"])) for item in row["metadata_fields"]]


def metadata_value(value: Any) -> Any:
    """A value of V2 as V1 has it: the name of an enum's option, and a moment as GraphQL writes it."""
    if isinstance(value, list):
        return value[0]["schema_name"]
    return value.replace(".000+00:00", "Z") if isinstance(value, str) else value


def test_media_attributes_agree(both: Both) -> None:
    """Pictures and texts have none; clips have more, and agree in those that both have."""
    for element, _, row in both:
        v1, v2 = element["Media Attributes"], to_camel_case(row["media_attributes"])
        if v2["mimeType"].startswith("image/") or element["Project Name"] == "text":
            assert v1 == {}
        elif "frameRate" in v2:
            assert {name: v1[name] for name in ("width", "height", "mimeType", "frameRate", "frameCount")} == {
                name: value for name, value in v2.items() if name != "assetType"
            }
        else:
            own = ("pageCount", "textLayerUrl")  # of documents: the one in V1, the other in V2
            v1, v2 = ({name: value for name, value in one.items() if name not in own} for one in (v1, v2))
            assert v1 in ({}, v2)


def test_the_workflow_agrees(both: Both) -> None:
    for element, label, row in both:
        [project] = [inner for inner in row["projects"].values() if label in inner["labels"]]
        v1, v2 = element["DataRow Workflow Info"], project["project_details"]
        assert v1["taskName"] == v2["task_name"]
        assert [translate_step(step) for step in v1["Workflow History"]] == [
            {name: value for name, value in step.items() if name != "created_by"} for step in v2["workflow_history"]
        ]


def translate_step(step: Any) -> dict[str, Any]:
    """Translates a step of V1 into the words of V2, without its person."""
    words = {
        "action": "action", "previousTaskName": "previous_task_name", "previousTaskId": "previous_task_id",
        "nextTaskName": "next_task_name", "nextTaskId": "next_task_id",
    }  # fmt: skip
    words_of_v1 = {word: step[name] for name, word in words.items() if name in step}
    return words_of_v1 | {"created_at": step["createdAt"].replace("Z", "+00:00")}


def test_the_people_of_the_workflow_are_those_of_the_organization(stores: dict[str, Store]) -> None:
    store = stores["states"]
    with store.reading() as connection:
        v1 = elements(connection, "second look")
        people = {person.id: person.email for person in connection.select(Person)}
    v2 = {row["data_row"]["id"]: row["projects"] for row in read(store, "second look")}
    for element in v1:
        [project] = v2[element["DataRow ID"]].values()
        actors = [people[step["actorId"]] for step in element["DataRow Workflow Info"]["Workflow History"]]
        assert actors == [step["created_by"] for step in project["project_details"]["workflow_history"]]


def test_relationships_agree(both: Both) -> None:
    for element, label, _ in both:
        v1 = element["Label"].get("relationships", [])
        v2 = label["annotations"].get("relationships", []) if v1 else []
        assert [(edge["featureId"], *read_ends(edge["data"])) for edge in v1] == [
            (edge["feature_id"], *read_ends(edge["unidirectional_relationship"])) for edge in v2
        ]


def read_ends(ends: Any) -> tuple[str, str]:
    """The objects that a relationship joins, in the words of either version."""
    source, target = [value for name, value in ends.items() if name != "label"]
    return source, target


def test_geometry_and_answers_agree(both: Both) -> None:
    for element, label, _ in both:
        annotations, v1 = label["annotations"], element["Label"]
        if element["Skipped"] or not v1:  # empty are the labels of language models
            continue
        assert flat(v1["classifications"]) == v2_flat(annotations["classifications"])
        if "frames" in v1:
            assert v1["objects"] == []
            continue
        assert [item["featureId"] for item in v1["objects"]] == [
            item["feature_id"] for item in annotations.get("objects", [])
        ]
        for item, v2 in zip(v1["objects"], annotations.get("objects", []), strict=True):
            assert (item["title"], item["schemaId"], item["value"]) == (
                v2["name"],
                v2["feature_schema_id"],
                v2["value"],
            )
            assert geometry(item) == v2_geometry(v2)
            assert flat(item.get("classifications", [])) == v2_flat(v2["classifications"])


@pytest.mark.parametrize("project", ["video", "dicom"])
def test_the_frames_agree(stores: dict[str, Store], project: str) -> None:
    """Line by line: what is shown there, where, and what is answered."""
    store = stores["default"]
    wanted = msgspec.structs.replace(EVERY_SECTION, include_interpolated_frames=True)
    labels = [
        label for row in read(store, project, wanted) for inner in row["projects"].values() for label in inner["labels"]
    ]
    seen = 0
    for label in labels:
        annotations = label["annotations"]
        groups = annotations["groups"].values() if "groups" in annotations else [annotations]
        v2 = [(int(at), frame) for group in groups for at, frame in group["frames"].items() if any(frame.values())]
        v1 = lines_of(store, label["id"])
        assert [line["frameNumber"] for line in v1] == [at for at, _ in v2]
        for line, (_, frame) in zip(v1, v2, strict=True):
            seen += 1
            assert flat(line["classifications"]) == v2_flat(frame["classifications"])
            assert [item["featureId"] for item in line["objects"]] == [*frame["objects"]]
            for item, drawn in zip(line["objects"], frame["objects"].values(), strict=True):
                assert (item["title"], item["schemaId"]) == (drawn["name"], drawn["feature_schema_id"])
                assert geometry(item) == v2_geometry(drawn)
                assert ("instanceURI" in item) == ("composite_mask" in drawn)
                assert flat(item["classifications"]) == v2_flat(drawn["classifications"])
    assert seen > 50


def lines_of(store: Store, label_id: str) -> list[Any]:
    return [json.loads(line) for line in migration.frames_of(store, label_id).splitlines()]


def flat(items: list[Any]) -> list[Any]:
    """(feature id, question, answers by feature id or text)."""
    answers = []
    for item in items:
        if isinstance(item, list):
            answers += flat(item)
            continue
        answer = item["answers"] if "answers" in item else item["answer"]
        many = answer if isinstance(answer, list) else [answer]
        answers.append(
            (item["featureId"], item["title"], [one if isinstance(one, str) else one["featureId"] for one in many])
        )
    return answers


def v2_flat(items: list[Any]) -> list[Any]:
    answers = []
    for item in items:
        name = next(key for key in item if "answer" in key)
        answer = item[name]
        if "content" in answer:
            answers.append((item["feature_id"], item["name"], [answer["content"]]))
            continue
        chosen = answer if isinstance(answer, list) else [answer]
        answers.append((item["feature_id"], item["name"], [one["feature_id"] for one in chosen]))
        for one in chosen:
            answers += v2_flat(one["classifications"])
    return answers


def geometry(item: Any) -> Any:
    """An object of V1 as V2 would draw it."""
    if "polygon" in item:
        return {"polygon": [*item["polygon"], item["polygon"][0]]}
    if "bbox" in item:
        return {"bounding_box": item["bbox"]} | ({"page_number": item["page"]} if "page" in item else {})
    if "geometry" in item:
        return {"coordinates": item["geometry"]["coordinates"]}
    if "data" in item:
        location = item["data"]["location"]
        if isinstance(location, list):
            return {"pages": sorted({place["text-bbox"]["page"] for place in location})}
        return location
    return {name: item[name] for name in ("line", "point") if name in item}


def v2_geometry(item: Any) -> Any:
    if "location" in item and "groups" in item["location"]:
        return {"pages": sorted({group["page_number"] for group in item["location"]["groups"]})}
    if "location" in item:
        return {name: item["location"][name] for name in ("start", "end")}
    if "conversational_location" in item:
        place = item["conversational_location"]
        return {"messageId": place["message_id"], **place["location"]}
    if "geojson" in item:
        return {"coordinates": item["geojson"]["coordinates"]}
    shapes = {name: item[name] for name in ("polygon", "bounding_box", "page_number", "line", "point") if name in item}
    if "bounding_box" in shapes:
        shapes["bounding_box"] = {side: size for side, size in shapes["bounding_box"].items() if side != "unit"}
    return shapes


def test_every_medium_but_language_models_says_something(both: Both) -> None:
    spoken = [element["Label"] for element, label, _ in both if not label["performance_details"]["skipped"]]
    media = {row["media_attributes"].get("asset_type") for _, _, row in both}
    assert all(spoken) or not any(spoken), media


def test_the_page_for_those_who_move_shows_labels_as_they_are(stores: dict[str, Store]) -> None:
    page = migration.PAGE.read_text("utf-8")
    assert page == migration.fill_blocks(page, stores["default"]), "write it anew: python -m …exports.legacy.migration"
    assert {match[2] for match in migration.BLOCK.finditer(page)} == {"image", "text", "video"}


def test_media_with_frames_are_known() -> None:
    assert {"VIDEO", "DICOM"} == FRAMED
