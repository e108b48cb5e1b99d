"""Making worlds and payloads: what a row costs on one core, beside what a plain generator pays."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faker import Faker

from benchmarks import report
from benchmarks.worlds import PROJECT, scenario
from mockserver.control.words import PARAMS, parse_params
from mockserver.exports import samples
from mockserver.generate import prepared
from mockserver.generate import scenario as scenarios
from mockserver.generate.plans import Scenario
from mockserver.world.sqlite import SqliteDatabase

MILLION = 1_000_000
ROWS, QUICK_ROWS = 100_000, 2_000
FIELDS = 40
"""Texts and numbers of a row with every section, as a generator field by field would draw them."""
SECTIONS = parse_params(dict.fromkeys(PARAMS.keys() - {"interpolated_frames", "embeddings"}, True))


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    report.title(f"Generation: {rows:,} labelled pictures, 256 of them different")
    plan = scenarios.load(scenario(rows, embeddings=False))
    assert plan.projects[0].name == PROJECT
    default = scenarios.load(scenarios.find("default"))
    with tempfile.TemporaryDirectory() as folder:
        took = timed(lambda: world(default, Path(folder) / "default.sqlite"))
        report.figure("the default world, made anew", took * 1000, "ms", goal="500")
        path = Path(folder) / "street.sqlite"
        took = timed(lambda: world(plan, path))
        report.figure("labels made into a world", rows / took, "labels/s", peers={"Faker, field by field": by_faker()})
        report.figure("so a million take", MILLION * took / rows, "s", goal="60")
        took, size = timed_rows(path, plan)
        peer = by_json(path, plan)
        report.figure("rows written with every section", rows / took, "rows/s", peers={"json.dumps of the same": peer})
        report.figure("so bytes", size / took / 1e6, "MB/s")


def world(plan: Scenario, path: Path) -> None:
    prepared.build_world(plan, path, name=path.stem, seed=0, ends=plan.ends_at)


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def timed_rows(path: Path, plan: Scenario) -> tuple[float, int]:
    """Seconds and bytes of an export of the whole world."""
    connection = SqliteDatabase(path).connect()
    started = time.perf_counter()
    size = sum(len(piece.text) for piece in samples.write_v2(connection, SECTIONS, seed=0, now=plan.ends_at))
    took = time.perf_counter() - started
    connection.close()
    return took, size


def by_json(path: Path, plan: Scenario) -> float:
    """Rows a second that json.dumps writes, with the objects at hand already."""
    connection = SqliteDatabase(path).connect()
    piece = next(samples.write_v2(connection, SECTIONS, seed=0, now=plan.ends_at))
    connection.close()
    rows = [json.loads(line) for line in piece.text.splitlines()]
    repeats = 20
    took = timed(lambda: [json.dumps(row) for _ in range(repeats) for row in rows])
    return repeats * len(rows) / took


def by_faker() -> float:
    """Rows a second of a generator that asks Faker for each field."""
    fake = Faker()
    fake.seed_instance(0)
    count = 200
    took = timed(lambda: [[fake.sentence() for _ in range(FIELDS)] for _ in range(count)])
    return count / took
