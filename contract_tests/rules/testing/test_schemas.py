"""Every payload has a schema, which says of each field how it is known, takes what is generated and nothing else."""

import copy
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from contract_tests.rules.exports.rows import HOST, NOW, TASK, read
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports import failures
from mockserver.exports.failures import FailedRow
from mockserver.exports.legacy.frames import render_frame_lines
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.rows import LegacyDataRows
from mockserver.exports.legacy.schema_facts import build_schema_facts
from mockserver.exports.request import ExportParams, ExportRequest
from mockserver.exports.rows import ExportRows
from mockserver.exports.scope import build_scope
from mockserver.generate.fixtures import find_fixtures
from mockserver.generate.plans import ProjectPlan
from mockserver.generate.scenario import load
from mockserver.generate.scenario_files import find
from mockserver.links import Links
from mockserver.testing import schemas
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.media import BY_NAME
from mockserver.world.records.labels import Body
from mockserver.world.records.models import ModelRun
from mockserver.world.records.projects import Ontology
from mockserver.world.store import Store

KNOWN = {"documented", "client", "sample", "inferred"}
MEDIA = sorted(BY_NAME)


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schemas.load(name))


Rows = Callable[[str, str], list[Any]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    """The rows of a media type's first project, with every section; for v1 its labels."""
    with (
        open_store(build_database(tmp_path_factory.mktemp("default"))) as default,
        open_store(build_database(tmp_path_factory.mktemp("forms")), "forms") as forms,
    ):
        plans = {plan.media: (forms, plan.name) for plan in projects_of("forms")}
        plans |= {plan.media: (default, plan.name) for plan in reversed(projects_of("default"))}
        yield cache(lambda form, media: (read if form == "v2" else labels_v1)(*plans[media]))


def projects_of(name: str) -> list[ProjectPlan]:
    return load(find(name)).projects


@pytest.mark.parametrize("media", ["video", "dicom"])
def test_the_frames_of_every_label_validate(tmp_path: Path, media: str) -> None:
    lines = 0
    with open_store(build_database(tmp_path)) as store, store.reading() as connection:
        bodies = (
            "id IN (SELECT body_id FROM label JOIN data_row ON data_row.no = data_row_no WHERE media_type = :media)"
        )
        terms = build_schema_facts(connection.select(Ontology), scoped=True)
        for body in connection.select(Body, Clause(bodies, media=media.upper())):
            for piece in render_frame_lines(
                body.content, prefix="c".ljust(20, "0"), terms=terms, mask="https://m/{0}/{1}"
            ):
                for line in piece.splitlines():
                    validator("v1-frame").validate(json.loads(line))
                    lines += 1
    assert lines > 0


def test_the_labels_of_a_model_run_and_the_data_rows_of_v1_validate(tmp_path: Path) -> None:
    links = Links.from_name("key", 0)
    with open_store(build_database(tmp_path)) as store, store.reading() as connection:
        rows = LegacyDataRows(connection, EVERYTHING, metadata=True, links=links, host=HOST, now=NOW)
        lines = b"".join(piece.text for piece in rows.pieces()).splitlines()
        [run, *_] = connection.select(ModelRun)
        elements = LabelElements(connection, links=links, host=HOST, now=NOW, run=run.id)
        run_lines = b"".join(piece.text for piece in elements.pieces(EVERYTHING, between="\n")).splitlines()
    for name, examples in (("v1-data-row", lines), ("v1-run-label", run_lines)):
        assert len(examples) > 10
        for line in examples:
            validator(name).validate(json.loads(line))


SAMPLES = sorted((find_fixtures() / "webhooks").glob("v[12]-*.json"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: str(path.stem))
def test_the_body_of_every_signed_sample_validates(sample: Path) -> None:
    version = sample.stem.partition("-")[0]
    validator(f"webhook-{version}").validate(json.loads(json.loads(sample.read_text("utf-8"))["body"]))


def test_rows_with_the_predictions_of_model_runs_validate(tmp_path: Path) -> None:
    request = ExportRequest(params=ExportParams(all_model_runs=True, all_projects=True, include_predictions=True))
    with open_store(build_database(tmp_path)) as store, store.reading() as connection:
        scope = build_scope(connection, request)
        links = Links.from_name("key", 0)
        text = ExportRows(connection, scope, request.params, links=links, host=HOST, task_id=TASK, now=NOW).render()
    run_lines = [json.loads(line) for line in text.splitlines()]
    for row in run_lines:
        validator("v2").validate(row)
    assert sum("predictions" in str(row.get("experiments")) for row in run_lines) > 5


@pytest.mark.known("inferred")
def test_the_errors_of_an_export_validate() -> None:
    rows = [FailedRow("cdatarow00000000000000000", "key \u2028"), FailedRow("cdatarow00000000000000001", None)]
    lines = (failures.render_failed_rows(rows, "a row").text + failures.render_failure("all of it").text).splitlines()
    assert len(lines) == 3
    for line in lines:
        validator("export-error").validate(json.loads(line))


def labels_v1(store: Store, project: str) -> list[Any]:
    with store.reading() as connection:
        elements = LabelElements(connection, links=Links.from_name("key", 0), host=HOST, now=NOW)
        mine = Clause("NOT l.deleted AND l.project_id = (SELECT id FROM project WHERE name = :name)", name=project)
        labels: list[Any] = json.loads(b"[%b]" % b"".join(piece.text for piece in elements.pieces(mine)))
        return labels


each_form = pytest.mark.parametrize("form", ["v2", "v1"])


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_one_of_draft_2020_12(name: str) -> None:
    jsonschema_rs.meta.validate(schemas.load(name))


@pytest.mark.parametrize("name", schemas.names())
def test_a_field_says_where_it_is_known_from(name: str) -> None:
    unsaid = [path for path, field in fields(name, json.loads(schemas.read(name))) if not is_explained(field)]
    assert unsaid == []


def is_explained(field: Any) -> bool:
    return field.get("x-known") in KNOWN and bool(field.get("description"))


def fields(path: str, schema: Any) -> Iterator[tuple[str, Any]]:
    """Every value of `properties`; those of anchors point to one."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from fields(f"{path}[{index}]", part)
    if isinstance(schema, dict):
        for key, field in schema.get("properties", {}).items():
            yield f"{path}.{key}", field
        for key, part in schema.items():
            yield from fields(f"{path}.{key}", part)


@each_form
@pytest.mark.parametrize("media", MEDIA)
def test_every_media_type_is_described(media: str, form: str) -> None:
    assert f"{form}-{media}" in schemas.names()


@each_form
@pytest.mark.parametrize("media", MEDIA)
def test_what_is_generated_validates(rows: Rows, media: str, form: str) -> None:
    for row in rows(form, media):
        validator(f"{form}-{media}").validate(row)
        validator(form).validate([row] if form == "v1" else row)


def test_the_reference_validator_agrees(rows: Rows) -> None:
    [first, *_] = rows("v2", "text")
    slow = jsonschema.Draft202012Validator(schemas.load("v2-text"))
    slow.validate(first)
    assert not slow.is_valid(first | {"data_row": {"id": first["data_row"]["id"]}})


@each_form
@pytest.mark.parametrize("media", MEDIA)
def test_what_has_a_key_renamed_is_refused(rows: Rows, media: str, form: str) -> None:
    for path, row in shapes(rows(form, media)):
        changed, parent = copy_and_reach(row, path)
        parent[f"{path[-1]}_"] = parent.pop(path[-1])
        assert not validator(f"{form}-{media}").is_valid(changed), f"{path} may be renamed"


@each_form
@pytest.mark.parametrize("media", MEDIA)
def test_what_has_a_value_of_another_type_is_refused(rows: Rows, media: str, form: str) -> None:
    for path, row in shapes(rows(form, media)):
        changed, parent = copy_and_reach(row, path)
        parent[path[-1]] = True if isinstance(parent[path[-1]], dict | list) else {"retyped": True}
        assert not validator(f"{form}-{media}").is_valid(changed), f"{path} may have another type"


@pytest.mark.known("sample")
@pytest.mark.parametrize("media", MEDIA)
def test_no_value_of_a_v2_row_may_be_null(rows: Rows, media: str) -> None:
    """V2 leaves out what does not apply."""
    for path, row in shapes(rows("v2", media)):
        changed, parent = copy_and_reach(row, path)
        parent[path[-1]] = None
        assert not validator(f"v2-{media}").is_valid(changed), f"{path} may be null"


@each_form
@pytest.mark.parametrize("media", MEDIA)
def test_a_key_that_is_not_known_is_refused_in_every_object(rows: Rows, media: str, form: str) -> None:
    for path, row in shapes(rows(form, media)):
        changed, parent = copy_and_reach(row, path)
        parent["surprise"] = parent[path[-1]]
        assert not validator(f"{form}-{media}").is_valid(changed), f"beside {path} stands an unknown key"


@pytest.mark.parametrize(
    ("form", "path", "wrong"),
    [
        ("v2", ("data_row", "row_data"), "words"),
        ("v2", ("embeddings", "*", "id"), "clip"),
        ("v2", ("projects", "*", "project_details", "priority"), 0),
        ("v2", ("projects", "*", "project_details", "priority"), 6),
        ("v1", ("Agreement",), -0.5),
        ("v1", ("Agreement",), 1.5),
        ("v1", ("Benchmark Agreement",), 100),
    ],
)
def test_a_value_out_of_its_range_is_refused(rows: Rows, form: str, path: tuple[str, ...], wrong: Any) -> None:
    places = {tuple(map(general, place)): (place, row) for place, row in shapes(rows(form, "image"))}
    place, row = places[path]
    changed, parent = copy_and_reach(row, place)
    parent[place[-1]] = wrong
    assert not validator(f"{form}-image").is_valid(changed)


@each_form
def test_a_review_has_a_score_between_both_verdicts(rows: Rows, form: str) -> None:
    """Verdicts of the workflow leave none, so that of a scenario which requires reviews is put in."""
    for score, allowed in ((1, True), (-1, True), (0.5, True), (1.5, False), (-2, False)):
        row = copy.deepcopy(next(row for row in rows(form, "image") if has_labels(row)))
        person = {"v2": "created_by", "v1": "createdBy"}[form]
        review = {"id": f"c{0:024}", "score": score, person: "somebody@mock.example"}
        if form == "v2":
            [project] = row["projects"].values()
            details = project["labels"][0]["label_details"]
            details["reviews"] = [review | {"created_at": details["created_at"]}]
        else:
            row["Reviews"] = [review | {"createdAt": row["Created At"], "labelId": row["ID"]}]
        assert validator(f"{form}-image").is_valid(row) == allowed


def has_labels(row: Any) -> bool:
    return "projects" not in row or any(project["labels"] for project in row["projects"].values())


@pytest.mark.parametrize(
    ("media", "key", "wrong"),
    [
        ("image", "annotation_kind", "TextUnidirectionalRelationship"),
        ("text", "annotation_kind", "ImageUnidirectionalRelationship"),
        ("conversational", "annotation_kind", "DocumentUnidirectionalRelationship"),
        ("audio", "mime_type", "video/mp4"),
        ("document", "mime_type", "text/plain"),
        ("image", "mime_type", "application/json"),
    ],
)
def test_a_word_of_another_media_type_is_refused(rows: Rows, media: str, key: str, wrong: str) -> None:
    matches = [(path, row) for path, row in shapes(rows("v2", media)) if path[-1] == key]
    place, row = next((path, row) for path, row in matches if key == "mime_type" or "relationships" in path)
    changed, parent = copy_and_reach(row, place)
    parent[key] = wrong
    assert not validator(f"v2-{media}").is_valid(changed)


def test_a_row_of_one_media_type_is_no_row_of_another(rows: Rows) -> None:
    labelled = [row for row in rows("v2", "text") if any(each["labels"] for each in row["projects"].values())]
    assert not validator("v2-image").is_valid(labelled[0])


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(KeyError, match="v2-image"):
        schemas.load("v2-imgae")


def test_a_loaded_schema_is_the_callers_own() -> None:
    schemas.load("v2-image").clear()
    assert schemas.load("v2-image")["title"]


def test_the_schemas_are_beside_the_word_tables() -> None:
    assert (Path(__file__).parents[3] / "fixtures" / "schemas" / "v2-image.json").is_file()


Path_ = tuple[str | int, ...]


def shapes(examples: list[Any]) -> list[tuple[Path_, Any]]:
    """Each different place of an object's key in some rows, once: ids and numbers count as one."""
    seen: dict[tuple[str, ...], tuple[Path_, Any]] = {}
    for row in examples:
        for path in keys(row):
            seen.setdefault(tuple(general(part) for part in path), (path, row))
    return list(seen.values())


def general(part: str | int) -> str:
    return "*" if isinstance(part, int) or part.isdigit() or (len(part) == 25 and part[0] == "c") else part


def keys(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        if isinstance(key, str):
            yield (*path, key)
        yield from keys(part, (*path, key))


def copy_and_reach(row: Any, path: Path_) -> tuple[Any, Any]:
    """A copy of the row, and within it the object whose key the path ends in."""
    changed = parent = copy.deepcopy(row)
    for part in path[:-1]:
        parent = parent[part]
    return changed, parent
