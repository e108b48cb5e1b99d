"""The cost of answering a GraphQL document, computed from its text and the schema before anything runs.

The cost is the number of objects that the answer has if every list has `LIST` items, whatever page is requested. So
`{projects {labels {dataRow {id}}}}` costs 10 + 100 + 100, and lists four deep cost more than any client requests. The
real service refuses those as well, in the words of `QueryTooComplex` (SDK tests test_client_errors.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec
from graphql.language import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    NameNode,
    Node,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
)
from graphql.type import (
    GraphQLObjectType,
    GraphQLSchema,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    get_named_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

from mockserver.api.graphql.fields import has_few, is_long, module_of
from mockserver.errors import QueryNotValid, QueryTooComplex

MOST_DEPTH = 60
"""Levels, of brackets in the text and of fields when the fragments are put in."""
MOST_SELECTIONS = 1000
"""Fields and fragment spreads in the text."""
MOST_PARTS = 5000
"""Parts of the text: all that it has but names and plain values. Validation takes some 50 us for each. The largest
document that is known of an SDK has some 300."""
MOST_NAME = 200
"""Characters of a name. Names of an answer repeat those of the document, for each object of a list."""
MOST_DIGITS = 400
"""Characters of a number; the largest number of JSON has 309 digits."""
MOST_FIELDS = 2000
"""Fields and fragment spreads when the fragments are put in. No client is known that requests a tenth of that."""
MOST_OVERLAPS = 2000
"""Pairs that must not contradict each other: two fields of one name at one place, two fragments spread at one place."""
MOST_CHANGES = 100
"""Changes of one mutation, each of which is a transaction."""
MOST_COST = 10_000
"""Objects. The costliest document that is known of an SDK costs some 300."""
LIST = 10
"""Items that a list counts for."""
LIST_OF_SCHEMA = 2
"""The same where a document requests the schema itself: tools nest deeper there."""
CHANGING = frozenset({"Mutation", "ProjectChanges"})
"""The types whose fields change something."""


_LEAVES = frozenset(
    {NameNode, StringValueNode, IntValueNode, FloatValueNode, BooleanValueNode, EnumValueNode, NullValueNode}
)
"""Nodes without children, which are not counted as parts."""


class Cost(msgspec.Struct):
    """The cost of a whole document, all its operations together."""

    objects: int = 0
    answers: int = 0
    """Fields of all these objects."""
    fields: int = 0
    """Fields and fragment spreads of the document when its fragments are put in."""
    overlaps: int = 0
    changes: int = 0
    lists: bool = False
    """Whether objects are listed that may be many."""
    schema: bool = False
    """Whether the schema itself is requested."""
    conditions: bool = False
    """Whether `@include` or `@skip` make several queries of it."""
    long: bool = False
    """Whether a field is requested that was registered as long."""
    modules: set[str] = set()
    """Modules of resolvers that have to be imported first."""


def check_size(document: DocumentNode) -> int:
    """Checks the selections of the text and its parts; returns its nodes. Raises QueryTooComplex, QueryNotValid.

    Leaves are half of the nodes. Without a search for their children the walk takes a third of the parser's time.
    """
    selections = parts = leaves = 0
    nodes: list[Any] = list(document.definitions)
    while nodes:
        node = nodes.pop()
        if type(node) in _LEAVES:
            leaves += 1
            _check_length(node)
            continue
        selections += isinstance(node, SelectionNode)
        parts += 1
        for key in node.keys:
            child = getattr(node, key, None)
            if isinstance(child, Node):
                nodes.append(child)
            elif isinstance(child, (list, tuple)):
                nodes += child
    if selections > MOST_SELECTIONS:
        raise QueryTooComplex(f"the document has {selections:,} selections; at most {MOST_SELECTIONS:,} are answered")
    if parts > MOST_PARTS:
        raise QueryTooComplex(
            f"the document has {parts:,} selections, arguments, fields of inputs, variables and types; at most"
            f" {MOST_PARTS:,} are read. Send large inputs as variables"
        )
    return 1 + parts + leaves


def _check_length(node: Any) -> None:
    """Raises QueryTooComplex for a long name, QueryNotValid for a long number, which Python does not read."""
    if isinstance(node, NameNode) and len(node.value) > MOST_NAME:
        raise QueryTooComplex(f"a name has {len(node.value):,} characters; at most {MOST_NAME} are read")
    if isinstance(node, (IntValueNode, FloatValueNode)) and len(node.value) > MOST_DIGITS:
        raise QueryNotValid(f"A number has {len(node.value):,} digits; at most {MOST_DIGITS} are read")


def cost_of(schema: GraphQLSchema, document: DocumentNode) -> Cost:
    """The cost of a parsed document, which need not be valid: what is unknown costs nothing. Raises QueryTooComplex."""
    meter = _Meter(schema, document)
    roots = {OperationType.QUERY: schema.query_type, OperationType.MUTATION: schema.mutation_type}
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode) and (root := roots.get(operation.operation)) is not None:
            meter.add_object(root, [operation.selection_set], factor=1, level=1)
    return meter.cost


def is_circular(document: DocumentNode) -> bool:
    """Whether fragments spread each other in a circle, which has no end to be counted."""
    fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
    try:
        TopologicalSorter({node.name.value: set(_list_spreads(node)) for node in fragments}).prepare()
    except CycleError:
        return True
    return False


def _list_spreads(node: FragmentDefinitionNode) -> Iterable[str]:
    waiting: list[Any] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, FragmentSpreadNode):
            yield part.name.value
        if (selection_set := getattr(part, "selection_set", None)) is not None:
            waiting += selection_set.selections


class _Meter:
    """Adds up one document. Fields of one name at one place are one field, as they are when the document runs."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        fragments = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
        self._fragments = {node.name.value: node.selection_set for node in fragments}
        self._of_schema = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef} if schema.query_type else {}
        self._query = schema.query_type
        self.cost = Cost()

    def add_object(self, kind: GraphQLObjectType, selected: list[SelectionSetNode], *, factor: int, level: int) -> None:
        """The selection of `factor` objects."""
        if level > MOST_DEPTH:
            raise QueryTooComplex(f"the document is more than {MOST_DEPTH} levels deep")
        for nodes in self._collect_fields(selected).values():
            self._add_field(kind, nodes, factor, level)

    def _collect_fields(self, selected: list[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields by the keys of the answer; each fragment is put in once."""
        cost = self.cost
        fields: dict[str, list[FieldNode]] = {}
        spread: dict[str, int] = {}
        waiting: list[Any] = [node for selection_set in selected for node in selection_set.selections]
        while waiting:
            node = waiting.pop()
            cost.fields += 1
            cost.conditions |= bool(node.directives)
            if isinstance(node, FieldNode):
                alike = fields.setdefault((node.alias or node.name).value, [])
                cost.overlaps += len(alike)
                alike.append(node)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                cost.overlaps += len(spread)
                if name not in spread and name in self._fragments:
                    waiting += self._fragments[name].selections
                spread[name] = 1
            else:
                waiting += node.selection_set.selections
            self._check()
        return fields

    def _add_field(self, kind: GraphQLObjectType, nodes: list[FieldNode], factor: int, level: int) -> None:
        cost, name = self.cost, nodes[0].name.value
        cost.answers += factor
        cost.changes += kind.name in CHANGING
        field = kind.fields.get(name) or (self._of_schema.get(name) if kind is self._query else None)
        if field is None:
            return
        cost.long |= is_long(field)
        if (module := module_of(field)) is not None:
            cost.modules.add(module)
        of_type = get_named_type(field.type)
        if not is_object_type(of_type):
            return
        of_schema = is_introspection_type(of_type)
        cost.schema |= of_schema
        if is_list_type(field.type.of_type if is_non_null_type(field.type) else field.type):
            cost.lists |= not has_few(field)
            factor *= LIST_OF_SCHEMA if of_schema else LIST
        cost.objects += factor
        self._check()
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        self.add_object(of_type, below, factor=factor, level=level + 1)

    def _check(self) -> None:
        cost = self.cost
        if cost.fields > MOST_FIELDS:
            raise QueryTooComplex(f"the document has more than {MOST_FIELDS} selections, those of fragments put in")
        if cost.overlaps > MOST_OVERLAPS:
            raise QueryTooComplex(f"more than {MOST_OVERLAPS} pairs of fields or fragments are at the same place")
        if cost.objects > MOST_COST:
            raise QueryTooComplex(
                f"the answer has more than {MOST_COST} objects if each list has {LIST}; nest fewer lists within lists"
            )
        if cost.changes > MOST_CHANGES:
            raise QueryTooComplex(f"the document makes more than {MOST_CHANGES} changes")
