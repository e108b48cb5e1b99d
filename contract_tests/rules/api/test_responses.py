"""Files held in memory: whole, in part, or only told of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from mockserver.http.responses import content_response

CONTENT = bytes(range(100))


def answered(range_header: str | None, *, method: str = "GET") -> Response:
    headers = [] if range_header is None else [(b"range", range_header.encode("latin-1"))]
    return content_response(Request({"type": "http", "method": method, "headers": headers}), CONTENT, "image/png")


@given(st.integers(0, 99), st.integers(0, 300))
def test_a_range_is_the_bytes_from_its_first_to_its_last(first: int, longer: int) -> None:
    answer = answered(f"bytes={first}-{first + longer}")
    last = min(99, first + longer)
    assert (answer.status_code, answer.body) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
    assert answer.headers["content-length"] == str(last + 1 - first)


@given(st.integers(0, 99))
def test_an_open_range_goes_to_the_end(first: int) -> None:
    answer = answered(f"bytes={first}-")
    assert (answer.status_code, answer.body) == (206, CONTENT[first:])


@given(st.integers(1, 300))
def test_a_range_without_a_first_is_the_end(count: int) -> None:
    answer = answered(f"bytes=-{count}")
    assert (answer.status_code, answer.body) == (206, CONTENT[-count:])


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 18}-"])
def test_a_range_of_nothing_is_refused_with_the_length(wanted: str) -> None:
    answer = answered(wanted)
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */100")
    assert "100 bytes" in json.loads(bytes(answer.body))["message"]


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "bytes=-",
        "bytes=5-4",
        "bytes",
        "lines=0-1",
        "bytes=0-1,3-4",
        "bytes=a-b",
        f"bytes={'9' * 5000}-",
        "b\xfc",
    ],
)
def test_what_is_no_single_range_gets_the_whole(wanted: str | None) -> None:
    answer = answered(wanted)
    assert (answer.status_code, answer.body) == (200, CONTENT)
    assert (answer.headers["accept-ranges"], answer.headers["content-type"]) == ("bytes", "image/png")


def test_head_does_not_look_at_a_range() -> None:
    assert answered("bytes=0-1", method="HEAD").status_code == 200


def test_the_same_bytes_have_the_same_tag_and_others_another() -> None:
    one, same = answered(None).headers["etag"], answered("bytes=0-1").headers["etag"]
    request = Request({"type": "http", "method": "GET", "headers": []})
    assert one == same != content_response(request, CONTENT[1:], "image/png").headers["etag"]
    assert one[0] == one[-1] == '"'
