"""The messages of one run: real ones of a generated world, each with a delivery id of its own."""

from __future__ import annotations

import itertools
import json
import re

import orjson

from mockserver.certification.documents import Document
from mockserver.webhooks.exchange import Request
from mockserver.webhooks.messages import Message, build_message
from mockserver.webhooks.misbehaviour import build_request
from mockserver.world import ids
from mockserver.world.records.events import EventKind


class MessageFactory:
    """Builds messages for one run. `run` is part of every delivery id, so that two runs share none."""

    def __init__(
        self,
        documents: list[Document],
        *,
        secret: str,
        previous_secret: str | None = None,
        retired_secret: str | None = None,
        topic: str = EventKind.LABEL_CREATED,
        run: str = "run",
    ) -> None:
        assert documents, "load_documents refuses a scenario without labelled rows"
        self.secret, self.previous_secret, self.topic = secret, previous_secret, topic
        self.retired_secret = retired_secret
        self._documents, self._run = documents, run
        self._numbers = itertools.count()

    def document(self, number: int = 0) -> Document:
        """A copy of a body, which may be changed."""
        return json.loads(orjson.dumps(self._documents[number % len(self._documents)]))  # type: ignore[no-any-return]  # a copy of a Document

    def body(self, number: int = 0) -> bytes:
        """A body as it is sent: compact raw UTF-8."""
        return orjson.dumps(self._documents[number % len(self._documents)])

    def build_message(
        self, body: bytes | None = None, *, topic: str | None = None, secret: str | None = None
    ) -> Message:
        """Builds a signed message with a new delivery id."""
        delivery = ids.cuid(0, "delivery", self._run, next(self._numbers))
        signing = self.secret if secret is None else secret
        return build_message(delivery, topic or self.topic, self.body() if body is None else body, secret=signing)

    def correct_request(self, body: bytes | None = None, *, topic: str | None = None) -> Request:
        return build_request(self.build_message(body, topic=topic))

    def body_with_text(self, text: str) -> bytes:
        """A body with this text as the customer's own words."""
        return orjson.dumps(with_text(self.document(), text))

    def find_skipped(self) -> bytes | None:
        """The body of a label without annotations; None if the scenario has none."""
        for number, document in enumerate(self._documents):
            if document.get("skipped") or b'"objects":[]' in orjson.dumps(document):
                return self.body(number)
        return None


def with_text(document: Document, text: str) -> Document:
    """Sets the external id, which may be any text of the customer; in V1 it is inside the label's own JSON."""
    if "data_row" in document:
        document["data_row"]["external_id"] = text
    elif isinstance(document.get("label"), str):
        label = json.loads(document["label"])
        label["External ID"] = text
        document["label"] = json.dumps(label, ensure_ascii=False, separators=(",", ":"))
    else:
        document["id"] = text
    return document


def respell_numbers(body: bytes) -> bytes:
    """The same JSON with its numbers in another spelling: `12` as `12.0`, `12e0`, `12.00`, `12E0`."""
    spellings = itertools.cycle((b"%s.0", b"%se0", b"%s.00", b"%sE0"))
    return re.sub(rb"(?<=:)-?[1-9]\d*(?=[,}])", lambda number: next(spellings) % number[0], body)
