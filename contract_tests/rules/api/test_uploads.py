"""Uploads by the GraphQL multipart convention: what is kept, what is refused, and that no file is left behind."""

import contextlib
import json
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from contract_tests.rules.api.asking import Answer, ask, get, post
from contract_tests.serving import ServedWorld
from contract_tests.waiting import eventually

UPLOAD = (
    "mutation UploadFile($file: Upload!, $contentLength: Int!, $sign: Boolean)"
    "{uploadFile(file: $file, contentLength: $contentLength, sign: $sign) {url filename}}"
)
BOUNDARY = "0123456789abcdef"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture(scope="module")
def own() -> Iterator[ServedWorld]:
    with ServedWorld() as world:
        yield world


def write_part(name: str, content: bytes, file: str | None = None, kind: str | None = None) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += "" if file is None else f'; filename="{file}"'
    head += "" if kind is None else f"\r\nContent-Type: {kind}"
    return head.encode() + b"\r\n\r\n" + content + b"\r\n"


def write_body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def write_operations(query: str = UPLOAD, **variables: object) -> bytes:
    document = {"query": query, "variables": {"file": None, "contentLength": 1, "sign": False} | variables}
    return write_part("operations", json.dumps(document).encode())


def write_map(places: object) -> bytes:
    return write_part("map", json.dumps({"1": places}).encode())


MAP = write_part("map", b'{"1": ["variables.file"]}')
FILE = write_part("1", b"content", "rows.json", "application/json")


def upload(own: ServedWorld, content: bytes, file: str = "1", kind: str | None = None) -> Any:
    body = write_body(write_operations(), MAP, write_part("1", content, file, kind))
    return post(own, body, content_type=FORM).data["uploadFile"]


@pytest.mark.parametrize("kind", ["Multipart/Form-Data", "MULTIPART/FORM-DATA"])
def test_the_case_of_a_media_type_does_not_count(own: ServedWorld, kind: str) -> None:
    body = write_body(write_operations(), MAP, FILE)
    assert post(own, body, content_type=f"{kind}; Boundary={BOUNDARY}").data["uploadFile"]["filename"] == "rows.json"


def list_files(own: ServedWorld) -> list[Path]:
    return sorted(own.state_folder.glob("workspaces/*/life-*/uploads/*"))


@pytest.mark.known("client")
@pytest.mark.parametrize("content", [b"", b"{}", bytes(range(256)) * 3000, b"\r\n--", "שלום".encode()])
def test_the_url_of_an_upload_answers_with_its_bytes(own: ServedWorld, content: bytes) -> None:
    answer = upload(own, content, "a name.json")
    assert answer["filename"] == "a name.json"
    assert answer["url"].startswith(f"{own.url}/_files/")
    assert get(own, answer["url"]).body == content
    assert get(own, answer["url"], method="HEAD").headers["content-length"] == str(len(content))
    assert not content or get(own, answer["url"], range="bytes=0-0").body == content[:1]


@pytest.mark.known("client")
@pytest.mark.parametrize(
    ("file", "kind", "served"),
    [
        ("application/json", "json_import.json", "application/octet-stream"),  # SDKs since 3.72 swap both
        ("manifest.json", "application/json", "application/json"),
        ("labels.ndjson", "application/x-ndjson", "application/x-ndjson; charset=utf-8"),
        ("picture.png", None, "image/png"),
        ("page.html", "text/html\r\nX-Injected: yes", "text/html"),
    ],
)
def test_neither_type_nor_name_of_a_file_is_refused(own: ServedWorld, file: str, kind: str | None, served: str) -> None:
    answer = get(own, upload(own, b"[]", file, kind)["url"])
    assert (answer.status, answer.headers["content-type"]) == (200, served)
    assert "x-injected" not in answer.headers


@pytest.mark.known("client")
def test_a_wrong_content_length_is_no_mistake(own: ServedWorld) -> None:
    """SDKs count the bytes of a text's representation (wire trap 18)."""
    body = write_body(write_operations(contentLength=999_999), MAP, FILE)
    assert get(own, post(own, body, content_type=FORM).data["uploadFile"]["url"]).body == b"content"


def test_a_changed_link_to_an_upload_is_refused(own: ServedWorld) -> None:
    url = upload(own, b"secret")["url"]
    assert get(own, url[:-1] + ("0" if url[-1] != "0" else "1")).status == 403
    assert get(own, url.replace("/uploads/c", "/uploads/d")).status == 403


def test_an_upload_is_gone_with_its_workspace(own: ServedWorld) -> None:
    workspace = own.workspace()
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    files: dict[str, tuple[str | None, str | bytes]] = {
        "operations": (None, json.dumps({"query": UPLOAD, "variables": {"file": None, "contentLength": 7}})),
        "map": (None, '{"1": ["variables.file"]}'),
        "1": ("rows.json", b"content"),
    }
    answer = requests.post(own.graphql_url, files=files, headers=headers, timeout=30).json()
    url = answer["data"]["uploadFile"]["url"]
    assert requests.get(url, timeout=30).content == b"content"
    workspace.reset()
    assert requests.get(url, timeout=30).status_code == 404


# Refusals


REFUSED: list[tuple[str, bytes, str]] = [
    ("no parts", b"--" + BOUNDARY.encode() + b"--\r\n", "lacks a part"),
    ("no map", write_body(write_operations()), "lacks a part"),
    ("a file in front of the map", write_body(write_operations(), FILE, MAP), "in front of"),
    ("operations that are no JSON", write_body(write_part("operations", b"{"), MAP, FILE), "not JSON"),
    ("operations that are a list", write_body(write_part("operations", b"[]"), MAP, FILE), "not a GraphQL request"),
    ("a map that is no JSON", write_body(write_operations(), write_part("map", b"file"), FILE), "not JSON"),
    ("a map that is a list", write_body(write_operations(), write_part("map", b"[]"), FILE), "no object"),
    ("a map without the file", write_body(write_operations(), write_part("map", b"{}"), FILE), "not in the part"),
    ("a file that the body lacks", write_body(write_operations(), MAP), "which the body does not have"),
    ("no file in the variable", write_body(write_operations(), write_part("map", b"{}")), "Upload"),
    ("two files of one name", write_body(write_operations(), MAP, FILE, FILE), "two parts"),
    ("a body that breaks off", write_body(write_operations(), MAP, FILE)[:-30], "in the middle of a part"),
    ("JSON", b'{"query": "{user {id}}"}', "malformed"),
] + [
    (
        f"the place {place}",
        write_body(write_operations(), write_map(place), FILE),
        "",
    )
    for place in (None, [None], "variables.file", ["file"], ["variables"], ["variables.other"], ["variables.file.x"])
]


@pytest.mark.parametrize(("body", "message"), [(body, text) for _, body, text in REFUSED], ids=[r[0] for r in REFUSED])
def test_other_bodies_are_refused_and_leave_no_file(own: ServedWorld, body: bytes, message: str) -> None:
    before = list_files(own)
    answer = post(own, body, content_type=FORM)
    assert answer.code == "BAD_USER_INPUT"
    assert message in answer.message
    assert list_files(own) == before


def test_an_upload_in_a_json_body_is_refused(own: ServedWorld) -> None:
    assert "multipart/form-data" in ask(own, UPLOAD, {"file": "content", "contentLength": 7}).message


def test_an_upload_that_nobody_keeps_is_deleted(own: ServedWorld) -> None:
    before = list_files(own)
    document = "mutation($file: Upload!) {uploadFile(file: $file) {url nonsense}}"
    assert post(own, write_body(write_operations(document), MAP, FILE), content_type=FORM).code
    document = "query($file: Upload) {user {id}}"
    post(own, write_body(write_operations(document), MAP, FILE), content_type=FORM)
    assert list_files(own) == before


def test_an_upload_without_a_key_is_refused(own: ServedWorld) -> None:
    answer = post(own, write_body(write_operations(), MAP, FILE), content_type=FORM, authorization=None)
    assert answer.code == "AUTHENTICATION_ERROR"


def begin(own: ServedWorld, length: int, sent: bytes) -> bytes:
    """Sends the head of an upload and a part of its body, closes the sending side, and returns the answer."""
    address = urlsplit(own.url)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {own.api_key}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    received = b""
    with socket.create_connection((address.hostname, address.port or 80), 30) as connection:
        connection.sendall(head.encode() + sent)
        with contextlib.suppress(ConnectionError):
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65536):
                received += data
    return received


def test_an_upload_that_breaks_off_leaves_no_file(own: ServedWorld) -> None:
    before = list_files(own)
    body = write_body(write_operations(), MAP, write_part("1", b"x" * 100_000, "rows.json"))
    assert begin(own, len(body) + 1, body[:50_000]) == b""
    assert eventually(lambda: list_files(own) == before)


def test_an_upload_of_a_gigabyte_is_refused_by_its_announced_length(own: ServedWorld) -> None:
    before = list_files(own)
    answer = begin(own, 2**30, write_body(write_operations(), MAP, FILE))
    assert b" 413 " in answer.splitlines()[0]
    assert b"at most 268435456 are read" in answer
    assert list_files(own) == before


def test_an_upload_of_a_gigabyte_without_an_announced_length_is_refused_when_it_is_too_large(own: ServedWorld) -> None:
    before, address = list_files(own), urlsplit(own.url)
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {own.api_key}\r\n"
        f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    whole = write_body(write_operations(), MAP, write_part("1", b"", "rows.json"))
    beginning, chunk = whole[: whole.rindex(b"\r\n--")], b"x" * 2**20
    received = b""
    with socket.create_connection((address.hostname, address.port or 80), 60) as connection:
        connection.sendall(head.encode() + b"%x\r\n%b\r\n" % (len(beginning), beginning))
        with contextlib.suppress(ConnectionError):  # a reset may overtake the answer
            for _ in range(1024):
                connection.sendall(b"%x\r\n%b\r\n" % (len(chunk), chunk))
                if select.select([connection], [], [], 0)[0]:
                    break
            received = connection.recv(65536)
    assert not received or b" 413 " in received.splitlines()[0]
    assert eventually(lambda: list_files(own) == before)


def test_many_uploads_are_kept_separate(own: ServedWorld) -> None:
    urls = [upload(own, str(number).encode())["url"] for number in range(20)]
    assert [get(own, url).body for url in urls] == [str(number).encode() for number in range(20)]


def test_answers_are_json(own: ServedWorld) -> None:
    answer: Answer = post(own, b"", content_type=FORM)
    assert answer.headers["content-type"] == "application/json"
