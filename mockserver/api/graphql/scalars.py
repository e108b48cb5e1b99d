"""How values of the schema's own scalars are read and written, and how long words in the place of enums are refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from graphql.error import GraphQLError
from graphql.language import ValueNode
from graphql.type import GraphQLEnumType, GraphQLFloat, GraphQLScalarType, GraphQLSchema, is_introspection_type
from graphql.utilities import value_from_ast_untyped

from mockserver.digits import parse_digits
from mockserver.errors import MOST_COMPARED
from mockserver.world import moments

if TYPE_CHECKING:
    from mockserver.jobs.uploads import UploadedFile


def set_scalars(schema: GraphQLSchema) -> None:
    """Gives the scalars and enums of a schema their functions."""
    for name, (write, read) in _SCALARS.items():
        scalar = cast("GraphQLScalarType", schema.type_map[name])
        scalar.coerce_output_value = write
        scalar.coerce_input_value = read
        scalar.coerce_input_literal = partial(_read_literal, _LITERALS.get(name, read))
    cast("GraphQLScalarType", schema.type_map["Float"]).coerce_input_literal = _read_float
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not is_introspection_type(kind):
            _limit_suggestions(kind)


def _limit_suggestions(kind: GraphQLEnumType) -> None:
    """Compares no long word with the values of the enum: a word of 4 MB takes a second, in which no thread runs."""
    coerce = kind.coerce_input_value

    def coerce_input_value(value: Any, hide_suggestions: bool = False) -> Any:
        is_long = isinstance(value, str) and len(value) > MOST_COMPARED
        return coerce(value, hide_suggestions or is_long)

    kind.coerce_input_value = coerce_input_value  # type: ignore[assignment, method-assign]  # graphql-core lets a type have its own


def _read_literal(read: Callable[[Any], Any], node: ValueNode) -> Any:
    return read(value_from_ast_untyped(node))


def _read_float(node: ValueNode) -> float:
    """A number that a document spells. Raises GraphQLError, also beyond what a double holds: graphql-core makes that
    infinite, and no answer can say so."""
    value = GraphQLFloat.coerce_input_value(value_from_ast_untyped(node))
    return float(value)


def _identity(value: Any) -> Any:
    return value


def parse_moment(value: Any) -> int:
    """Microseconds in UTC of a moment in ISO 8601. Raises GraphQLError."""
    try:
        return moments.parse_moment(value)
    except (TypeError, ValueError):
        raise GraphQLError(
            f'DateTime cannot represent {value!r}; expected ISO 8601 like "2024-01-02T03:04:05Z"'
        ) from None
    except OverflowError:
        raise GraphQLError(f"DateTime cannot represent {value!r}; expected a moment of the years 1 to 9999") from None


def check_json(value: Any) -> Any:
    """A value that a document spells. Raises GraphQLError for a number that JSON does not keep: of variables, the JSON
    of the body has refused such numbers, or rounded them."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_json(item)
    if isinstance(value, float) and not math.isfinite(value):
        raise GraphQLError("Json cannot represent a number beyond 1.7e308; send a smaller one")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise GraphQLError(f"Json cannot represent {value}; expected an integer of 64 bits, or a number with a point")
    return value


def parse_number(value: Any) -> int:
    """An unsigned number, sent as a string or an integer (SDK export_task.py: offset as str, line as int).

    Raises GraphQLError.
    """
    number = parse_digits(value, 20) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**64:
        raise GraphQLError(f'UInt64 cannot represent {value!r}; expected digits like "0" or 0')
    return number


def parse_upload(value: Any) -> UploadedFile:
    """The file that the multipart request has put into a variable. Raises GraphQLError."""
    from mockserver.jobs.uploads import UploadedFile  # noqa: PLC0415  few requests have files

    if not isinstance(value, UploadedFile):
        raise GraphQLError(
            f"Upload cannot represent {str(value)[:100]!r}; expected a file: send multipart/form-data with the parts "
            "operations, map and the file"
        )
    return value


# The SDK parses no other form of a moment than `format_zulu` (wire trap 7).
_SCALARS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "DateTime": (moments.format_zulu, parse_moment),
    "Json": (_identity, _identity),
    "UInt64": (str, parse_number),
    "PageSize": (_identity, parse_number),
    "Upload": (_identity, parse_upload),
}
_LITERALS = {"Json": check_json}
"""Scalars whose values in documents are read otherwise than those in variables."""
