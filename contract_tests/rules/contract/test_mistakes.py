"""The contract is itself tried: a right client keeps it, and each planted mistake is named."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.rules.contract import clients
from contract_tests.rules.pages import REPOSITORY
from contract_tests.serving import ServedWorld
from mockserver.contract import Report, Runner, Verdict, choose_cases, driver
from mockserver.contract.process import ClientProcess, Command
from mockserver.testing import MockServer

MODULE = clients.__name__
SILENCE = 250
"""Seconds that a client may be silent: a busy machine breaks no test."""


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with ServedWorld() as server:
        yield server


def command_of(client: str, python: str | Path = sys.executable) -> Command:
    words = (str(python), str(driver.__file__), client)
    return Command(words, REPOSITORY, {**os.environ, "PYTHONPATH": str(REPOSITORY)})


def try_client(mock: MockServer, name: str, *cases: str, silence: float = SILENCE) -> Report:
    runner = Runner(mock, lambda: ClientProcess(command_of(f"{MODULE}:{name}"), silence=silence))
    return runner.run(choose_cases(names=cases), name=name, jobs=2)


def try_program(mock: MockServer, name: str, *cases: str, silence: float = SILENCE) -> Report:
    command = Command((sys.executable, "-m", MODULE, name), REPOSITORY, dict(os.environ))
    return Runner(mock, lambda: ClientProcess(command, silence=silence)).run(
        choose_cases(names=cases), name=name, jobs=1
    )


def test_the_client_of_the_page_keeps_the_contract(mock: MockServer) -> None:
    report = Runner(mock, lambda: ClientProcess(command_of(f"{MODULE}:Right"), silence=SILENCE)).run(
        choose_cases(), name="Right"
    )
    assert report.mistakes == []
    assert {result.case.name for result in report.results_with(Verdict.NOT_OFFERED)} == {
        *("dataset", "chosen-rows", "chosen-keys", "slice", "model-run", "catalog"),
    }


@pytest.mark.parametrize(
    ("client", "case", "mistake"),
    [
        ("IgnoresErrors", "failed-rows", "errors-ignored"),
        ("LacksErrors", "failed-rows", "errors-ignored"),
        ("ReadsOneFile", "several-files", "first-file-only"),
        ("DropsLastLine", "project", "last-row-lost"),
        ("SplitsAtSeparators", "line-separators", "line-separators"),
        ("TakesLatin1", "texts-raw", "text-damaged"),
        ("HasFixedBuffer", "large-row", "large-row"),
        ("NeedsHeader", "empty", "empty-export"),
        ("HidesFailure", "failed-export", "failure-hidden"),
        ("HidesFailure", "failed-later", "failure-hidden"),
        ("HidesFailure", "cancelled", "cancel-hidden"),
        ("DoesNotWait", "three-polls", "not-waited"),
        ("HidesRefusal", "unknown-project", "refusal-hidden"),
        ("HidesRefusal", "wrong-key", "refusal-hidden"),
        ("IgnoresFilters", "filter-status", "filters-ignored"),
        ("IgnoresParams", "project-every-section", "params-ignored"),
        ("Caches", "changed-between", "stale-rows"),
        ("DoublesRows", "project", "rows-doubled"),
        ("DropsFields", "media-image", "fields-lost"),
        ("GivesLines", "project", "not-rows"),
        ("GivesNothing", "project", "raised"),
        ("PollsHastily", "three-polls", "polls-too-often"),
        ("PollsOn", "project", "polls-after-end"),
        ("CreatesTwice", "project", "mutation-repeated"),
        ("ReadsBeyondTheEnd", "project", "wrong-offset"),
        ("KeepsKey", "frames-elsewhere", "key-leaked"),
        ("DropsFrame", "frames-redirect", "frames-differ"),
        ("NeedsFrames", "frames-none", "frames-empty"),
        ("RepeatsMutations", "create-503-after", "mutation-repeated"),
        ("GivesUp", "call-2-503", "gives-up"),
        ("GivesUp", "rate-limit", "gives-up"),
        ("TrustsFiles", "file-truncated-line", "truncation-hidden"),
        ("SkipsBrokenLines", "file-short-length", "length-trusted"),
        ("SkipsBrokenLines", "file-corrupted", "corruption-hidden"),
        ("ReusesLinks", "file-expired", "expired-link"),
        ("HidesEverything", "page-200", "nonsense-hidden"),
        ("HidesEverything", "key-revoked", "refusal-hidden"),
        ("SyncsLabels", "sync-deleted", "sync-differs"),
        ("KnowsKeys", "drift-fields", "unknown-field"),
        ("KnowsMedia", "drift-media", "unknown-medium"),
        ("KnowsStatuses", "drift-values", "unknown-value"),
        ("LosesLabel", "v1-image", "labels-differ"),
        ("KeepsConnection", "connections-closed", "connections-left"),
        ("LeavesChildren", "ends-alone", "children-left"),
    ],
)
def test_a_planted_mistake_is_named(mock: MockServer, client: str, case: str, mistake: str) -> None:
    report = try_client(mock, client, case)
    assert mistake in report.mistakes
    assert not report.flawless


@pytest.mark.parametrize(
    ("program", "mistake", "silence"),
    [
        ("print_rubbish", "rubbish", SILENCE),
        ("stay_silent", "silent", 1),
        ("die", "died", SILENCE),
        ("answer_wrong_types", "wrong-types", SILENCE),
        ("answer_another", "wrong-id", SILENCE),
        ("write_a_gigabyte", "floods", SILENCE),
        ("fork_children", "died", SILENCE),
    ],
)
def test_a_program_that_does_not_keep_the_protocol_is_ended_and_the_other_cases_go_on(
    mock: MockServer, program: str, mistake: str, silence: float
) -> None:
    report = try_program(mock, program, "project", "empty", silence=silence)
    assert [[finding.mistake for finding in result.findings] for result in report.results] == [[mistake], [mistake]]


def test_memory_and_the_first_row_are_measured(mock: MockServer) -> None:
    [result] = try_client(mock, "Right", "measures").results
    assert result.verdict is Verdict.PASSED
    assert re.fullmatch(r"memory \d+ MiB at most, \d+ MiB after 3,000 rows; first row after \d+\.\d s", result.summary)


def test_the_end_of_a_dead_clients_error_stream_is_shown(mock: MockServer) -> None:
    [result] = try_program(mock, "die", "project").results
    assert "it ended with status 1; it wrote: no more memory" in result.findings[0].detail
