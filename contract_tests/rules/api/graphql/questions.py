"""Hypothesis strategies: valid GraphQL documents for a schema, with aliases, fragments, directives and variables."""

import re
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from hypothesis import strategies as st

MOST_FIELDS = 4
DECLARED = {
    "key": "ID!",
    "id": "ID",
    "n": "Int",
    "page": "PageSize",
    "word": "String",
    "yes": "Boolean!",
    "no": "Boolean! = false",
}
OF_TYPE = {"ID": "$id", "Int": "$n", "PageSize": "$page", "String": "$word"}
DIRECTIVES = (
    "",
    "",
    "",
    "",
    "@skip(if: $yes)",
    "@include(if: $yes)",
    "@include(if: $no)",
    "@skip(if: true)",
    "@skip(if: $no) @include(if: $yes)",
)


class _Writer:
    """A document that is being drawn."""

    def __init__(self, draw: Any, ids: list[str]) -> None:
        self.draw, self.ids = draw, ids
        self.fragments: list[str] = []

    def one_of(self, *choices: str) -> str:
        return str(self.draw(st.sampled_from(choices)))

    def selection(self, kind: GraphQLObjectType, depth: int) -> str:
        names = [name for name, field in kind.fields.items() if depth or is_leaf_type(get_named_type(field.type))]
        chosen = self.draw(st.lists(st.sampled_from([*sorted(names), "__typename"]), min_size=1, max_size=MOST_FIELDS))
        fields = [self.field(kind, name, f"a{depth}{index}", depth) for index, name in enumerate(chosen)]
        at = self.draw(st.integers(0, len(fields)))
        rest = " ".join(fields[at:])
        return "{" + " ".join([*fields[:at], self.fragment(kind, rest) if rest else ""]) + "}"

    def fragment(self, kind: GraphQLObjectType, fields: str) -> str:
        name = f"F{len(self.fragments)}"
        opening = self.one_of(
            "", "... {", f"... on {kind.name} {{", "... @include(if: $yes) {", "spread", "spread twice"
        )
        if not opening.startswith("spread"):
            return f"{opening}{fields}}}" if opening else fields
        self.fragments.append(f"fragment {name} on {kind.name} {{{fields}}}")
        return f"...{name} ...{name} @skip(if: $no)" if opening == "spread twice" else f"...{name}"

    def field(self, kind: GraphQLObjectType, name: str, alias: str, depth: int) -> str:
        if name == "__typename":
            return f"{alias}: __typename"
        field = kind.fields[name]
        of = get_named_type(field.type)
        below = self.selection(of, depth - 1) if is_object_type(of) else "" if is_leaf_type(of) else "{__typename}"
        # Under its own name a field may come several times, so it has no arguments, and directives are for others.
        bare = is_leaf_type(of) and not field.args and self.draw(st.booleans())
        return name if bare else f"{alias}: {name}{self.arguments(field)} {self.one_of(*DIRECTIVES)} {below}"

    def arguments(self, field: GraphQLField) -> str:
        arguments = [
            f"{name}: {self.value(kind.type, 2)}" for name, kind in field.args.items() if self.is_wanted(name, kind)
        ]
        return f"({', '.join(arguments)})" if arguments else ""

    def is_wanted(self, name: str, argument: GraphQLArgument) -> bool:
        return is_non_null_type(argument.type) or name == "first" or bool(self.draw(st.booleans()))

    def value(self, kind: GraphQLInputType, depth: int) -> str:
        required = is_non_null_type(kind)
        kind = kind.of_type if is_non_null_type(kind) else kind
        if not required and self.draw(st.integers(0, 7)) == 0:
            return "null"
        if is_list_type(kind):
            items = [self.value(kind.of_type, depth - 1) for _ in range(self.draw(st.integers(0, 2)))]
            return f"[{', '.join(items)}]"
        if is_input_object_type(kind):
            wanted = [
                n
                for n, f in kind.fields.items()
                if is_non_null_type(f.type) or (depth and self.draw(st.integers(0, 4)) == 0)
            ]
            return "{" + ", ".join(f"{n}: {self.value(kind.fields[n].type, depth - 1)}" for n in wanted) + "}"
        if is_enum_type(kind):
            return self.one_of(*kind.values)
        return self.leaf(str(kind), required=required)

    def leaf(self, kind: str, *, required: bool) -> str:
        if kind == "ID":
            return self.one_of(*(f'"{known}"' for known in self.ids), '"nobody"', "7", "$key" if required else "$id")
        known = {
            "Int": ["0", "1", "2", "2", "-1"],
            "PageSize": ["0", "1", "2", '"2"'],
            "UInt64": ["0", '"10"'],
            "Float": ["0", "0.5", "-1"],
        }
        known |= {"String": ['"image"', '"nobody"'], "Boolean": ["false", "true"], "DateTime": ['"2024-06-01"']}
        variables = [OF_TYPE[kind]] if kind in OF_TYPE and not required else []
        return self.one_of(*known.get(kind, ['[{type: "batch", ids: []}]']), *variables)


@st.composite
def questions(draw: Any, schema: GraphQLSchema, ids: list[str]) -> tuple[str, dict[str, Any]]:
    """A query of the schema and variables for it, of which some are wrong or not there."""
    assert schema.query_type is not None
    writer = _Writer(draw, ids)
    selection = writer.selection(schema.query_type, 3)
    text = " ".join([selection, *writer.fragments])
    used = [name for name in DECLARED if re.search(rf"\${name}\b", text)]
    declared = f"({', '.join(f'${name}: {DECLARED[name]}' for name in used)})" if used else ""
    return f"query {declared}{text}", {
        name: value for name in used if (value := draw(_build_variable(name, ids))) is not ...
    }


def _build_variable(name: str, ids: list[str]) -> st.SearchStrategy[Any]:
    """A value for a variable; `...` for none."""
    of: dict[str, list[Any]] = {
        "n": [1, 2, 2, -1, None, ..., "many"],
        "page": [1, "2", None, ..., -1],
        "word": ["image", None, ..., 5],
        "yes": [True, True, False, ...],
        "no": [False, True, ...],
    }
    return st.sampled_from(of.get(name, [*ids, *ids, "nobody", 7, None, ...]))
