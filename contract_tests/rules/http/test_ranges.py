"""The Range header."""

import pytest

from mockserver.http.ranges import parse_range

SIZE = 100


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 0)), ("bytes=99-", (99, 99)), ("bytes=-200", (0, 99)), ("BYTES=1-2", (1, 2)), ("", None),
        ("bytes=0-999999999999999999", (0, 99)), ("bytes=٣-٤", None), ("bytes=0-9999999999999999999", None),
        (None, None),
    ],
)  # fmt: skip
def test_ranges_are_read_as_the_standard_has_them(header: str | None, expected: tuple[int, int] | None) -> None:
    assert parse_range(header, SIZE) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0"])
def test_a_range_outside_of_the_body_is_an_error(header: str) -> None:
    with pytest.raises(ValueError, match="of 100"):
        parse_range(header, SIZE)
