"""docs/security.md: the bounds it lists are those that hold."""

from contract_tests.rules.pages import section, table
from mockserver import errors
from mockserver.api.graphql.call import MOST_TEXT_OF_ANSWER
from mockserver.api.graphql.documents import MOST_CHARACTERS, MOST_KEPT, MOST_TOKENS
from mockserver.api.graphql.texts import MOST_TEXT
from mockserver.api.graphql.uploads import MOST_FILES, MOST_UPLOAD
from mockserver.control import webhook_bodies
from mockserver.control.requests import MOST_BYTES as MOST_BYTES_OF_PAGE
from mockserver.control.requests import MOST_REQUESTS
from mockserver.control.waiting import MOST_WAITING
from mockserver.control.webhook_bodies import MOST_DELIVERIES
from mockserver.faults import rule
from mockserver.faults.rule import MOST_RULES
from mockserver.generate.scenario_files import MOST_BYTES
from mockserver.http.json_bodies import MOST_DEPTH, MOST_PARTS
from mockserver.http.multipart import MOST_PARTS as MULTIPART_PARTS
from mockserver.http.requests import MOST_BODY
from mockserver.imports.annotation_files import MOST_LINES
from mockserver.imports.framed import MOST_SHOWN
from mockserver.imports.json_items import LONGEST_ITEM
from mockserver.imports.json_items import MOST_PARTS as PARTS_OF_ITEM
from mockserver.imports.line_decoding import LONGEST_LINE
from mockserver.imports.manifests import MOST_ITEMS
from mockserver.imports.pictures import MOST_PIXELS, MOST_RUNS
from mockserver.imports.png_filters import MOST_SINGLE
from mockserver.jobs.annotation_work import LARGEST_ROW
from mockserver.jobs.row_imports import MOST_CHUNKS, MOST_FILE, MOST_MANIFEST
from mockserver.journal.comparison import MOST_SEARCHED
from mockserver.journal.verification import MOST_EXPECTED
from mockserver.server import BOUNDS
from mockserver.serving.acceptor import FEWEST, MOST_BY_DEFAULT, PAUSE
from mockserver.serving.deadline import END_WITHIN
from mockserver.serving.log import INTERVAL
from mockserver.settings import LONGEST_KEY
from mockserver.webhooks.queues import ALL_QUEUES_BYTES, QUEUE_SIZE
from mockserver.world.changes import polls
from mockserver.world.changes.deliveries import MOST_SUBSCRIPTIONS
from mockserver.world.postgres import kept_reads

HOLDS = {
    "the head of a request, trailers and the frames of chunks included": f"{BOUNDS.head:,} bytes",
    "header fields of a request, and fields of a trailer": f"{BOUNDS.fields}",
    "requests on one connection that wait for the answers before theirs": f"{BOUNDS.pipelined}",
    "from the connection to its first byte": f"{BOUNDS.head_seconds:g} s",
    "from the first byte of a head to its end": f"{BOUNDS.head_seconds:g} s",
    "silence inside a body": f"{BOUNDS.body_silence:g} s",
    "from the end of a head to the end of the body": f"{BOUNDS.body_seconds:g} s",
    "between two requests of a connection": f"{BOUNDS.idle:g} s",
    "a client that takes nothing of its answer": f"{BOUNDS.answer_silence:g} s",
    "open connections": f"half of `ulimit -n`, from {FEWEST} to {MOST_BY_DEFAULT:,}, or `--connection-limit`",
    "free descriptors": "1 in reserve",
    "the body of a request to GraphQL": f"{MOST_BODY:,} bytes, {MOST_PARTS:,} parts, {MOST_DEPTH} levels",
    "an upload to GraphQL, with all that is around it": (
        f"{MOST_UPLOAD:,} bytes, {MULTIPART_PARTS} parts, {MOST_FILES} files"
    ),
    "a manifest of data rows, and a file of data rows": (
        f"{MOST_MANIFEST:,} bytes with {MOST_CHUNKS:,} files, and {MOST_FILE:,} bytes with"
        f" {MOST_ITEMS:,} items of {LONGEST_ITEM:,} characters and {PARTS_OF_ITEM:,} parts"
    ),
    "a file of annotations": (
        f"{MOST_LINES:,} lines of {LONGEST_LINE:,} bytes and {PARTS_OF_ITEM:,} parts, {LARGEST_ROW:,} bytes"
        " for one data row"
    ),
    "the frames of an imported label": f"{MOST_SHOWN:,} of all its segments",
    "a picture of an imported mask": f"{MOST_PIXELS:,} pixels, {MOST_RUNS:,} runs",
    "its bytes with the filters Average and Paeth, outside of plain areas": f"{MOST_SINGLE:,}",
    "the text of a GraphQL document": f"{MOST_CHARACTERS:,} characters, {MOST_TOKENS:,} tokens",
    "long texts and JSON in an answer of GraphQL": f"{MOST_TEXT_OF_ANSWER:,} characters",
    "GraphQL documents that are kept parsed": f"{MOST_KEPT:,} bytes",
    "results of queries that are kept, with a state in PostgreSQL": (
        f"{kept_reads.MOST_BYTES:,} bytes with their queries; of one {kept_reads.LARGEST:,} bytes"
        f" and {kept_reads.MOST_ROWS} rows"
    ),
    "a name, description or URL that GraphQL is given to keep": f"{MOST_TEXT:,} characters",
    "requests that wait for deliveries": f"{MOST_WAITING:,}, half of them for one workspace",
    "expectations of `/_mock/requests/verify`": f"{MOST_EXPECTED:,}, and {MOST_SEARCHED:,} bytes of requests to search",
    "a page of the journal": f"{MOST_REQUESTS:,} requests, {MOST_BYTES_OF_PAGE:,} bytes",
    "faults of a workspace": f"{MOST_RULES}, and {rule.MOST_CHARACTERS:,} characters of their rules",
    "webhooks of a workspace": f"{MOST_SUBSCRIPTIONS}",
    "messages to webhooks that are in memory": (
        f"{QUEUE_SIZE} of each webhook, {ALL_QUEUES_BYTES:,} bytes of a workspace, and one of each"
    ),
    "a page of deliveries": f"{MOST_DELIVERIES:,}, {webhook_bodies.MOST_BYTES:,} bytes",
    "an API key": f"{LONGEST_KEY:,} characters",
    "questions about processing that are remembered": f"{polls.MOST_KEPT:,} of a workspace",
    "a scenario file": f"{MOST_BYTES:,} bytes",
    "a message to a client": f"{errors.MOST_MESSAGE:,} characters",
    "a word that is compared with known words": (f"{errors.MOST_COMPARED} characters, {errors.MOST_CANDIDATES} words"),
    "from a signal to stop to the end of the process": f"{END_WITHIN:g} s",
    "lines of one cause in the log": f"{INTERVAL:g} a second",
    "space for results of exports and uploaded files": "`--results-limit`",
}


def list_bounds() -> dict[str, str]:
    return {what: bound for what, bound, _ in table(section("docs/security.md", "Bounds"))}


def test_the_bounds_that_are_listed_hold() -> None:
    bounds = list_bounds()
    assert {what: bounds.get(what) for what in HOLDS} == HOLDS


def test_what_happens_at_a_bound_is_said_of_each() -> None:
    assert [row for row in table(section("docs/security.md", "Bounds")) if not row[-1]] == []
    assert f"within {PAUSE:g} s" in " ".join(row[-1] for row in table(section("docs/security.md", "Bounds")))
