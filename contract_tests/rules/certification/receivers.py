"""Webhook receivers as people write them, right and wrong, on `http.server`."""

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

SECRET = "correct horse battery staple"
Check = Callable[[bytes, "Headers"], int]
"""(body, headers) -> status."""


class Headers:
    """The request's headers, by any case."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._message = handler.headers

    def get(self, name: str, default: str = "") -> str:
        return str(self._message.get(name, default))

    def __getitem__(self, name: str) -> str:
        value = self._message[name]
        if value is None:
            raise KeyError(name)
        return str(value)


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A connection that was cut is nothing to print."""


@contextmanager
def run_receiver(
    check: Check, *, read: Callable[[BaseHTTPRequestHandler], bytes] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The URL of a receiver that answers what `check` says; an exception is answered 500, as frameworks do it."""
    read_body = read or whole_body

    class Handler(BaseHTTPRequestHandler):
        timeout: ClassVar[float] = 20.0
        rbufsize: ClassVar[int] = 1 << 20

        def do_POST(self) -> None:
            body = read_body(self)
            try:
                status, said = check(body, Headers(self)), b""
                if status > 999:  # 1200 is 200 with an error text
                    status, said = status - 1000, b"Error: the signature is invalid"
            except Exception:  # noqa: BLE001  as frameworks do
                status, said = 500, b"Internal Server Error"
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/webhook-endpoint"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole_body(handler: BaseHTTPRequestHandler) -> bytes:
    return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))


def first_piece(handler: BaseHTTPRequestHandler) -> bytes:
    """The result of a single read."""
    return handler.rfile.read1(int(handler.headers.get("Content-Length", 0)))


def one_buffer(handler: BaseHTTPRequestHandler) -> bytes:
    return whole_body(handler)[:1024]


def decode_parts(handler: BaseHTTPRequestHandler) -> bytes:
    """Decodes each chunk separately, like `body += chunk`."""
    left, text = int(handler.headers.get("Content-Length", 0)), ""
    while left and (piece := handler.rfile.read1(left)):
        left -= len(piece)
        text += piece.decode("utf-8", "replace")
    return text.encode()


def mac(body: bytes, secret: bytes = SECRET.encode(), algorithm: str = "sha1") -> str:
    return hmac.new(secret, body, algorithm).hexdigest()


def right(body: bytes, headers: Headers) -> int:
    if not hmac.compare_digest(f"sha1={mac(body)}".encode(), headers.get("X-Hub-Signature").encode()):
        return 401
    try:
        json.loads(body)
    except ValueError:
        return 400
    return 200


def right_256(body: bytes, headers: Headers) -> int:
    expected = f"sha256={mac(body, algorithm='sha256')}"
    return 200 if hmac.compare_digest(expected.encode(), headers.get("X-Hub-Signature-256").encode()) else 401


def compare_over(content: Callable[[bytes], bytes]) -> Check:
    """Signs something made of the body."""
    return lambda body, headers: right_over(content, body, headers)


def right_over(content: Callable[[bytes], bytes], body: bytes, headers: Headers) -> int:
    return 200 if headers.get("X-Hub-Signature") == f"sha1={mac(content(body))}" else 401


def with_secret(secret: bytes) -> Check:
    return lambda body, headers: 200 if headers.get("X-Hub-Signature") == f"sha1={mac(body, secret)}" else 401


def expect(make: Callable[[bytes], str], name: str = "X-Hub-Signature") -> Check:
    return lambda body, headers: 200 if headers.get(name) == make(body) else 401


def re_json(**options: Any) -> Callable[[bytes], bytes]:
    return lambda body: json.dumps(json.loads(body), **options).encode()


def convert_numbers(body: bytes) -> bytes:
    def spell(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spell(item) for key, item in value.items()}
        if isinstance(value, list):
            return list(map(spell, value))
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return json.dumps(spell(json.loads(body)), ensure_ascii=False, separators=(",", ":")).encode()


COMPACT = {"separators": (",", ":")}
RAW = {"ensure_ascii": False}
BASE64 = base64.b64encode


def base64_of(body: bytes, secret: str = SECRET) -> str:
    return BASE64(hmac.new(secret.encode(), body, "sha1").digest()).decode()


SIGNED_WRONGLY: dict[str, Check] = {
    "reserialised-python": compare_over(re_json()),
    "reserialised-javascript": compare_over(convert_numbers),
    "reserialised-compact": compare_over(re_json(**COMPACT)),
    "reserialised-utf-8": compare_over(re_json(**COMPACT, **RAW)),
    "reserialised-spaced-utf-8": compare_over(re_json(**RAW)),
    "reserialised-sorted": compare_over(re_json(sort_keys=True)),
    "reserialised-sorted-compact": compare_over(re_json(sort_keys=True, **COMPACT)),
    "reserialised-indented": compare_over(re_json(indent=4)),
    "python-dict": compare_over(lambda body: str(json.loads(body)).encode()),
    "python-bytes": compare_over(lambda body: str(body).encode()),
    "ascii-ignored": compare_over(lambda body: body.decode("ascii", "ignore").encode()),
    "ascii-replaced": compare_over(lambda body: body.decode("ascii", "replace").encode()),
    "ascii-question-marks": compare_over(lambda body: body.decode().encode("ascii", "replace")),
    "latin-1": compare_over(lambda body: body.decode("latin-1").encode()),
    "utf-16": compare_over(lambda body: body.decode().encode("utf-16-le")),
    "stripped": compare_over(bytes.strip),
    "lines-joined": compare_over(lambda body: "".join(body.decode().splitlines()).encode()),
    "empty": compare_over(lambda _: b""),
    "secret-with-newline": with_secret(f"{SECRET}\n".encode()),
    "secret-in-double-quotes": with_secret(f'"{SECRET}"'.encode()),
    "secret-as-repr": with_secret(str(SECRET.encode()).encode()),
    "secret-empty": with_secret(b""),
    "secret-none": with_secret(str(None).encode()),
    "secret-placeholder": with_secret(b"CHANGE-ME"),
    "secret-upper-case": with_secret(SECRET.upper().encode()),
    "secret-base64-encoded": with_secret(BASE64(SECRET.encode())),
    "sha256-for-sha1": expect(lambda body: f"sha1={mac(body, algorithm='sha256')}"),
    "headers-exchanged": expect(lambda body: f"sha256={mac(body, algorithm='sha256')}"),
    "sha1-for-sha256": expect(lambda body: f"sha256={mac(body)}", "X-Hub-Signature-256"),
    "base64": expect(lambda body: f"sha1={base64_of(body)}"),
    "base64-bare": expect(base64_of),
    "no-prefix": expect(mac),
    "upper-case": expect(lambda body: f"sha1={mac(body).upper()}"),
    "hash-of-body": expect(lambda body: f"sha1={hashlib.sha1(body).hexdigest()}"),
    "hash-of-secret-and-body": expect(lambda body: f"sha1={hashlib.sha1(SECRET.encode() + body).hexdigest()}"),
    "arguments-exchanged": expect(lambda body: f"sha1={hmac.new(body, SECRET.encode(), 'sha1').hexdigest()}"),
}
"""Name of the mistake -> a receiver that makes it."""

TWICE_WRONG: dict[tuple[str, str], Check] = {
    ("headers-exchanged", "reserialised-python"): expect(
        lambda body: f"sha256={mac(re_json()(body), algorithm='sha256')}"
    ),
    ("base64", "secret-with-newline"): expect(lambda body: f"sha1={base64_of(body, SECRET + chr(10))}"),
}


# Mistakes that show in the pattern of answers


def verifies_nothing(_body: bytes, _headers: Headers) -> int:
    return 200


def tells_errors_as_200(body: bytes, headers: Headers) -> int:
    return 200 if right(body, headers) == 200 else 1200


def skips_missing(body: bytes, headers: Headers) -> int:
    return right(body, headers) if headers.get("X-Hub-Signature") else 200


def compares_beginning(body: bytes, headers: Headers) -> int:
    received = headers.get("X-Hub-Signature")
    return 200 if received and f"sha1={mac(body)}".startswith(received) else 401


def compares_shape(_body: bytes, headers: Headers) -> int:
    return 200 if len(headers.get("X-Hub-Signature")) == 45 else 401


def falls_back_to_no_secret(body: bytes, headers: Headers) -> int:
    return 200 if headers.get("X-Hub-Signature") in {f"sha1={mac(body)}", f"sha1={mac(body, b'')}"} else 401


def trusts_the_algorithm(body: bytes, headers: Headers) -> int:
    algorithm, _, digest = headers.get("X-Hub-Signature").partition("=")
    if algorithm == "none":
        return 200
    return 200 if algorithm == "sha1" and digest == mac(body) else 401


def refuses_by_500(body: bytes, headers: Headers) -> int:
    return 500 if right(body, headers) == 401 else right(body, headers)


def takes_header_for_granted(body: bytes, headers: Headers) -> int:
    return 200 if headers["X-Hub-Signature"] == f"sha1={mac(body)}" else 401


def compares_text(body: bytes, headers: Headers) -> int:
    return 200 if hmac.compare_digest(f"sha1={mac(body)}", headers.get("X-Hub-Signature")) else 401


def str_secret(body: bytes, headers: Headers) -> int:
    """One of the documentation's old samples: a TypeError on Python 3."""
    secret: Any = SECRET
    return 200 if hmac.new(secret, body, "sha1").hexdigest() == headers.get("X-Hub-Signature") else 401


def stops_at_100_kb(body: bytes, headers: Headers) -> int:
    return 413 if len(body) > 100_000 else right(body, headers)


def refuses_topics(body: bytes, headers: Headers) -> int:
    known = headers.get("X-Labelbox-Event") in {"LABEL_CREATED", "LABEL_UPDATED"}
    return right(body, headers) if known else 400


def refuse_duplicates() -> Check:
    seen: set[str] = set()

    def check(body: bytes, headers: Headers) -> int:
        status = right(body, headers)
        if status == 200 and headers.get("X-Labelbox-Id") in seen:
            return 409
        if status == 200:
            seen.add(headers.get("X-Labelbox-Id"))
        return status

    return check


def remember_first() -> Check:
    seen: set[str] = set()

    def check(body: bytes, headers: Headers) -> int:
        delivery = headers.get("X-Labelbox-Id")
        if delivery in seen:
            return 409
        seen.add(delivery)
        return right(body, headers)

    return check


PATTERNED: dict[str, Callable[[], Check]] = {
    "nothing-verified": lambda: verifies_nothing,
    "errors-told-as-200": lambda: tells_errors_as_200,
    "skipped-when-missing": lambda: skips_missing,
    "beginning-compared": lambda: compares_beginning,
    "shape-compared": lambda: compares_shape,
    "empty-secret-accepted": lambda: falls_back_to_no_secret,
    "algorithm-of-the-sender": lambda: trusts_the_algorithm,
    "refuses-by-500": lambda: refuses_by_500,
    "header-taken-for-granted": lambda: takes_header_for_granted,
    "signature-not-ascii": lambda: compares_text,
    "always-crashes": lambda: str_secret,
    "another-secret": lambda: with_secret(b"somebody else's"),
    "wrong-place": lambda: lambda _body, _headers: 404,
    "body-limit": lambda: stops_at_100_kb,
    "topics-refused": lambda: refuses_topics,
    "duplicates-refused": refuse_duplicates,
    "id-before-check": remember_first,
}
