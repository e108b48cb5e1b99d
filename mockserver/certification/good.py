"""Cases of correct messages: a receiver that refuses them loses data."""

from __future__ import annotations

import json
from collections.abc import Callable

from mockserver.certification.cases import Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory, respell_numbers
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import with_header, without_headers
from mockserver.world.records.events import TOPICS

SIGN_THE_BYTES = "Compute the HMAC over the request's raw bytes, before anything decodes or parses them."
MULTIBYTE = "Größe, Straße, façade, 日本語, हिन्दी, العربية, 🚗🛑"
LINE_SEPARATORS = "line\u2028separator, paragraph\u2029separator, next\u0085line"


def _build_skipped(factory: MessageFactory) -> list[Request] | None:
    body = factory.find_skipped()
    return None if body is None else [factory.correct_request(body)]


def _sha1_alone(factory: MessageFactory) -> Request:
    return without_headers(factory.correct_request(), "X-Hub-Signature-256")


def _sha256_alone(factory: MessageFactory) -> Request:
    return without_headers(factory.correct_request(), "X-Hub-Signature")


def _lower_case_headers(factory: MessageFactory) -> Request:
    request = factory.correct_request()
    headers = tuple((name.lower(), value) for name, value in request.headers)
    return Request(headers=headers, body=request.body)


def _with_charset(factory: MessageFactory) -> Request:
    return with_header(factory.correct_request(), "Content-Type", "application/json; charset=utf-8")


def _more_headers(factory: MessageFactory) -> Request:
    return with_header(with_header(factory.correct_request(), "X-Request-Id", "7f3a"), "User-Agent", "webhooks/2.0")


def _new_field(factory: MessageFactory) -> Request:
    document = factory.document() | {"a_field_of_next_year": {"nested": [1, None, True]}}
    return factory.correct_request(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _build_topic(topic: str) -> Case:
    return Case(
        f"topic-{topic.lower().replace('_', '-')}",
        Group.GOOD,
        f"{topic} is accepted",
        build_one(lambda factory: factory.correct_request(topic=topic)),
        Expect.ACCEPTED,
        Level.SHOULD,
        "A subscription may include it; a refusal makes the sender retry a message that nobody needs.",
        "Answer 2xx to topics that you do not use, and ignore them.",
        "client",
    )


GOOD = (
    Case(
        "good",
        Group.GOOD,
        "A correct message is accepted",
        build_one(lambda factory: factory.correct_request()),
        Expect.ACCEPTED,
        Level.MUST,
        "Both signatures are correct: X-Hub-Signature is the SHA-1, X-Hub-Signature-256 the SHA-256 HMAC of the body.",
        "Check secret, header name and algorithm; the diagnosis below tries the usual mistakes.",
        "documented",
    ),
    Case(
        "good-other-row",
        Group.GOOD,
        "A correct message about another data row is accepted",
        build_one(lambda factory: factory.correct_request(factory.body(1))),
        Expect.ACCEPTED,
        Level.MUST,
        "No two messages have the same body.",
        SIGN_THE_BYTES,
        "documented",
    ),
    Case(
        "good-skipped",
        Group.GOOD,
        "A message about a skipped label is accepted",
        _build_skipped,
        Expect.ACCEPTED,
        Level.MUST,
        "A skipped label has no annotations; labelers skip data rows every day.",
        "Do not expect a first annotation.",
    ),
    Case(
        "sha1-alone",
        Group.GOOD,
        "A message with X-Hub-Signature alone",
        build_one(_sha1_alone),
        Expect.OBSERVED,
        Level.NOTE,
        "The documentation's header table names this one.",
        "",
        "documented",
    ),
    Case(
        "sha256-alone",
        Group.GOOD,
        "A message with X-Hub-Signature-256 alone",
        build_one(_sha256_alone),
        Expect.OBSERVED,
        Level.NOTE,
        "The documentation's newer samples verify this one.",
        "",
        "documented",
    ),
    *(_build_topic(topic) for topic in TOPICS),
    Case(
        "header-names-in-lower-case",
        Group.GOOD,
        "Header names in lower case are understood",
        build_one(_lower_case_headers),
        Expect.ACCEPTED,
        Level.MUST,
        "Header names are case-insensitive (RFC 9110 §5.1), and every HTTP/2 proxy sends them in lower case.",
        "Read headers through your framework, not from a plain dictionary.",
        "documented",
    ),
    Case(
        "charset",
        Group.GOOD,
        "`application/json; charset=utf-8` is understood",
        build_one(_with_charset),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Content types have parameters (RFC 9110 §8.3).",
        "Compare the content type before the semicolon, or not at all.",
    ),
    Case(
        "more-headers",
        Group.GOOD,
        "Undocumented headers are ignored",
        build_one(_more_headers),
        Expect.ACCEPTED,
        Level.MUST,
        "Proxies and services add headers.",
        "Read the headers that you know and ignore the others.",
    ),
    Case(
        "new-field",
        Group.GOOD,
        "An undocumented field is ignored",
        build_one(_new_field),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Services add fields; export rows have gained a dozen since 2023.",
        "Do not validate against a closed schema.",
        "sample",
    ),
)


def _build_spelling(name: str, title: str, build: Callable[[MessageFactory], bytes], why: str) -> Case:
    return Case(
        name,
        Group.SPELLING,
        title,
        build_one(lambda factory: factory.correct_request(build(factory))),
        Expect.ACCEPTED,
        Level.MUST,
        why,
        SIGN_THE_BYTES,
    )


def _indent(factory: MessageFactory) -> bytes:
    return json.dumps(factory.document(), ensure_ascii=False, indent=2).encode() + b"\n"


def _reverse_keys(factory: MessageFactory) -> bytes:
    reversed_document = dict(reversed(factory.document().items()))
    return json.dumps(reversed_document, ensure_ascii=False, separators=(",", ":")).encode()


def _escape(factory: MessageFactory) -> bytes:
    document = json.loads(factory.body_with_text(MULTIBYTE))
    return json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode("ascii")


SPELLING = (
    _build_spelling(
        "multibyte",
        "Letters outside ASCII are accepted",
        lambda factory: factory.body_with_text(MULTIBYTE),
        "Bodies are raw UTF-8. A body decoded as ASCII or Latin-1 has another HMAC.",
    ),
    _build_spelling(
        "line-separators",
        "U+2028, U+2029 and U+0085 in a text are accepted",
        lambda factory: factory.body_with_text(LINE_SEPARATORS),
        "They are legal inside JSON strings, and Python's splitlines() breaks lines at them.",
    ),
    _build_spelling(
        "escapes",
        "Text in `\\u` escapes, slashes as `\\/`, is accepted",
        _escape,
        "The same JSON may be written with or without escapes; the signature is valid for one of them.",
    ),
    _build_spelling(
        "numbers",
        "12 written as 12.0, 12e0 or 12E0 is accepted",
        lambda factory: respell_numbers(factory.body()),
        "A number that was parsed and written again looks different: JavaScript writes 12.0 as 12.",
    ),
    _build_spelling(
        "white-space",
        "Indented JSON with a newline at its end is accepted",
        _indent,
        "White space is part of the signed bytes.",
    ),
    _build_spelling(
        "key-order",
        "Keys in another order are accepted",
        _reverse_keys,
        "JSON objects have no order; the signed bytes have one.",
    ),
)
