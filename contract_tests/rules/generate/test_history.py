"""Generated worlds: the same on every machine, and what design and samples say of them."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from uv import find_uv_bin

from contract_tests.clients.environments import lock
from contract_tests.rules.worlds import DEFAULT, build_database, generate_world, open_store
from mockserver.generate import history
from mockserver.generate.assets import build_asset
from mockserver.generate.media import image, text
from mockserver.generate.plans import ProjectPlan, Scenario
from mockserver.generate.prose import LANGUAGES
from mockserver.generate.scenario import load, parse
from mockserver.generate.scenario_files import find
from mockserver.world.clause import Clause
from mockserver.world.media import BY_NAME
from mockserver.world.moments import format_moment
from mockserver.world.record import Record
from mockserver.world.records.data_rows import Attachment, DataRow, Dataset, Embedding, MetadataSchema
from mockserver.world.records.labels import Body, Label, ProjectRow, Review
from mockserver.world.records.people import Organization, Person, Role
from mockserver.world.records.projects import Batch, LabelingFrontend, Ontology, Project, TaskQueue
from mockserver.world.store import Store

REPOSITORY = Path(__file__).parents[3]
DAY = 86_400_000_000
PROGRAM = """
import hashlib
from msgspec.structs import astuple
from mockserver.generate import history, scenario, scenario_files
from mockserver.generate.assets import build_asset
total = hashlib.blake2b()
workspace, pieces = history.build_world(scenario.load(scenario_files.find("default")), name="default", seed=7)
for record in (record for piece in pieces for record in piece):
    total.update(repr([str(value) for value in astuple(record)]).encode())
    if getattr(record, "asset", None):
        total.update(build_asset(record.asset, seed=7).content)
print(total.hexdigest())
"""


def digest_by(python: str | Path, **environment: str) -> str:
    """The whole world and its assets, as another process makes them."""
    command = [str(python), "-c", PROGRAM]
    variables = os.environ | {"PYTHONPATH": str(REPOSITORY)} | environment
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@functools.cache
def digest_here() -> str:
    return digest_by(sys.executable)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "0", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4294967295", "PYTHONUTF8": "0", "PYTHONOPTIMIZE": "1"},
    ],
    ids=["the first hashes, another time zone and locale", "the last hashes, another encoding and no assertions"],
)
def test_a_world_does_not_depend_on_the_process_that_makes_it(environment: dict[str, str]) -> None:
    assert digest_by(sys.executable, **environment) == digest_here()


@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
@pytest.mark.xdist_group("pythons")
def test_a_world_does_not_depend_on_the_python(version: str) -> None:
    assert digest_by(environment_of(version)) == digest_here()


NEEDED = ("apsw", "httptools", "msgspec", "orjson", "starlette", "uvicorn")
"""What generation imports."""


def environment_of(version: str) -> Path:
    """An environment of that Python with what generation needs; made once and kept beside those of the SDKs."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    folder = REPOSITORY / ".cache" / "pythons" / f"{version}-{'-'.join(NEEDED)}"
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv("venv", "--quiet", "--python", python, str(folder))
            uv("pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *NEEDED)
            (folder / "complete").touch()
    return folder / "bin" / "python"


def interpreter(version: str) -> str | None:
    """The path of this Python, if uv or pyenv has it; nothing is downloaded."""
    command = [find_uv_bin(), "python", "find", "--no-python-downloads", version]
    search = subprocess.run(command, capture_output=True, text=True, check=False)
    if search.returncode == 0:
        return search.stdout.strip()
    pythons = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
    return str(pythons[-1]) if pythons else None


def uv(*arguments: str) -> None:
    ended = subprocess.run([find_uv_bin(), *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


# Seeds and ends


def all_of(kind: type[Any], pieces: list[list[Record]]) -> list[Any]:
    return [record for piece in pieces for record in piece if type(record) is kind]


def test_other_seeds_are_other_worlds_without_a_common_id() -> None:
    first, second = (ids_of(generate_world(seed=seed)[1]) for seed in (0, 1))
    assert first & second == set()


def ids_of(pieces: list[list[Record]]) -> set[str]:
    """The ids of all records that differ between organizations."""
    kinds = (Project, DataRow, Label, Dataset, Ontology, TaskQueue, Person, Organization, Review)
    return {record.id for kind in kinds for record in all_of(kind, pieces)}


HASHED = 9
"""Where the moment that an id tells has ended; version 1 UUIDs tell theirs in their first characters too."""


def test_another_end_is_the_same_history_moved() -> None:
    (first, before), (second, after) = generate_world(), generate_world(ends=generate_world()[0].ends + 30 * DAY)
    assert second.ends - first.ends == 30 * DAY
    assert {record_id[HASHED:] for record_id in ids_of(before)} == {record_id[HASHED:] for record_id in ids_of(after)}
    assert ids_of(before) != ids_of(after)  # ids tell their moment
    moved = zip(all_of(Label, before), all_of(Label, after), strict=True)
    assert {late.created_at - early.created_at for early, late in moved} == {30 * DAY}


def test_the_end_of_the_default_history_is_the_promised_one() -> None:
    assert generate_world()[0].ends == 1_735_689_600_000_000


# What is in them


@pytest.fixture(scope="module")
def pieces() -> list[list[Record]]:
    return generate_world()[1]


def test_the_default_world_has_a_project_of_each_media_type(pieces: list[list[Record]]) -> None:
    projects, datasets = all_of(Project, pieces), all_of(Dataset, pieces)
    expected = [(plan.name, BY_NAME[plan.media].wire) for plan in DEFAULT.projects]
    assert [(p.name, p.allowed_media_type) for p in projects] == expected
    assert {plan.name for plan in DEFAULT.projects} == {plan.media for plan in DEFAULT.projects}
    assert len(datasets) == len(projects) == len(all_of(Batch, pieces))
    assert len(all_of(TaskQueue, pieces)) == 3 * len(projects)


def test_every_project_has_labelled_skipped_and_unlabelled_rows(pieces: list[list[Record]]) -> None:
    labels = {(label.project_id, label.data_row_no): label for label in all_of(Label, pieces)}
    for project in all_of(Project, pieces):
        rows = [row for row in all_of(ProjectRow, pieces) if row.project_id == project.id]
        labels_of_rows = [labels.get((project.id, row.data_row_no)) for row in rows]
        assert 5 <= len(rows) <= 20
        assert {None if label is None else label.skipped for label in labels_of_rows} == {None, True, False}


@pytest.mark.known("sample")
def test_verdicts_of_the_workflow_leave_no_reviews_unless_the_scenario_requests_them(
    pieces: list[list[Record]],
) -> None:
    assert all_of(Review, pieces) == []
    actions = {step.action for row in all_of(ProjectRow, pieces) for step in row.steps}
    assert actions == {"Move", "Approve", "Reject"}


def test_the_default_world_has_metadata_attachments_and_embeddings(pieces: list[list[Record]]) -> None:
    for kind in (Attachment, Embedding):
        assert all_of(kind, pieces), kind
    assert any(row.metadata_values for row in all_of(DataRow, pieces))
    assert max(len(row.steps) for row in all_of(ProjectRow, pieces)) >= 3


@pytest.mark.parametrize("name", ["default", "empty"])
@pytest.mark.known("client")
def test_every_organization_has_what_sdks_request_first(name: str) -> None:
    pieces = generate_world(name)[1]
    assert "Editor" in [frontend.name for frontend in all_of(LabelingFrontend, pieces)]
    assert "NONE" in [role.name.upper().replace(" ", "_") for role in all_of(Role, pieces)]
    schemas = {schema.name: schema for schema in all_of(MetadataSchema, pieces)}
    assert {"captureDateTime", "tag", "split", "train", "valid", "test"} == set(schemas)
    assert {len(schema.id) for schema in schemas.values()} == {25}
    [embedding] = all_of(Embedding, pieces)
    assert (embedding.dimensions, embedding.is_custom) == (512, False)


def test_the_empty_world_has_no_more_than_that() -> None:
    pieces = generate_world("empty")[1]
    for kind in (Project, Dataset, DataRow, Ontology, Label, Batch, Body):
        assert all_of(kind, pieces) == [], kind


def test_every_reference_leads_to_a_record(pieces: list[list[Record]]) -> None:
    people = {person.id for person in all_of(Person, pieces)}
    emails = {person.email for person in all_of(Person, pieces)}
    queues = {(queue.id, queue.name) for queue in all_of(TaskQueue, pieces)} | {(None, None)}
    rows = {row.no for row in all_of(DataRow, pieces)}
    bodies = {body.id for body in all_of(Body, pieces)}
    labels = all_of(Label, pieces)
    steps = [step for row in all_of(ProjectRow, pieces) for step in row.steps]
    assert {label.created_by for label in labels} <= people
    assert {step.created_by for step in steps} <= emails
    assert {(step.previous_task_id, step.previous_task_name) for step in steps} <= queues
    assert {(step.next_task_id, step.next_task_name) for step in steps} <= queues
    assert {label.data_row_no for label in labels} | {item.data_row_no for item in all_of(Attachment, pieces)} <= rows
    assert {label.body_id for label in labels} <= bodies
    assert {review.label_no for review in all_of(Review, pieces)} <= {label.no for label in labels}
    assert {row.selected_label_id for row in all_of(ProjectRow, pieces)} - {None} == {label.id for label in labels}


def test_nothing_happens_after_the_end_or_before_it_was_made(pieces: list[list[Record]]) -> None:
    end = generate_world()[0].ends
    rows = {row.no: row for row in all_of(DataRow, pieces)}
    for project_row in all_of(ProjectRow, pieces):
        moments = [step.created_at for step in project_row.steps]
        assert moments == sorted(moments, reverse=True)
        if moments:
            assert format_moment(rows[project_row.data_row_no].created_at) < moments[-1]
            assert moments[0] < format_moment(end)
    for label in all_of(Label, pieces):
        assert abs(label.created_at - label.content_updated_at) <= 500_000
        assert label.content_updated_at <= label.updated_at <= rows[label.data_row_no].last_activity_at < end


def test_nobody_reviews_a_label_of_their_own() -> None:
    pieces = generate_world("states")[1]
    labels = {label.no: label for label in all_of(Label, pieces)}
    reviews = all_of(Review, pieces)
    assert reviews
    assert [review for review in reviews if labels[review.label_no].created_by == review.created_by] == []


def test_labels_of_one_person_and_one_row_are_worlds_too() -> None:
    plan = parse(
        b'description = "d"\npeople = 1\n[ontologies.o]\nmedia = "image"\n'
        b'[[projects]]\nname = "p"\nmedia = "image"\nontology = "o"\nlabelled = 1\nskipped = 0\nunlabelled = 0',
        source="small.toml",
    )
    pieces = list(history.build_world(plan, name="small", seed=0)[1])
    assert [len(all_of(kind, pieces)) for kind in (DataRow, Label, Person)] == [1, 1, 1]


@pytest.mark.parametrize("rows", [0, 1, 300])
def test_a_project_has_as_many_rows_as_its_plan_says(rows: int) -> None:
    plan = load(find("default"))
    project = ProjectPlan(
        name="p",
        media="text",
        ontology="news-text",
        labelled=rows,
        skipped=0,
        unlabelled=0,
        variants=10,
        embeddings=False,
    )
    pieces = list(
        history.build_world(
            Scenario(description="d", ontologies=plan.ontologies, projects=[project]), name="x", seed=0
        )[1]
    )
    assert len(all_of(DataRow, pieces)) == len(all_of(Label, pieces)) == rows
    assert len(all_of(Body, pieces)) <= 11
    keys = [row.global_key for row in all_of(DataRow, pieces)]
    assert len(set(keys)) == len(keys)


# Files


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(build_database(tmp_path_factory.mktemp("history"))) as opened:
        yield opened


def list_annotated(store: Store, media: str) -> Iterator[tuple[DataRow, Any]]:
    """Rows of a media type with the body of their label, placeholders gone."""
    with store.reading() as connection:
        rows = {row.no: row for row in connection.select(DataRow, Clause("media_type = :m", m=media))}
        for label in connection.select(Label, Clause("NOT skipped")):
            if label.data_row_no in rows:
                [body] = connection.select(Body, Clause("id = :id", id=label.body_id))
                yield rows[label.data_row_no], orjson.loads(body.content.translate(None, b"\x01\x02\x03"))


@pytest.mark.known("documented")
def test_an_entitys_token_is_the_text_at_its_place(store: Store) -> None:
    seen = 0
    for row, body in list_annotated(store, "TEXT"):
        content = build_asset(str(row.asset), seed=0).content.decode("utf-8")
        for entity in body["objects"]:
            place = entity["location"]
            assert content[place["start"] : place["end"] + 1] == place["token"] != ""
            seen += 1
    assert seen > 20


def test_no_entity_is_inside_another(store: Store) -> None:
    for _, body in list_annotated(store, "TEXT"):
        places = sorted((entity["location"]["start"], entity["location"]["end"]) for entity in body["objects"])
        assert all(end < start for (_, end), (start, _) in pairwise(places))


def test_texts_come_in_several_scripts() -> None:
    texts = [text.write_content(0, "text", number) for number in range(len(LANGUAGES))]
    assert sum(not content.isascii() for content in texts) >= 3


def test_a_picture_has_the_size_of_its_row(store: Store) -> None:
    for row, _ in list_annotated(store, "IMAGE"):
        asset, attributes = build_asset(str(row.asset), seed=0), json.loads(row.media_attributes)
        assert asset.content_type == attributes["mime_type"]
        size = [int.from_bytes(asset.content[start : start + 4], "big") for start in (16, 20)]
        assert size == [attributes["width"], attributes["height"]]


@pytest.mark.parametrize("number", range(0, 60, 7))
def test_things_in_pictures_lie_inside_them(number: int) -> None:
    scene = image.build_scene(3, "p", number)
    for thing in scene.things:
        top, left, height, width = thing.box
        assert 0 <= left <= left + width <= scene.width
        assert 0 <= top <= top + height <= scene.height


@pytest.mark.parametrize(
    "recipe",
    [
        *("image/image/0", "text/text/0", "text/a/b/c/3", "video/video/0", "dicom/d/1", "audio/a/2"),
        *("document/document/1", "chat/chat/0"),
    ],
)
def test_the_same_recipe_makes_the_same_file_and_another_seed_another(recipe: str) -> None:
    assert build_asset(recipe, seed=0) == build_asset(recipe, seed=0)
    assert build_asset(recipe, seed=0).content != build_asset(recipe, seed=1).content
