"""Cases of repetition, load, and requests that no correct sender makes: a receiver should survive them."""

from __future__ import annotations

import msgspec

from mockserver.certification.cases import Build, Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.certification.forged import with_signatures
from mockserver.certification.good import SIGN_THE_BYTES
from mockserver.webhooks.exchange import Cut, Request
from mockserver.webhooks.misbehaviour import (
    UNKNOWN_TOPIC,
    build_request,
    misbehave,
    pad,
    slow_down,
    with_header,
    without_headers,
)

IDEMPOTENT = "Remember X-Labelbox-Id and answer 2xx to messages that you already have."
NO_CRASH = "Answer 400 to a message that you cannot read; an exception becomes a 500, which senders retry."
MEGABYTE = 1024 * 1024


# Twice, late, in another order


def _twice(factory: MessageFactory) -> list[Request]:
    return misbehave("duplicate", [factory.build_message()], secret=factory.secret)


def _twice_at_once(factory: MessageFactory) -> list[Request]:
    request = factory.correct_request()
    return [request, *[msgspec.structs.replace(request, concurrent=True)] * 4]


def _reverse_topics(first: str, second: str) -> Build:
    def build(factory: MessageFactory) -> list[Request]:
        events = [factory.build_message(topic=topic) for topic in (first, second)]
        return misbehave("out_of_order", events, secret=factory.secret)

    return build


def _replay(factory: MessageFactory) -> list[Request]:
    request = factory.correct_request()
    return [request, factory.correct_request(factory.body(1)), factory.correct_request(factory.body(2)), request]


def _old(factory: MessageFactory) -> list[Request]:
    return misbehave("old_event", [factory.build_message()], secret=factory.secret)


def _cut_and_again(factory: MessageFactory) -> list[Request]:
    request = factory.correct_request()
    cut = Cut(after=len(request.body) // 2, how="reset")
    return [msgspec.structs.replace(request, cut=cut), request]


def _send_forged_first(factory: MessageFactory) -> list[Request]:
    request = factory.correct_request()
    forged = with_header(with_header(request, "X-Hub-Signature", "sha1=00"), "X-Hub-Signature-256", "sha256=00")
    return [forged, request]


REPEATED = (
    Case(
        "duplicate",
        Group.REPEATED,
        "The same message twice is accepted twice",
        _twice,
        Expect.REPEATED,
        Level.SHOULD,
        "If an answer is lost, the sender sends the message again. A refusal makes it try once again.",
        IDEMPOTENT,
    ),
    Case(
        "duplicates-at-once",
        Group.REPEATED,
        "The same message five times at the same time is accepted",
        _twice_at_once,
        Expect.REPEATED,
        Level.SHOULD,
        "Two workers that see the same id at the same time both try to insert it.",
        'Use a unique key, and treat its violation as "already stored".',
    ),
    Case(
        "updated-before-created",
        Group.REPEATED,
        "LABEL_UPDATED before LABEL_CREATED is accepted",
        _reverse_topics("LABEL_CREATED", "LABEL_UPDATED"),
        Expect.ACCEPTED,
        Level.SHOULD,
        "The order of messages is not the order of actions (the documentation's FAQ asks exactly this).",
        "Treat every message as the complete state of its label, or create the missing label.",
        "documented",
    ),
    Case(
        "deleted-before-created",
        Group.REPEATED,
        "LABEL_DELETED before LABEL_CREATED is accepted",
        _reverse_topics("LABEL_CREATED", "LABEL_DELETED"),
        Expect.ACCEPTED,
        Level.SHOULD,
        "The order of messages is not the order of actions.",
        "Deleting what you do not have is success.",
    ),
    Case(
        "replayed",
        Group.REPEATED,
        "An earlier message after later ones does no harm",
        _replay,
        Expect.SURVIVED,
        Level.SHOULD,
        "The signature has no time in it: anybody who has recorded a message can send it again.",
        IDEMPOTENT,
    ),
    Case(
        "old-event",
        Group.REPEATED,
        "A message that is four years old does no harm",
        _old,
        Expect.SURVIVED,
        Level.SHOULD,
        "Queues that were blocked are emptied late.",
        "Accept it; compare updated_at before you overwrite newer data.",
    ),
    Case(
        "broken-off-and-repeated",
        Group.REPEATED,
        "A message whose first attempt broke off is accepted",
        _cut_and_again,
        Expect.ACCEPTED,
        Level.MUST,
        "Connections break; the sender tries again with the same delivery id.",
        "Remember a delivery id only when its message is stored.",
        last_only=True,
    ),
    Case(
        "good-after-forged",
        Group.REPEATED,
        "A correct message is accepted after a forged one with its id",
        _send_forged_first,
        Expect.ACCEPTED,
        Level.MUST,
        "Otherwise anybody who guesses an id can make you lose its message.",
        "Verify first, then remember the id.",
        last_only=True,
    ),
)


# Large, slow, many


def _build_padded(size: int) -> Build:
    return build_one(lambda factory: factory.correct_request(pad(factory.body(), size)))


def _split(factory: MessageFactory) -> Request:
    return slow_down(factory.correct_request(), parts=7, seconds=2.0)


def _split_letters(factory: MessageFactory) -> Request:
    """Splits the body into enough parts to cut some letters in two: a busy receiver reads several parts together."""
    body = factory.body_with_text("日本語 🚗 " * 100)
    parts = next(count for count in range(8, 100) if count_cut_letters(body, -(-len(body) // count)) >= 4)
    return slow_down(factory.correct_request(body), parts=parts, seconds=0.8)


def count_cut_letters(body: bytes, size: int) -> int:
    """Counts the parts of that size that begin within a letter of UTF-8."""
    return sum(body[start] & 0xC0 == 0x80 for start in range(size, len(body), size))


LOAD = (
    Case(
        "large",
        Group.LOAD,
        "A body of 256 KiB is accepted",
        _build_padded(256 * 1024),
        Expect.ACCEPTED,
        Level.MUST,
        "A label with some hundred polygons is that large. Express stops at 100 kB by default.",
        "Raise the limit of your body parser: express.raw({limit: '20mb'}), client_max_body_size in nginx.",
    ),
    Case(
        "larger",
        Group.LOAD,
        "A body of 2 MiB is accepted",
        _build_padded(2 * MEGABYTE),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Videos with many frames are even larger. nginx stops at 1 MB by default.",
        "Raise the limit of your body parser and of the proxy in front of it.",
    ),
    Case(
        "huge",
        Group.LOAD,
        "A body of 16 MiB",
        lambda factory: misbehave("huge_body", [factory.build_message()], secret=factory.secret),
        Expect.OBSERVED,
        Level.NOTE,
        "Whether the service has a limit is not known. 413 is an honest answer.",
        "",
    ),
    Case(
        "slow",
        Group.LOAD,
        "A body in seven parts within two seconds is accepted",
        build_one(_split),
        Expect.ACCEPTED,
        Level.MUST,
        "One read of a socket is not the whole body.",
        "Read until Content-Length bytes have arrived.",
    ),
    Case(
        "split-letter",
        Group.LOAD,
        "A body whose parts end within letters is accepted",
        build_one(_split_letters),
        Expect.ACCEPTED,
        Level.MUST,
        "Networks cut between bytes. Node's `body += chunk` decodes each chunk separately.",
        "Collect the chunks as bytes: Buffer.concat(chunks).",
    ),
    Case(
        "burst",
        Group.LOAD,
        "Twenty messages at the same time are all accepted",
        lambda factory: misbehave("burst", [factory.build_message()], secret=factory.secret),
        Expect.ACCEPTED,
        Level.SHOULD,
        "A bulk action sends a message for every label.",
        "Store the message, answer, and work on it afterwards.",
    ),
)


# Odd requests


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
