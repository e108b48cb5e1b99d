"""The mutation's input, decoded once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import MalformedRequest
from mockserver.exports.request import ExportParams, ExportRequest, parse_request


def test_nothing_but_a_project_is_a_whole_request() -> None:
    assert parse_request({"filters": {"projectId": "p"}}) == ExportRequest("p", [], ExportParams(), streamable=False)


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"streamable": True}, True),
        ({"isStreamableReady": True, "streamable": False}, True),
        ({"streamable": False}, False),
        ({"isStreamableReady": None}, False),
        ({}, False),
    ],
)
def test_an_sdk_that_is_ready_for_streams_gets_one(fields: dict[str, Any], expected: bool) -> None:
    assert parse_request({"filters": {"projectId": "p"}} | fields).streamable is expected


@pytest.mark.known("client")
def test_null_params_and_those_of_old_sdks_are_like_none() -> None:
    params = {
        "includeAttachments": None,
        "mediaTypeOverride": None,
        "includeMediaAttributes": True,
    }
    assert parse_request({"filters": {"projectId": "p"}, "params": params}).params == ExportParams()


@pytest.mark.known("client")
def test_the_oldest_sdks_word_for_label_details_is_understood() -> None:
    """SDKs 3.37 and 3.38 send includeLabels."""
    params = parse_request({"filters": {"projectId": "p"}, "params": {"includeLabels": True}}).params
    assert params == ExportParams(include_label_details=True)


@pytest.mark.parametrize("query", ["text", 5, {"type": "batch"}, [1], [None], [["type", "batch"]]])
def test_a_query_that_is_no_list_of_terms_is_malformed_and_quoted(query: object) -> None:
    with pytest.raises(MalformedRequest, match="expected a list of terms like"):
        parse_request({"filters": {"projectId": "p", "searchQuery": {"scope": None, "query": query}}})


@given(st.lists(st.dictionaries(st.text(), st.text())))
def test_a_list_of_objects_is_not_changed(terms: list[dict[str, str]]) -> None:
    assert parse_request({"filters": {"projectId": "p", "searchQuery": {"query": terms}}}).terms == terms
