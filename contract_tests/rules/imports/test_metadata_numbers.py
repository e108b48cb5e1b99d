"""Numbers as values of metadata, as large as documents of GraphQL can hold them."""

from typing import Any

import pytest

from mockserver.imports.metadata import read_number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((value, value) for value in (0, -(2**63), 2**64 - 1, 1.5)),
        (2**70, float(2**70)),
        *((value, None) for value in (10**399, float("inf"), float("nan"), True, "1", None)),
    ],
)
def test_a_number_is_one_that_json_can_hold(value: Any, number: float | None) -> None:
    assert read_number(value) == number
