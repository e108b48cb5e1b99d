"""Each planted mistake is named, and a right receiver is not accused."""

from itertools import combinations

import pytest

from contract_tests.rules.certification.receivers import (
    PATTERNED,
    SECRET,
    SIGNED_WRONGLY,
    TWICE_WRONG,
    Check,
    decode_parts,
    first_piece,
    one_buffer,
    right,
    right_256,
    run_receiver,
)
from mockserver.certification import Grade, Report, certify
from mockserver.certification.diagnosis import build_probe_body
from mockserver.certification.documents import Document, Version, load_documents
from mockserver.certification.factory import MessageFactory
from mockserver.certification.mistakes import SINGLE
from mockserver.certification.signing import SHA1, SHA256, sign, spell


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return load_documents()


LENGTHY = ("larger", "huge", "slow")


def certify_receiver(check: Check, documents: list[Document]) -> Report:
    with run_receiver(check) as url:
        return certify(url, secret=SECRET, documents=documents, leave_out=LENGTHY)


@pytest.mark.parametrize("check", [right, right_256])
def test_a_right_receiver_is_flawless(check: Check, documents: list[Document]) -> None:
    with run_receiver(check) as url:
        report = certify(url, secret=SECRET, documents=documents)
    assert [(r.case.name, r.summary, r.remark) for r in report.results if r.verdict in {"failed", "remark"}] == []
    assert (report.grade, report.flawless, report.diagnoses) == (Grade.A, True, [])


@pytest.mark.parametrize("name", SIGNED_WRONGLY)
def test_a_mistake_in_signing_is_proven(name: str, documents: list[Document]) -> None:
    report = certify_receiver(SIGNED_WRONGLY[name], documents)
    assert not report.passed
    assert [diagnosis.name for diagnosis in report.diagnoses if diagnosis.proven] == [name]


@pytest.mark.parametrize("name", ["reserialised-javascript", "latin-1"])
def test_a_mistake_is_proven_by_v1_bodies_too(name: str) -> None:
    report = certify_receiver(SIGNED_WRONGLY[name], load_documents(version="v1"))
    assert [diagnosis.name for diagnosis in report.diagnoses if diagnosis.proven] == [name]


@pytest.mark.parametrize("names", TWICE_WRONG, ids=" and ".join)
def test_two_mistakes_together_are_proven(names: tuple[str, str], documents: list[Document]) -> None:
    report = certify_receiver(TWICE_WRONG[names], documents)
    assert {diagnosis.name for diagnosis in report.diagnoses if diagnosis.proven} == set(names)


@pytest.mark.parametrize("name", PATTERNED)
def test_a_mistake_that_shows_in_the_answers_is_named_first(name: str, documents: list[Document]) -> None:
    report = certify_receiver(PATTERNED[name](), documents)
    assert not report.flawless
    assert [diagnosis.name for diagnosis in report.diagnoses][:1] == [name]


def test_reading_once_is_named(documents: list[Document]) -> None:
    with run_receiver(right, read=first_piece) as url:
        report = certify(url, secret=SECRET, documents=documents)
    assert "read-once" in [diagnosis.name for diagnosis in report.diagnoses]
    assert report.result("slow").verdict == "failed"


def test_reading_a_part_is_not_taken_for_another_secret(documents: list[Document]) -> None:
    with run_receiver(right, read=one_buffer) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=LENGTHY)
    assert [diagnosis.name for diagnosis in report.diagnoses] == ["part-of-the-body"]


def test_decoding_pieces_is_named(documents: list[Document]) -> None:
    with run_receiver(right, read=decode_parts) as url:
        report = certify(url, secret=SECRET, documents=documents, leave_out=("larger", "huge"))
    assert [diagnosis.name for diagnosis in report.diagnoses] == ["pieces-decoded"]
    assert (report.result("slow").verdict, report.result("split-letter").verdict) == ("passed", "failed")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_no_two_mistakes_look_alike(version: Version) -> None:
    """Else an accepted message would prove one of two."""
    factory = MessageFactory(load_documents(version=version), secret=" Ab/c= ")
    body = build_probe_body(factory)
    headers_by_mistake = {mistake.name: sign(body, factory.secret, mistake) for mistake in SINGLE}
    right_ones = spell(factory.secret.encode(), body)
    for header in (SHA1, SHA256):
        values = {name: headers[header] for name, headers in headers_by_mistake.items() if headers is not None}
        del values["sha1-for-sha256" if header == SHA1 else "sha256-for-sha1"]  # zeros, which nobody computes
        same = [(one, other) for one, other in combinations(values, 2) if values[one] == values[other]]
        assert same == []
        assert [name for name, value in values.items() if value == right_ones[header]] == []
