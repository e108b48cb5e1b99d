"""Numbers of Export V1: as JavaScript writes them, in every file."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.rules.exports.legacy import migration
from contract_tests.rules.exports.legacy.elements import LINKS
from contract_tests.rules.exports.rows import HOST, NOW
from contract_tests.rules.worlds import build_database, open_store
from mockserver.exports.legacy.labels import LabelElements
from mockserver.exports.legacy.numbers import format_number, to_javascript
from mockserver.exports.legacy.rows import LegacyDataRows
from mockserver.world.clause import EVERYTHING, Clause
from mockserver.world.records.labels import Label
from mockserver.world.store import Store

FINITE = st.floats(allow_nan=False, allow_infinity=False)
STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
ENDS_IN_ZERO = re.compile(rb"\.0[^0-9]")


@pytest.mark.known("documented")
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, "5"), (0.0, "0"), (-0.0, "0"), (-3.0, "-3"), (0.5, "0.5"), (734.5, "734.5"), (7, "7"),
        (0.0001, "0.0001"), (0.00001, "0.00001"), (0.000001, "0.000001"), (0.0000001, "1e-7"), (1.5e-7, "1.5e-7"),
        (2.0**53, "9007199254740992"), (123456789012345680000.0, "123456789012345680000"), (1e21, "1e+21"),
        (-1.25e30, "-1.25e+30"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_javascript_writes_it(number: float, text: str) -> None:
    """ECMA-262, Number::toString."""
    assert format_number(number) == text
    assert orjson.dumps(to_javascript([number])) == f"[{text}]".encode()


@given(FINITE)
def test_every_number_is_read_back_as_it_was(number: float) -> None:
    assert float(format_number(number)) == number
    assert not format_number(number).endswith(".0")
    assert orjson.dumps(to_javascript({"a": [number]})) == f'{{"a":[{format_number(number)}]}}'.encode()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    with ExitStack() as opened:
        yield [
            opened.enter_context(open_store(build_database(tmp_path_factory.mktemp(name)), name))
            for name in ("default", "states", "forms")
        ]


def bare(text: bytes) -> bytes:
    """The JSON with every string emptied."""
    return STRING.sub(b'""', text)


@pytest.mark.known("sample")
def test_no_whole_number_of_a_file_has_a_fraction(stores: list[Store]) -> None:
    for store in stores:
        with store.reading() as connection:
            elements = LabelElements(connection, links=LINKS, host=HOST, now=NOW)
            labels = b"\n".join(piece.text for piece in elements.pieces(Clause("NOT l.deleted"), between="\n"))
            lines = LegacyDataRows(connection, EVERYTHING, metadata=True, links=LINKS, host=HOST, now=NOW)
            rows = b"".join(piece.text for piece in lines.pieces())
            framed = "data_row_no IN (SELECT no FROM data_row WHERE media_type IN ('VIDEO', 'DICOM'))"
            ids = [label.id for label in connection.select(Label, Clause(framed))]
        frames = b"".join(migration.frames_of(store, label) for label in ids)
        for text in (labels, rows, frames):
            assert ENDS_IN_ZERO.search(bare(text)) is None
        assert b"." in bare(labels) or not labels  # numbers with a fraction keep it


@given(FINITE, FINITE, st.integers(2, 9))
def test_what_lies_between_key_frames_is_written_so_too(start: float, end: float, length: int) -> None:
    """A box whose top moves from one number to another."""
    start, end = (round(max(-1e9, min(1e9, number)), 3) for number in (start, end))
    box = {"top": start, "left": 1.0, "height": 2.0, "width": 3.5}
    feature = {"feature_id": "\x0200001", "feature_schema_id": "s", "name": "n", "value": "n", "classifications": []}
    items = {
        1: feature | {"bounding_box": box},
        1 + length: feature | {"bounding_box": box | {"top": end}},
    }
    document = {
        "frames": {str(at): {"objects": {"\x0200001": item}, "classifications": []} for at, item in items.items()},
        "segments": {"\x0200001": [[1, 1 + length]]},
    }
    text = migration.lines_of_body(orjson.dumps(document).replace(b"\\u0002", b"\x02"))
    assert ENDS_IN_ZERO.search(bare(text)) is None
    assert b"-0," not in bare(text)
    tops = [json.loads(line)["objects"][0]["bbox"]["top"] for line in text.splitlines()]
    assert (tops[0], tops[-1]) == (start, end)
