"""A client that calls any replica cannot tell which one answers."""

import contextlib
import hashlib
import json
import re
import socket
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contract_tests.rules.forwarding.replica import CHUNK, SECRET
from contract_tests.rules.forwarding.replicas import KEY, Replica
from contract_tests.rules.serving.started import read_all
from contract_tests.waiting import PATIENCE, eventually

AUTHORIZATION = {"Authorization": f"Bearer {KEY}"}
MEGABYTE = 1024 * 1024


def render(method: str, target: str, *fields: str, body: bytes = b"", version: str = "1.1", host: bool = True) -> bytes:
    """A request as bytes, on a connection that ends with its answer."""
    lines = [f"{method} {target} HTTP/{version}", *(["Host: mock.example:81"] if host else []), *fields]
    lines += [f"Authorization: Bearer {KEY}", "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def without_date(answer: bytes) -> bytes:
    return re.sub(rb"date: [^\r]*\r\n", b"", answer)


def read_document(answer: bytes) -> Any:
    return json.loads(answer.rpartition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    "request_bytes",
    [
        render("GET", "/echo"),
        render("GET", "/a%20b%2Fc//echo?x=%C3%A9&x&api_key=no"),
        render("PATCH", "/echo", "Content-Length: 4", body=b"body"),
        render("DELETE", "/echo"),
        render(
            "POST",
            "/echo",
            "Transfer-Encoding: chunked",
            body=b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n",
        ),
        render("POST", "/echo", "Expect: 100-continue", "Content-Length: 2", body=b"{}"),
        render("GET", "/echo", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Host: elsewhere", "Forwarded: for=10.0.0.9"),
        render("GET", "/echo", "TE: trailers", "Keep-Alive: timeout=9", "Upgrade: h2c", "Proxy-Connection: close"),
        render("GET", "/echo", *(f"X-Field-{number}: {number}" for number in range(97))),
        render("GET", "/echo", f"X-Long: {'x' * 60_000}"),
        render("GET", "/echo", "X-Latin: \u00e9"),
        render("GET", "/echo", version="1.0", host=False),
        render("GET", "/echo?headers=Set-Cookie:a=1,ETag:x,Connection:close,Vary:*&status=418"),
    ],
)
def test_the_owner_sees_the_request_and_the_client_the_answer_as_without_forwarding(
    front: Replica, owner: Replica, request_bytes: bytes
) -> None:
    forwarded, direct = front.ask(request_bytes), owner.ask(request_bytes)
    document, expected = read_document(forwarded), read_document(direct)
    assert document["server"] == ["127.0.0.1", front.port]
    changing = {"server": None, "client": None}
    assert document | changing == expected | changing
    assert document["client"][0] == "127.0.0.1"
    lengths = rb"content-length: \d+\r\n"
    heads = [re.sub(lengths, b"", without_date(answer)).rpartition(b"\r\n\r\n")[0] for answer in (forwarded, direct)]
    assert heads[0] == heads[1]


@pytest.mark.parametrize(
    "request_bytes",
    [
        render("HEAD", "/echo"),
        render("HEAD", "/ranged"),
        render("GET", "/empty?status=204"),
        render("GET", "/empty?status=301"),
        render("GET", "/empty?status=304"),
        render("GET", "/ranged"),
        render("GET", "/ranged", "Range: bytes=1000-200000"),
        render("GET", "/ranged", "Range: bytes=999999999-"),
        render("GET", "/ranged?gzip=1", "Accept-Encoding: gzip"),
        render("GET", "/big?size=655360"),
        render("GET", "/incomplete?head=100&how=close"),
        render("GET", "/incomplete?head=100&how=return"),
        render("GET", "/incomplete?head=9&how=close&beside=rest"),
        render("GET", "/incomplete?how=close"),
        render("POST", "/refused-early", "Content-Length: 300000000"),
    ],
)
def test_the_client_receives_the_same_bytes_from_every_replica(
    front: Replica, owner: Replica, request_bytes: bytes
) -> None:
    assert without_date(front.ask(request_bytes)) == without_date(owner.ask(request_bytes))


@pytest.mark.parametrize("path", ["/incomplete?how=reset", "/incomplete?head=100&how=reset"])
def test_a_connection_that_the_owner_resets_is_reset(front: Replica, path: str) -> None:
    with socket.create_connection(("127.0.0.1", front.port), PATIENCE) as connection:
        connection.sendall(render("GET", path))
        with pytest.raises(ConnectionResetError):
            deque(iter(lambda: connection.recv(65536), b""))


def test_many_requests_share_the_kept_connections(front: Replica) -> None:
    with requests.Session() as session:
        for number in range(50):
            answer = session.post(f"{front.url}/echo", b"x" * number, headers=AUTHORIZATION, timeout=PATIENCE)
            assert (answer.json()["replica"], answer.json()["size"]) == (2, number)
    assert count_connections(front) <= 4


def count_connections(replica: Replica) -> int:
    """The sockets that the process has open beside the one it listens on."""
    files = Path(f"/proc/{replica.pid}/fd").iterdir()
    names = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            names.append(str(file.readlink()))
    return sum(name.startswith("socket:") for name in names) - 3  # the listening one and the loop's own pair


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_passes_with_flat_memory(replicas: list[Replica], front: Replica, is_chunked: bool) -> None:
    size = 192 * MEGABYTE
    before = [replica.peak_memory() for replica in replicas]
    digest = hashlib.sha256()

    def parts() -> Iterator[bytes]:
        for number in range(size // MEGABYTE):
            part = bytes([number % 251]) * MEGABYTE
            digest.update(part)
            yield part

    body: Any = parts() if is_chunked else Sized(parts(), size)
    answer = requests.post(f"{front.url}/echo", data=body, headers=AUTHORIZATION, timeout=120).json()
    assert (answer["replica"], answer["size"], answer["sha256"]) == (2, size, digest.hexdigest())
    for replica, earlier in zip(replicas, before, strict=True):
        assert replica.peak_memory() < earlier + 32 * MEGABYTE


class Sized:
    """A body that is read in parts and has a known length."""

    def __init__(self, parts: Iterator[bytes], size: int) -> None:
        self._parts, self._size = parts, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


def test_a_client_that_reads_slowly_slows_the_owner_down(
    replicas: list[Replica], front: Replica, owner: Replica
) -> None:
    parts = 4096
    before = [replica.peak_memory() for replica in replicas]
    with requests.get(
        f"{front.url}/big?size={parts * CHUNK}", headers=AUTHORIZATION, stream=True, timeout=120
    ) as answer:
        sent = list_seen(owner).count("part")

        def is_stopped() -> bool:
            nonlocal sent
            earlier, sent = sent, list_seen(owner).count("part")
            return sent == earlier

        assert eventually(is_stopped)
        assert sent < parts
        assert sum(len(part) for part in answer.iter_content(MEGABYTE)) == parts * CHUNK
    for replica, earlier in zip(replicas, before, strict=True):
        assert replica.peak_memory() < earlier + 32 * MEGABYTE


def list_seen(owner: Replica) -> list[str]:
    seen: list[str] = requests.get(f"{owner.url}/seen", headers=AUTHORIZATION, timeout=PATIENCE).json()
    return seen


def test_events_arrive_one_by_one_and_end_with_their_reader(front: Replica, owner: Replica) -> None:
    ended = list_seen(owner).count("events ended")
    with requests.get(f"{front.url}/events", headers=AUTHORIZATION, stream=True, timeout=PATIENCE) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(3)] == [b"data: 0", b"", b"data: 1"]
    assert eventually(lambda: list_seen(owner).count("events ended") == ended + 1)


def test_a_long_poll_waits_for_its_owner(front: Replica) -> None:
    answer = requests.get(f"{front.url}/long-poll", headers=AUTHORIZATION, timeout=PATIENCE)
    assert answer.json() == {"replica": 2}


@pytest.mark.parametrize("body", [b"", b"x" * 10, None])
def test_a_client_that_disconnects_ends_its_request_at_the_owner(
    front: Replica, owner: Replica, body: bytes | None
) -> None:
    """None: in the middle of its body."""
    before = list_seen(owner)
    length = 1_000_000 if body is None else len(body)
    with socket.create_connection(("127.0.0.1", front.port), PATIENCE) as connection:
        connection.sendall(render("POST", "/hang", f"Content-Length: {length}", body=body or b"beginning"))
        assert eventually(lambda: list_seen(owner).count("hanging") == before.count("hanging") + 1)
    assert eventually(lambda: list_seen(owner).count("disconnected") == before.count("disconnected") + 1)


def test_a_request_that_is_refused_before_its_body_is_read_is_answered(front: Replica) -> None:
    with socket.create_connection(("127.0.0.1", front.port), PATIENCE) as connection:
        connection.sendall(render("POST", "/refused-early", "Content-Length: 300000000"))
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("secret", ["", "guess", SECRET.upper(), f"{SECRET}x", f"{SECRET}\r\nMockserver-Forwarded: x"])
def test_a_client_cannot_speak_as_a_replica(front: Replica, secret: str) -> None:
    """The path is then one like any other, and the header a header like any other."""
    field = f"Mockserver-Forwarded: {secret}"
    for path in ("/_mock/forwarded", "/echo"):
        document = read_document(front.ask(render("POST", path, field, "Content-Length: 7", body=b"garbage")))
        assert document["size"] == 7
        assert document["path"] == path


@pytest.mark.parametrize("body", [b"", b"abc", b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xff", b"\x00\x00\x00\x03abc"])
def test_an_envelope_that_cannot_be_read_is_refused(front: Replica, body: bytes) -> None:
    fields = (f"Mockserver-Forwarded: {SECRET}", f"Content-Length: {len(body)}")
    assert front.ask(render("POST", "/_mock/forwarded", *fields, body=body)).startswith(b"HTTP/1.1 400 ")


def test_requests_of_no_workspace_and_of_unknown_ones_are_answered_by_the_replica_itself(front: Replica) -> None:
    assert requests.get(f"{front.url}/echo", timeout=PATIENCE).json()["replica"] == 1
    unknown = {"Authorization": "Bearer unknown-key"}
    assert requests.get(f"{front.url}/echo", headers=unknown, timeout=PATIENCE).json()["replica"] == 1


@pytest.mark.parametrize(
    ("method", "path", "replica"),
    [
        ("GET", f"/_mock/clock?api_key={KEY}", 2),
        ("GET", "/_mock/clock", 1),
        ("DELETE", f"/_mock/workspaces/{KEY}", 2),
        ("GET", f"/console/requests?api_key={KEY}", 2),
        ("GET", f"/?api_key={KEY}", 2),
        ("GET", f"/_files/{KEY}/results/x", 2),
        ("GET", f"/masks/feature/x?token={KEY}", 2),
        ("GET", "/_mock/health", 1),
        ("GET", "/_mock/workspaces", 1),
        ("GET", "/docs/", 1),
    ],
)
def test_every_way_to_name_a_workspace_leads_to_its_owner(front: Replica, method: str, path: str, replica: int) -> None:
    answer = requests.request(method, f"{front.url}{path}", timeout=PATIENCE)
    assert answer.json()["replica"] == replica


@pytest.mark.parametrize(
    ("body", "replica"), [({"fork_of": KEY}, 2), ({"api_key": "new"}, 1), ({"fork_of": 7}, 1), ([], 1)]
)
def test_a_fork_is_made_by_the_owner_of_its_source(front: Replica, body: Any, replica: int) -> None:
    answer = requests.post(f"{front.url}/_mock/workspaces", json=body, timeout=PATIENCE).json()
    assert (answer["replica"], answer["size"]) == (replica, len(json.dumps(body)))
