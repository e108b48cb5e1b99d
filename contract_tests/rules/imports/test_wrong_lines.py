"""Lines of annotations that are wrong at one place: each is refused by itself, or is imported as it says."""

from typing import Any

import orjson
import pytest

from contract_tests.rules.api.writes.wrong import list_edits
from contract_tests.rules.imports.round_trip import (
    REFERENCE,
    build,
    build_row,
    build_variant,
    compare,
    ontology_of,
    read_aside,
    render,
)
from mockserver.imports.bodies import Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.line_decoding import decode_line
from mockserver.imports.lines import Line
from mockserver.imports.problems import LineProblem
from mockserver.imports.scopes import build_scope
from mockserver.world.media import BY_NAME, MEDIA

ANOTHER = REFERENCE.data_row["id"]


def decode(line: Any) -> Line | None:
    """None for a line that is refused by itself."""
    try:
        return decode_line(orjson.dumps(line))
    except LineProblem:
        return None


def select_kinds(lines: list[Any]) -> list[Any]:
    """One line of each kind: with other keys than those before it."""
    return list({repr(sorted(line)): line for line in lines}.values())


@pytest.mark.parametrize("name", [media.name for media in MEDIA])
def test_a_line_with_one_wrong_value_keeps_no_other_back(name: str) -> None:
    variant = build_variant(name, 0)
    row = build_row(name, 0, variant)
    lines = select_kinds(render(variant.content, read_aside(variant), row, by_name=True))
    target = Target(BY_NAME[name].wire, Contents(row, 0), build_scope(ontology_of(name)))
    decoded = [decode_line(orjson.dumps(line)) for line in lines]
    other = next(line for line in decoded if not build_body(target, [line]).problems)  # a relationship has two others
    for line in lines:
        for edit in list_edits(line, [ANOTHER]):
            wrong = decode(edit.apply(line))
            if wrong is None:
                continue
            built = build_body(target, [wrong, other])
            assert set(built.problems) <= {0}, str(edit)
            if built.content is not None:
                again = build(name, row, render(built.content, read_aside(built), row))
                assert again.content is not None
                assert compare(again.content) == compare(built.content), str(edit)
