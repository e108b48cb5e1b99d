"""The way from answers to verdicts, grades, a text for people and a file for CI."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.certification.receivers import SECRET, right, run_receiver, verifies_nothing, with_secret
from mockserver.certification import CASES, Grade, Report, as_html, as_junit, as_text, certify
from mockserver.certification.cases import Case, Expect, Group, Level
from mockserver.certification.client import Answer, Message
from mockserver.certification.documents import Document, load_documents
from mockserver.certification.judge import Result, Verdict, build_left_out, judge
from mockserver.certification.patterns import Diagnosis
from mockserver.certification.report import GAVE_UP, grade_of
from mockserver.errors import StartupError

QUICK = ("slow", "huge", "larger", "split-letter")


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return load_documents()


def case(expect: Expect, level: Level = Level.MUST, *, last_only: bool = False) -> Case:
    return Case("c", Group.GOOD, "A case", lambda _: [], expect, level, "why", "advice", last_only=last_only)


def build_answers(*statuses: int | None, seconds: float = 0.1, waited: bool = False) -> list[Answer]:
    return [Answer(status=status, seconds=seconds, trouble="silence", waited=waited) for status in statuses]


def judge_statuses(expect: Expect, *statuses: int | None, level: Level = Level.MUST, seconds: float = 0.1) -> Verdict:
    return judge(case(expect, level), build_answers(*statuses, seconds=seconds), within=5.0).verdict


@pytest.mark.parametrize(
    ("expect", "statuses", "verdict"),
    [
        (Expect.ACCEPTED, (200, 204), Verdict.PASSED),
        (Expect.ACCEPTED, (200, 302), Verdict.FAILED),
        (Expect.ACCEPTED, (None,), Verdict.FAILED),
        (Expect.REPEATED, (200, 409), Verdict.FAILED),
        (Expect.REFUSED, (401,), Verdict.PASSED),
        (Expect.REFUSED, (401, 200), Verdict.FAILED),
        (Expect.REFUSED, (500,), Verdict.REMARK),
        (Expect.REFUSED, (None,), Verdict.REMARK),
        (Expect.REFUSED, (302,), Verdict.REMARK),
        (Expect.SURVIVED, (200,), Verdict.PASSED),
        (Expect.SURVIVED, (501,), Verdict.PASSED),
        (Expect.SURVIVED, (500,), Verdict.FAILED),
        (Expect.SURVIVED, (None,), Verdict.FAILED),
        (Expect.ENDED, (None,), Verdict.PASSED),
        (Expect.ENDED, (500,), Verdict.FAILED),
        (Expect.OBSERVED, (500,), Verdict.NOTED),
    ],
)
def test_an_answer_has_its_verdict(expect: Expect, statuses: tuple[int | None, ...], verdict: Verdict) -> None:
    assert judge_statuses(expect, *statuses) is verdict


def test_what_should_be_fails_nobody() -> None:
    assert judge_statuses(Expect.ACCEPTED, 400, level=Level.SHOULD) is Verdict.REMARK


def test_a_late_answer_is_remarked() -> None:
    assert judge_statuses(Expect.ACCEPTED, 200, seconds=5.1) is Verdict.REMARK
    assert judge_statuses(Expect.ACCEPTED, 400, seconds=5.1) is Verdict.FAILED


def test_waiting_in_vain_is_no_end() -> None:
    result = judge(case(Expect.ENDED), build_answers(None, waited=True), within=5.0)
    assert (result.verdict, result.remark) == (Verdict.FAILED, "it waits for the rest, which will not follow")


def test_what_only_prepares_is_not_judged() -> None:
    result = judge(case(Expect.ACCEPTED, last_only=True), build_answers(401, 200), within=5.0)
    assert (result.verdict, result.summary) == (Verdict.PASSED, "200")


def test_many_answers_are_summarised() -> None:
    assert judge(case(Expect.ACCEPTED), build_answers(200, 200, 503), within=5.0).summary == "200 (2), 503 (1)"


@pytest.mark.parametrize(
    ("verdicts", "grade"),
    [
        ("PP", Grade.A),
        ("PPNL", Grade.A),
        ("PPR", Grade.B),
        ("PR", Grade.C),
        ("PPPPF", Grade.F),
        ("", Grade.A),
    ],
)
def test_a_grade_counts_what_was_judged(verdicts: str, grade: Grade) -> None:
    by_letter = {"P": Verdict.PASSED, "R": Verdict.REMARK, "F": Verdict.FAILED, "N": Verdict.NOTED}
    results = [
        build_left_out(case(Expect.ACCEPTED), "as asked") if letter == "L"
        else Result(case(Expect.ACCEPTED), by_letter[letter], "200")
        for letter in verdicts
    ]  # fmt: skip
    assert grade_of(results) is grade


def test_every_case_is_named_once_and_says_why() -> None:
    names = [each.name for each in CASES]
    assert len(names) == len(set(names)) >= 40
    for each in CASES:
        assert each.why
        assert each.advice or each.expect is Expect.OBSERVED, each.name
    assert {each.group for each in CASES} == set(Group)


def test_the_text_has_every_case_every_diagnosis_and_every_advice(documents: list[Document]) -> None:
    with run_receiver(verifies_nothing) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=QUICK)
    text = as_text(report)
    assert [each.title for each in CASES if each.title not in text] == []
    assert "F  Forged and broken" in text
    assert "A  Bytes, not JSON" in text
    for result in report.results_with(Verdict.FAILED):
        assert result.case.advice in text
    assert [diagnosis.name for diagnosis in report.diagnoses if diagnosis.advice not in text] == []
    assert text.splitlines()[-1].startswith(f"{len(report.results_with(Verdict.PASSED))} right, ")


def test_what_follows_from_one_mistake_is_one_line(documents: list[Document]) -> None:
    with run_receiver(with_secret(b"another")) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=QUICK)
    text = as_text(report)
    following = [result for result in report.results if report.follows(result)]
    assert len(following) > 20
    assert [result.case.title for result in following if result.case.title in text] == []
    assert text.count("for the same reason as the first") == len({result.case.group for result in following})
    assert report.diagnoses[0].advice in text
    assert text.splitlines()[-2].startswith("NOT CERTIFIED")
    assert sum(result.verdict is Verdict.FAILED for result in following) < len(report.results_with(Verdict.FAILED))
    page = as_html(report).decode()
    assert page.count("follows from the refusal of the first message") == len(following)
    assert [result.case.name for result in following if f'<details open id="{result.case.name}">' in page] == []


def test_the_page_has_every_case_with_its_messages(documents: list[Document]) -> None:
    with run_receiver(verifies_nothing) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=QUICK)
    page = as_html(report).decode()
    assert "<script" not in page
    for result in report.results:
        mark = " open" if result.verdict in {Verdict.FAILED, Verdict.REMARK} else ""
        assert f'<details{mark} id="{result.case.name}">' in page
    assert [diagnosis.name for diagnosis in report.diagnoses if f"<code>{diagnosis.name}</code>" not in page] == []
    [message] = [answer.message for answer in report.result("good").answers]
    assert message is not None
    assert message.head.startswith("POST /webhook-endpoint HTTP/1.1\r\n")
    assert "X-Hub-Signature" in message.head
    assert escape(message.body.decode("utf-8", "backslashreplace")) in page


def test_the_verified_signature_is_named(documents: list[Document]) -> None:
    with run_receiver(right) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=QUICK)
    assert report.verified_headers == "it verifies X-Hub-Signature (SHA-1)"


def test_results_are_reported_as_they_arrive(documents: list[Document]) -> None:
    names: list[str] = []
    with run_receiver(right) as url:
        certify(
            url, secret=SECRET, documents=documents, leave_out=QUICK, tell=lambda result: names.append(result.case.name)
        )
    assert names == [each.name for each in CASES]


@contextmanager
def silent() -> Iterator[str]:
    """Takes connections and never says a word."""
    listening = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connections.append(listening.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in connections:
            connection.close()


def test_a_silent_receiver_is_given_up(documents: list[Document]) -> None:
    with silent() as url:
        report = certify(url, secret=SECRET, documents=documents, within=0.1)
    assert (report.grade, report.passed) == (Grade.F, False)
    assert {result.remark for result in report.results[3:]} == {GAVE_UP}
    assert [diagnosis.name for diagnosis in report.diagnoses] == ["no-answer"]
    skipped = ElementTree.fromstring(as_junit(report)).get("skipped")
    assert skipped == str(len(CASES) - 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": ""}, "the secret is empty"),
        ({"topic": "a\nb"}, "--topic"),
        ({"leave_out": ["nothing"]}, "unknown case 'nothing'"),
    ],
)
def test_what_cannot_be_tried_is_refused(options: dict[str, object], message: str, documents: list[Document]) -> None:
    all_options: dict[str, object] = {"secret": "s", "documents": documents} | options
    with run_receiver(right) as url, pytest.raises(StartupError, match=message):
        certify(url, **all_options)  # type: ignore[arg-type]  # the options of each case have other types


def report_of(result: Result) -> Report:
    diagnosis = Diagnosis("name", "It does something", "Do not", "evidence")
    return Report(url="http://a/", topic="T", seconds=1.0, results=[result], diagnoses=[diagnosis])


@given(st.text(), st.sampled_from(sorted(Verdict)))
def test_whatever_a_receiver_says_the_file_is_xml(said: str, verdict: Verdict) -> None:
    root = ElementTree.fromstring(as_junit(report_of(Result(case(Expect.ACCEPTED), verdict, said, said))))
    assert root.get("tests") == "1"


@given(st.text(), st.binary(), st.sampled_from(sorted(Verdict)))
def test_whatever_a_receiver_says_the_page_shows_it(said: str, body: bytes, verdict: Verdict) -> None:
    answer = Answer(status=None, seconds=0.1, trouble=said, body=body, message=Message(said, body, 2 * len(body)))
    page = as_html(report_of(Result(case(Expect.ACCEPTED), verdict, said, said, (answer,)))).decode()
    assert page.count("<details") == page.count("</details>")
    assert page.count("<pre>") == page.count("</pre>")
    assert "<script" not in page


@pytest.mark.parametrize(("strict", "failures"), [(False, "0"), (True, "1")])
def test_remarks_are_failures_only_in_a_strict_file(strict: bool, failures: str) -> None:
    xml = as_junit(report_of(Result(case(Expect.SURVIVED), Verdict.REMARK, "500", "it crashed")), strict=strict)
    assert ElementTree.fromstring(xml).get("failures") == failures
