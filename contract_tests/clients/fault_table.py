"""Measures what the users of SDKs see of each fault, and writes the table in docs/faults.md.

    python -m contract_tests.clients.fault_table [FAULT…]

It takes some minutes, so it is run by hand, when a fault or a generation of SDKs is added; a test compares the names of
the page with those of the table of faults.
"""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from contract_tests.clients.clients import (
    CLIENTS,
    LEGACY,
    Client,
    ClientDied,
    ClientFailure,
    ClientKind,
    RunningProgram,
)
from contract_tests.clients.environments import REPOSITORY
from contract_tests.serving import ServedWorld
from mockserver.faults.kind import Stage
from mockserver.faults.kinds import KINDS
from mockserver.testing import MockWorkspace

PAGE = REPOSITORY / "docs" / "faults.md"
HEADING = "## What users of the SDK see"
GENERATIONS = ("sdk-3.30.1:v1", "sdk-3.52.0:export_v2", "sdk-3.78.2:export", "sdk-7.17.0:export")
DEADLINE = 40.0
"""Seconds that an export may take: SDKs repeat a call for up to two minutes, and wait for an answer for up to one."""
PROJECT = "text"
PASSES = "passes"
ALSO_OF_FILES = (
    "server_error_page", "upstream_error", "rate_limited", "not_found", "empty_body", "html_page", "hangs",
    "connection_reset", "connection_closed",
)  # fmt: skip
ONLY_OF_FILES = ("link_expired", "redirect_loop")
NOT_MEASURED = ("slow", "slow_body", "frames_missing", "export_frames_missing")
"""They lose no data row."""
OPTIONS: dict[str, dict[str, Any]] = {"graphql_error": {"code": "FORBIDDEN"}, "closed_within": {}, "reset_within": {}}


@dataclass(frozen=True)
class Trial:
    """One fault at one place: the call that starts an export, its file, or the export itself."""

    fault: str
    place: str

    def request(self, mock: MockWorkspace, *, legacy: bool) -> Any:
        rule: dict[str, Any] = dict(OPTIONS.get(self.fault, {}))
        if self.place == "call":
            rule["operation"] = "exportLabels" if legacy else "exportDataRowsInProject"
        elif self.place == "file":
            rule["path"] = "/_files/*/exports/*" if legacy else "/_files/*/results/*"
        if self.fault == "export_rows_fail":
            rule["data_rows"] = [mock.expected_rows(PROJECT)[0]["data_row"]["id"]]
        return mock.fault(self.fault, **rule)


def list_trials() -> Iterator[Trial]:
    for name, kind in KINDS.items():
        if name in NOT_MEASURED:
            continue
        if kind.stage is Stage.EXPORT:
            yield Trial(name, "export")
            continue
        if kind.stage is Stage.ANSWER and name not in ONLY_OF_FILES:
            yield Trial(name, "call")
        if kind.stage is Stage.BODY or name in (*ALSO_OF_FILES, *ONLY_OF_FILES):
            yield Trial(name, "file")


class Bench:
    """One SDK in a process of its own, which is replaced when it hangs."""

    def __init__(self, kind: ClientKind, server: ServedWorld) -> None:
        self._kind, self._server = kind, server
        self._process: RunningProgram | None = None

    @property
    def legacy(self) -> bool:
        return self._kind.way == "v1"

    def measure(self, trial: Trial) -> str:
        """The outcome that the user sees, in a few words."""
        if trial.place == "export" and self.legacy:
            return "–"
        mock = self._server.workspace()
        whole = self._count_rows(mock)
        fault = trial.request(mock, legacy=self.legacy)
        outcome = self._run(mock, whole)
        hits, repeated = fault.hits, trial.place == "call" and not self.legacy and fault.calls > 1
        mock.delete()
        assert hits, f"{trial} did not hit {self._kind.name}"
        return f"{outcome} (repeated)" if repeated and outcome == PASSES else outcome

    def _count_rows(self, mock: MockWorkspace) -> int:
        """How many rows a client gets without a fault: Export V1 has labelled ones only."""
        rows = mock.expected_rows(PROJECT)
        project = mock.project(PROJECT)
        labelled = [row for row in rows if row["projects"][project]["labels"]]
        return len(labelled) if self.legacy else len(rows)

    def _run(self, mock: MockWorkspace, whole: int) -> str:
        process = self._process = self._process or RunningProgram(self._kind.program)
        client = Client(process, self._kind.way, mock.graphql_url, mock.rest_url, mock.api_key)
        timer = threading.Timer(DEADLINE, process.close)
        timer.start()
        try:
            rows = self._export(client, mock.project(PROJECT))
        except ClientFailure as failure:
            return f"`{failure.type.rpartition('.')[2]}`"
        except (ClientDied, ValueError, OSError):
            self._process = None
            return f"waits for more than {DEADLINE:.0f} s"
        finally:
            timer.cancel()
        return PASSES if len(rows) == len(set(rows)) == whole else f"**{len(rows)} of {whole} rows**"

    def _export(self, client: Client, project_id: str) -> list[str]:
        """The ids of the data rows that the client got."""
        if self.legacy:
            labels = client.legacy("export_labels", project_id=project_id, filters={})["labels"]
            return list(dict.fromkeys(label["DataRow ID"] for label in labels))
        return [row["data_row"]["id"] for row in client.export_project(project_id).rows]

    def close(self) -> None:
        if self._process is not None:
            self._process.close()


def measure_all(names: list[str]) -> dict[Trial, list[str]]:
    """Every trial with the outcome of each generation."""
    kinds = {kind.name: kind for kind in (*CLIENTS, *LEGACY)}
    trials = [trial for trial in list_trials() if not names or trial.fault in names]
    with ServedWorld() as server, ThreadPoolExecutor(len(GENERATIONS)) as threads:

        def measure(name: str) -> list[str]:
            bench = Bench(kinds[name], server)
            outcomes = []
            for trial in trials:
                outcomes.append(bench.measure(trial))
                print(name, trial.fault, trial.place, outcomes[-1], file=sys.stderr, flush=True)  # noqa: T201  progress
            bench.close()
            return outcomes

        columns = list(threads.map(measure, GENERATIONS))
    return {trial: [column[number] for column in columns] for number, trial in enumerate(trials)}


def render(outcomes: dict[Trial, list[str]]) -> str:
    """The section of the page."""
    titles = [f"{name.partition(':')[0].removeprefix('sdk-')} `{name.partition(':')[2]}`" for name in GENERATIONS]
    lines = [
        HEADING,
        "",
        "The end of an export of ten data rows when the fault hits once, or every call where the table above says so.",
        "`call` is the mutation that starts the export, `file` a file of its result. “Passes” means that all rows",
        "arrive, after the SDK has repeated the call where it says so; **bold** is an export that ends without an",
        "error although rows are missing. Measured by `python -m contract_tests.clients.fault_table`.",
        "",
        f"| fault | where | {' | '.join(titles)} |",
        f"|---|---|{'---|' * len(titles)}",
        *(f"| `{trial.fault}` | {trial.place} | {' | '.join(cells)} |" for trial, cells in outcomes.items()),
        "",
        f"Not measured: {', '.join(f'`{name}`' for name in NOT_MEASURED)}, which lose no data row of an export.",
        "",
    ]
    return "\n".join(lines)


def write_section(text: str) -> None:
    """Replaces the section of the page, or puts it in front of the last one."""
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(HEADING)
    after = rest.partition("\n## ")[2] if rest else ""
    if not rest:
        before, _, after = page.partition("## In a scenario")
        after = f"In a scenario{after}"
    PAGE.write_text(f"{before}{text}\n## {after}", "utf-8")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    section = render(measure_all(chosen))
    if chosen:
        print(section)  # noqa: T201  the section for the page
    else:
        write_section(section)
