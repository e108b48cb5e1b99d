"""What the cases of one run are made of: real messages of a generated world, with delivery ids of their own."""

from __future__ import annotations

import itertools
import json
import re

import orjson

from mockserver.certification.documents import Document
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.misbehaviour import Shot, shot
from mockserver.world import ids
from mockserver.world.webhooks import Topic


class Bench:
    """Makes messages for one run. `run` is part of every delivery id, so that two runs share none."""

    def __init__(
        self, documents: list[Document], *, secret: str, topic: str = Topic.LABEL_CREATED, run: str = "run"
    ) -> None:
        assert documents, "a scenario without labelled rows was refused before"
        self.secret, self.topic = secret, topic
        self._documents, self._run = documents, run
        self._numbers = itertools.count()

    def document(self, number: int = 0) -> Document:
        """A copy of a body, to be changed at will."""
        return json.loads(orjson.dumps(self._documents[number % len(self._documents)]))  # type: ignore[no-any-return]

    def body(self, number: int = 0) -> bytes:
        """As it is sent: compact raw UTF-8."""
        return orjson.dumps(self._documents[number % len(self._documents)])

    def build_message(
        self, body: bytes | None = None, *, topic: str | None = None, secret: str | None = None
    ) -> Message:
        """Signed, under an id that no other message has."""
        delivery = ids.cuid(0, "delivery", self._run, next(self._numbers))
        signing = self.secret if secret is None else secret
        return build_message(delivery, topic or self.topic, self.body() if body is None else body, secret=signing)

    def good(self, body: bytes | None = None, *, topic: str | None = None) -> Shot:
        return shot(self.build_message(body, topic=topic))

    def saying(self, text: str) -> bytes:
        """A body in which a customer's own words are these."""
        return orjson.dumps(with_text(self.document(), text))

    def skipped(self) -> bytes | None:
        """The body of a label without annotations, if the scenario has one."""
        for number, document in enumerate(self._documents):
            if document.get("skipped") or b'"objects":[]' in orjson.dumps(document):
                return self.body(number)
        return None


def with_text(document: Document, text: str) -> Document:
    """The external id is the customer's: any text may stand there, in V1 inside the label's own JSON."""
    if "data_row" in document:
        document["data_row"]["external_id"] = text
    elif isinstance(document.get("label"), str):
        label = json.loads(document["label"])
        label["External ID"] = text
        document["label"] = json.dumps(label, ensure_ascii=False, separators=(",", ":"))
    else:
        document["id"] = text
    return document


def respelled(body: bytes) -> bytes:
    """The same JSON with its numbers written otherwise: `12` as `12.0`, `1.2e1`, `12.00`, `12E0`."""
    ways = itertools.cycle((b"%s.0", b"%se0", b"%s.00", b"%sE0"))
    return re.sub(rb"(?<=:)-?[1-9]\d*(?=[,}])", lambda number: next(ways) % number[0], body)
