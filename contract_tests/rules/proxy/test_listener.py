"""The proxy leads requests for the real hosts to the mock, passes all others on, and survives what is no request."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.serving import ServedWorld
from mockserver.proxy.certificates import Certificates
from mockserver.proxy.hosts import is_real_host
from mockserver.proxy.listener import Proxy
from mockserver.proxy.messages import Malformed, Reader, read_body, read_head

REAL = "https://api.labelbox.com"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Path:
    return certificates.write(tmp_path_factory.mktemp("trusted"))[1]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return Certificates()


@pytest.fixture(scope="module")
def proxy(server: ServedWorld, certificates: Certificates) -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", int(server.url.rpartition(":")[2])), certificates) as started:
        yield started


@pytest.fixture
def session(proxy: Proxy, bundle: Path, server: ServedWorld) -> Iterator[requests.Session]:
    with requests.Session() as client:
        client.proxies = {"http": proxy.url, "https": proxy.url}
        client.verify = str(bundle)
        client.trust_env = False  # or a certificate file of the environment has its way
        client.headers["Authorization"] = f"Bearer {server.api_key}"
        yield client


def ask(session: requests.Session, url: str, query: str) -> Any:
    return session.post(url, json={"query": query}, timeout=30).json()["data"]


@pytest.mark.parametrize("base", [REAL, "https://app.labelbox.com", "http://api.labelbox.com"])
def test_requests_for_the_real_hosts_reach_the_mock(session: requests.Session, base: str) -> None:
    assert ask(session, f"{base}/graphql", "{user{email}}") == {"user": {"email": "owner@mock.example"}}
    assert ask(session, f"{base}/graphql", "{organization{name}}")["organization"]["name"]


DATA_ROW = '{project(where: {id: "%s"}){labels(first: 1){dataRow{rowData}}}}'


def test_links_of_answers_lead_to_the_mock_itself(session: requests.Session, server: ServedWorld) -> None:
    row = ask(session, f"{REAL}/graphql", DATA_ROW % server.projects["image"])
    assert str(row).count(server.url) == 1


def test_a_body_in_chunks_arrives_whole(session: requests.Session) -> None:
    body = b'{"query": "{user{email}}"}' + b" " * 300_000
    parts = (body[at : at + 10_000] for at in range(0, len(body), 10_000))
    answer = session.post(f"{REAL}/graphql", data=parts, headers={"Content-Type": "application/json"}, timeout=30)
    assert answer.json() == {"data": {"user": {"email": "owner@mock.example"}}}


def test_a_client_that_waits_for_100_continue_may_go_on(proxy: Proxy, server: ServedWorld) -> None:
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=30) as client:
        client.sendall(
            b"POST http://api.labelbox.com/graphql HTTP/1.1\r\nHost: api.labelbox.com\r\nExpect: 100-continue\r\n"
            b"Content-Length: 24\r\nAuthorization: Bearer " + server.api_key.encode() + b"\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b'{"query":"{user{email}}"')
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")  # the last brace is missing, and the mock says so itself
    assert b"The body is not JSON" in answer


def test_another_host_is_reached_unread(proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=echo_once, args=[other], daemon=True).start()
        with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=30) as client:
            client.sendall(f"CONNECT 127.0.0.1:{other.getsockname()[1]} HTTP/1.1\r\n\r\n".encode())
            assert client.recv(1000) == b"HTTP/1.1 200 Connection established\r\n\r\n"
            client.sendall(b"\x00\xffanything")
            client.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: client.recv(1000), b"")) == b"\x00\xffanything"


def echo_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        while data := connection.recv(1000):
            connection.sendall(data)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"GET /_mock/health HTTP/1.1\r\n\r\n", b"this is a proxy; give the whole address"),
        (b"nonsense\r\n\r\n", b"the first line is not HTTP/1.1"),
        (b"CONNECT api.labelbox.com HTTP/1.1\r\n\r\n", b"CONNECT needs a host and a port"),
        (b"GET http://api.labelbox.com/ HTTP/1.1\r\nno field\r\n\r\n", b"a header field is malformed"),
        (b"POST http://api.labelbox.com/ HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"Content-Length is no number"),
        (b"POST http://api.labelbox.com/ HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n", b"Content-Length is no number"),
        (b"CONNECT api.labelbox.com:\xb2 HTTP/1.1\r\n\r\n", b"CONNECT needs a host and a port"),
        (b"CONNECT 127.0.0.1:" + b"9" * 10_000 + b" HTTP/1.1\r\n\r\n", b"CONNECT needs a host and a port"),
        (b"CONNECT 127.0.0.1:65536 HTTP/1.1\r\n\r\n", b"CONNECT needs a host and a port"),
        (b"GET http://127.0.0.1:1/ HTTP/1.1\r\n\r\n", b"127.0.0.1:1 cannot be reached"),
        (b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n", b"127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_passed_on_is_refused_in_words(proxy: Proxy, sent: bytes, answer: bytes) -> None:
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2])), timeout=30) as client:
        client.sendall(sent)
        assert b"mockserver's proxy: " + answer in b"".join(iter(lambda: client.recv(1000), b""))


def test_a_program_without_the_certificate_does_not_trust_it(proxy: Proxy) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(REAL, proxies={"https": proxy.url}, timeout=30)


def test_a_bundle_holds_the_users_own_certificates_too(certificates: Certificates, tmp_path: Path) -> None:
    other, _ = Certificates().write(tmp_path)
    (tmp_path / "theirs.pem").write_bytes(other.read_bytes())
    (tmp_path / "both").mkdir()
    _, both = certificates.write(tmp_path / "both", [tmp_path / "theirs.pem", tmp_path / "nothing.pem"])
    context = ssl.create_default_context(cafile=str(both))
    assert context.cert_store_stats()["x509_ca"] == 2


@pytest.mark.parametrize(
    ("host", "real"),
    [
        ("api.labelbox.com", True),
        ("labelbox.com", True),
        ("EDITOR.Labelbox.COM.", True),
        ("notlabelbox.com", False),
        ("labelbox.com.evil.example", False),
        ("", False),
    ],
)
def test_the_real_hosts_are_those_of_the_domain(host: str, real: bool) -> None:
    assert is_real_host(host) is real


class Bytes:
    """A connection that gives its bytes in parts of a few."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    def recv(self, size: int, /) -> bytes:
        part, self._data = self._data[: self._step], self._data[self._step :]
        return part


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_break_the_reader(data: bytes, step: int) -> None:
    reader = Reader(Bytes(data, step))
    try:
        head = read_head(reader)
        list(read_body(head, reader))
    except (Malformed, EOFError):
        return


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=5), st.integers(1, 50))
def test_chunks_are_passed_on_as_they_are(chunks: list[bytes], step: int) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    reader = Reader(Bytes(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"next", step))
    assert b"".join(read_body(read_head(reader), reader)) == body
