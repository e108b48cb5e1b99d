"""Multipart bodies: the same parts however a body is cut, and a clear refusal of everything else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import BadInput
from mockserver.http.multipart import MOST_HEADER, Part, PartReader, build_part, parse_boundary

BOUNDARY = b"edge"


class Kept:
    def __init__(self) -> None:
        self.content = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.content += data

    def close(self) -> None:
        self.closed = True


def build_body(contents: list[bytes]) -> bytes:
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="%d"\r\n\r\n%s\r\n' % (index, content)
        for index, content in enumerate(contents)
    ]
    return b"".join(parts) + b"--edge--\r\n"


def parse(chunks: list[bytes]) -> list[tuple[Part, Kept]]:
    parts: list[tuple[Part, Kept]] = []

    def open_sink(part: Part) -> Kept:
        parts.append((part, Kept()))
        return parts[-1][1]

    reader = PartReader(BOUNDARY, open_sink)
    for chunk in chunks:
        reader.feed(chunk)
    reader.finish()
    return parts


CONTENTS = st.lists(
    st.lists(st.sampled_from([b"\r", b"\n", b"--", b"edge", b"\r\n--edg", b"a", b"\x00\xff"])).map(b"".join),
    min_size=1,
    max_size=4,
).filter(lambda contents: all(b"\r\n--edge" not in b"\r\n" + content for content in contents))


@given(CONTENTS, st.lists(st.integers(0, 300), max_size=5))
def test_parts_are_the_same_however_the_body_is_cut(contents: list[bytes], places: list[int]) -> None:
    body = build_body(contents)
    cuts = [0, *sorted(min(place, len(body)) for place in places), len(body)]
    parts = parse([body[start:end] for start, end in pairwise(cuts)])
    assert [sink.content for _, sink in parts] == contents
    assert [part.name for part, _ in parts] == [str(index) for index in range(len(contents))]
    assert all(sink.closed for _, sink in parts)


@given(st.data())
def test_a_body_that_ends_too_soon_is_refused(data: st.DataObject) -> None:
    body = build_body([b"first", b"second"]).removesuffix(b"--\r\n")
    with pytest.raises(BadInput, match="in the middle of a part"):
        parse([body[: data.draw(st.integers(0, len(body)))]])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"--edge\r\n\r\ncontent\r\n--edge--", "no name"),
        (b"--edge\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--edge--", "no name"),
        (b"--edge and more\r\n\r\n", "malformed"),
        (b"--edge\r\n" + b"X: y\r\n" * 9, "at most 8 headers"),
        (b"--edge\r\nX: " + b"y" * MOST_HEADER, "headers of 16384 bytes"),
        (build_body([b""] * 21), "more than 20 parts"),
        (b'{"query": "{user {id}}"}', "malformed"),
    ],
)
def test_a_malformed_body_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse([body])


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("disposition", "name", "file_name"),
    [
        ('form-data; name="1"; filename="rows.json"', "1", "rows.json"),
        ("form-data; name=1; filename=rows.json", "1", "rows.json"),
        ('form-data; name="c1__my \\"name\\".ndjson"; filename="a;b.ndjson"', 'c1__my "name".ndjson', "a;b.ndjson"),
        ("form-data; name=\"1\"; filename*=utf-8''na%C3%AFve.txt", "1", "naïve.txt"),
        ('form-data; name="שם"', "שם", None),
    ],
)
def test_the_names_of_a_part_are_read_as_http_clients_write_them(
    disposition: str, name: str, file_name: str | None
) -> None:
    part = build_part([(b"Content-Disposition", disposition.encode()), (b"Content-Type", b"json_import.json")])
    assert part == Part(name, file_name, "json_import.json")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/mixed; boundary=a", "text/plain"])
def test_a_content_type_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BadInput, match="expected multipart/form-data"):
        parse_boundary(content_type)


@pytest.mark.parametrize("form", ["multipart/form-data; boundary=edge", 'multipart/form-data; Boundary="edge"'])
def test_a_boundary_is_read_with_quotes_and_without(form: str) -> None:
    assert parse_boundary(form) == BOUNDARY
