"""Result files over HTTP: in part, with a tag, and compressed if the server was started with compression."""

import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract_tests.rules.api.asking import Answer, ask, export_project, get, task_of
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="module")
def url(server: ServedWorld) -> str:
    return str(task_of(server, export_project(server, "image"))["result"])


@pytest.fixture(scope="module")
def whole(server: ServedWorld, url: str) -> Answer:
    return get(server, url)


@pytest.fixture(scope="module")
def compressing() -> Iterator[ServedWorld]:
    with ServedWorld("--gzip-results") as world:
        yield world


# Ranges


@given(first=st.integers(0, 30_000), more=st.integers(0, 30_000))
@settings(max_examples=40, deadline=None)
def test_a_range_is_that_part_of_the_whole(server: ServedWorld, url: str, whole: Answer, first: int, more: int) -> None:
    size = len(whole.body)
    answer = get(server, url, range=f"bytes={first}-{first + more}")
    if first >= size:
        assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{size}")
    else:
        last = min(first + more, size - 1)
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert (answer.status, answer.body) == (206, whole.body[first : last + 1])


def test_the_end_can_be_requested_without_knowing_the_size(server: ServedWorld, url: str, whole: Answer) -> None:
    assert get(server, url, range="bytes=-10").body == whole.body[-10:]
    assert get(server, url, range="bytes=5-").body == whole.body[5:]


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "lines=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "x"])
def test_a_range_that_says_nothing_is_no_range(server: ServedWorld, url: str, whole: Answer, header: str) -> None:
    answer = get(server, url, range=header)
    assert (answer.status, answer.body) == (200, whole.body)


def test_a_range_of_files_joined_crosses_their_borders(server: ServedWorld, url: str, whole: Answer) -> None:
    """`all.ndjson` is one file or many; a client that reads parts of it sees no difference."""
    parts = [get(server, url, range=f"bytes={start}-{start + 999}").body for start in range(0, len(whole.body), 1000)]
    assert b"".join(parts) == whole.body


# What a client knows already


def test_what_a_client_has_is_not_sent_again(server: ServedWorld, url: str, whole: Answer) -> None:
    tag = whole.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = get(server, url, **{"if-none-match": known})
        assert (answer.status, answer.body) == (304, b"")
    assert get(server, url, **{"if-none-match": '"other"'}).body == whole.body


def test_a_part_is_only_sent_of_the_file_that_is_meant(server: ServedWorld, url: str, whole: Answer) -> None:
    same = get(server, url, **{"range": "bytes=0-9", "if-range": whole.headers["etag"]})
    other = get(server, url, **{"range": "bytes=0-9", "if-range": '"other"'})
    assert (same.status, other.status) == (206, 200)


def test_two_exports_have_tags_of_their_own(server: ServedWorld, whole: Answer) -> None:
    other = get(server, task_of(server, export_project(server, "image"))["result"])
    assert other.headers["etag"] != whole.headers["etag"]


def test_head_has_the_headers_of_get(server: ServedWorld, url: str, whole: Answer) -> None:
    head = get(server, url, method="HEAD")
    names = ("content-type", "content-length", "etag", "accept-ranges", "last-modified")
    assert {name: head.headers[name] for name in names} == {name: whole.headers[name] for name in names}
    assert (head.status, head.body) == (200, b"")


# Compression


@pytest.mark.known("client")
def test_nothing_is_compressed_without_the_option(server: ServedWorld, url: str, whole: Answer) -> None:
    """`requests` always offers gzip, and lengths are compared with what it unpacked."""
    answer = get(server, url, **{"accept-encoding": "gzip, deflate"})
    assert "content-encoding" not in answer.headers
    assert answer.body == whole.body


def test_a_server_with_the_option_compresses_for_clients_that_accept_it(compressing: ServedWorld) -> None:
    url = str(task_of(compressing, export_project(compressing, "image"))["result"])
    plain = get(compressing, url)
    packed = get(compressing, url, **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert len(packed.body) < len(plain.body) / 3
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"], "other bytes, another tag"
    known = {"if-none-match": packed.headers["etag"], "accept-encoding": "gzip"}
    assert get(compressing, url, **known).status == 304


@pytest.mark.known("client")
def test_a_part_is_sent_as_it_is_to_those_who_take_gzip_too(compressing: ServedWorld) -> None:
    """`requests` offers gzip with every request, also with the one that goes on where a download broke off."""
    url = str(task_of(compressing, export_project(compressing, "image"))["result"])
    whole = get(compressing, url)
    part = get(compressing, url, **{"accept-encoding": "gzip, deflate", "range": "bytes=100-199"})
    assert (part.status, part.body) == (206, whole.body[100:200])
    assert "content-encoding" not in part.headers


def test_files_of_export_v1_are_compressed_as_well(compressing: ServedWorld) -> None:
    document = "mutation($id: ID!){exportLabels(data: {projectId: $id}){downloadUrl}}"
    url = ask(compressing, document, {"id": compressing.projects["image"]}).data["exportLabels"]["downloadUrl"]
    packed = get(compressing, url, **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == get(compressing, url).body
