"""One line of an import: bounded, and without the characters that the world puts in place of parts of a body."""

import json

import pytest

from mockserver.imports.json_items import MOST_PARTS
from mockserver.imports.line_decoding import LONGEST_LINE, check_json, decode_line, decode_loosely
from mockserver.imports.problems import LineProblem


def write_line(name: str) -> bytes:
    """A line whose `name` is this text of JSON, with its escapes."""
    return b'{"dataRow": {"id": "row"}, "name": "' + name.encode() + b'"}'


@pytest.mark.parametrize(
    "name", ["\ufdd0", "a\ufdd5b", r"\ufdd0", r"\uFDD3", r"\uFdd5", r"\\\ufdd0", r"\\\\\ufdd1", r"\\ufdd0 \ufdd0"]
)
def test_noncharacters_of_the_world_are_refused_however_they_are_encoded(name: str) -> None:
    assert not {chr(number) for number in range(0xFDD0, 0xFDD6)}.isdisjoint(json.loads(write_line(name))["name"])
    with pytest.raises(LineProblem, match="noncharacter"):
        decode_line(write_line(name))


@pytest.mark.parametrize("name", ["\ufdcf", "\ufdd6", r"\ufdd6", r"\\ufdd0", r"\\\\ufdd0", "ufdd0", r"\u00fd"])
def test_other_characters_are_kept(name: str) -> None:
    assert decode_line(write_line(name)).name == json.loads(write_line(name))["name"]


@pytest.mark.parametrize(
    "line",
    [
        b'{"uuid": "x", "more": [' + b"[]," * MOST_PARTS + b"[]]}",
        b'{"uuid": "x", "more": {' + b",".join(b'"%d":0' % number for number in range(MOST_PARTS)) + b"}}",
        b'{"uuid": "x", "name": "' + b"x" * LONGEST_LINE + b'"}',
    ],
    ids=["lists", "keys", "bytes"],
)
def test_a_line_that_would_be_parsed_for_long_is_not_parsed(line: bytes) -> None:
    for read in (decode_line, check_json):
        with pytest.raises(LineProblem, match="expected at most"):
            read(line)
    assert decode_loosely(line) == {}
