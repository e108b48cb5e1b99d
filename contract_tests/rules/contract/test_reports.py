"""One result, many reports: each says the same, whatever a client has printed."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contract_tests.rules.pages import REPOSITORY
from mockserver.certification.cases import Level
from mockserver.contract import (
    CASES,
    Report,
    Result,
    Verdict,
    as_html,
    as_json,
    as_junit,
    as_summary,
    as_text,
)
from mockserver.contract.exchanges import render_curl
from mockserver.contract.expectations import (
    apply_known_failing,
    find_mended,
    find_regressions,
    load_baseline,
    load_known_failing,
)
from mockserver.contract.mistakes import MISTAKES, Finding
from mockserver.errors import StartupError

SCHEMA = json.loads((REPOSITORY / "fixtures/contract/result.schema.json").read_text())
ENTRY: dict[str, Any] = {
    "method": "POST", "path": "/graphql", "query": "", "key": "own", "status": 200, "complete": True,
    "duration_ms": 1.5, "root_fields": ["user"],
    "request": {
        "headers": [["host", "127.0.0.1:8000"], ["content-type", "application/json"], ["x-evil", "</pre>"]],
        "body": "{\"query\": \"it's </pre><script>\"}",
    },
    "answer": {"headers": [], "body": "<script>alert(1)</script>"},
}  # fmt: skip


def result_of(name: str, verdict: Verdict, *findings: Finding, summary: str = "as expected") -> Result:
    case = next(case for case in CASES if case.name == name)
    return Result(case=case, verdict=verdict, summary=summary, findings=findings, api_key="k-1", requests=(ENTRY,))


def report_of(*results: Result) -> Report:
    return Report(client="their <client>", seconds=1.25, results=list(results))


LOST = Finding("rows-lost", "3 of 12 rows are missing", Level.MUST)
MIXED = report_of(
    result_of("project", Verdict.FAILED, LOST, summary="Rows are missing"),
    result_of("empty", Verdict.PASSED),
    result_of("slice", Verdict.NOT_OFFERED, summary="only projects"),
    result_of("three-polls", Verdict.REMARK, Finding("polls-too-often", "4 of 5", Level.SHOULD)),
)


def test_the_json_is_as_its_schema_says() -> None:
    document = json.loads(as_json(MIXED))
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(document)
    assert document["kept"] is False
    assert document["counts"]["failed"] == 1
    assert document["mistakes"] == ["rows-lost", "polls-too-often"]


def test_the_schema_knows_every_verdict() -> None:
    assert SCHEMA["$defs"]["verdict"]["enum"] == [str(verdict) for verdict in Verdict]


def test_junit_counts_failures_and_skips_what_is_not_offered() -> None:
    root = ElementTree.fromstring(as_junit(MIXED))
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "1", "1")
    assert ElementTree.fromstring(as_junit(MIXED, strict=True)).get("failures") == "2"


def test_the_page_shows_each_exchange_and_runs_no_script() -> None:
    page = as_html(MIXED).decode()
    assert page.count("curl -sS http://127.0.0.1:8000/graphql") == 4
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=", page)
    assert "their &lt;client&gt;" in page


def test_a_curl_line_repeats_the_request() -> None:
    line = render_curl(ENTRY, "k-1")
    assert line.startswith(
        "curl -sS http://127.0.0.1:8000/graphql -X POST -H 'Authorization: Bearer k-1' -H 'content-type:"
    )
    assert line.endswith("""--data-raw '{"query": "it'"'"'s </pre><script>"}'""")


def test_the_summary_lists_what_did_not_pass() -> None:
    summary = as_summary(MIXED)
    assert "| `project` | failed | Rows are missing: 3 of 12 rows are missing |" in summary
    assert "`empty`" not in summary


@given(st.text())
def test_no_text_of_a_client_breaks_a_report(text: str) -> None:
    report = report_of(result_of("project", Verdict.FAILED, Finding("raised", text, Level.MUST), summary=text))
    Draft202012Validator(SCHEMA).validate(json.loads(as_json(report)))
    ElementTree.fromstring(as_junit(report))
    as_html(report).decode()
    rows = [line for line in as_summary(report).splitlines() if line.startswith("| `project`")]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", rows[0])) == 4
    assert as_text(report).startswith("The contract of")


def test_a_case_that_is_known_to_fail_may_fail_and_must_not_pass(tmp_path: Path) -> None:
    file = tmp_path / "known.txt"
    file.write_text("project  # until we read all files\n\nempty\nslice\n")
    report = apply_known_failing(MIXED, load_known_failing(file))
    assert [result.verdict for result in report.results] == ["known", "unexpected", "not offered", "remark"]
    assert not report.passed
    assert "remove it from the list" in as_text(report)


def test_only_what_is_worse_than_the_baseline_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    file.write_bytes(as_json(MIXED))
    now = report_of(
        result_of("project", Verdict.PASSED),
        result_of("empty", Verdict.NOT_OFFERED),
        result_of("slice", Verdict.NOT_OFFERED),
        result_of("three-polls", Verdict.REMARK),
        result_of("failed-rows", Verdict.FAILED, LOST),
        result_of("large-row", Verdict.REMARK),
    )
    assert find_regressions(now, load_baseline(file)) == ["empty", "failed-rows"]
    assert find_mended(now, load_baseline(file)) == ["project"]


def test_a_report_without_a_judged_case_is_no_pass() -> None:
    assert not report_of(result_of("slice", Verdict.NOT_OFFERED)).passed


@pytest.mark.parametrize(("content", "message"), [("projekt\n", "unknown case 'projekt'"), (None, "cannot be read")])
def test_a_wrong_list_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "known.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StartupError, match=message):
        load_known_failing(file)


@pytest.mark.parametrize("content", ["", "[]", '{"results": [{"case": "project", "verdict": "fine"}]}'])
def test_a_wrong_baseline_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "result.json"
    file.write_text(content)
    with pytest.raises(StartupError, match="expected a file that --json has written"):
        load_baseline(file)


def test_every_mistake_has_an_own_name() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)


def test_every_case_has_an_own_name_and_names_known_mistakes() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.mistake for case in CASES} <= {mistake.name for mistake in MISTAKES} | {""}
