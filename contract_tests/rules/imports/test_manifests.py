"""Lists of items: parsed one by one, the same as by any other parser."""

import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import BadInput
from mockserver.imports.manifests import MOST_ITEMS, WINDOW, DamagedItem, decode_chunk, iterate_items, parse_manifest

ITEMS = st.lists(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=8,
)


@given(ITEMS, st.sampled_from([None, 2]), st.booleans(), st.text(alphabet=" \n\r\t", max_size=3))
def test_items_are_those_of_the_list(items: list[object], indent: int | None, escaped: bool, blank: str) -> None:
    text = blank + json.dumps(items, indent=indent, ensure_ascii=escaped) + blank
    try:
        content = text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return
    if "\\ud" not in text:
        assert list(iterate_items(decode_chunk(content))) == items


def test_an_integer_of_more_than_64_bits_is_a_float() -> None:
    """Items are written again where an import lists what it refused."""
    items = list(iterate_items(f"[{2**64 - 1}, {-(2**63)}, {2**64}, {-(10**40)}]"))
    assert [type(item) for item in items] == [int, int, float, float]
    assert items == [2**64 - 1, -(2**63), float(2**64), -1e40]
    for digits in ("9" * 400, "9" * 5_000):
        with pytest.raises(BadInput, match="is not JSON"):
            list(iterate_items(f"[{digits}]"))


def test_an_item_with_half_a_surrogate_pair_is_damaged_alone() -> None:
    items = list(iterate_items(r'["a", {"b": "c\ud800"}, "\ud83d\ude00"]'))
    assert items == ["a", DamagedItem({"b": "c?"}), "\U0001f600"]


@given(st.data())
def test_items_are_the_same_whether_they_are_parsed_together_or_alone(data: st.DataObject) -> None:
    """Around what only the slower way reads: damaged items, large ones, ends of objects within texts."""
    row = {"id": {"type": "AUTO", "value": ""}, "payload": {"row_data": "}}, {", "attachments": [{"a": 1}, {"b": {}}]}}
    kinds = [
        row,
        row["payload"],
        "}},",
        7,
        [row, row],
        {"long": "}, " * WINDOW},
        {"half": "\ud800"},
        {"id": row, "b": 1},
    ]
    items = [
        item
        for item in data.draw(st.lists(st.sampled_from(kinds), max_size=6))
        for _ in range(60 if item is row else 2)
    ]
    text = json.dumps(items, separators=data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", ":")])))
    expected = [DamagedItem({"half": "?"}) if item == {"half": "\ud800"} else item for item in items]
    assert list(iterate_items(text)) == expected


@pytest.mark.parametrize("text", ["[]x", "[1]]", '[{"a": 1}] [{"a": 2}]', '[{"a": 1}]\n{"a": 2}\n'])
def test_what_follows_a_list_is_refused(text: str) -> None:
    """Items in it would be lost, as those of a second list or of lines."""
    with pytest.raises(BadInput, match=r"behind its list.*expected one JSON list of data rows"):
        list(iterate_items(text))


def test_a_manifest_may_begin_with_a_byte_order_mark_as_its_chunks_may() -> None:
    assert parse_manifest(b'\xef\xbb\xbf{"chunk_uris": ["a"]}').chunk_uris == ["a"]


def test_a_list_has_only_so_many_items() -> None:
    items = iterate_items("[" + "0," * MOST_ITEMS + "0]")
    assert sum(1 for _ in islice(items, MOST_ITEMS)) == MOST_ITEMS
    with pytest.raises(BadInput, match="more than 1,000,000 items; send them in several files"):
        next(items)


@given(ITEMS.filter(bool), st.data())
def test_a_list_that_was_cut_is_refused(items: list[object], data: st.DataObject) -> None:
    text = json.dumps(items)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(BadInput, match="expected a JSON list of data rows"):
        list(iterate_items(cut))
