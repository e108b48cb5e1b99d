"""Cases of messages that are good: a receiver that refuses them loses data."""

from __future__ import annotations

import json
from collections.abc import Callable

from mockserver.certification.bench import Bench, respelled
from mockserver.certification.cases import Case, Expect, Group, Level, one
from mockserver.webhooks.misbehaviour import Shot, with_header, without
from mockserver.world.webhooks import Topic

SIGN_THE_BYTES = "Compute the HMAC over the request's raw bytes, before anything decodes or parses them."
MULTIBYTE = "Größe, Straße, façade, 日本語, हिन्दी, العربية, 🚗🛑"
LINE_SEPARATORS = "line\u2028separator, paragraph\u2029separator, next\u0085line"


def _skipped(bench: Bench) -> list[Shot] | None:
    body = bench.skipped()
    return None if body is None else [bench.good(body)]


def _sha1_alone(bench: Bench) -> Shot:
    return without(bench.good(), "X-Hub-Signature-256")


def _sha256_alone(bench: Bench) -> Shot:
    return without(bench.good(), "X-Hub-Signature")


def _lower_case_headers(bench: Bench) -> Shot:
    good = bench.good()
    return type(good)(headers=tuple((name.lower(), value) for name, value in good.headers), body=good.body)


def _with_charset(bench: Bench) -> Shot:
    return with_header(bench.good(), "Content-Type", "application/json; charset=utf-8")


def _more_headers(bench: Bench) -> Shot:
    return with_header(with_header(bench.good(), "X-Request-Id", "7f3a"), "User-Agent", "webhooks/2.0")


def _new_field(bench: Bench) -> Shot:
    document = bench.document() | {"a_field_of_next_year": {"nested": [1, None, True]}}
    return bench.good(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _of_topic(topic: str) -> Case:
    return Case(
        f"topic-{topic.lower().replace('_', '-')}",
        Group.GOOD,
        f"{topic} is accepted",
        one(lambda bench: bench.good(topic=topic)),
        Expect.ACCEPTED,
        Level.SHOULD,
        "A subscription may name it; a refusal makes the sender repeat what nobody wants.",
        "Answer 2xx to topics that you do not use, and ignore them.",
        "client",
    )


GOOD = (
    Case(
        "good",
        Group.GOOD,
        "A good message is accepted",
        one(lambda bench: bench.good()),
        Expect.ACCEPTED,
        Level.MUST,
        "Both signatures are right: X-Hub-Signature is the SHA-1, X-Hub-Signature-256 the SHA-256 HMAC of the body.",
        "Check secret, header name and algorithm; the diagnosis below tries the usual mistakes.",
        "documented",
    ),
    Case(
        "good-other-row",
        Group.GOOD,
        "A good message about another data row is accepted",
        one(lambda bench: bench.good(bench.body(1))),
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
        _skipped,
        Expect.ACCEPTED,
        Level.MUST,
        "A skipped label has no annotations; people skip data rows every day.",
        "Do not take the first annotation for granted.",
    ),
    Case(
        "sha1-alone",
        Group.GOOD,
        "A message with X-Hub-Signature alone",
        one(_sha1_alone),
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
        one(_sha256_alone),
        Expect.OBSERVED,
        Level.NOTE,
        "The documentation's newer samples verify this one.",
        "",
        "documented",
    ),
    *(_of_topic(topic) for topic in Topic),
    Case(
        "header-names-in-lower-case",
        Group.GOOD,
        "Header names in lower case are understood",
        one(_lower_case_headers),
        Expect.ACCEPTED,
        Level.MUST,
        "Header names have no case (RFC 9110 §5.1), and every proxy that speaks HTTP/2 lowers them.",
        "Look headers up through your framework, not in a plain dictionary.",
        "documented",
    ),
    Case(
        "charset",
        Group.GOOD,
        "`application/json; charset=utf-8` is understood",
        one(_with_charset),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Content types have parameters (RFC 9110 §8.3).",
        "Compare the content type before the semicolon, or not at all.",
    ),
    Case(
        "more-headers",
        Group.GOOD,
        "Headers that nobody announced are ignored",
        one(_more_headers),
        Expect.ACCEPTED,
        Level.MUST,
        "Proxies and services add headers.",
        "Read the headers you know and leave the others alone.",
    ),
    Case(
        "new-field",
        Group.GOOD,
        "A field that nobody announced is ignored",
        one(_new_field),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Services add fields; export rows have gained a dozen since 2023.",
        "Do not validate against a closed schema.",
        "sample",
    ),
)


def _spelled(name: str, title: str, make: Callable[[Bench], bytes], why: str) -> Case:
    return Case(
        name,
        Group.SPELLING,
        title,
        one(lambda bench: bench.good(make(bench))),
        Expect.ACCEPTED,
        Level.MUST,
        why,
        SIGN_THE_BYTES,
    )


def _with_spaces(bench: Bench) -> bytes:
    return json.dumps(bench.document(), ensure_ascii=False, indent=2).encode() + b"\n"


def _keys_turned(bench: Bench) -> bytes:
    turned = dict(reversed(bench.document().items()))
    return json.dumps(turned, ensure_ascii=False, separators=(",", ":")).encode()


def _escaped(bench: Bench) -> bytes:
    document = json.loads(bench.saying(MULTIBYTE))
    return json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode("ascii")


SPELLING = (
    _spelled(
        "multibyte",
        "Letters beyond ASCII are accepted",
        lambda bench: bench.saying(MULTIBYTE),
        "Bodies are raw UTF-8. A body decoded as ASCII or Latin-1 has another HMAC.",
    ),
    _spelled(
        "line-separators",
        "U+2028, U+2029 and U+0085 in a text are accepted",
        lambda bench: bench.saying(LINE_SEPARATORS),
        "They are legal inside JSON strings, and splitlines() of Python breaks on them.",
    ),
    _spelled(
        "escapes",
        "Text in `\\u` escapes, slashes as `\\/`, is accepted",
        _escaped,
        "The same JSON may be written with or without escapes; the signature belongs to one spelling.",
    ),
    _spelled(
        "numbers",
        "12 written as 12.0, 12e0 or 12E0 is accepted",
        lambda bench: respelled(bench.body()),
        "A number that was parsed and written again looks different: JavaScript makes 12 of 12.0.",
    ),
    _spelled(
        "white-space",
        "Indented JSON with a newline at its end is accepted",
        _with_spaces,
        "White space is part of what was signed.",
    ),
    _spelled(
        "key-order",
        "Keys in another order are accepted",
        _keys_turned,
        "JSON objects have no order; the signed bytes have one.",
    ),
)
