"""The mistakes that the contract knows by name: what each is, and how it is mended."""

from __future__ import annotations

import msgspec

from mockserver.certification.cases import Level


class Mistake(msgspec.Struct, frozen=True):
    """`level`: its greatest weight, whatever the weight of the case that shows it."""

    name: str
    title: str
    advice: str
    level: Level = Level.MUST


MISTAKES: tuple[Mistake, ...] = (
    # The protocol
    Mistake(
        "not-started",
        "It cannot be started",
        "Run the command by hand; give --python if the client needs another interpreter.",
    ),
    Mistake("died", "Its process ended", "Read its error stream; catch what a single export raises."),
    Mistake("silent", "It does not answer", "Give every request and every wait of the client a time limit."),
    Mistake(
        "rubbish",
        "It prints something that is not JSON",
        "Write only answers to stdout, one JSON object a line, and everything else to the error stream.",
    ),
    Mistake("floods", "It writes without end", "End every answer with a line of its own, and stop at the last item."),
    Mistake(
        "wrong-types", "Its answers have wrong types", "Compare them with `mockserver contract --schema protocol`."
    ),
    Mistake("wrong-id", "It answers another request", "Copy the `id` of the request into each of its answers."),
    Mistake("other-protocol", "It speaks another version of the protocol", "Answer `open` with the protocol's number."),
    Mistake(
        "children-left",
        "It leaves processes behind",
        "Wait for every process that the client starts, or end it.",
        Level.SHOULD,
    ),
    Mistake(
        "connections-left",
        "It leaves connections open",
        "Close sessions and responses in `close`.",
        Level.SHOULD,
    ),
    Mistake(
        "memory-grows",
        "It keeps all rows in memory",
        "Yield each row as it is read, one file after the other, and keep none.",
        Level.SHOULD,
    ),
    Mistake(
        "first-row-late",
        "It gives the first row after it has read every file",
        "Yield the rows of a file before the next one is requested.",
        Level.NOTE,
    ),
    # Rows
    Mistake("raised", "It raises an error where it should work", "Read its message; the exchange is in the journal."),
    Mistake("rows-lost", "Rows are missing", "Read every file of the stream until `totalSize` bytes have been read."),
    Mistake("last-row-lost", "The last row is missing", "Use also what follows the last newline, or no newline."),
    Mistake(
        "first-file-only",
        "It reads only the first file of a result",
        "Request the next file at `offsets.end` + 1 until `totalSize` is reached.",
    ),
    Mistake("rows-doubled", "Rows are there twice", "Begin again from nothing when a file is read again."),
    Mistake("rows-foreign", "It gives rows that were not exported", "Use the task that this export has created."),
    Mistake(
        "rows-merged",
        "It merges rows that have a name in common",
        "Tell data rows by `data_row.id`; external ids may be there twice, and global keys may be null.",
    ),
    Mistake(
        "stale-rows",
        "It gives the rows of an earlier export",
        "Create an export for each call; files and rows that were kept say nothing about today.",
    ),
    Mistake(
        "rows-of-another",
        "It gives the rows of another API key",
        "Keep what belongs to a key with that key: two organizations may have equal ids of data rows.",
    ),
    Mistake("rows-changed", "Rows differ from the export", "Pass values on as they were parsed."),
    Mistake("fields-lost", "Fields of rows are missing", "Keep every key, also those that the client does not know."),
    Mistake("fields-added", "Rows have fields that the export has not", "Keep what the client adds outside the rows."),
    Mistake("labels-lost", "Labels of rows are missing", "Give every label of a row, of each of its projects."),
    Mistake("items-lost", "Items of lists are missing", "Pass lists on whole, and as they are ordered."),
    Mistake(
        "numbers-damaged",
        "Numbers have lost digits",
        "Parse integers of any size as integers, and pass decimals on with all their digits.",
    ),
    Mistake("texts-cut", "Texts are cut", "Give texts no greatest length."),
    Mistake("not-rows", "It gives something that is not a row", "Yield each line of the result, parsed, as an object."),
    Mistake(
        "text-damaged",
        "Texts outside ASCII are damaged",
        "Decode result files as UTF-8, whatever the response's header says, and not part by part.",
    ),
    Mistake(
        "line-separators",
        "It splits lines at characters that are no newline",
        r"Split the bytes at b'\n'. str.splitlines() also splits at U+2028, U+2029 and U+0085.",
    ),
    Mistake("large-row", "It cannot read a large row", "Read a line of any length; give no buffer a fixed size."),
    Mistake(
        "empty-export", "It cannot read an export without rows", "`exportMetadataHeader` is null if there are none."
    ),
    Mistake("filters-ignored", "It ignores filters", "Send the filters of the call in `searchQuery`."),
    Mistake("params-ignored", "It ignores params", "Send the params of the call."),
    # Errors
    Mistake(
        "errors-ignored",
        "It ignores the stream of errors",
        "Read the stream ERRORS too: its data rows are missing in the result.",
    ),
    Mistake(
        "errors-stale",
        "It gives the errors of an earlier export",
        "Read the stream ERRORS of the last export, and forget those of earlier ones.",
    ),
    Mistake(
        "failure-hidden", "It takes a failed export for an empty one", "Raise an error if the task's status is FAILED."
    ),
    Mistake("refusal-hidden", "It takes a refusal for an empty result", "Raise an error if the answer has `errors`."),
    Mistake("cancel-hidden", "It takes a cancelled export for an empty one", "Raise an error if it did not COMPLETE."),
    Mistake("not-waited", "It does not wait for the export", "Poll the task while its status is IN_PROGRESS."),
    Mistake(
        "sync-differs",
        "Its incremental sync misses changes",
        "Send `last_activity_at` with the timestamp of the last sync, taken before that sync began.",
    ),
    Mistake(
        "unknown-field", "It cannot read fields that are new", "Keep, or ignore, keys that the reader does not know."
    ),
    Mistake("unknown-medium", "It cannot read a media type that is new", "Take unknown media types for plain rows."),
    Mistake("unknown-value", "It cannot read values that are new", "Take unknown values of enums for texts."),
    # Failures on the way
    Mistake("gives-up", "It gives up at the first failure", "Repeat queries and downloads a few times.", Level.SHOULD),
    Mistake(
        "truncation-hidden",
        "It takes a part of a file for the whole",
        "Compare the number of bytes with `offsets.end` - `offsets.start` + 1, and read the file again.",
    ),
    Mistake(
        "length-trusted",
        "It trusts Content-Length",
        "Compare the number of bytes with `offsets.end` - `offsets.start` + 1, and read the file again.",
    ),
    Mistake(
        "file-skipped",
        "It leaves out a file that it cannot read",
        "Request it again, and raise an error if it cannot be read: its rows are missing otherwise.",
    ),
    Mistake(
        "corruption-hidden",
        "It takes a damaged line for a row",
        "Parse each line, and raise an error if it is no JSON.",
    ),
    Mistake(
        "nonsense-hidden",
        "It takes an answer that makes no sense for an empty result",
        "Raise an error if an answer is not as expected.",
    ),
    Mistake(
        "error-swallowed",
        "It takes a call that failed for an empty result",
        "Raise the error of a call that was not answered as it should be: an empty list says that there are no rows.",
    ),
    Mistake(
        "retry-after-ignored",
        "It does not wait as long as Retry-After says",
        "Wait for so many seconds before the next request to that address.",
        Level.SHOULD,
    ),
    Mistake(
        "retries-hastily",
        "It retries without a pause",
        "Wait before each attempt, and longer before each further one.",
        Level.SHOULD,
    ),
    Mistake(
        "refusal-repeated",
        "It repeats a call that was refused",
        "Retry 429 and 5xx alone; the answer to a wrong call stays the same.",
        Level.SHOULD,
    ),
    # The wire
    Mistake(
        "key-in-url",
        "It sends the API key in a URL",
        "Send it in the header Authorization alone: URLs are in the logs of every proxy.",
    ),
    Mistake(
        "key-printed",
        "It prints the API key",
        "Leave the headers of requests out of messages and logs.",
        Level.SHOULD,
    ),
    Mistake(
        "key-leaked",
        "It sends the API key to another host",
        "Drop the header Authorization when a redirect leads to another host.",
    ),
    Mistake("key-on-links", "It sends the API key with signed links", "A signed link needs no key.", Level.NOTE),
    Mistake("polls-too-often", "It polls without a pause", "Wait at least half a second between polls.", Level.SHOULD),
    Mistake("polls-after-end", "It polls a task that has ended", "Stop at the first final status.", Level.SHOULD),
    Mistake("mutation-repeated", "It creates an export twice", "Retry queries, and never a mutation.", Level.SHOULD),
    Mistake(
        "wrong-offset", "It requests offsets outside the file", "The next offset is `offsets.end` + 1.", Level.SHOULD
    ),
    Mistake("file-repeated", "It downloads files twice", "Keep what was read whole.", Level.SHOULD),
    Mistake("expired-link", "It uses a link that has expired", "Request the file's link again.", Level.SHOULD),
    Mistake("not-understood", "It sends what the server does not know", "See the message in the journal.", Level.NOTE),
    # V1
    Mistake("labels-differ", "Labels of Export V1 differ", "Read the whole file; it is one JSON array."),
    Mistake("frames-differ", "Frames differ", "Read each line of the frames endpoint as one frame."),
    Mistake(
        "frames-empty", "It cannot read a label without frames", "The status 204 has no body: there are no frames."
    ),
)

BY_NAME = {mistake.name: mistake for mistake in MISTAKES}


class Finding(msgspec.Struct, frozen=True):
    """A mistake that a case has shown, and how it was seen."""

    mistake: str
    detail: str
    level: Level = Level.MUST
