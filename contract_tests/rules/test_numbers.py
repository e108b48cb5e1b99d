"""Numbers in the documents that the code knows: each sentence is on its page with the value of its constant."""

from pathlib import Path

import pytest

from contract_tests.clients.environments import NEWEST, SDKS
from mockserver.api.graphql import call, cost, plans
from mockserver.control import waiting, webhook_bodies
from mockserver.exports import chunks, rows
from mockserver.exports.legacy import files
from mockserver.serving import acceptor
from mockserver.testing import workspace
from mockserver.webhooks import connection, exchange
from mockserver.world import retention
from mockserver.world.records import events

REPOSITORY = Path(__file__).parents[2]

SENTENCES = [
    ("README.md", "{} versions of the unmodified `labelbox` SDK", len(SDKS)),
    ("README.md", f"`labelbox` SDK, {next(iter(SDKS))} to {{}}", NEWEST),
    ("README.md", "files of {} MiB that expire", chunks.TARGET // 1024**2),
    ("docs/architecture.md", "renders the rows of the snapshot {} at a time", rows.ROWS_PER_BATCH),
    ("docs/decisions.md", "each section is one list for {} rows", rows.ROWS_PER_BATCH),
    ("docs/decisions.md", "Lines are joined {} at a time", rows.LINES_PER_TEXT),
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
def test_a_number_in_a_document_is_that_of_the_code(document: str, sentence: str, value: object) -> None:
    text = " ".join((REPOSITORY / document).read_text().split())
    assert sentence.format(value) in text


def test_the_harness_subscribes_to_every_topic() -> None:
    """It is imported beside older Pythons' clients and does not import the world."""
    assert set(workspace.TOPICS) == {str(topic) for topic in events.TOPICS}


@pytest.mark.parametrize("topic", events.TOPICS)
def test_every_topic_is_documented(topic: str) -> None:
    for page in ("docs/webhooks.md", "docs/control.md"):
        words = (REPOSITORY / page).read_text()
        assert topic in words or f"`{topic.split('_', maxsplit=1)[0]}_" in words, page
