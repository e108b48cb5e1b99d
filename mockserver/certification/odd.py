"""Cases of requests that no correct sender makes: a receiver should survive them."""

from __future__ import annotations

import msgspec

from mockserver.certification.cases import Build, Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.certification.forged import with_signatures
from mockserver.certification.good import SIGN_THE_BYTES
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import UNKNOWN_TOPIC, build_request, misbehave, without_headers

NO_CRASH = "Answer 400 to a message that you cannot read; an exception becomes a 500, which senders retry."


def _sign_outside_ascii(factory: MessageFactory) -> Request:
    return with_signatures(factory, "sha1=größe", "sha256=größe")


def _declare_more(factory: MessageFactory) -> list[Request]:
    return misbehave("length_too_large", [factory.build_message()], secret=factory.secret)


def _declare_less(factory: MessageFactory) -> list[Request]:
    return misbehave("length_too_small", [factory.build_message()], secret=factory.secret)


def _get(factory: MessageFactory) -> Request:
    return Request(headers=factory.correct_request().headers, body=b"", method="GET")


def _build_case(name: str, title: str, build: Build, why: str, advice: str = NO_CRASH) -> Case:
    return Case(name, Group.ODD, title, build, Expect.SURVIVED, Level.SHOULD, why, advice)


ODD = (
    _build_case(
        "unknown-topic",
        "An unknown topic does no harm",
        lambda factory: misbehave("unknown_topic", [factory.build_message()], secret=factory.secret),
        f"Services add topics. {UNKNOWN_TOPIC} will not be one of them, but others will.",
        "Answer 2xx to topics that you do not know, and ignore them.",
    ),
    _build_case(
        "no-topic",
        "A message without X-Labelbox-Event does no harm",
        build_one(lambda factory: without_headers(factory.correct_request(), "X-Labelbox-Event")),
        "Proxies drop headers.",
    ),
    _build_case(
        "no-delivery-id",
        "A message without X-Labelbox-Id does no harm",
        build_one(lambda factory: without_headers(factory.correct_request(), "X-Labelbox-Id")),
        "Proxies drop headers.",
    ),
    _build_case(
        "wrong-content-type",
        "JSON that is declared as a web form does no harm",
        lambda factory: misbehave("wrong_content_type", [factory.build_message()], secret=factory.secret),
        "Frameworks parse forms automatically, and the raw body is then lost.",
    ),
    _build_case(
        "not-json",
        "A signed body that is not JSON does no harm",
        build_one(lambda factory: factory.correct_request(b'{"data_row": ')),
        "A queue or a proxy may have cut the message.",
    ),
    _build_case(
        "not-utf-8",
        "A signed body that is not UTF-8 does no harm",
        build_one(lambda factory: factory.correct_request(b'"\xff\xfe"')),
        "As above.",
    ),
    _build_case(
        "no-body",
        "A signed message without a body does no harm",
        build_one(lambda factory: factory.correct_request(b"")),
        "As above.",
    ),
    _build_case(
        "not-an-object",
        "A signed `[]` does no harm",
        build_one(lambda factory: factory.correct_request(b"[]")),
        "As above.",
    ),
    _build_case(
        "signature-not-ascii",
        "A signature with letters outside ASCII does no harm",
        build_one(_sign_outside_ascii),
        "Python's hmac.compare_digest raises a TypeError for such text.",
        "Compare bytes: hmac.compare_digest(expected.encode(), got.encode()).",
    ),
    Case(
        "length-too-large",
        Group.ODD,
        "A body shorter than its Content-Length does not block it",
        _declare_more,
        Expect.ENDED,
        Level.SHOULD,
        "The rest will not follow: the sender has closed its side.",
        "Read until Content-Length bytes have arrived or the stream ends.",
    ),
    Case(
        "length-too-small",
        Group.ODD,
        "A body cut short by its Content-Length is refused",
        _declare_less,
        Expect.REFUSED,
        Level.MUST,
        "The bytes that are read are not those that were signed.",
        SIGN_THE_BYTES,
    ),
    Case(
        "chunked",
        Group.ODD,
        "A body in chunks, without Content-Length",
        build_one(lambda factory: msgspec.structs.replace(factory.correct_request(), chunked=True, parts=3)),
        Expect.OBSERVED,
        Level.NOTE,
        "Legal HTTP/1.1; whether the service does it is unknown, and small servers do not understand it.",
        "",
    ),
    _build_case(
        "get", "A GET request does no harm", build_one(_get), "Health checks and browsers send it.", "Answer 405."
    ),
    Case(
        "good-at-the-end",
        Group.ODD,
        "After all this a correct message is still accepted",
        build_one(lambda factory: build_request(factory.build_message(factory.body(2)))),
        Expect.ACCEPTED,
        Level.MUST,
        "The earlier requests must not have broken anything.",
        NO_CRASH,
    ),
)
