"""Deliveries gone wrong, by name: what goes over the wire instead of one good request. Pure.

Whoever sends (the dispatcher, `webhook send`, the certification) sends the shots of the answer in their order. Which of
these a real service ever shows is not documented; each is something that networks, queues and attackers do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from mockserver.errors import BadInput, nearest, quoted
from mockserver.webhooks.messages import Message, build_message

DELAY = 10.0
"""Seconds by which a delayed message is late."""
BURST = 20
SLOW_PIECES, SLOW_SECONDS = 10, 5.0
HUGE = 16 * 1024 * 1024
"""Bytes of a huge body."""
YEARS_AGO = 4
"""How old an old event is: a multiple of four keeps 29 February a day."""
UNKNOWN_TOPIC = "LABEL_TELEPORTED"

Headers = tuple[tuple[str, str], ...]


class Shot(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it is to go out. `headers` have neither Host nor Content-Length, which the sender adds.

    `after`: seconds to wait before it. `at_once`: it does not wait for the answer to the shot before it. `length`:
    the Content-Length that is told, if not the true one. `pieces` and `pause`: the body goes in so many parts, with so
    many seconds between two.
    """

    headers: Headers
    body: bytes
    after: float = 0.0
    at_once: bool = False
    length: int | None = None
    pieces: int = 1
    pause: float = 0.0


class Misbehaviour(msgspec.Struct, frozen=True):
    """`make(messages, secret)` gives the shots; `messages` is how many it needs at least, in the order of events."""

    told: str
    make: Callable[[Sequence[Message], str], list[Shot]]
    messages: int = 1


def misbehave(name: str, messages: Sequence[Message], *, secret: str) -> list[Shot]:
    """The shots of a misbehaviour. Raises BadInput for an unknown name or too few messages."""
    check_name(name)
    found = MISBEHAVIOURS[name]
    if len(messages) < found.messages:
        raise BadInput(f"{name} needs {found.messages} messages and got {len(messages)}")
    return found.make(messages, secret)


def check_name(name: str) -> None:
    """Raises BadInput naming the nearest known."""
    if name not in MISBEHAVIOURS:
        raise BadInput(f"There is no misbehaviour {name!r}; nearest known are {quoted(nearest(name, MISBEHAVIOURS))}")


def shot(sent: Message) -> Shot:
    """The message as it should go out."""
    return Shot(headers=tuple(sent.headers.items()), body=sent.body)


def _good(messages: Iterable[Message]) -> list[Shot]:
    return [shot(each) for each in messages]


def _duplicate(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [again for each in messages for again in (shot(each), shot(each))]


def _out_of_order(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return _good(reversed(messages))


def _delayed(messages: Sequence[Message], _secret: str) -> list[Shot]:
    first, *rest = _good(messages)
    return [msgspec.structs.replace(first, after=DELAY), *rest]


def _burst(messages: Sequence[Message], secret: str) -> list[Shot]:
    """Many messages at the same moment. One message becomes many, each with a delivery id of its own."""
    many = list(messages) if len(messages) > 1 else _numbered(messages[0], secret)
    return [msgspec.structs.replace(shot(each), at_once=number > 0) for number, each in enumerate(many)]


def _numbered(sent: Message, secret: str) -> list[Message]:
    """The same news under so many delivery ids, its own first."""
    others = (f"{sent.delivery_id[:-2]}{number:02}" for number in range(BURST))
    ids = list(dict.fromkeys((sent.delivery_id, *others)))[:BURST]
    return [build_message(each, sent.topic, sent.body, secret=secret) for each in ids]


def _wrong_signature(messages: Sequence[Message], secret: str) -> list[Shot]:
    return [shot(build_message(each.delivery_id, each.topic, each.body, secret=f"not {secret}")) for each in messages]


def _no_signature(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [without(shot(each), "X-Hub-Signature", "X-Hub-Signature-256") for each in messages]


def _body_changed(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [msgspec.structs.replace(shot(each), body=tampered(each.body)) for each in messages]


def _old_event(messages: Sequence[Message], secret: str) -> list[Shot]:
    return [shot(build_message(each.delivery_id, each.topic, aged(each.body), secret=secret)) for each in messages]


def _huge_body(messages: Sequence[Message], secret: str) -> list[Shot]:
    return [
        shot(build_message(each.delivery_id, each.topic, padded(each.body, HUGE), secret=secret)) for each in messages
    ]


def _slow(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [slowly(shot(each), pieces=SLOW_PIECES, seconds=SLOW_SECONDS) for each in messages]


def _length_too_large(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [msgspec.structs.replace(shot(each), length=len(each.body) + 100) for each in messages]


def _length_too_small(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [msgspec.structs.replace(shot(each), length=max(1, len(each.body) - 100)) for each in messages]


def _wrong_content_type(messages: Sequence[Message], _secret: str) -> list[Shot]:
    return [with_header(shot(each), "Content-Type", "application/x-www-form-urlencoded") for each in messages]


def _unknown_topic(messages: Sequence[Message], secret: str) -> list[Shot]:
    return [shot(build_message(each.delivery_id, UNKNOWN_TOPIC, each.body, secret=secret)) for each in messages]


# The single alterations, for those who put cases together


def with_header(sent: Shot, name: str, value: str) -> Shot:
    """With that header in the place of the one it had, or added."""
    others = tuple(pair for pair in sent.headers if pair[0] != name)
    return msgspec.structs.replace(sent, headers=(*others, (name, value)))


def without(sent: Shot, *names: str) -> Shot:
    return msgspec.structs.replace(sent, headers=tuple(pair for pair in sent.headers if pair[0] not in names))


def slowly(sent: Shot, *, pieces: int, seconds: float) -> Shot:
    """Its body in so many pieces, spread over so many seconds."""
    return msgspec.structs.replace(sent, pieces=pieces, pause=seconds / (pieces - 1))


def tampered(body: bytes) -> bytes:
    """One digit is another; what was JSON still is, and is as long."""
    place = max(body.rfind(digit) for digit in b"0123456789")
    if place < 0:
        return body + b" "
    return body[:place] + bytes([ord("0") + (body[place] - ord("0") + 1) % 10]) + body[place + 1 :]


def padded(body: bytes, size: int) -> bytes:
    """The same JSON, made as long by spaces behind it."""
    return body + b" " * (size - len(body))


def aged(body: bytes) -> bytes:
    """Every moment in it is four years earlier."""
    return re.sub(rb"\b((?:19|20)\d\d)(?=-\d\d-\d\dT\d\d:)", lambda year: b"%d" % (int(year[1]) - YEARS_AGO), body)


MISBEHAVIOURS = {
    "duplicate": Misbehaviour("the same message twice, with the same delivery id", _duplicate),
    "out_of_order": Misbehaviour("the later of two messages first", _out_of_order, messages=2),
    "delayed": Misbehaviour(f"the message comes {DELAY:.0f} seconds late", _delayed),
    "burst": Misbehaviour(f"{BURST} messages at the same moment, each with an id of its own", _burst),
    "wrong_signature": Misbehaviour("signed with another secret", _wrong_signature),
    "no_signature": Misbehaviour("neither signature header", _no_signature),
    "body_changed": Misbehaviour("one digit of the body changed after it was signed", _body_changed),
    "old_event": Misbehaviour(f"a good message whose moments are {YEARS_AGO} years ago", _old_event),
    "huge_body": Misbehaviour(f"a good message of {HUGE // 1024 // 1024} MiB, most of it spaces", _huge_body),
    "slow": Misbehaviour(f"the body comes in {SLOW_PIECES} pieces within {SLOW_SECONDS:.0f} seconds", _slow),
    "length_too_large": Misbehaviour("Content-Length tells 100 bytes more than come", _length_too_large),
    "length_too_small": Misbehaviour("Content-Length tells 100 bytes fewer than come", _length_too_small),
    "wrong_content_type": Misbehaviour("the JSON is called a web form", _wrong_content_type),
    "unknown_topic": Misbehaviour(f"a topic that nobody knows: {UNKNOWN_TOPIC}", _unknown_topic),
}
