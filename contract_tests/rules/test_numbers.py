"""Numbers in the documents that the code knows: each sentence is on its page with the value of its constant."""

from pathlib import Path

import pytest

from mockserver.api.graphql import call, cost, plans
from mockserver.control import waiting, webhook_bodies
from mockserver.exports import chunks, rows
from mockserver.exports.legacy import files
from mockserver.serving import acceptor
from mockserver.webhooks import connection, exchange
from mockserver.world import retention

REPOSITORY = Path(__file__).parents[2]

SENTENCES = [
    ("README.md", "files of {} MiB that expire", chunks.TARGET // 1024**2),
    ("docs/architecture.md", "reads the snapshot {} rows at a time", rows.PIECE),
    ("docs/decisions.md", "each section is one list for {} rows", rows.PIECE),
    ("docs/decisions.md", "Lines are joined {} at a time", rows.LINES),
    ("docs/from-v1-to-v2.md", "this server gives the same V1 file for {} minutes", files.KEPT // 60_000_000),
    ("docs/control.md", "what the receiver answered (cut at {:,} bytes)", connection.ANSWER_KEPT),
    ("docs/control.md", "At most {:,} requests wait at a time", waiting.MOST_WAITING),
    ("docs/control.md", "`first` (at most {:,})", webhook_bodies.MOST_DELIVERIES),
    ("docs/errors.md", "{:,} records that are read", call.MOST_RECORDS),
    ("docs/errors.md", "{:,} fields that are answered", plans.MOST_ANSWERED),
    ("docs/errors.md", "{:,} objects in the answer if every list has ten items", cost.MOST_COST),
    ("docs/settings.md", "Of completed deliveries 1/{} of it is kept", retention.DONE_SHARE),
    ("docs/settings.md", "and at most {:,} connections may be open", acceptor.MOST_BY_DEFAULT),
    ("docs/webhooks.md", "events for {} days", retention.DAYS),
    ("docs/webhooks.md", "the last {:,} of them", retention.EVENTS),
    ("docs/webhooks.md", "no answer within {:g} seconds", exchange.TIMEOUT),
]
"""(document, sentence, value): a new number of the code in a document gets a row."""


@pytest.mark.parametrize(("document", "sentence", "value"), SENTENCES)
def test_a_number_in_a_document_is_that_of_the_code(document: str, sentence: str, value: float) -> None:
    text = " ".join((REPOSITORY / document).read_text().split())
    assert sentence.format(value) in text
