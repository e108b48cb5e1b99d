"""The form of timestamps and strings in rows."""

import datetime
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.exports.text import escape_non_ascii, json_string, unescape
from mockserver.world.moments import format_moment

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=10,
)


@pytest.mark.known("sample")
def test_a_moment_looks_like_the_sample() -> None:
    assert format_moment(1_684_237_848_000_000) == "2023-05-16T11:50:48.000+00:00"


@given(st.datetimes(timezones=st.just(datetime.UTC)))
@example(datetime.datetime(1, 1, 1, tzinfo=datetime.UTC))
@example(datetime.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=datetime.UTC))
def test_any_moment_is_written_as_datetime_writes_it_to_the_millisecond(at: datetime.datetime) -> None:
    microseconds = (at - EPOCH) // datetime.timedelta(microseconds=1)
    assert format_moment(microseconds) == at.isoformat(timespec="milliseconds")


@given(TEXT)
@example('\u2028\u2029\x85\x00"\\/\x7f')
@example("🙂 שלום")
def test_a_quoted_text_is_ascii_and_reads_back(text: str) -> None:
    quoted = json_string(text)
    assert quoted.isascii()
    assert json.loads(quoted) == text


@given(JSON)
@example({"🙂": ["שלום", "\u2028", "\U0010ffff", "é"]})
def test_json_in_ascii_reads_back_as_the_same_json(document: object) -> None:
    raw = json.dumps(document, ensure_ascii=False)
    assert escape_non_ascii(raw).isascii()
    assert json.loads(escape_non_ascii(raw)) == document


@pytest.mark.known("client")
@given(TEXT)
def test_no_line_is_cut_by_splitlines(text: str) -> None:
    """Old SDKs read results with it (wire trap 9)."""
    assert len(json_string(text).splitlines()) == 1


@given(JSON)
@example('\u2028 \x85 \x7f \x00 \\ \\u00e9 " 🙂 \U0010ffff')
@example("\\\\u00e9")
def test_unescaped_json_says_the_same_with_every_character_as_it_is(value: object) -> None:
    escaped = json.dumps(value).encode()
    raw = unescape(escaped)
    assert json.loads(raw) == value
    assert raw.decode() == json.dumps(value, ensure_ascii=False)
