"""Model runs of a scenario: which data rows are in them, and predictions that fit what they are of."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.worlds import build_database, generate_world, open_store
from mockserver.generate import history, scenario, scenario_files
from mockserver.generate.chance import Chance
from mockserver.generate.models import choose_split, predict
from mockserver.generate.plans import RunPlan, Splits
from mockserver.world.record import Record
from mockserver.world.records.labels import Body, Label
from mockserver.world.records.models import DataSplit, ModelRun, ModelRunRow, Prediction

RUNS = """
[[models]]
name = "m"
ontology = "news-text"
[[models.runs]]
name = "half"
project = "text"
share = 50
confidence = [0.25, 0.25]
splits = { training = 50, validation = 25, test = 0 }
[[models.runs]]
name = "without predictions"
project = "text"
predictions = false
"""


def records(more: str = "") -> list[Record]:
    text = scenario_files.find("default").read_text() + more
    _, pieces = history.build_world(scenario.parse(text.encode(), source="a.toml"), name="a", seed=0)
    return [record for piece in pieces for record in piece]


def select_run(name: str, world: list[Record]) -> tuple[list[ModelRunRow], list[Prediction]]:
    [run] = [record for record in world if isinstance(record, ModelRun) and record.name == name]
    rows = [record for record in world if isinstance(record, ModelRunRow) and record.model_run_id == run.id]
    return rows, [record for record in world if isinstance(record, Prediction) and record.model_run_id == run.id]


def read(content: bytes) -> Any:
    return json.loads(content.replace(b"\x01", b"").replace(b"\x02", b"").replace(b"\x03", b""))


def test_a_run_holds_its_share_of_the_labelled_rows_in_their_splits() -> None:
    rows, predictions = select_run("half", records(RUNS))
    assert [row.data_split for row in rows] == ["TRAINING", "TRAINING", "VALIDATION", "UNASSIGNED"]
    assert [prediction.data_row_no for prediction in predictions] == [row.data_row_no for row in rows]


def test_a_run_may_have_no_predictions() -> None:
    rows, predictions = select_run("without predictions", records(RUNS))
    assert (len(rows), predictions) == (8, [])


def test_every_label_of_a_run_is_of_its_row_and_no_skip() -> None:
    world = records(RUNS)
    labels = {record.id: record for record in world if isinstance(record, Label)}
    for row in (record for record in world if isinstance(record, ModelRunRow)):
        assert row.label_id is not None
        assert labels[row.label_id].data_row_no == row.data_row_no
        assert not labels[row.label_id].skipped


def test_a_prediction_of_a_text_marks_words_of_that_text() -> None:
    """It is made of what people marked there, not of another text."""
    world = records(RUNS)
    bodies = {record.id: record.content for record in world if isinstance(record, Body)}
    labels = {record.data_row_no: record for record in world if isinstance(record, Label)}
    _, predictions = select_run("half", world)
    for prediction in predictions:
        marked = [item["location"] for item in read(bodies[labels[prediction.data_row_no].body_id])["objects"]]
        seen = read(bodies[prediction.body_id])["objects"]
        assert seen
        assert all(item["location"] in marked and item["confidence"] == 0.25 for item in seen)


def test_projects_without_runs_are_not_touched_by_models() -> None:
    plain = {record.id for record in records() if isinstance(record, Label)}
    assert {record.id for record in records(RUNS) if isinstance(record, Label)} == plain


def test_the_default_world_has_a_run_with_predictions_and_a_slice(tmp_path: Path) -> None:
    with open_store(build_database(tmp_path)) as store, store.reading() as connection:
        assert connection.count(Prediction) == connection.count(ModelRunRow) == 9
    assert any(isinstance(record, ModelRun) for piece in generate_world()[1] for record in piece)


# Single bodies

TWICE = (
    b'{"objects":[],"classifications":[],"relationships":[],"frames":{'
    b'"1":{"objects":{"\x0200001":{"feature_id":"\x0200001","annotation_kind":"VideoBoundingBox","bounding_box":'
    b'{"top":10,"left":20,"height":100,"width":50}}}},'
    b'"2":{"objects":{"\x0200001":{"feature_id":"\x0200001","annotation_kind":"VideoBoundingBox"}}}}}'
)


def test_what_comes_again_in_other_frames_has_the_same_confidence() -> None:
    predicted = predict(TWICE, Chance(0), (0.1, 0.9))
    assert predicted.count(b"\x0200001") == 4
    frames = read(predicted)["frames"]
    first, second = (frame["objects"]["00001"] for frame in frames.values())
    assert first["confidence"] == second["confidence"]
    assert (first["bounding_box"]["height"], first["bounding_box"]["width"]) == (100, 50)


def test_what_relationships_speak_of_is_not_forgotten() -> None:
    objects = [{"feature_id": f"\x02{number:05}", "annotation_kind": "TextEntity"} for number in range(40)]
    body = (
        json.dumps({"objects": objects, "relationships": [{"feature_id": "r"}]}).encode().replace(b"\\u0002", b"\x02")
    )
    assert len(read(predict(body, Chance(0), (0, 1)))["objects"]) == 40
    alone = body.replace(b'[{"feature_id": "r"}]', b"[]")
    assert 0 < len(read(predict(alone, Chance(0), (0, 1)))["objects"]) < 40


@given(st.integers(1, 300), st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_splits_come_in_their_order_and_in_their_share(rows: int, training: int, validation: int, test: int) -> None:
    order = list(DataSplit)
    splits = Splits(training=training, validation=validation * (100 - training) // 100, test=0)
    plan = RunPlan(name="r", project="p", splits=splits)
    chosen = [choose_split(plan, index, rows) for index in range(rows)]
    assert chosen == sorted(chosen, key=order.index)
    assert abs(chosen.count(DataSplit.TRAINING) - rows * training / 100) <= 1


@pytest.mark.parametrize("rows", [1, 10, 1000])
def test_splits_of_all_leave_nothing_unassigned(rows: int) -> None:
    plan = RunPlan(name="r", project="p", splits=Splits(training=60, validation=20, test=20))
    assert DataSplit.UNASSIGNED not in {choose_split(plan, index, rows) for index in range(rows)}
