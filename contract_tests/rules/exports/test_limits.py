"""How many exports run at once."""

import pytest

from mockserver.errors import Conflict
from mockserver.exports.limits import Limits, check, limits
from mockserver.exports.request import ExportRequest

A, B = ExportRequest("a"), ExportRequest("b")
CATALOG = ExportRequest()


@pytest.mark.known("documented")
def test_ten_exports_of_a_project_and_twenty_of_the_organization() -> None:
    assert limits(None) == Limits(10, 20)
    check([A] * 9, A, limits(None))
    with pytest.raises(Conflict, match="10 exports of project 'a' run; at most 10"):
        check([A] * 10, A, limits(None))
    check([A] * 10, B, limits(None))
    check([A] * 10 + [CATALOG] * 9, CATALOG, limits(None))
    with pytest.raises(Conflict, match="20 exports of this organization run; at most 20"):
        check([A] * 10 + [CATALOG] * 10, B, limits(None))


@pytest.mark.known("documented")
def test_in_2023_a_project_had_one_export_at_a_time() -> None:
    allowed = limits("2023-06-01")
    check([B, CATALOG], A, allowed)
    with pytest.raises(Conflict, match="1 export of project 'a' runs; at most 1"):
        check([A], A, allowed)
    assert limits("2024-01-01") == limits(None)


def test_exports_of_the_catalog_count_for_no_project() -> None:
    check([CATALOG] * 15, CATALOG, limits(None))
