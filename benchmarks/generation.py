"""Building worlds and payloads: the time per row on one core. Peers: Faker, and json.dumps of the same rows."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faker import Faker

from benchmarks import report
from benchmarks.worlds import PROJECT, write_scenario
from mockserver.exports import samples
from mockserver.exports.words import PARAMS, parse_params
from mockserver.generate import prepared, scenario_files
from mockserver.generate import scenario as scenarios
from mockserver.generate.plans import Scenario
from mockserver.world.sqlite import SqliteDatabase

MILLION = 1_000_000
ROWS, QUICK_ROWS = 100_000, 2_000
FIELDS = 40
"""Texts and numbers of a row with every section, each drawn by itself."""
SECTIONS = parse_params(dict.fromkeys(PARAMS.keys() - {"interpolated_frames", "embeddings"}, True))


def measure(quick: bool) -> None:
    rows = QUICK_ROWS if quick else ROWS
    report.print_title(f"Generation: {rows:,} labelled pictures, 256 of them different")
    plan = scenarios.load(write_scenario(rows, embeddings=False))
    assert plan.projects[0].name == PROJECT
    default = scenarios.load(scenario_files.find("default"))
    with tempfile.TemporaryDirectory() as folder:
        took = measure_seconds(lambda: build_world(default, Path(folder) / "default.sqlite"))
        report.print_figure("the default world, built anew", took * 1000, "ms", goal="500")
        path = Path(folder) / "street.sqlite"
        took = measure_seconds(lambda: build_world(plan, path))
        report.print_figure(
            "labels built into a world", rows / took, "labels/s", peers={"Faker, field by field": measure_faker()}
        )
        report.print_figure("a million at this rate", MILLION * took / rows, "s", goal="60")
        took, size = measure_rows(path, plan)
        peer = measure_json(path, plan)
        report.print_figure(
            "rows written with every section", rows / took, "rows/s", peers={"json.dumps of the same": peer}
        )
        report.print_figure("bytes", size / took / 1e6, "MB/s")


def build_world(plan: Scenario, path: Path) -> None:
    prepared.build_world(plan, path, name=path.stem, seed=0, ends=plan.ends_at)


def measure_seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure_rows(path: Path, plan: Scenario) -> tuple[float, int]:
    """Seconds and bytes of an export of the whole world."""
    connection = SqliteDatabase(path).connect()
    started = time.perf_counter()
    size = sum(len(batch.text) for batch in samples.write_v2(connection, SECTIONS, seed=0, now=plan.ends_at))
    took = time.perf_counter() - started
    connection.close()
    return took, size


def measure_json(path: Path, plan: Scenario) -> float:
    """Rows a second that json.dumps writes; the objects already exist."""
    connection = SqliteDatabase(path).connect()
    batch = next(samples.write_v2(connection, SECTIONS, seed=0, now=plan.ends_at))
    connection.close()
    rows = [json.loads(line) for line in batch.text.splitlines()]
    repeats = 20
    took = measure_seconds(lambda: [json.dumps(row) for _ in range(repeats) for row in rows])
    return repeats * len(rows) / took


def measure_faker() -> float:
    """Rows a second of a generator that calls Faker for each field."""
    fake = Faker()
    fake.seed_instance(0)
    count = 200
    took = measure_seconds(lambda: [[fake.sentence() for _ in range(FIELDS)] for _ in range(count)])
    return count / took
