"""Mistakes that readers of exports make: the contract names each one."""

import re
from collections.abc import Iterator

import pytest

from contract_tests.rules.contract import planted
from contract_tests.rules.contract.test_mistakes import SILENCE, command_of
from contract_tests.serving import ServedWorld
from mockserver.contract import Report, Runner, Verdict, choose_cases
from mockserver.contract.process import ClientProcess
from mockserver.testing import MockServer


@pytest.fixture(scope="module")
def mock() -> Iterator[MockServer]:
    with ServedWorld() as server:
        yield server


def try_client(mock: MockServer, name: str, *cases: str) -> Report:
    command = command_of(f"{planted.__name__}:{name}")
    runner = Runner(mock, lambda: ClientProcess(command, silence=SILENCE))
    return runner.run(choose_cases(names=cases), name=name, jobs=1)


@pytest.mark.parametrize(
    ("client", "case", "mistake"),
    [
        ("PutsKeyIntoUrl", "project", "key-in-url"),
        ("PutsKeyIntoOtherUrl", "project", "key-in-url"),
        ("LogsKey", "project", "key-printed"),
        ("RaisesKey", "failed-export", "key-printed"),
        ("Retries", "rate-limit", "retry-after-ignored"),
        ("RepeatsRefusals", "unknown-project", "refusal-repeated"),
        ("DownloadsTwice", "project", "file-repeated"),
        ("MergesNames", "namesakes", "rows-merged"),
        ("ReadsFloats", "drift-numbers", "numbers-damaged"),
        ("PrintsNumbers", "media-image", "numbers-damaged"),
        ("RoundsNumbers", "media-geospatial", "numbers-damaged"),
        ("DropsNulls", "drift-fields", "fields-lost"),
        ("AddsFields", "project", "fields-added"),
        ("KeepsNoLabel", "media-image", "labels-lost"),
        ("KeepsOneObject", "media-image", "items-lost"),
        ("CutsTexts", "texts-raw", "texts-cut"),
        ("Normalizes", "line-separators", "text-damaged"),
        ("DecodesInParts", "texts-raw", "text-damaged"),
        ("KeepsErrors", "errors-again", "errors-stale"),
        ("SendsOneFilter", "filter-two", "filters-ignored"),
        ("TurnsParamsOn", "params-false", "params-ignored"),
        ("SyncsAfter", "sync-same-second", "sync-differs"),
        ("StopsAtEmptyDay", "sync-week", "sync-differs"),
        ("AssumesFileSize", "several-files", "rows-doubled"),
        ("DoesNotWaitForLabels", "v1-conversational", "not-waited"),
        ("TakesLabelsForLatin1", "v1-text", "text-damaged"),
        ("DropsSkippedLabels", "v1-image", "labels-differ"),
        ("SkipsFailedFiles", "file-503", "file-skipped"),
        ("SkipsFailedFiles", "file-loop", "file-skipped"),
        ("GivesNothingAfterErrors", "call-3-503", "error-swallowed"),
        ("GivesNothingAfterErrors", "file-closed", "truncation-hidden"),
        ("LeavesThread", "ends-alone", "children-left"),
        ("YieldsPartsOfFiles", "file-closed", "rows-doubled"),
    ],
)
def test_a_planted_mistake_is_named(mock: MockServer, client: str, case: str, mistake: str) -> None:
    report = try_client(mock, client, case)
    assert mistake in report.mistakes
    assert not report.flawless


def test_rows_of_another_organization_are_named(mock: MockServer) -> None:
    report = try_client(mock, "SharesCache", "project", "three-polls")
    assert report.mistakes == ["rows-of-another"]


def test_a_key_that_is_sent_with_a_link_is_noted(mock: MockServer) -> None:
    report = try_client(mock, "SendsKeyWithLinks", "project")
    assert (report.mistakes, report.result("project").verdict) == (["key-on-links"], Verdict.NOTED)


def test_a_large_export_is_tried_only_if_it_is_named() -> None:
    assert "hundred-thousand" not in [case.name for case in choose_cases()]
    assert [case.name for case in choose_cases(profiles=["large"])] == ["hundred-thousand"]


@pytest.mark.slow
@pytest.mark.timeout(900)  # ten seconds of processor time, of which a busy machine may give little
def test_a_client_that_passes_rows_on_reads_a_hundred_thousand(mock: MockServer) -> None:
    [result] = try_client(mock, "Right", "hundred-thousand").results
    assert result.verdict is Verdict.PASSED
    assert re.fullmatch(
        r"memory \d+ MiB at most, \d+ MiB after 100,000 rows; first row after \d+\.\d s", result.summary
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_client_that_keeps_a_hundred_thousand_rows_is_named(mock: MockServer) -> None:
    report = try_client(mock, "KeepsRows", "hundred-thousand")
    assert set(report.mistakes) == {"memory-grows", "first-row-late", "connections-left"}


def test_a_client_that_waits_for_the_success_of_a_failed_export_polls_after_the_end(mock: MockServer) -> None:
    assert try_client(mock, "WaitsForComplete", "failed-export").mistakes == ["polls-after-end"]
