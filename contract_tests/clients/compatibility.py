"""`docs/compatibility.md` is what the client tests found: which client can do what.

A test names the capability it shows by `@pytest.mark.capability("…")`, and has a client among its parameters. At the
end of a session the table's cells are held against what ran; `--write-compatibility` writes them instead.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contract_tests.clients.clients import CLIENTS, ClientKind, Program
from contract_tests.clients.contract_outcomes import load_results, render_section

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
YES, NOT_IN_IT = "yes", "–"

CAPABILITIES = {
    "project": "Export V2 of a project",
    "data_row_ids": "filter by data rows",
    "filters": "filters by date",
    "embeddings": "embeddings",
    "datasets": "datasets and chosen data rows",
    "whole_catalog": "catalog",
    "all_projects": "labels of all projects",
    "slices": "slices",
    "model_runs": "model runs",
    "predictions": "predictions",
    "v1": "Export V1",
    "frames": "frames",
    "webhooks": "webhooks",
    "rows": "data rows and batches created",
    "runs": "model runs filled",
    "ontologies": "ontologies changed",
    "labels": "labels imported",
    "predictions_imported": "pre-labels and predictions imported",
}
"""What tests may name, and how people call it, in the order of the table's columns."""

Cells = dict[tuple[str, str], str]
_results: dict[tuple[str, str], list[str]] = defaultdict(list)


def list_results(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """(capability, client and whether it has the capability) of one test."""
    program = program_of(item)
    for marker in item.iter_markers("capability"):
        for capability in marker.args:
            assert capability in CAPABILITIES, f"{capability!r} is no capability; known are {', '.join(CAPABILITIES)}"
            if program is not None:
                name, lacks = program
                yield capability, f"{name}\n{NOT_IN_IT if capability in lacks else YES}"


def program_of(item: pytest.Item) -> tuple[str, frozenset[str]] | None:
    """The client among a test's parameters: a kind with what it lacks, or a program or version that has all."""
    callspec = getattr(item, "callspec", None)
    for name, value in callspec.params.items() if callspec is not None else ():
        if name == "version":
            return f"sdk-{value}", frozenset()
        if isinstance(value, ClientKind):
            return value.program.name, value.lacks
        if isinstance(value, Program):
            return value.name, frozenset()
    return None


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--write-compatibility", action="store_true", help="write docs/compatibility.md by what was found")


def record_capabilities(items: list[pytest.Item]) -> None:
    for item in items:
        item.user_properties += list_results(item)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, value in report.user_properties:
            if name in CAPABILITIES:
                client, has = str(value).split("\n")
                _results[client, name].append(has if report.passed else "")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Only where the reports come together: not in the workers."""
    if hasattr(session.config, "workerinput") or not _results:
        return
    cells = {cell: verdict(results) for cell, results in _results.items() if all(results)}
    if session.config.getoption("--write-compatibility"):
        PAGE.write_text(page(read(PAGE) | cells), encoding="utf-8")
        return
    on_page = read(PAGE)
    if wrong := sorted(cell for cell, has in cells.items() if on_page.get(cell) != has):
        session.config.get_terminal_writer().line(
            f"\ndocs/compatibility.md differs from the results of these tests: {wrong}. Write it anew with"
            " `pytest contract_tests/clients --write-compatibility`",
            red=True,
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def verdict(results: list[str]) -> str:
    """A client has a capability if any way of it has."""
    return YES if YES in results else NOT_IN_IT


def read(file: Path) -> Cells:
    """The cells of the page's table."""
    if not file.is_file():
        return {}
    _, _, text = file.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")
    rows = [row.strip("|").split("|") for row in text.splitlines() if row.startswith("|")]
    cells: Cells = {}
    for client, *states in rows[2:]:
        for capability, state in zip(CAPABILITIES, states, strict=False):  # a new capability is a column more
            if state.strip():
                cells[client.strip(), capability] = state.strip()
    return cells


def list_lacks() -> Cells:
    """The capabilities that no way of a client has: most tests do not even try them."""
    programs = {kind.program.name for kind in CLIENTS}
    return {
        (name, capability): NOT_IN_IT
        for name in programs
        for capability in CAPABILITIES
        if all(capability in kind.lacks for kind in CLIENTS if kind.program.name == name)
    }


def page(cells: Cells) -> str:
    cells = list_lacks() | cells
    clients = sorted({client for client, _ in cells}, key=sort_key)
    head = "| client | " + " | ".join(CAPABILITIES.values()) + " |"
    rule = "|---" * (1 + len(CAPABILITIES)) + "|"
    rows = [
        f"| {client} | " + " | ".join(cells.get((client, capability), "") for capability in CAPABILITIES) + " |"
        for client in clients
    ]
    return "\n".join([*INTRODUCTION, *render_section(load_results()), OWN_TESTS, *EXPLANATION, head, rule, *rows, ""])


def write_page() -> None:
    """Writes the page with the cells that it has, and with the results of the contract."""
    PAGE.write_text(page(read(PAGE)), encoding="utf-8")


def sort_key(client: str) -> tuple[Any, ...]:
    """SDKs by version, then the others by name."""
    name, _, version = client.partition("-")
    return (0, *map(int, version.split("."))) if name == "sdk" else (1, client)


HEADING = "## What the tests show"
OWN_TESTS = """## The SDK's own tests

The source distribution of labelbox 4.0.0 has 707 tests in `tests/integration` and `tests/data`. Against a server with
`--payload-date 2024-09-10`, 655 of them pass or skip themselves. 17 more pass with the progression of imports
`{"looks": 2}`, because they look at an import while it runs. These do not pass (tried in November 2026):

| tests | number | reason |
|---|---|---|
| those with files of the vendor, as most of `test_data_rows.py` that fail | 21 | they download them from the internet |
| `test_import_media_types` of texts and documents | 4 | they expect words of a file; no `row_data` is ever fetched |
| `test_mask`, `test_mask_from_arr` | 3 | they use no service; the libraries of pictures have changed |
| `test_export_v2_video`, `TestExportVideo` | 2 | the frame rate of a file, which a `files` rule of a scenario gives |
| `test_batch_creation_for_data_rows_with_issues` | 1 | a file that cannot be read: a `files` rule of a scenario |
| `test_bad_key` | 1 | it sends its request to api.labelbox.com, whatever the endpoint |
| `test_timeout_error` | 1 | it waits 10 ms for an answer, and receives one; the fault `slow` delays it |
| `test_org_invite` | 1 | its fixture gives nothing except in two environments of the vendor |
| `test_project_bulk_import_requests` | 1 | it counts imports of a project that the tests before it use too |
"""
INTRODUCTION = (
    "# Compatibility",
    "",
    "What each client was found to do against this server, in an environment of its own. Programs write this page: the",
    "contract is from `python -m contract_tests.clients.contract_matrix`, of which CI tries a sample, and the rest",
    "from `pytest contract_tests/clients --write-compatibility`, compared with every run of the tests.",
    "",
)
EXPLANATION = (
    HEADING,
    "",
    f"*{YES}*: shown by tests that pass. *{NOT_IN_IT}*: the client itself does not have it. Nothing: no test tries it.",
    "",
)
