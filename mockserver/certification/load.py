"""Cases of load: large and slow bodies, and many messages at the same time."""

from __future__ import annotations

from mockserver.certification.cases import Build, Case, Expect, Group, Level, build_one
from mockserver.certification.factory import MessageFactory
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.misbehaviour import misbehave, pad, slow_down

MEGABYTE = 1024 * 1024


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
