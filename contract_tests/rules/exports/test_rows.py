"""Every row of the generated world against the field list of Export V2 (payloads.md §1 and §2)."""

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from contract_tests.rules.exports.rows import EVERY_SECTION, HOST, NOW, TASK, read, render
from contract_tests.rules.generate.media.times import features_in
from contract_tests.rules.worlds import PROJECTS, build_database, open_store
from mockserver.exports.frames import interpolate_frames
from mockserver.exports.request import ExportParams
from mockserver.exports.rows import ROWS_PER_BATCH
from mockserver.world.changes.catalog import CatalogChanges
from mockserver.world.changes.labels import LabelChanges
from mockserver.world.data_rows import Attachment, DataRow, Dataset
from mockserver.world.database import Clause
from mockserver.world.ids import feature_prefix
from mockserver.world.labels import Label, ProjectRow
from mockserver.world.projects import Ontology, Project
from mockserver.world.store import Store

ID = re.compile("c[a-z0-9]{24}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")
NOTHING = ExportParams()
STILL = [name for name in PROJECTS if name not in {"video", "dicom", "audio"}]
"""Media without time, whose objects are in a list, each once."""
NAMES = (
    "line\u2028and\u2029page\x85end",
    "🙂🇩🇪 emoji",
    "שלום עולם",
    'quote " and \\ back',
    "tab\tnewline\n",
    "\x7f\x00",
    "a/b?c#d%2e",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("rows"))) as opened:
        yield opened


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A world that a test may change."""
    with open_store(build_database(tmp_path_factory.mktemp("rows"))) as opened:
        yield opened


def with_only(param: str) -> ExportParams:
    return msgspec.structs.replace(NOTHING, **{param: True})


def project_of(row: Any) -> Any:
    [project] = row["projects"].values()
    return project


def labels_of(store: Store, project: str) -> list[Any]:
    return [label for row in read(store, project) for label in project_of(row)["labels"]]


# Lines


@pytest.mark.known("client")
@pytest.mark.parametrize("project", PROJECTS)
def test_every_row_is_a_line_of_ascii_json(store: Store, project: str) -> None:
    with store.reading() as connection:
        body = render(connection, project)
        lines = body.split(b"\n")
        rows = connection.count(ProjectRow, Clause("project_id = (SELECT id FROM project WHERE name = :n)", n=project))
    assert (len(lines), lines[-1]) == (rows + 1, b"")
    assert body.isascii()
    assert len(body.decode().splitlines()) == rows


@pytest.mark.known("sample")
@pytest.mark.parametrize("params", [NOTHING, EVERY_SECTION], ids=["bare", "everything"])
@pytest.mark.parametrize("project", PROJECTS)
def test_nothing_is_null_anywhere(store: Store, project: str, params: ExportParams) -> None:
    with store.reading() as connection:
        for line in render(connection, project, params).splitlines():
            json.loads(line, object_pairs_hook=no_null_no_key_twice)


def no_null_no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert [name for name, value in pairs if value is None] == []
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def test_the_same_rows_are_the_same_bytes(store: Store) -> None:
    with store.reading() as connection:
        assert render(connection, "image") == render(connection, "image")


def test_more_rows_than_a_batch_are_in_order_of_creation(own: Store) -> None:
    added = [f"many-{number}" for number in range(2 * ROWS_PER_BATCH + 3)]
    with own.change() as change:
        [sample] = change.connection.select(DataRow, Clause("media_type = 'IMAGE'"), order="no", first=1)
        [membership] = change.connection.select(ProjectRow, Clause("data_row_no = :no", no=sample.no))
        for number, name in enumerate(added, 5000):
            row = msgspec.structs.replace(sample, no=number, id=name, global_key=None)
            change.connection.insert([row, msgspec.structs.replace(membership, data_row_no=number)])
    assert [row["data_row"]["id"] for row in read(own, "image")][-len(added) :] == added


# Keys, in their order

ROW = ["data_row", "media_attributes", "attachments", "metadata_fields", "embeddings", "projects"]
DETAILS = ["dataset_id", "dataset_name", "created_at", "updated_at", "last_activity_at", "created_by"]
PROJECT_DETAILS = [
    "ontology_id", "task_id", "task_name", "batch_id", "batch_name", "workflow_status", "priority",
    "selected_label_id", "consensus_expected_label_count", "workflow_history",
]  # fmt: skip
LABEL = [
    "label_kind", "version", "id", "label_details", "performance_details", "performance_details_v2", "annotations",
]  # fmt: skip
SECONDS = ["seconds_to_label", "seconds_to_review", "seconds_to_rework"]
LABEL_DETAILS = ["created_at", "updated_at", "created_by", "content_last_updated_at", "reviews"]


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_without_params_a_row_has_what_every_row_has(store: Store, project: str) -> None:
    for row in read(store, project, NOTHING):
        assert list(row) == ["data_row", "media_attributes", "projects"]
        assert list(row["data_row"]) == ["id", "external_id", "global_key", "row_data"]
        assert list(project_of(row)) == ["name", "labels", "project_tags"]
        assert all(list(label) == ["label_kind", "version", "id", "annotations"] for label in project_of(row)["labels"])


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_with_every_param_a_row_has_every_section_in_the_samples_order(store: Store, project: str) -> None:
    for row in read(store, project):
        assert list(row) == ROW
        assert list(row["data_row"]["details"]) == DETAILS
        assert list(project_of(row)) == ["name", "labels", "project_details", "project_tags"]
        assert is_in_order(project_of(row)["project_details"], PROJECT_DETAILS)
        for label in project_of(row)["labels"]:
            assert list(label) == LABEL
            assert is_in_order(label["label_details"], LABEL_DETAILS)
            assert ("content_last_updated_at" in label["label_details"]) == bool(list(features_in(label)))
            assert list(label["performance_details"]) == ["seconds_to_create", "seconds_to_review", "skipped"]
            newer = label["performance_details_v2"]
            assert list(newer) == [*SECONDS, "seconds_total", "skipped"]
            assert sum(newer[name] for name in SECONDS) == newer["seconds_total"]
            assert newer["seconds_total"] == label["performance_details"]["seconds_to_create"]
            assert newer["seconds_to_review"] == label["performance_details"]["seconds_to_review"]


def is_in_order(row: dict[str, Any], known: list[str]) -> bool:
    return list(row) == [name for name in known if name in row]


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("include_attachments", "attachments"), ("include_metadata", "metadata_fields"),
        ("include_embeddings", "embeddings"), ("include_data_row_details", "data_row.details"),
        ("include_project_details", "projects.*.project_details"),
        ("include_label_details", "projects.*.labels.*.label_details"),
        ("include_performance_details", "projects.*.labels.*.performance_details"),
    ],
)  # fmt: skip
def test_each_param_turns_on_its_own_section_and_no_other(store: Store, param: str, path: str) -> None:
    bare, more = (shape(read(store, "image", params)) for params in (NOTHING, with_only(param)))
    newer = {f"{path}_v2"} if param == "include_performance_details" else set()
    assert {added for added in more - bare if not added.startswith((f"{path}.", f"{path}_v2."))} == {path} | newer


def shape(value: Any, path: str = "") -> set[str]:
    """Every key path; ids and places in lists are stars."""
    if isinstance(value, list):
        return set().union(*(shape(item, path if not path else f"{path}.*") for item in value)) if value else set()
    if not isinstance(value, dict):
        return set()
    names = {name: "*" if ID.fullmatch(name) else name for name in value}
    paths = {name: f"{path}.{step}" if path else step for name, step in names.items()}
    return set(paths.values()).union(*(shape(value[name], paths[name]) for name in value))


@pytest.mark.parametrize("param", ["include_interpolated_frames"])
def test_a_param_that_does_not_apply_to_images_changes_nothing(store: Store, param: str) -> None:
    assert read(store, "image", with_only(param)) == read(store, "image", NOTHING)


# Values


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_ids_moments_and_people_look_as_in_the_sample(store: Store, project: str) -> None:
    for row in read(store, project):
        for path, value in leaves(row):
            name = path.rsplit(".", 1)[-1]
            if name.endswith("_at"):
                assert MOMENT.fullmatch(value), path
                assert datetime.datetime.fromisoformat(value) <= datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
            if name == "created_by":
                assert "@" in value, path
            of_text_layer = ".groups." in path  # UUIDs, as in the SDK's tests
            if name in {"id", "feature_id", "dataset_id", "ontology_id", "selected_label_id"} and not of_text_layer:
                assert ID.fullmatch(value), path


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield path, value
        return
    for name, part in inner:
        yield from leaves(part, f"{path}.{name}")


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_history_is_newest_first_with_the_key_sets_of_the_sample(store: Store, project: str) -> None:
    before, after = ["previous_task_name", "previous_task_id"], ["next_task_name", "next_task_id"]
    allowed = {"Move": [after, before + after, before], "Approve": [before], "Reject": [before + after]}
    for row in read(store, project):
        history = project_of(row)["project_details"]["workflow_history"]
        assert [step["created_at"] for step in history] == sorted((s["created_at"] for s in history), reverse=True)
        for step in history:
            assert list(step)[:3] == ["action", "created_at", "created_by"]
            assert list(step)[3:] in allowed[step["action"]]
        if project_of(row)["project_details"]["workflow_status"] == "TO_LABEL":
            assert history == []  # no history before the last label (observed 2024-12)
            continue
        labelled, entered = history[-2:]
        assert (list(entered)[3:], labelled["action"]) == (after, "Move")
        assert (
            labelled["created_by"]
            == entered["created_by"]
            == project_of(row)["labels"][-1]["label_details"]["created_by"]
        )
        difference = datetime.datetime.fromisoformat(labelled["created_at"]) - datetime.datetime.fromisoformat(
            entered["created_at"]
        )
        assert datetime.timedelta() < difference < datetime.timedelta(milliseconds=10)


@pytest.mark.known("sample")
@pytest.mark.parametrize("project", PROJECTS)
def test_a_row_that_waits_for_review_or_rework_names_its_task_by_id(store: Store, project: str) -> None:
    seen = set()
    for row in read(store, project):
        details = project_of(row)["project_details"]
        seen.add(details["workflow_status"])
        assert ("task_id" in details) == (details["workflow_status"] in {"IN_REVIEW", "IN_REWORK"})
        assert (details["task_name"] == "Done") == (details["workflow_status"] == "DONE")
        assert "selected_label_id" not in details  # of a label that is alone (observed 2023-10)
    assert seen == {"TO_LABEL", "IN_REVIEW", "IN_REWORK", "DONE"}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", STILL)
def test_labelled_skipped_and_unlabelled_rows_are_distinguishable(store: Store, project: str) -> None:
    labels = [project_of(row)["labels"] for row in read(store, project)]
    skipped = [label for group in labels for label in group if label["performance_details"]["skipped"]]
    assert [label["annotations"] for label in skipped] == [{"objects": [], "classifications": [], "relationships": []}]
    assert [] in labels
    assert sum(len(group) == 1 for group in labels) > len(skipped)


@pytest.mark.known("client")
@pytest.mark.parametrize("project", PROJECTS)
def test_only_labels_of_clips_have_a_kind_of_their_own(store: Store, project: str) -> None:
    kinds = {label["label_kind"] for label in labels_of(store, project)}
    assert kinds == {"Video" if project == "video" else "Default"}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", ["video", "dicom", "audio"])
def test_a_skipped_label_has_the_keys_of_its_medium_and_nothing_below(store: Store, project: str) -> None:
    labels = labels_of(store, project)
    [skipped] = [label["annotations"] for label in labels if label["performance_details"]["skipped"]]
    assert {tuple(label["annotations"]) for label in labels} == {tuple(skipped)}
    assert not list(features_in(skipped))


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_frames_between_key_frames_are_there_only_on_request(store: Store, project: str) -> None:
    bare, whole = (
        [label for row in read(store, project, params) for label in project_of(row)["labels"]]
        for params in (NOTHING, with_only("include_interpolated_frames"))
    )
    assert [interpolate_frames(label["annotations"]) for label in bare] == [label["annotations"] for label in whole]
    assert bare != whole
    assert [strip(label) for label in bare] == [strip(label) for label in whole]


def strip(label: dict[str, Any]) -> dict[str, Any]:
    """A label without its frames."""
    annotations = {key: value for key, value in label["annotations"].items() if key not in {"frames", "groups"}}
    return label | {"annotations": annotations}


@pytest.mark.known("inferred")
@pytest.mark.parametrize("project", ["image", "text", "audio"])
def test_media_without_frames_are_the_same_with_that_param(store: Store, project: str) -> None:
    assert read(store, project, NOTHING) == read(store, project, with_only("include_interpolated_frames"))


@pytest.mark.known("client")
@pytest.mark.parametrize("project", ["video", "dicom"])
def test_feature_ids_are_the_same_in_every_place(store: Store, project: str) -> None:
    """Ids are keys of objects, segments and key frames; each begins with its label's prefix."""
    for label in labels_of(store, project):
        ids = {feature["feature_id"] for feature in features_in(label["annotations"])}
        assert all(ID.fullmatch(each) and each.startswith(feature_prefix(label["id"])) for each in ids)
        assert set(label["annotations"]["key_frame_feature_map"]) <= ids


@pytest.mark.known("documented")
def test_embeddings_have_one_vector_of_their_size(store: Store) -> None:
    for row in read(store, "image"):
        [embedding] = row["embeddings"]
        assert list(embedding) == ["id", "name", "dimensions", "is_custom", "values"]
        [vector] = embedding["values"]
        assert (len(vector["value"]), embedding["is_custom"]) == (512, False) == (embedding["dimensions"], False)


@pytest.mark.known("client")
def test_metadata_and_attachments_have_the_fields_that_readers_look_for(store: Store) -> None:
    rows = read(store, "image")
    fields = [field for row in rows for field in row["metadata_fields"]]
    assert {tuple(field) for field in fields} == {("schema_id", "schema_name", "schema_kind", "value")}
    assert {(field["schema_name"], field["schema_kind"]) for field in fields} == {
        ("captureDateTime", "CustomMetadataDateTime"), ("tag", "CustomMetadataString"), ("split", "CustomMetadataEnum"),
    }  # fmt: skip
    moments = [field["value"] for field in fields if field["schema_name"] == "captureDateTime"]
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.000\+00:00", moment) for moment in moments)
    choices = [field["value"] for field in fields if field["schema_name"] == "split"]
    assert {tuple(choice) for [choice] in choices} == {("schema_id", "schema_name")}
    attachments = [item for row in rows for item in row["attachments"]]
    assert {tuple(item) for item in attachments} == {("type", "value", "name")}
    assert [] in [row["metadata_fields"] for row in rows]
    assert [] in [row["attachments"] for row in rows]


# Annotations

GEOMETRY = {
    "ImageBoundingBox": "bounding_box", "ImagePolygon": "polygon", "ImagePolyline": "line", "ImagePoint": "point",
    "ImageSegmentationMask": "composite_mask", "TextEntity": "location",
}  # fmt: skip
FEATURE = ["feature_id", "feature_schema_id", "name", "value"]


@pytest.mark.known("sample")
@pytest.mark.parametrize(("project", "kinds"), [("image", 5), ("text", 1)])
def test_objects_have_the_keys_of_their_kind(store: Store, project: str, kinds: int) -> None:
    objects = [thing for label in labels_of(store, project) for thing in label["annotations"]["objects"]]
    assert len({thing["annotation_kind"] for thing in objects}) == kinds
    for thing in objects:
        assert list(thing) == [*FEATURE, "annotation_kind", "classifications", GEOMETRY[thing["annotation_kind"]]]


@pytest.mark.parametrize("project", STILL)
def test_no_feature_of_an_export_has_the_id_of_another(store: Store, project: str) -> None:
    ids = [value for path, value in leaves(labels_of(store, project)) if path.endswith(".feature_id")]
    assert len(set(ids)) == len(ids) > 30


@pytest.mark.parametrize("project", PROJECTS)
def test_every_name_in_an_annotation_is_in_the_ontology_under_the_same_schema_id(store: Store, project: str) -> None:
    with store.reading() as connection:
        [ontology] = connection.select(
            Ontology, Clause("id = (SELECT ontology_id FROM project WHERE name = :name)", name=project)
        )
    known: set[tuple[str, str, str | None]] = set(schemas(json.loads(ontology.normalized)))
    known |= {(schema_id, name, None) for schema_id, name, _ in known}  # judgements of messages have no `value`
    used = {(f["feature_schema_id"], f["name"], f.get("value")) for f in features(labels_of(store, project))}
    assert used - known == set()
    assert len(used) > 9


def features(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and "feature_schema_id" in value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from features(inner)


def schemas(value: Any) -> Iterator[tuple[str, str, str]]:
    """(feature schema id, displayed name, machine name) of every tool, question and option."""
    if isinstance(value, dict) and "featureSchemaId" in value:
        title = value.get("instructions") or value.get("label") or value["name"]
        machine = value.get("value") or (value["name"] if "instructions" in value else title.lower().replace(" ", "_"))
        yield value["featureSchemaId"], title, machine
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from schemas(inner)


@pytest.mark.known("sample")
def test_everything_drawn_lies_inside_its_picture(store: Store) -> None:
    for row in read(store, "image"):
        width, height = row["media_attributes"]["width"], row["media_attributes"]["height"]
        for label in project_of(row)["labels"]:
            for x, y in corners(label["annotations"]["objects"]):
                assert 0 <= x <= width - 1, label["id"]
                assert 0 <= y <= height - 1, label["id"]


def corners(objects: list[Any]) -> Iterator[tuple[float, float]]:
    for thing in objects:
        if box := thing.get("bounding_box"):
            assert box["height"] > 0 < box["width"]
            yield box["left"], box["top"]
            yield box["left"] + box["width"], box["top"] + box["height"]
        points = thing.get("polygon") or thing.get("line") or [thing[key] for key in ("point",) if key in thing]
        yield from ((point["x"], point["y"]) for point in points)


@pytest.mark.known("sample")
def test_a_polygon_ends_where_it_began(store: Store) -> None:
    rings = [
        o["polygon"] for label in labels_of(store, "image") for o in label["annotations"]["objects"] if "polygon" in o
    ]
    assert rings
    assert all(ring[0] == ring[-1] and len(ring) > 3 for ring in rings)


@pytest.mark.known("client")
def test_masks_of_a_label_share_a_picture_and_have_colours_of_their_own(store: Store) -> None:
    urls: set[str] = set()
    for label in labels_of(store, "image"):
        masks = [thing["composite_mask"] for thing in label["annotations"]["objects"] if "composite_mask" in thing]
        colours = [tuple(mask["color_rgb"]) for mask in masks]
        assert len(set(colours)) == len(colours)
        assert (0, 0, 0) not in colours
        shared = {mask["url"] for mask in masks}
        assert len(shared) == bool(masks)
        assert not shared & urls
        urls |= shared
    pattern = re.compile(f"{re.escape(HOST)}/api/v1/tasks/{TASK}/masks/(c[a-z0-9]{{24}})/index/1")
    assert urls
    assert all(pattern.fullmatch(url) for url in urls)


# Names that break readers


@pytest.mark.known("client")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_survives_in_every_place(own: Store, name: str) -> None:
    """Escaped, so that `splitlines` and character counts do no harm (wire traps 9 and 10)."""
    with own.change() as change:
        change.connection.update(Project, Clause("name = 'image'"), name=name)
        change.connection.update(Dataset, Clause("name = 'image rows'"), name=name)
        change.connection.update(DataRow, Clause("no = 1"), external_id=name, global_key=name)
        change.connection.delete(Attachment, Clause("data_row_no = 1 AND type != 'RAW_TEXT'"))
        change.connection.update(Attachment, Clause("data_row_no = 1"), name=name, value=name)
    row = read(own, name)[0]
    assert project_of(row)["name"] == name
    assert row["data_row"]["details"]["dataset_name"] == name
    assert (row["data_row"]["external_id"], row["data_row"]["global_key"]) == (name, name)
    assert [(item["name"], item["value"]) for item in row["attachments"]] == [(name, name)]


@pytest.mark.known("sample")
def test_keys_that_a_row_does_not_have_are_absent(own: Store) -> None:
    with own.change() as change:
        change.connection.update(DataRow, Clause("no = 1"), external_id=None, global_key=None)
        change.connection.update(Attachment, Clause("data_row_no = 1"), name=None)
    row = read(own, "image")[0]
    assert list(row["data_row"]) == ["id", "row_data", "details"]
    assert {tuple(item) for item in row["attachments"]} == {("type", "value")}


@pytest.mark.known("client")
@pytest.mark.parametrize("host", ['http://a"b', "http://a\\b", "http://höst", "http://[::1]:80"])
def test_any_host_makes_rows_that_parse(store: Store, host: str) -> None:
    with store.reading() as connection:
        rows = [json.loads(line) for line in render(connection, "image", host=host).splitlines()]
    urls = [value for path, value in leaves(rows) if path.endswith(("row_data", ".url"))]
    assert len(urls) > len(rows)
    assert [url for url in urls if not url.startswith(host)] == []


def test_scores_are_there_only_if_measured_and_benchmark_first(own: Store) -> None:
    with own.change() as change:
        change.connection.update(Label, Clause("no = 1"), benchmark_score=0.5, consensus_score=1.0)
    first, second = labels_of(own, "image")[:2]
    expected = {"benchmark_score": 0.5, "consensus_score": 1.0}
    assert {key: first["performance_details"].get(key) for key in expected} == expected
    assert list(first["performance_details"])[3:] == list(expected)
    assert len(second["performance_details"]) == 3


# One world


def test_a_snapshot_is_not_affected_by_later_changes(own: Store) -> None:
    snapshot = own.snapshot()
    before = render(snapshot, "image")
    rows = read(own, "image", NOTHING)
    LabelChanges(own).delete_labels([project_of(rows[0])["labels"][0]["id"]])
    CatalogChanges(own).delete_data_rows([rows[1]["data_row"]["id"]])
    CatalogChanges(own).update_project(next(iter(rows[0]["projects"])), name="renamed")
    assert render(snapshot, "image") == before
    snapshot.close()
    assert len(read(own, "renamed")) == len(rows) - 1


def test_a_deleted_label_leaves_no_trace_in_its_row(own: Store) -> None:
    """It is not named as the selected one either."""
    label = project_of(read(own, "image", NOTHING)[0])["labels"][0]["id"]
    LabelChanges(own).delete_labels([label])
    row = read(own, "image")[0]
    assert project_of(row)["labels"] == []
    assert label not in json.dumps(row)


def test_activity_moves_when_a_label_is_deleted(own: Store) -> None:
    rows = read(own, "image")
    own.clock.set(NOW + 1_000_000)
    LabelChanges(own).delete_labels([project_of(rows[0])["labels"][0]["id"]])
    moved = read(own, "image")[0]["data_row"]["details"]["last_activity_at"]
    assert rows[0]["data_row"]["details"]["last_activity_at"] < moved
    assert moved.startswith("2025-01-01T00:00:0")


def test_rows_of_the_customers_own_keep_their_url(own: Store) -> None:
    url = 'https://customer.example/bucket/a b.png?X="1"&y=é'
    with own.change() as change:
        change.connection.update(DataRow, Clause("no = 1"), row_data=url, asset=None)
    assert read(own, "image")[0]["data_row"]["row_data"] == url
