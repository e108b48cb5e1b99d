"""The annotations that the caller of an event chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from mockserver.errors import BadInput
from mockserver.generate.features import Ontology
from mockserver.imports.bodies import ImportedBody, Target, build_body
from mockserver.imports.contents import Contents
from mockserver.imports.line_decoding import decode_line
from mockserver.imports.lines import Line
from mockserver.imports.problems import LineProblem
from mockserver.imports.scopes import build_scope
from mockserver.world.records.data_rows import DataRow


def build_annotations(
    annotations: Sequence[dict[str, Any]], row: DataRow, ontology: Ontology, *, seed: int
) -> ImportedBody:
    """The body of a label with these annotations on this row, whose file gives entities their words.

    Raises BadInput, which names the first annotation that is wrong: a test has to know what it made.
    """
    lines = [_decode(index, annotation, row) for index, annotation in enumerate(annotations)]
    body = build_body(Target(row.media_type, Contents(row, seed), build_scope(ontology)), lines)
    for index, problem in sorted(body.problems.items()):
        raise BadInput(f"annotations[{index}]: {problem.message}")
    return body


def _decode(index: int, annotation: dict[str, Any], row: DataRow) -> Line:
    try:
        return decode_line(orjson.dumps({**annotation, "dataRow": {"id": row.id}}))
    except LineProblem as problem:
        raise BadInput(f"annotations[{index}]: {problem.message}") from None
    except (TypeError, msgspec.MsgspecError) as error:
        raise BadInput(f"annotations[{index}] is no annotation ({error}); expected a line of an import") from None
