"""Items of JSON: found whole wherever they end, and never parsed for long."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import BadInput
from mockserver.imports.json_items import LONGEST_ITEM, MOST_PARTS, ItemDecoder
from mockserver.imports.manifests import iterate_items

ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refuse(word: str) -> Any:
    raise ValueError(word)


@given(st.text(max_size=9), ITEMS, st.sampled_from(["", " ", ",", "]", ", 17]", "\n{}"]), st.integers(1, 40))
def test_an_item_is_the_same_in_any_window(before: str, item: object, after: str, window: int) -> None:
    encoded = json.dumps(item)
    text = before + encoded + after
    assert ItemDecoder(refuse, window=window).decode(text, len(before)) == (item, len(before) + len(encoded))


@given(ITEMS, st.integers(1, 40), st.data())
def test_an_item_that_was_cut_is_refused_as_the_whole_text_is(item: object, window: int, data: st.DataObject) -> None:
    text = json.dumps([item])
    cut = text[: data.draw(st.integers(1, len(text) - 1))]
    with pytest.raises(ValueError, match=r"char \d+") as refusal:
        ItemDecoder(refuse, window=window).decode(cut, 0)
    with pytest.raises(ValueError, match=r"char \d+") as plain:
        json.JSONDecoder().raw_decode(cut, 0)
    assert str(refusal.value) == str(plain.value)


@given(ITEMS, st.integers(1, 40), st.sampled_from('"\\{}[],:0-tN\x00é '), st.data())
def test_an_item_with_a_wrong_character_is_what_any_parser_says(
    item: object, window: int, wrong: str, data: st.DataObject
) -> None:
    encoded = json.dumps([item, item])
    place = data.draw(st.integers(0, len(encoded)))
    text = encoded[:place] + wrong + encoded[place + 1 :] + " " * data.draw(st.integers(0, 80))

    def decode(decoder: ItemDecoder | json.JSONDecoder) -> object:
        try:
            return decoder.decode(text, 0) if isinstance(decoder, ItemDecoder) else decoder.raw_decode(text, 0)
        except ValueError as error:
            return str(error)

    assert decode(ItemDecoder(refuse, window=window)) == decode(json.JSONDecoder(parse_constant=refuse))


def test_an_item_that_is_too_long_is_refused_and_a_long_text_is_not() -> None:
    long = '{"a": "' + "x" * (LONGEST_ITEM - 100) + '"}'
    [_, last] = iterate_items(f"[{long}, {long}]")
    assert last == json.loads(long)
    with pytest.raises(BadInput, match="an item has more than 4,194,304 characters"):
        list(iterate_items(f'[1, "{"x" * LONGEST_ITEM}"]'))
    with pytest.raises(BadInput, match=r"Expecting value: line 1 column 5 \(char 4\)"):
        list(iterate_items(f'[1, no, "{"x" * LONGEST_ITEM}"]'))


@pytest.mark.parametrize("part", ["[]", "0", '{"a": 1}', '"a", {}'])
@pytest.mark.parametrize("cut", [0, 1])
def test_an_item_of_too_many_parts_is_not_parsed(part: str, cut: int) -> None:
    """Neither alone nor in a list, neither whole nor without its end."""
    text = "[" + ",".join([part] * (MOST_PARTS + 1)) + "]"
    text = text[: len(text) - cut]
    with pytest.raises(ValueError, match="at most 250,000 are read"):
        ItemDecoder(refuse).decode(text, 0)
    with pytest.raises(BadInput, match="at most 250,000 are read"):
        list(iterate_items(f'[{{"a": 1}}, {text}]'))


def test_the_parts_of_an_item_are_counted_without_those_of_the_items_behind_it() -> None:
    large = "[" + ",".join(["0"] * (MOST_PARTS * 3 // 5)) + "]"
    assert len(list(iterate_items(f"[{large}, {large}, {large}]"))) == 3
    assert ItemDecoder(refuse).decode(large + "," * MOST_PARTS, 0) == (json.loads(large), len(large))
    most = "[" + ",".join(["0"] * MOST_PARTS) + "]"
    assert ItemDecoder(refuse).decode(most + ",1", 0)[1] == len(most)


def test_a_long_list_of_small_items_has_no_such_bound() -> None:
    assert len(list(iterate_items("[" + ",".join(["[0]"] * MOST_PARTS) + "]"))) == MOST_PARTS
