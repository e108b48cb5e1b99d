"""Misbehaviours by name: the requests that are sent instead of one correct request. Pure.

Every sender (the dispatcher, `webhook send`, the certification) sends these requests in their order. Which of them the
real service ever shows is not documented; each is something that networks, queues and attackers do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from mockserver.errors import BadInput, nearest, quote
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import Message, build_message

DELAY = 10.0
"""Seconds by which a delayed message is late."""
OVERTAKEN_DELAY = 3.0
"""Seconds by which every other message is late, if messages are sent one by one and must arrive out of order."""
BURST = 20
SLOW_PARTS, SLOW_SECONDS = 10, 5.0
HUGE = 16 * 1024 * 1024
"""Bytes of a huge body."""
YEARS_AGO = 4
"""The age of an old event: a multiple of four keeps 29 February a day."""
UNKNOWN_TOPIC = "LABEL_TELEPORTED"


class Misbehaviour(msgspec.Struct, frozen=True):
    """`build(messages, secret)` returns the requests; `messages` is how many it needs at least, in event order."""

    summary: str
    build: Callable[[Sequence[Message], str], list[Request]]
    messages: int = 1


def misbehave(name: str, messages: Sequence[Message], *, secret: str) -> list[Request]:
    """Builds the requests of a misbehaviour. Raises BadInput for an unknown name or too few messages."""
    check_name(name)
    misbehaviour = MISBEHAVIOURS[name]
    if len(messages) < misbehaviour.messages:
        raise BadInput(f"{name} needs {misbehaviour.messages} messages and got {len(messages)}")
    return misbehaviour.build(messages, secret)


def misbehave_alone(name: str, message: Message, *, secret: str, number: int) -> list[Request]:
    """Builds the requests of a misbehaviour for one message of a stream, the one with this number.

    A single message cannot be out of order: each message with an odd number is delayed until the next overtakes it.
    """
    if name == "out_of_order":
        return [msgspec.structs.replace(build_request(message), delay=OVERTAKEN_DELAY if number % 2 else 0.0)]
    return misbehave(name, [message], secret=secret)


def check_name(name: str) -> None:
    """Raises BadInput naming the nearest known."""
    if name not in MISBEHAVIOURS:
        raise BadInput(f"There is no misbehaviour {name!r}; nearest known are {quote(nearest(name, MISBEHAVIOURS))}")


def build_request(message: Message) -> Request:
    """The message as it is sent correctly."""
    return Request(headers=tuple(message.headers.items()), body=message.body)


def _correct(messages: Iterable[Message]) -> list[Request]:
    return [build_request(each) for each in messages]


def _duplicate(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [again for each in messages for again in (build_request(each), build_request(each))]


def _out_of_order(messages: Sequence[Message], _secret: str) -> list[Request]:
    return _correct(reversed(messages))


def _delay(messages: Sequence[Message], _secret: str) -> list[Request]:
    first, *rest = _correct(messages)
    return [msgspec.structs.replace(first, delay=DELAY), *rest]


def _burst(messages: Sequence[Message], secret: str) -> list[Request]:
    """Many messages at the same time. One message becomes many, each with a delivery id of its own."""
    many = list(messages) if len(messages) > 1 else _renumber(messages[0], secret)
    return [msgspec.structs.replace(build_request(each), concurrent=number > 0) for number, each in enumerate(many)]


def _renumber(message: Message, secret: str) -> list[Message]:
    """The same message with BURST delivery ids, its own first."""
    others = (f"{message.delivery_id[:-2]}{number:02}" for number in range(BURST))
    ids = list(dict.fromkeys((message.delivery_id, *others)))[:BURST]
    return [build_message(each, message.topic, message.body, secret=secret) for each in ids]


def _sign_again(
    messages: Sequence[Message],
    secret: str,
    *,
    change: Callable[[bytes], bytes] = bytes,
    topic: str | None = None,
) -> list[Request]:
    """The messages with another secret, changed bodies or another topic, each signed for what it then is."""
    return [
        build_request(build_message(each.delivery_id, topic or each.topic, change(each.body), secret=secret))
        for each in messages
    ]


def _wrong_signature(messages: Sequence[Message], secret: str) -> list[Request]:
    return _sign_again(messages, f"not {secret}")


def _no_signature(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [without_headers(build_request(each), "X-Hub-Signature", "X-Hub-Signature-256") for each in messages]


def _body_changed(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [msgspec.structs.replace(build_request(each), body=tamper(each.body)) for each in messages]


def _old_event(messages: Sequence[Message], secret: str) -> list[Request]:
    return _sign_again(messages, secret, change=age)


def _huge_body(messages: Sequence[Message], secret: str) -> list[Request]:
    return _sign_again(messages, secret, change=lambda body: pad(body, HUGE))


def _slow(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [slow_down(build_request(each), parts=SLOW_PARTS, seconds=SLOW_SECONDS) for each in messages]


def _length_too_large(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [msgspec.structs.replace(build_request(each), declared_length=len(each.body) + 100) for each in messages]


def _length_too_small(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [
        msgspec.structs.replace(build_request(each), declared_length=max(1, len(each.body) - 100)) for each in messages
    ]


def _wrong_content_type(messages: Sequence[Message], _secret: str) -> list[Request]:
    return [with_header(build_request(each), "Content-Type", "application/x-www-form-urlencoded") for each in messages]


def _unknown_topic(messages: Sequence[Message], secret: str) -> list[Request]:
    return _sign_again(messages, secret, topic=UNKNOWN_TOPIC)


# Single alterations, which the cases of a certification combine


def with_header(request: Request, name: str, value: str) -> Request:
    """A copy with this header, replaced or added."""
    others = tuple(pair for pair in request.headers if pair[0] != name)
    return msgspec.structs.replace(request, headers=(*others, (name, value)))


def without_headers(request: Request, *names: str) -> Request:
    return msgspec.structs.replace(request, headers=tuple(pair for pair in request.headers if pair[0] not in names))


def slow_down(request: Request, *, parts: int, seconds: float) -> Request:
    """A copy whose body is written in so many parts within so many seconds."""
    return msgspec.structs.replace(request, parts=parts, pause=seconds / (parts - 1))


def tamper(body: bytes) -> bytes:
    """Changes one digit, or adds a space; JSON stays JSON."""
    place = max(body.rfind(digit) for digit in b"0123456789")
    if place < 0:
        return body + b" "
    return body[:place] + bytes([ord("0") + (body[place] - ord("0") + 1) % 10]) + body[place + 1 :]


def pad(body: bytes, size: int) -> bytes:
    """Extends the JSON to this size by spaces at its end."""
    return body + b" " * (size - len(body))


def age(body: bytes) -> bytes:
    """Moves every timestamp in the body back by YEARS_AGO."""
    return re.sub(rb"\b((?:19|20)\d\d)(?=-\d\d-\d\dT\d\d:)", lambda year: b"%d" % (int(year[1]) - YEARS_AGO), body)


MISBEHAVIOURS = {
    "duplicate": Misbehaviour("the same message twice, with the same delivery id", _duplicate),
    "out_of_order": Misbehaviour("the later of two messages first", _out_of_order, messages=2),
    "delayed": Misbehaviour(f"the message is sent {DELAY:.0f} seconds late", _delay),
    "burst": Misbehaviour(f"{BURST} messages at the same time, each with an id of its own", _burst),
    "wrong_signature": Misbehaviour("signed with another secret", _wrong_signature),
    "no_signature": Misbehaviour("neither signature header", _no_signature),
    "body_changed": Misbehaviour("one digit of the body changed after it was signed", _body_changed),
    "old_event": Misbehaviour(f"a correct message whose timestamps are {YEARS_AGO} years old", _old_event),
    "huge_body": Misbehaviour(f"a correct message of {HUGE // 1024 // 1024} MiB, most of it spaces", _huge_body),
    "slow": Misbehaviour(f"the body is sent in {SLOW_PARTS} parts within {SLOW_SECONDS:.0f} seconds", _slow),
    "length_too_large": Misbehaviour("Content-Length is 100 bytes more than the body has", _length_too_large),
    "length_too_small": Misbehaviour("Content-Length is 100 bytes fewer than the body has", _length_too_small),
    "wrong_content_type": Misbehaviour("the JSON is declared as a web form", _wrong_content_type),
    "unknown_topic": Misbehaviour(f"a topic that is not known: {UNKNOWN_TOPIC}", _unknown_topic),
}
