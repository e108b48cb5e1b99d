"""Labels of Export V1: against the samples' shapes, and each against what Export V2 says of it."""

import json
import re
from typing import Any

import pytest

from contract_tests.rules.exports.legacy.elements import LINKS, build_label_of, elements, with_body
from contract_tests.rules.exports.rows import HOST, NOW, read
from mockserver.errors import NotFound
from mockserver.exports.legacy.labels import LabelElements, build_element, build_label
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.clause import Clause
from mockserver.world.records.labels import Label
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Ontology, Project
from mockserver.world.store import Store

KEYS = [
    "ID", "DataRow ID", "Labeled Data", "Label", "Created By", "Project Name", "Created At", "Updated At",
    "Seconds to Label", "Seconds to Review", "Seconds to Create", "External ID", "Global Key", "Agreement",
    "Is Benchmark", "Benchmark Agreement", "Benchmark ID", "Dataset Name", "Reviews", "View Label", "Has Open Issues",
    "Skipped", "DataRow Metadata", "Media Attributes", "Data Split", "DataRow Workflow Info",
]  # fmt: skip
ZULU = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
F = "\x02"
RING = {"type": "Polygon", "coordinates": [[[1.0, 2.0], [1.0, 3.0], [2.0, 3.0], [1.0, 2.0]]]}


def feature(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"feature_id": f"{F}{number:05}", "feature_schema_id": f"s{number}", "name": name, "value": name, **more}


def export_object(store: Store, *, media: str = "IMAGE", aside: Any = None, **geometry: Any) -> Any:
    """The V1 object of a label that has one, with this geometry in V2."""
    item = feature(1, "tool", annotation_kind="Any", classifications=[]) | geometry
    label = with_body(store, {"objects": [item], "classifications": []}, media=media, aside=aside)
    with store.reading() as connection:
        [drawn] = build_label_of(connection, label)["objects"]
        prefix = connection.value("SELECT feature_prefix FROM label WHERE id = :id", {"id": label})
    assert drawn["featureId"] == f"{prefix}00001"
    return {
        key: value for key, value in drawn.items() if key not in {"featureId", "schemaId", "title", "value", "color"}
    }


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", ["image", "text"])
def test_every_label_has_every_key_and_null_where_there_is_nothing(store: Store, project: str) -> None:
    with store.reading() as connection:
        exported = elements(connection, project)
    assert exported
    for element in exported:
        assert list(element) == KEYS
        assert element["Data Split"] is None
        assert element["Benchmark ID"] is None
        assert (element["Agreement"], element["Benchmark Agreement"], element["Has Open Issues"]) == (-1, -1, 0)
        assert ZULU.fullmatch(element["Created At"])
        assert ZULU.fullmatch(element["Updated At"])
        assert element["Seconds to Label"] == element["Seconds to Create"] > 0
        assert element["Is Benchmark"] == 0
        assert element["Media Attributes"] == {}


@pytest.mark.known("documented")
def test_labelled_and_skipped_rows_are_in_and_unlabelled_ones_out(store: Store) -> None:
    with store.reading() as connection:
        exported = elements(connection, "image")
    rows = read(store, "image")
    [project] = {key for row in rows for key in row["projects"]}
    labelled = [row["data_row"]["id"] for row in rows if row["projects"][project]["labels"]]
    assert len(labelled) < len(rows)
    assert [element["DataRow ID"] for element in exported] == labelled
    assert {element["Skipped"] for element in exported} == {True, False}
    assert all((element["Label"] == {}) == element["Skipped"] for element in exported)


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        (
            {"bounding_box": {"top": 1.0, "left": 2.5, "height": 3.0, "width": 4.0}},
            {"bbox": {"top": 1.0, "left": 2.5, "height": 3.0, "width": 4.0}},
        ),
        (
            {"polygon": [{"x": 1, "y": 1}, {"x": 5, "y": 1}, {"x": 5, "y": 4}, {"x": 1, "y": 1}]},
            {"polygon": [{"x": 1, "y": 1}, {"x": 5, "y": 1}, {"x": 5, "y": 4}]},
        ),
        ({"line": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}, {"line": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}),
        ({"point": {"x": 1.5, "y": 2}}, {"point": {"x": 1.5, "y": 2}}),
        ({"mask": {"url": "…"}}, {}),
        ({"composite_mask": {"url": "…", "color_rgb": [1, 2, 3]}}, {}),
    ],
    ids=["box", "polygon", "line", "point", "mask", "composite mask"],
)
def test_an_object_of_a_picture_has_its_geometry_and_a_mask(own: Store, drawn: Any, expected: Any) -> None:
    drawn_object = export_object(own, **drawn)
    uri = drawn_object.pop("instanceURI")
    assert drawn_object == expected
    assert uri.startswith(f"{HOST}/masks/feature/")
    LINKS.check_mask_token(uri.partition("?token=")[2], now=NOW)


@pytest.mark.known("sample")
def test_an_entity_of_a_text_has_its_location_in_a_format_with_a_version(own: Store) -> None:
    entity = export_object(own, media="TEXT", location={"start": 3, "end": 9, "token": "entity"})
    del entity["instanceURI"]
    assert entity == {"data": {"location": {"start": 3, "end": 9}}, "format": "text.location", "version": 1}


@pytest.mark.known("sample")
def test_a_box_of_a_document_names_its_page_and_unit(own: Store) -> None:
    box = {"top": 1.0, "left": 2.0, "height": 3.0, "width": 4.0}
    box_object = export_object(
        own, media="PDF", page_number=0, bounding_box=box, page_dimensions={"height": 9, "width": 9}
    )
    del box_object["instanceURI"]
    assert box_object == {"bbox": box, "page": 0, "unit": "POINTS"}


@pytest.mark.known("sample")
def test_an_entity_of_a_document_has_the_boxes_that_its_body_keeps_aside(own: Store) -> None:
    boxes = [{"page": 0, "top": 1.0, "left": 2.0, "height": 3.0, "width": 4.0}]
    groups = [{"id": "g", "page_number": 0, "tokens": ["t"], "text": "Metal"}]
    aside = {"text-bbox": {"00001": boxes}}
    entity = export_object(own, media="PDF", aside=aside, location={"groups": groups})
    assert entity == {"data": {"location": [{"text-bbox": boxes[0]}], "unit": "POINTS"}}


@pytest.mark.known("sample")
@pytest.mark.parametrize(
    ("kind", "shape", "type_"),
    [
        ("GeoBoundingBox", RING, "rectangle"),
        ("GeoPolygon", RING, "polygon"),
        ("GeoPolyline", {"type": "LineString", "coordinates": [[1.0, 2.0], [3.0, 4.0]]}, "polyline"),
        ("GeoPoint", {"type": "Point", "coordinates": [1.0, 2.0]}, "point"),
    ],
)  # fmt: skip
def test_a_place_on_a_map_has_its_type_and_coordinates_and_no_mask(
    own: Store, kind: str, shape: Any, type_: str
) -> None:
    place = export_object(own, media="TMS_GEO", annotation_kind=kind, geojson=shape)
    assert place == {"type": type_, "geometry": {"coordinates": shape["coordinates"]}}


@pytest.mark.known("documented")
def test_an_entity_of_a_conversation_names_its_message(own: Store) -> None:
    location = {"message_id": "2", "location": {"start": 0, "end": 22}}
    entity = export_object(own, media="CONVERSATIONAL", conversational_location=location)
    assert entity == {
        "version": 1,
        "format": "text.location",
        "data": {"location": {"messageId": "2", "start": 0, "end": 22}},
    }


def question_tree() -> dict[str, Any]:
    """A checklist; below its two answers a radio and a text; below the radio's answer another checklist."""
    deepest = feature(7, "deepest", checklist_answers=[feature(8, "yes", classifications=[])])
    radio = feature(5, "radio", radio_answer=feature(6, "one", classifications=[deepest]))
    text = feature(9, "text", text_answer={"content": "free"})
    answers = [feature(3, "wet", classifications=[radio]), feature(4, "dry", classifications=[text])]
    return feature(2, "checklist", checklist_answers=answers)


@pytest.mark.known("sample")
def test_nested_questions_follow_their_own_question(own: Store) -> None:
    label = with_body(
        own, {"objects": [], "classifications": [question_tree(), feature(10, "last", text_answer={"content": ""})]}
    )
    with own.reading() as connection:
        answers = build_label_of(connection, label)["classifications"]
    assert [item["title"] for item in answers] == ["checklist", "radio", "deepest", "text", "last"]
    checklist, radio, _, text, last = answers
    assert [answer["title"] for answer in checklist["answers"]] == ["wet", "dry"]
    assert list(checklist["answers"][0]) == ["featureId", "schemaId", "title", "value"]
    assert radio["answer"]["title"] == "one"
    assert (text["answer"], last["answer"]) == ("free", "")
    assert "classifications" not in json.dumps(answers)


@pytest.mark.known("sample")
def test_below_an_object_a_checklist_and_what_is_nested_in_it_is_a_list_within_the_list(own: Store) -> None:
    radio = feature(11, "plain", radio_answer=feature(12, "one", classifications=[]))
    box = {"top": 1, "left": 1, "height": 1, "width": 1}
    answers = export_object(own, bounding_box=box, classifications=[radio, question_tree()])["classifications"]
    assert answers[0]["title"] == "plain"
    assert [item["title"] for item in answers[1]] == ["checklist", "radio", "deepest", "text"]


@pytest.mark.known("documented")
def test_a_question_about_a_message_names_it_before_its_answer(own: Store) -> None:
    question = feature(2, "q", message_id="4", conversational_radio_answer=feature(3, "a", classifications=[]))
    label = with_body(own, {"objects": [], "classifications": [question]}, media="CONVERSATIONAL")
    with own.reading() as connection:
        [answer_row] = build_label_of(connection, label)["classifications"]
    assert list(answer_row) == ["featureId", "schemaId", "scope", "title", "value", "messageId", "answer"]
    assert (answer_row["answer"]["title"], answer_row["messageId"]) == ("a", "4")


@pytest.mark.known("sample")
@pytest.mark.parametrize("media", ["VIDEO", "DICOM"])
def test_a_clip_has_the_url_of_its_frames_and_its_global_answers(own: Store, media: str) -> None:
    question = feature(2, "q", text_answer={"content": "x"})
    document = {"frames": {}, "segments": {}, "key_frame_feature_map": {}, "classifications": [question]}
    label = with_body(own, document, media=media)
    with own.reading() as connection:
        exported = build_label_of(connection, label)
    assert list(exported) == ["objects", "classifications", "relationships", "frames"]
    assert exported["objects"] == []
    assert exported["classifications"][0]["answer"] == "x"
    assert exported["frames"] == f"{HOST}/v1/frames/{label}"


@pytest.mark.known("inferred")
def test_labels_of_language_models_are_empty(own: Store) -> None:
    label = with_body(own, {"objects": [], "classifications": [feature(2, "q", text_answer={"content": "x"})]})
    with own.change() as change:
        change.connection.run("UPDATE project SET editor_task_type = 'MODEL_CHAT_EVALUATION'")
    with own.reading() as connection:
        assert build_label_of(connection, label) == {}


@pytest.mark.known("sample")
def test_colours_are_those_of_the_ontology(store: Store) -> None:
    with store.reading() as connection:
        exported = elements(connection, "image")
        project = connection.select(Project, Clause("name = 'image'"))[0]
        [ontology] = connection.select(Ontology, Clause("id = :id", id=project.ontology_id))
    tools = {tool["featureSchemaId"]: tool for tool in json.loads(ontology.normalized)["tools"]}
    seen = [item for element in exported for item in element["Label"].get("objects", [])]
    assert {item["schemaId"] for item in seen} == {key for key, tool in tools.items() if tool["tool"] != "edge"}
    assert all(item["color"] == tools[item["schemaId"]]["color"] for item in seen)


def test_one_label_is_as_in_the_export_even_when_it_is_deleted(own: Store) -> None:
    with own.reading() as connection:
        first, *_ = elements(connection, "image")
    LabelChanges(own).delete_labels([first["ID"]])
    with own.reading() as connection:
        one = build_element(connection, first["ID"], links=LINKS, host=HOST, now=NOW)
        assert one | {"Updated At": ""} == first | {"Updated At": ""}
        assert build_label(connection, first["ID"], links=LINKS, host=HOST, now=NOW) == first["Label"]
        assert first["ID"] not in [element["ID"] for element in elements(connection, "image")]
        with pytest.raises(NotFound, match="nobody"):
            build_label(connection, "nobody", links=LINKS, host=HOST, now=NOW)


def test_a_consensus_or_benchmark_is_a_number_and_names_its_reference(own: Store) -> None:
    with own.change() as change:
        first, second = change.connection.select(Label, order="no", first=2)
        change.connection.update(
            Label,
            Clause("no = :no", no=first.no),
            consensus_score=0.75,
            benchmark_score=1.0,
            data_row_no=second.data_row_no,
        )
        change.connection.update(Label, Clause("no = :no", no=second.no), is_benchmark=True)
    with own.reading() as connection:
        element = build_element(connection, first.id, links=LINKS, host=HOST, now=NOW)
    assert (element["Agreement"], element["Benchmark Agreement"], element["Benchmark ID"]) == (0.75, 1.0, second.id)


@pytest.mark.known("sample")
def test_a_label_in_a_model_run_has_the_keys_of_the_sample(store: Store) -> None:
    """The media attributes are those of the data row there, of pictures too."""
    with store.reading() as connection:
        [run] = connection.select(ModelRun, Clause("name = 'first training'"))
        mine = Clause("l.id IN (SELECT label_id FROM model_run_row WHERE model_run_id = :id)", id=run.id)
        pieces = LabelElements(connection, links=LINKS, host=HOST, now=NOW, run=run.id).pieces(mine)
        exported = json.loads(b"[" + b"".join(piece.text for piece in pieces) + b"]")
        same = {element["DataRow ID"]: element for element in elements(connection, "image")}
    assert exported
    for element in exported:
        assert [*element] == [
            "ID", "Data Split", "DataRow ID", "External ID", "Labeled Data", "Media Attributes", "Label",
        ]  # fmt: skip
        assert element["Media Attributes"]["mimeType"] == "image/png"
        for key in ("External ID", "Labeled Data", "Label"):
            assert element[key] == same[element["DataRow ID"]][key]


# Relationships


@pytest.mark.known("documented")
@pytest.mark.parametrize(
    ("project", "keys", "ends"),
    [
        ("image", ["featureId", "schemaId", "data", "relationshipType", "version"], ("source", "target")),
        (
            "text",
            ["featureId", "schemaId", "title", "value", "data", "format", "version", "instanceURI"],
            ("startFeatureId", "endFeatureId"),
        ),
    ],
)
def test_a_relationship_joins_two_objects_of_its_label(
    store: Store, project: str, keys: list[str], ends: tuple[str, str]
) -> None:
    with store.reading() as connection:
        labels = [element["Label"] for element in elements(connection, project) if not element["Skipped"]]
    seen = 0
    for label in labels:
        ids = {item["featureId"] for item in label["objects"]}
        for edge in label["relationships"]:
            assert list(edge) == keys
            assert {edge["data"][end] for end in ends} <= ids
            seen += 1
    assert seen > 3


@pytest.mark.known("documented")
@pytest.mark.parametrize("project", ["conversational", "document"])
def test_a_relationship_of_a_conversation_or_document_has_its_name_for_a_label(store: Store, project: str) -> None:
    """The documentation shows those of conversations; documents have the same (inferred)."""
    with store.reading() as connection:
        labels = [element["Label"] for element in elements(connection, project) if not element["Skipped"]]
    edges = [(edge, label) for label in labels for edge in label["relationships"]]
    assert edges
    for edge, label in edges:
        assert list(edge) == ["featureId", "schemaId", "data", "relationshipType", "version"]
        assert list(edge["data"]) == ["source", "target", "label"]
        assert {edge["data"]["source"], edge["data"]["target"]} <= {item["featureId"] for item in label["objects"]}
        assert (edge["relationshipType"], edge["version"]) == ("unidirectional", 1)
        assert edge["data"]["label"]


@pytest.mark.known("sample")
def test_every_entity_of_a_generated_document_has_its_boxes(store: Store) -> None:
    with store.reading() as connection:
        labels = [element["Label"] for element in elements(connection, "document") if not element["Skipped"]]
    places = [item["data"]["location"] for label in labels for item in label["objects"] if "data" in item]
    assert len(places) > 10
    assert all(list(place[0]["text-bbox"]) == ["page", "top", "left", "height", "width"] for place in places)


@pytest.mark.known("sample")
def test_the_labeled_data_of_a_map_is_the_json_of_its_tiles(store: Store) -> None:
    """It is a text within the JSON; the geometry is in degrees (tiled_image_export.json)."""
    with store.reading() as connection:
        exported = elements(connection, "geospatial")
    for element in exported:
        tiles = json.loads(element["Labeled Data"])
        assert tiles["tileLayerUrl"].startswith(f"{HOST}/_files/")
        assert "/{z}/{x}/{y}.png?" in tiles["tileLayerUrl"]
        assert tiles["epsg"] == "EPSG4326"
        [south, west], [north, east] = tiles["bounds"]
        for thing in element["Label"].get("objects", []):
            longitude, latitude = first_position(thing["geometry"]["coordinates"])
            assert west <= longitude <= east
            assert south <= latitude <= north


def first_position(coordinates: Any) -> Any:
    return first_position(coordinates[0]) if isinstance(coordinates[0], list) else coordinates
