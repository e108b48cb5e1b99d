"""Cases of repetition, load and requests that no good sender makes: a receiver should come through them."""

from __future__ import annotations

import msgspec

from mockserver.certification.bench import Bench
from mockserver.certification.cases import Case, Expect, Group, Level, Send, one
from mockserver.certification.forged import signed_by
from mockserver.certification.good import SIGN_THE_BYTES
from mockserver.certification.wire import Parcel
from mockserver.webhooks.misbehaviour import (
    UNKNOWN_TOPIC,
    Shot,
    misbehave,
    padded,
    shot,
    slowly,
    with_header,
    without,
)

IDEMPOTENT = "Remember X-Labelbox-Id and answer 2xx to what you have already."
NO_CRASH = "Answer 400 to what you cannot read; an exception becomes a 500, which senders repeat."
MEGABYTE = 1024 * 1024


def parcel(sent: Shot, **more: object) -> Parcel:
    """The shot with what only a parcel can say."""
    return Parcel(**{**msgspec.structs.asdict(sent), **more})


# Twice, late, in another order


def _twice(bench: Bench) -> list[Shot]:
    return misbehave("duplicate", [bench.build_message()], secret=bench.secret)


def _twice_at_once(bench: Bench) -> list[Shot]:
    sent = bench.good()
    return [sent, *[msgspec.structs.replace(sent, at_once=True)] * 4]


def _turned(first: str, second: str) -> Send:
    def make(bench: Bench) -> list[Shot]:
        events = [bench.build_message(topic=topic) for topic in (first, second)]
        return misbehave("out_of_order", events, secret=bench.secret)

    return make


def _replayed(bench: Bench) -> list[Shot]:
    sent = bench.good()
    return [sent, bench.good(bench.body(1)), bench.good(bench.body(2)), sent]


def _old(bench: Bench) -> list[Shot]:
    return misbehave("old_event", [bench.build_message()], secret=bench.secret)


def _cut_and_again(bench: Bench) -> list[Shot]:
    sent = bench.good()
    return [parcel(sent, cut=len(sent.body) // 2), sent]


def _forged_then_good(bench: Bench) -> list[Shot]:
    sent = bench.good()
    forged = with_header(with_header(sent, "X-Hub-Signature", "sha1=00"), "X-Hub-Signature-256", "sha256=00")
    return [forged, sent]


REPEATED = (
    Case(
        "duplicate",
        Group.REPEATED,
        "The same message twice is accepted twice",
        _twice,
        Expect.REPEATED,
        Level.SHOULD,
        "An answer that was lost on its way makes the sender repeat. A refusal makes it repeat again.",
        IDEMPOTENT,
    ),
    Case(
        "duplicates-at-once",
        Group.REPEATED,
        "The same message five times at the same moment is accepted",
        _twice_at_once,
        Expect.REPEATED,
        Level.SHOULD,
        "Two workers that see the same id at once both try to insert it.",
        'Let a unique key decide, and take its violation for "have it already".',
    ),
    Case(
        "updated-before-created",
        Group.REPEATED,
        "LABEL_UPDATED before LABEL_CREATED is accepted",
        _turned("LABEL_CREATED", "LABEL_UPDATED"),
        Expect.ACCEPTED,
        Level.SHOULD,
        "The order of messages is not the order of actions (the documentation's FAQ asks exactly this).",
        "Take every message as the whole truth about its label, or create what is missing.",
        "documented",
    ),
    Case(
        "deleted-before-created",
        Group.REPEATED,
        "LABEL_DELETED before LABEL_CREATED is accepted",
        _turned("LABEL_CREATED", "LABEL_DELETED"),
        Expect.ACCEPTED,
        Level.SHOULD,
        "The order of messages is not the order of actions.",
        "Deleting what you do not have is success.",
    ),
    Case(
        "replayed",
        Group.REPEATED,
        "An earlier message after later ones does no harm",
        _replayed,
        Expect.SURVIVED,
        Level.SHOULD,
        "The signature has no time in it: whoever has recorded a message can send it again.",
        IDEMPOTENT,
    ),
    Case(
        "old-event",
        Group.REPEATED,
        "A message about four years ago does no harm",
        _old,
        Expect.SURVIVED,
        Level.SHOULD,
        "Queues that were stuck are emptied late.",
        "Accept it; compare updated_at before you overwrite something newer.",
    ),
    Case(
        "broken-off-and-repeated",
        Group.REPEATED,
        "A message whose first sending broke off is accepted",
        _cut_and_again,
        Expect.ACCEPTED,
        Level.MUST,
        "Connections break; the sender repeats with the same delivery id.",
        "Remember a delivery id only when its message is stored.",
        last_only=True,
    ),
    Case(
        "good-after-forged",
        Group.REPEATED,
        "A good message is accepted after a forged one with its id",
        _forged_then_good,
        Expect.ACCEPTED,
        Level.MUST,
        "Otherwise anybody who guesses an id can make you lose its message.",
        "Verify first, then remember the id.",
        last_only=True,
    ),
)


# Large, slow, many


def _padded(size: int) -> Send:
    return one(lambda bench: bench.good(padded(bench.body(), size)))


def _in_pieces(bench: Bench) -> Shot:
    return slowly(bench.good(), pieces=7, seconds=2.0)


def _split_letter(bench: Bench) -> Shot:
    """In as many pieces as it takes to cut some letters in two: a busy receiver finds several pieces at once."""
    body = bench.saying("日本語 🚗 " * 100)
    pieces = next(count for count in range(8, 100) if letters_cut(body, -(-len(body) // count)) >= 4)
    return slowly(bench.good(body), pieces=pieces, seconds=0.8)


def letters_cut(body: bytes, size: int) -> int:
    """How many pieces of that size begin within a letter of UTF-8."""
    return sum(body[start] & 0xC0 == 0x80 for start in range(size, len(body), size))


LOAD = (
    Case(
        "large",
        Group.LOAD,
        "A body of 256 KiB is accepted",
        _padded(256 * 1024),
        Expect.ACCEPTED,
        Level.MUST,
        "A label with some hundred polygons is that large. Express stops at 100 kB unless it is told otherwise.",
        "Raise the limit of your body parser: express.raw({limit: '20mb'}), client_max_body_size in nginx.",
    ),
    Case(
        "larger",
        Group.LOAD,
        "A body of 2 MiB is accepted",
        _padded(2 * MEGABYTE),
        Expect.ACCEPTED,
        Level.SHOULD,
        "Videos with many frames are larger still. nginx stops at 1 MB unless it is told otherwise.",
        "Raise the limit of your body parser and of the proxy before it.",
    ),
    Case(
        "huge",
        Group.LOAD,
        "A body of 16 MiB",
        lambda bench: misbehave("huge_body", [bench.build_message()], secret=bench.secret),
        Expect.OBSERVED,
        Level.NOTE,
        "Whether the service has a limit is not known. 413 is an honest answer.",
        "",
    ),
    Case(
        "slow",
        Group.LOAD,
        "A body in seven pieces within two seconds is accepted",
        one(_in_pieces),
        Expect.ACCEPTED,
        Level.MUST,
        "One read of a socket is not the whole body.",
        "Read until Content-Length bytes are there.",
    ),
    Case(
        "split-letter",
        Group.LOAD,
        "A body whose pieces end within letters is accepted",
        one(_split_letter),
        Expect.ACCEPTED,
        Level.MUST,
        "Networks cut between bytes. Node's `body += chunk` decodes each piece by itself.",
        "Collect the pieces as bytes: Buffer.concat(chunks).",
    ),
    Case(
        "burst",
        Group.LOAD,
        "Twenty messages at the same moment are all accepted",
        lambda bench: misbehave("burst", [bench.build_message()], secret=bench.secret),
        Expect.ACCEPTED,
        Level.SHOULD,
        "A bulk action sends a message for every label.",
        "Store the message, answer, and work on it afterwards.",
    ),
)


# Odd requests


def _not_ascii(bench: Bench) -> Shot:
    return signed_by(bench, "sha1=größe", "sha256=größe")


def _length_larger(bench: Bench) -> list[Shot]:
    return misbehave("length_too_large", [bench.build_message()], secret=bench.secret)


def _length_smaller(bench: Bench) -> list[Shot]:
    return misbehave("length_too_small", [bench.build_message()], secret=bench.secret)


def _got(bench: Bench) -> Shot:
    return parcel(Shot(headers=bench.good().headers, body=b""), method="GET")


def _odd(name: str, title: str, send: Send, why: str, advice: str = NO_CRASH) -> Case:
    return Case(name, Group.ODD, title, send, Expect.SURVIVED, Level.SHOULD, why, advice)


ODD = (
    _odd(
        "unknown-topic",
        "A topic that nobody knows does no harm",
        lambda bench: misbehave("unknown_topic", [bench.build_message()], secret=bench.secret),
        f"Services add topics. {UNKNOWN_TOPIC} will not come, but its like will.",
        "Answer 2xx to topics that you do not know, and ignore them.",
    ),
    _odd(
        "no-topic",
        "A message without X-Labelbox-Event does no harm",
        one(lambda bench: without(bench.good(), "X-Labelbox-Event")),
        "Proxies drop headers.",
    ),
    _odd(
        "no-delivery-id",
        "A message without X-Labelbox-Id does no harm",
        one(lambda bench: without(bench.good(), "X-Labelbox-Id")),
        "Proxies drop headers.",
    ),
    _odd(
        "wrong-content-type",
        "JSON that is called a web form does no harm",
        lambda bench: misbehave("wrong_content_type", [bench.build_message()], secret=bench.secret),
        "Frameworks parse forms by themselves, and the raw body is then gone.",
    ),
    _odd(
        "not-json",
        "A signed body that is no JSON does no harm",
        one(lambda bench: bench.good(b'{"data_row": ')),
        "A message may have been cut by whoever stored it.",
    ),
    _odd("not-utf-8", "A signed body that is no UTF-8 does no harm", one(lambda b: b.good(b'"\xff\xfe"')), "As above."),
    _odd("no-body", "A signed message without a body does no harm", one(lambda b: b.good(b"")), "As above."),
    _odd("not-an-object", "A signed `[]` does no harm", one(lambda b: b.good(b"[]")), "As above."),
    _odd(
        "signature-not-ascii",
        "A signature with letters beyond ASCII does no harm",
        one(_not_ascii),
        "hmac.compare_digest of Python raises a TypeError for such text.",
        "Compare bytes: hmac.compare_digest(expected.encode(), got.encode()).",
    ),
    Case(
        "length-too-large",
        Group.ODD,
        "A body shorter than its Content-Length does not block it",
        _length_larger,
        Expect.ENDED,
        Level.SHOULD,
        "The rest will not come: the sender has closed its side.",
        "Read until Content-Length bytes are there or the stream ends.",
    ),
    Case(
        "length-too-small",
        Group.ODD,
        "A body cut short by its Content-Length is refused",
        _length_smaller,
        Expect.REFUSED,
        Level.MUST,
        "What is read is not what was signed.",
        SIGN_THE_BYTES,
    ),
    Case(
        "chunked",
        Group.ODD,
        "A body in chunks, without Content-Length",
        one(lambda bench: parcel(bench.good(), chunked=True, pieces=3)),
        Expect.OBSERVED,
        Level.NOTE,
        "Legal HTTP/1.1; whether the service does it is not known, and small servers do not understand it.",
        "",
    ),
    _odd("get", "A GET request does no harm", one(_got), "Health checks and curious people send it.", "Answer 405."),
    Case(
        "good-at-the-end",
        Group.ODD,
        "After all this a good message is still accepted",
        one(lambda bench: shot(bench.build_message(bench.body(2)))),
        Expect.ACCEPTED,
        Level.MUST,
        "What came before must not have broken anything.",
        NO_CRASH,
    ),
)
