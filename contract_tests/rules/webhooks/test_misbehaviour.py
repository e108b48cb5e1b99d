"""Deliveries gone wrong: what each name sends, and that it sends nothing else."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import BadInput
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import Message, build_message, compute_signature
from mockserver.webhooks.misbehaviour import (
    BURST,
    HUGE,
    MISBEHAVIOURS,
    UNKNOWN_TOPIC,
    age,
    misbehave,
    pad,
    tamper,
)

SECRET = "a secret"
BODY = b'{"id":"c1","label":{"created_at":"2024-02-29T10:11:12.000+00:00","seconds":12}}'


def messages(count: int = 2, body: bytes = BODY) -> list[Message]:
    return [build_message(f"cdelivery{number:016}", "LABEL_CREATED", body, secret=SECRET) for number in range(count)]


def header(shot: Request, name: str) -> str | None:
    return dict(shot.headers).get(name)


def is_signed(shot: Request) -> bool:
    """By both signatures, each right."""
    return all(
        header(shot, name) == compute_signature(algorithm, shot.body, secret=SECRET)
        for name, algorithm in (("X-Hub-Signature", "sha1"), ("X-Hub-Signature-256", "sha256"))
    )


SIGNED = {name for name in MISBEHAVIOURS if name not in {"wrong_signature", "no_signature", "body_changed"}}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_only_the_misbehaviours_about_signatures_break_them(name: str) -> None:
    assert {is_signed(shot) for shot in misbehave(name, messages(), secret=SECRET)} == {name in SIGNED}


@pytest.mark.parametrize("name", MISBEHAVIOURS)
def test_every_body_is_still_json(name: str) -> None:
    for shot in misbehave(name, messages(), secret=SECRET):
        json.loads(shot.body)


def test_a_duplicate_is_the_same_to_the_byte() -> None:
    first, second = misbehave("duplicate", messages(1), secret=SECRET)
    assert first == second


def test_the_later_message_comes_first() -> None:
    sent = misbehave("out_of_order", messages(3), secret=SECRET)
    assert [header(shot, "X-Labelbox-Id") for shot in sent] == [each.delivery_id for each in reversed(messages(3))]


@pytest.mark.parametrize("number", [0, 7, 99])
def test_a_burst_of_one_message_has_an_id_for_each(number: int) -> None:
    sent = misbehave("burst", messages(number + 1)[number:], secret=SECRET)
    ids = {header(shot, "X-Labelbox-Id") for shot in sent}
    assert (len(sent), len(ids), {len(str(each)) for each in ids}) == (BURST, BURST, {25})
    assert [shot.concurrent for shot in sent] == [False] + [True] * (BURST - 1)


def test_without_signature_there_is_neither() -> None:
    [sent] = misbehave("no_signature", messages(1), secret=SECRET)
    assert not [name for name, _ in sent.headers if "Signature" in name]


def test_a_changed_body_is_as_long_and_one_digit_off() -> None:
    [sent] = misbehave("body_changed", messages(1), secret=SECRET)
    assert len(sent.body) == len(BODY)
    assert sum(one != other for one, other in zip(sent.body, BODY, strict=True)) == 1


def test_an_old_event_is_four_years_older_and_its_dates_exist() -> None:
    [sent] = misbehave("old_event", messages(1), secret=SECRET)
    assert json.loads(sent.body)["label"]["created_at"] == "2020-02-29T10:11:12.000+00:00"


def test_a_huge_body_says_the_same() -> None:
    [sent] = misbehave("huge_body", messages(1), secret=SECRET)
    assert len(sent.body) == HUGE
    assert json.loads(sent.body) == json.loads(BODY)


def test_lengths_are_sent_wrongly() -> None:
    [more] = misbehave("length_too_large", messages(1, BODY * 1), secret=SECRET)
    [fewer] = misbehave("length_too_small", messages(1, pad(BODY, 500)), secret=SECRET)
    assert (more.declared_length, fewer.declared_length) == (len(BODY) + 100, 400)


def test_delay_pace_type_and_topic_are_as_named() -> None:
    [late] = misbehave("delayed", messages(1), secret=SECRET)
    [slow] = misbehave("slow", messages(1), secret=SECRET)
    [form] = misbehave("wrong_content_type", messages(1), secret=SECRET)
    [strange] = misbehave("unknown_topic", messages(1), secret=SECRET)
    assert (late.delay, slow.parts, round(slow.pause * 9, 6)) == (10.0, 10, 5.0)
    assert header(form, "Content-Type") == "application/x-www-form-urlencoded"
    assert header(strange, "X-Labelbox-Event") == UNKNOWN_TOPIC


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match='"duplicate"'):
        misbehave("duplicated", messages(1), secret=SECRET)


def test_an_order_needs_two_messages() -> None:
    with pytest.raises(BadInput, match="out_of_order needs 2 messages and got 1"):
        misbehave("out_of_order", messages(1), secret=SECRET)


@given(st.binary())
def test_what_was_tampered_with_is_never_the_same(body: bytes) -> None:
    assert tamper(body) != body


@given(st.dates(), st.text())
def test_ageing_leaves_everything_but_moments_alone(day: object, text: str) -> None:
    body = json.dumps({"text": text, "plain": str(day)}).encode()
    assert age(body) == body or re.search(rb"-\d\d-\d\dT\d\d:", body)
