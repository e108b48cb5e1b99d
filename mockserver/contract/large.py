"""The case of a hundred thousand rows: each is there once, and the client keeps none of them."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mockserver.contract.cases import Case, Profile, World
from mockserver.contract.comparison import find_row_id
from mockserver.contract.process import shorten
from mockserver.contract.processes import SOCKETS, count_connections, read_peak_memory, require_process
from mockserver.contract.repetition import seconds_of
from mockserver.contract.trial import Trial

Json = dict[str, Any]

LARGE: Json = {"project": "large"}
NOTHING: Json = {"label_created_at": ["2000-01-01", "2000-01-02"]}
"""A filter that no row passes."""
FILES = "/_files/*/results/*"
ROWS = 100_000
"""Rows of `fixtures/contract/large.toml`."""
SAMPLED = 1000
"""One row of so many is compared with the world's."""
MOST_MEMORY = 100
"""MiB by which a client may grow: some files of 4 MiB with their rows. All rows take more than 300."""
MOST_CONNECTIONS = 3
"""Connections that may be open after `close`: a pool of one host, shared by all clients of the process."""


class Received(NamedTuple):
    """The rows of the client: how often each id was there, and some of them. `first`: the time of the first one."""

    counts: Counter[str]
    sample: list[Json]
    first: float


def _export_large(trial: Trial) -> None:
    require_process(trial)
    trial.check_export(LARGE, {}, NOTHING)  # what an export needs whatever it gives
    before = read_peak_memory(trial.client.pid)
    received = _receive(trial)
    after = read_peak_memory(trial.client.pid)
    _judge_rows(trial, received)
    if before and after:
        _judge_memory(trial, before, after)
    _judge_first_row(trial, received.first)
    _judge_connections(trial)


def _receive(trial: Trial) -> Received:
    """Exports, and keeps no more than the ids and the sample. Raises Misconduct, ClientError."""
    trial.exports += 1
    counts: Counter[str] = Counter()
    sample: list[Json] = []
    first = 0.0
    rows = trial.client.call("export_rows", scope=trial.resolve(LARGE), params=trial.fix({}), filters={})
    for number, row in enumerate(rows):
        first = first or time.time()
        row_id = find_row_id(row)
        if row_id is None:
            trial.find("not-rows", f"an item is no row: {shorten(row)}")
            break
        counts[row_id] += 1
        if number % SAMPLED == 0:
            sample.append(row)
    return Received(counts, sample, first)


def _judge_rows(trial: Trial, received: Received) -> None:
    doubled = sum(count > 1 for count in received.counts.values())
    if doubled:
        trial.find("rows-doubled", f"{doubled} rows are there more than once")
    if len(received.counts) < ROWS:
        trial.find("rows-lost", f"{ROWS - len(received.counts):,} of {ROWS:,} rows are missing")
    ids = [row["data_row"]["id"] for row in received.sample]
    trial.compare(received.sample, trial.load_expected(LARGE, {}, {"data_row_ids": ids}) if ids else [])


def _judge_memory(trial: Trial, before: int, after: int) -> None:
    trial.notes.append(f"memory {before} MiB at most, {after} MiB after {ROWS:,} rows")
    if after - before > MOST_MEMORY:
        trial.find("memory-grows", f"{after - before} MiB more after {ROWS:,} rows; expected at most {MOST_MEMORY}")


def _judge_first_row(trial: Trial, first: float) -> None:
    """A client that waits for its reader cannot be ahead of it by a whole file."""
    files = [seconds_of(entry) for entry in trial.workspace.find_requests(path=FILES, bodies="false")]
    if trial.client.first_item_after is not None:
        trial.notes.append(f"first row after {trial.client.first_item_after:.1f} s")
    if len(files) > 2 and first > files[-1]:
        trial.find("first-row-late", f"all {len(files)} files had been requested by then")


def _judge_connections(trial: Trial) -> None:
    trial.close()
    if not SOCKETS.exists():
        return
    count = count_connections(trial.client.pid, urlsplit(trial.workspace.url).port or 80)
    if count > MOST_CONNECTIONS:
        trial.find("connections-left", f"{count} connections are open after one client")


LARGE_RESULTS = (
    Case(
        "hundred-thousand", Profile.LARGE, "an export of 100,000 rows", _export_large,
        "Years of a project are more than the memory of a job; each row must be passed on as it is read.",
        world=World(scenario="large"), alone=True,
    ),
)  # fmt: skip
