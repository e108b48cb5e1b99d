"""The golden exports equal newly generated ones, byte for byte, and fit the schemas."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from mockserver.testing import schemas
from mockserver.world.media import BY_NAME

GOLDEN = Path(__file__).parents[3] / "fixtures" / "exports"


def load_maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_exports", GOLDEN / "make_exports.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_golden_exports_are_generated_again_to_the_byte() -> None:
    """After an intended change: run `make fixtures` and review the difference."""
    generated = dict(load_maker().exports())
    assert {path.name: path.read_bytes() for path in GOLDEN.glob("*.*json")} == generated


def test_every_media_type_has_one_of_each_version() -> None:
    names = {path.name for path in GOLDEN.glob("*.*json")}
    assert names == {f"{media}{ending}" for media in BY_NAME for ending in (".ndjson", ".v1.json")}


@pytest.mark.parametrize("media", sorted(BY_NAME))
def test_golden_exports_validate(media: str) -> None:
    rows = jsonschema_rs.Draft202012Validator(schemas.load(f"v2-{media}"))
    for line in (GOLDEN / f"{media}.ndjson").read_bytes().splitlines():
        rows.validate(json.loads(line))
    labels = json.loads((GOLDEN / f"{media}.v1.json").read_bytes())
    element = jsonschema_rs.Draft202012Validator(schemas.load(f"v1-{media}"))
    for label in labels:
        element.validate(label)
    assert [label["Skipped"] for label in labels].count(True) == 1


@pytest.mark.parametrize("media", sorted(BY_NAME))
def test_golden_exports_show_every_state_of_a_row(media: str) -> None:
    rows = [json.loads(line) for line in (GOLDEN / f"{media}.ndjson").read_bytes().splitlines()]
    projects = [project for row in rows for project in row["projects"].values()]
    assert [len(project["labels"]) > 0 for project in projects] == [True] * 4 + [False]
