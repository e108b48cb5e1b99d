"""GraphQL documents that are ready to run: parsed, measured, validated, and kept by their text.

Parsing and validating costs milliseconds, executing tens of microseconds, and an SDK sends the same few documents again
and again. What is kept is bounded by the memory it takes.
"""

from __future__ import annotations

import re
import sys
import threading
from collections import OrderedDict
from typing import Any

import msgspec
from graphql.error import GraphQLError, GraphQLSyntaxError
from graphql.language import DocumentNode, FieldNode, Source, parse
from graphql.type import GraphQLSchema
from graphql.validation import FieldsOnCorrectTypeRule, NoFragmentCyclesRule, specified_rules, validate

from mockserver.api.graphql.cost import MOST_DEPTH, Cost, check_size, cost_of, is_circular
from mockserver.api.graphql.fields import load_modules
from mockserver.api.graphql.planner import MOST_PLANS, Planned
from mockserver.api.graphql.unknown import find_unknown, list_operations, suggest
from mockserver.api.graphql.unread import Input, list_inputs
from mockserver.errors import QueryNotParsed, QueryNotValid, QueryTooComplex, WireError, nearest, quote
from mockserver.journal.notes import Operation, Unknown

MOST_CHARACTERS = 1024 * 1024
"""Of the text of a document. A bulk delete inlines 25,000 ids, which are some 700,000 characters."""
MOST_TOKENS = 30_000
"""Names, values and brackets of a document. A bulk delete inlines 25,000 ids."""
MOST_KEPT = 8 * 1024 * 1024
"""Bytes of all kept documents, as `estimate_memory` estimates them. The 197 operations of an SDK take 3 MiB. More
documents would not be sent again, and every collection of Python's garbage would visit them."""
MOST_KEPT_OF_ONE = 2 * 1024 * 1024
"""Bytes. A larger one would push out too many others."""

LARGE_DOCUMENT = 64 * 1024
"""Characters. A longer one is not kept, so its memory is not estimated, and its errors suggest no similar words."""
BYTES_OF_NODE = 160
"""Of a node of a parsed document, measured by tracemalloc on 64-bit CPython 3.11: 130 to 185."""
BYTES_OF_FIELD = 1_200
"""Of a field of a plan: 500 to 1,200, the latter with arguments."""

MOST_ON_LOOP = 300
"""Fields of an answer that is built on the event loop, if each list has ten items; some 3 ms."""


class Document(msgspec.Struct, frozen=True):
    """A parsed and validated document. `changes` says that it holds a mutation, `long` that it might block other
    requests if it ran on the event loop."""

    planned: Planned
    changes: bool
    long: bool
    memory: int
    """Bytes, an estimate; 0 of one that is not kept."""
    operations: tuple[Operation, ...] = ()
    inputs: tuple[Input, ...] = ()
    """Arguments of the root that may have fields which nothing reads."""


class RefusedDocument(msgspec.Struct, frozen=True):
    """A document that cannot be run, why not, and what of it was not understood."""

    error: WireError
    operations: tuple[Operation, ...] = ()
    unknown: tuple[Unknown, ...] = ()


class KeptDocuments:
    """The documents that were sent last, and why others cannot be run. Safe for several threads."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most, self.memory = most, 0
        self._lock = threading.Lock()
        self._documents: OrderedDict[str, Document | RefusedDocument] = OrderedDict()

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, query: str) -> Document | RefusedDocument | None:
        with self._lock:
            document = self._documents.get(query)
            if document is not None:
                self._documents.move_to_end(query)
            return document

    def keep(self, query: str, document: Document | RefusedDocument) -> None:
        """Keeps a document, and drops those that were not sent for the longest time."""
        size = _estimate_size(query, document)
        with self._lock:
            if len(query) > LARGE_DOCUMENT or size > MOST_KEPT_OF_ONE or query in self._documents:
                return  # the last condition: it was prepared twice at the same time
            self._documents[query] = document
            self.memory += size
            while self.memory > self._most:
                old_query, old = self._documents.popitem(last=False)
                self.memory -= _estimate_size(old_query, old)


def _estimate_size(query: str, document: Document | RefusedDocument) -> int:
    size = document.memory if isinstance(document, Document) else 1_000 + 8 * len(document.error.message)
    return size + sys.getsizeof(query) + 200


def prepare(schema: GraphQLSchema, query: str) -> Document | RefusedDocument:
    """Parses, measures and validates a document, and imports its resolvers. If it cannot be run, returns why."""
    try:
        check_length(query)
        check_depth(query)
        node = parse(Source(query, "request"), no_location=True, max_tokens=MOST_TOKENS)
        nodes = check_size(node)
        if is_circular(node):
            return _refuse(schema, node, validate(schema, node, [NoFragmentCyclesRule], max_errors=5))
        cost = cost_of(schema, node)
    except GraphQLSyntaxError as error:
        if error.message.endswith("Parsing aborted."):  # graphql-core's words at `max_tokens`
            return RefusedDocument(
                QueryTooComplex(
                    f"the document has more than {MOST_TOKENS:,} names, values and brackets; send long lists as "
                    "variables"
                )
            )
        not_parsed = QueryNotParsed(error.message, locations=[_get_location(error)] if error.locations else [])
        return RefusedDocument(not_parsed, unknown=find_unknown(schema, [not_parsed.message]))
    except WireError as error:
        return RefusedDocument(error.copy())
    errors = validate(schema, node, _RULES, max_errors=5, hide_suggestions=len(query) > LARGE_DOCUMENT)
    if errors:
        return _refuse(schema, node, errors)
    load_modules(schema, cost.modules)
    memory = estimate_memory(nodes, cost) if len(query) <= LARGE_DOCUMENT else 0
    return _build_document(schema, node, cost, memory)


def _build_document(schema: GraphQLSchema, node: DocumentNode, cost: Cost, memory: int) -> Document:
    changes = cost.changes > 0
    long = cost.answers > MOST_ON_LOOP or cost.schema or cost.long
    if changes:  # none of these can begin again in a thread
        long = long or cost.lists or cost.changes > 1
    inputs = list_inputs(schema, node) if changes else ()
    return Document(Planned(schema, node), changes, long, memory, list_operations(node), inputs)


def estimate_memory(nodes: int, cost: Cost) -> int:
    """Bytes that a document of so many nodes takes when all its plans are built."""
    plans = MOST_PLANS if cost.conditions else 1
    return BYTES_OF_NODE * nodes + BYTES_OF_FIELD * cost.fields * plans


# Limits


# A string without an end is skipped to the end of its line, or it would be searched again from each of its quotes. No
# other thread runs during a match, so block strings, which may be long, are skipped in steps.
_NESTING = re.compile(r'"""|"(?:[^"\\\n\r]++|\\[^\n\r])*+"?|#[^\n\r]*|[{}\[\]()]')
_BLOCK = '"""'


def check_length(query: str) -> None:
    """Raises QueryTooComplex when the text is longer than that of any real client."""
    if len(query) > MOST_CHARACTERS:
        raise QueryTooComplex(
            f"the document has {len(query):,} characters; at most {MOST_CHARACTERS:,} are read. Send long lists and"
            " texts as variables"
        )


def check_depth(query: str) -> None:
    """Counts brackets in the text, because the parser calls itself for each level. Raises QueryTooComplex."""
    if query.count("{") + query.count("[") + query.count("(") <= MOST_DEPTH:
        return
    depth = place = 0
    while (token := _NESTING.search(query, place)) is not None:
        place = token.end()
        if token[0] == _BLOCK:
            place = _find_block_end(query, place)
        elif token[0] in "{[(":
            depth += 1
            if depth > MOST_DEPTH:
                raise QueryTooComplex(f"the document is more than {MOST_DEPTH} levels deep")
        elif token[0] in "}])":
            depth -= 1


def _find_block_end(query: str, place: int) -> int:
    """The end of the block string whose text begins at `place`; of the document if the string has none."""
    while (end := query.find(_BLOCK, place)) >= 0:
        place = end + len(_BLOCK)
        if query[end - 1] != "\\":
            return place
    return len(query)


# Errors


class NearestNames(FieldsOnCorrectTypeRule):
    """Reports an unknown field in the service's words, with the nearest known names."""

    def enter_field(self, node: FieldNode, *_args: Any) -> None:
        parent = self.context.get_parent_type()
        if parent is None or self.context.get_field_def() is not None:
            return
        name, fields = node.name.value, getattr(parent, "fields", {})
        near = f" The nearest known are {quote(nearest(name, fields))}." if fields else ""
        message = f'Cannot query field "{name}" on type "{parent.name}".{near}'
        if parent.name in {"Query", "Mutation"}:
            message += " Other fields of the real service are not imitated yet."
        self.report_error(GraphQLError(message, node))


_RULES = [NearestNames if rule is FieldsOnCorrectTypeRule else rule for rule in specified_rules]


def _refuse(schema: GraphQLSchema, node: DocumentNode, errors: list[GraphQLError]) -> RefusedDocument:
    """All messages in one, in double quotes as the service writes them (SDK tests test_client_errors.py)."""
    messages = [re.sub(r"'([^']*)'", r'"\1"', error.message) for error in errors]
    unknown = find_unknown(schema, messages)
    return RefusedDocument(QueryNotValid(" ".join(map(suggest, unknown))), list_operations(node), unknown)


def _get_location(error: GraphQLError) -> dict[str, int]:
    location = (error.locations or [])[0]
    return {"line": location.line, "column": location.column}
