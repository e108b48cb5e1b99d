"""A delivery that goes wrong because its subscription asks for it: shots instead of one request."""

from __future__ import annotations

import asyncio

import msgspec
import orjson

from mockserver.webhooks.exchange import Exchange, Pace, Request
from mockserver.webhooks.messages import Message
from mockserver.webhooks.misbehaviour import Shot, misbehave, shot
from mockserver.webhooks.sending import Sender
from mockserver.world.webhooks import Delivery, Subscription

OVERTAKEN = 3.0
"""Seconds that every other message is held back when they are to come out of order."""


async def exchange(sender: Sender, subscription: Subscription, delivery: Delivery) -> Exchange:
    """What came of the last shot, which is what goes on record."""
    assert subscription.misbehave is not None, "asked of one that misbehaves"
    sent = Message(delivery.id, delivery.topic, delivery.body, orjson.loads(delivery.headers))
    flying: list[asyncio.Task[Exchange]] = []
    for each in shots_of(subscription.misbehave, sent, subscription.secret, odd=delivery.no % 2 == 1):
        if flying and not each.at_once:
            await asyncio.wait(flying)
        request = request_of(each, delivery.url, subscription.timeout)
        flying.append(asyncio.create_task(_after(each.after, sender, request)))
    return (await asyncio.gather(*flying))[-1]


def shots_of(name: str, sent: Message, secret: str, *, odd: bool) -> list[Shot]:
    """Those of the misbehaviour. A single message cannot be out of order: each odd one waits until it is overtaken."""
    if name == "out_of_order":
        return [msgspec.structs.replace(shot(sent), after=OVERTAKEN if odd else 0.0)]
    return misbehave(name, [sent], secret=secret)


def request_of(each: Shot, url: str, timeout: float) -> Request:
    """A wrong length spoils its connection: what is left of the body would be read as the next request."""
    headers = each.headers if each.length is None else (*each.headers, ("Connection", "close"))
    pace = None if each.pieces == 1 else Pace(size=-(-len(each.body) // each.pieces) or 1, seconds=each.pause)
    return Request(url=url, headers=headers, body=each.body, declared_length=each.length, pace=pace, timeout=timeout)


async def _after(seconds: float, sender: Sender, request: Request) -> Exchange:
    await asyncio.sleep(seconds)
    return await sender.send(request)
