"""The limits on exports that run at the same time."""

import pytest

from mockserver.errors import Conflict
from mockserver.exports.limits import Limits, check_limits, get_limits
from mockserver.exports.request import ExportRequest

A, B = ExportRequest("a"), ExportRequest("b")
CATALOG = ExportRequest()


@pytest.mark.known("documented")
def test_ten_exports_of_a_project_and_twenty_of_the_organization() -> None:
    assert get_limits(None) == Limits(10, 20)
    check_limits([A] * 9, A, get_limits(None))
    with pytest.raises(Conflict, match="10 exports of project 'a' run; at most 10"):
        check_limits([A] * 10, A, get_limits(None))
    check_limits([A] * 10, B, get_limits(None))
    check_limits([A] * 10 + [CATALOG] * 9, CATALOG, get_limits(None))
    with pytest.raises(Conflict, match="20 exports of this organization run; at most 20"):
        check_limits([A] * 10 + [CATALOG] * 10, B, get_limits(None))


@pytest.mark.known("documented")
def test_in_2023_a_project_had_one_export_at_a_time() -> None:
    allowed = get_limits("2023-06-01")
    check_limits([B, CATALOG], A, allowed)
    with pytest.raises(Conflict, match="1 export of project 'a' runs; at most 1"):
        check_limits([A], A, allowed)
    assert get_limits("2024-01-01") == get_limits(None)


def test_exports_of_the_catalog_count_for_no_project() -> None:
    check_limits([CATALOG] * 15, CATALOG, get_limits(None))
