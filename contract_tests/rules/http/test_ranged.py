"""One body whole, in part or compressed: the same answers whatever it is read from."""

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.http.ranged import AHEAD, RangedResponse, RangedSource, accepts_gzip
from mockserver.http.sources import BEGINNING, BytesSource, FilesSource, GeneratedSource
from mockserver.results.folder_results import FolderResults

CONTENT = bytes(range(100))
LONG = CONTENT * (2 * BEGINNING // len(CONTENT))
Build = Callable[[bytes], RangedSource]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(params=["bytes", "one file", "files", "generated"])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    """Makes a source of some bytes."""

    def files(content: bytes, size: int) -> FilesSource:
        parts = [content[start : start + size] for start in range(0, len(content), size)]
        paths = [tmp_path / f"{number}.ndjson" for number in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_bytes(part)
        return FilesSource([path.name for path in paths], len(content), FolderResults(tmp_path).open)

    def generate(content: bytes) -> Iterator[bytes]:
        return (content[start : start + 7] for start in range(0, len(content), 7))

    builds: dict[str, Build] = {
        "bytes": BytesSource,
        "one file": lambda content: files(content, 1 + len(content)),
        "files": lambda content: files(content, 1 + len(content) // 3),
        "generated": lambda content: GeneratedSource(lambda: generate(content), f"tag-of-{len(content)}"),
    }
    return builds[request.param]


def ask(source: RangedSource, method: str = "GET", *, compressed: bool = False, **headers: str | None) -> Answer:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("a response reads nothing")

    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items() if value]
    scope = {"type": "http", "method": method, "headers": raw}
    asyncio.run(RangedResponse(source, "image/png", compressed=compressed)(scope, receive, send))
    start, *bodies = sent
    assert not bodies[-1].get("more_body"), "the end of the body is sent"
    by_name = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], by_name, b"".join(body["body"] for body in bodies))


# Hypothesis draws several examples within one test, and each of them may use the same files.
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SETTINGS
@given(first=st.integers(0, 99), longer=st.integers(0, 300))
def test_a_range_is_the_bytes_from_its_first_to_its_last(build: Build, first: int, longer: int) -> None:
    answer = ask(build(CONTENT), range=f"bytes={first}-{first + longer}")
    last = min(99, first + longer)
    assert (answer.status, answer.body) == (206, CONTENT[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
    assert answer.headers["content-length"] == str(last + 1 - first)


@SETTINGS
@given(first=st.integers(0, 99))
def test_an_open_range_goes_to_the_end(build: Build, first: int) -> None:
    answer = ask(build(CONTENT), range=f"bytes={first}-")
    assert (answer.status, answer.body) == (206, CONTENT[first:])


@SETTINGS
@given(count=st.integers(1, 300))
def test_a_range_without_a_first_is_the_end(build: Build, count: int) -> None:
    answer = ask(build(CONTENT), range=f"bytes=-{count}")
    assert (answer.status, answer.body) == (206, CONTENT[-count:])


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 18}-"])
def test_a_range_outside_of_the_body_is_refused_with_the_length(build: Build, wanted: str) -> None:
    answer = ask(build(CONTENT), range=wanted)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */100")
    assert answer.headers["content-length"] == str(len(answer.body))
    assert f"has 100 bytes, and the Range header is '{wanted}'" in json.loads(answer.body)["message"]


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
def test_a_header_that_names_no_single_range_gets_the_whole_body(build: Build, wanted: str | None) -> None:
    answer = ask(build(CONTENT), range=wanted)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert (answer.headers["accept-ranges"], answer.headers["content-type"]) == ("bytes", "image/png")
    assert answer.headers["content-length"] == "100"
    assert answer.headers["content-security-policy"].startswith("sandbox;")


@pytest.mark.parametrize("content", [CONTENT, LONG, b""])
def test_head_has_the_headers_of_get_and_no_body(build: Build, content: bytes) -> None:
    source = build(content)
    get, head = ask(build(content)), ask(source, "HEAD", range="bytes=0-1")
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")
    assert get.body == content


def test_a_long_generated_body_has_no_length_and_a_part_of_it_has_one() -> None:
    source = GeneratedSource(lambda: iter([LONG[:1000], LONG[1000:]]), "tag")
    whole, part = ask(source), ask(source, range="bytes=999-1000")
    assert (whole.body, "content-length" in whole.headers) == (LONG, False)
    assert (part.body, part.headers["content-length"]) == (LONG[999:1001], "2")
    assert part.headers["content-range"] == f"bytes 999-1000/{len(LONG)}"


@given(sizes=st.lists(st.integers(1, AHEAD), min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_a_source_that_is_read_in_a_thread_is_sent_whole_and_little_of_it_is_read_ahead(sizes: list[int]) -> None:
    """However long its chunks are; and the first one is sent before the next is there."""
    content = bytes(sum(sizes))
    read, sent, ahead = 0, 0, list[int]()

    def generate() -> Iterator[bytes]:
        nonlocal read
        for size in sizes:
            read += size
            ahead.append(read - sent)
            yield content[:size]

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))

    async def run() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
        await RangedResponse(Lazy(generate), "text/plain")(scope, receive_nothing, send)

    asyncio.run(run())
    assert sent == read == len(content)
    assert max(ahead) < AHEAD + max(sizes)
    assert ahead[:2] == sizes[:2]


class Lazy(GeneratedSource):
    """A source of which nothing is read to find its size."""

    def __init__(self, generate: Callable[[], Iterator[bytes]]) -> None:
        super().__init__(generate, "tag")

    def size(self, *, exact: bool) -> None:
        return None


async def receive_nothing() -> MutableMapping[str, Any]:
    raise AssertionError("a response reads nothing")


def test_an_entity_that_the_client_has_is_not_sent_again(build: Build) -> None:
    tag = ask(build(CONTENT)).headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = ask(build(CONTENT), if_none_match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
    assert ask(build(CONTENT), if_none_match='"other"').body == CONTENT


def test_a_part_is_only_sent_of_the_entity_that_the_client_means(build: Build) -> None:
    tag = ask(build(CONTENT)).headers["etag"]
    assert ask(build(CONTENT), range="bytes=0-9", if_range=tag).status == 206
    assert ask(build(CONTENT), range="bytes=0-9", if_range='"other"').status == 200


def test_the_same_bytes_have_the_same_tag_and_others_another(build: Build) -> None:
    one, part, other = ask(build(CONTENT)), ask(build(CONTENT), range="bytes=0-1"), ask(build(CONTENT[1:]))
    assert one.headers["etag"] == part.headers["etag"] != other.headers["etag"]
    assert one.headers["etag"][0] == one.headers["etag"][-1] == '"'


def test_a_whole_body_is_compressed_and_a_part_is_not(build: Build) -> None:
    plain = ask(build(LONG), compressed=True)
    packed = ask(build(LONG), compressed=True, accept_encoding="gzip")
    part = ask(build(LONG), compressed=True, accept_encoding="gzip", range="bytes=0-9")
    assert (packed.headers["content-encoding"], gzip.decompress(packed.body)) == ("gzip", plain.body)
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert (part.status, part.body, "content-encoding" in part.headers) == (206, LONG[:10], False)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True), ("deflate, GZIP;q=0.5", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False),
        ("gzip; q=0.000", False), ("identity", False),
    ],
)  # fmt: skip
def test_accept_encoding_is_read_as_the_standard_has_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
