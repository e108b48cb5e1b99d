"""Cases of repetition: messages that arrive twice, late or in another order."""

from __future__ import annotations

import msgspec

from mockserver.certification.cases import Build, Case, Expect, Group, Level
from mockserver.certification.factory import MessageFactory
from mockserver.webhooks.exchange import Cut, Request
from mockserver.webhooks.misbehaviour import misbehave, with_header

IDEMPOTENT = "Remember X-Labelbox-Id and answer 2xx to messages that you already have."


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
