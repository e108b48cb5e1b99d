"""Applications that are certified without a port of their own."""

import hmac
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, request

from contract_tests.rules.certification.receivers import SECRET, right, run_receiver
from mockserver.certification import Report, certify
from mockserver.certification.judge import Verdict
from mockserver.certification.local_app import is_asgi, load_app, serve_app
from mockserver.certification.rotation import RETIRED, ROTATION
from mockserver.errors import StartupError

QUICK = ("slow", "huge", "larger", "split-letter")


def is_signed(body: bytes, signature: str, *secrets: str) -> bool:
    expected = ["sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest() for secret in secrets]
    return any(hmac.compare_digest(one.encode(), signature.encode("utf-8", "replace")) for one in expected)


def build_flask(*secrets: str) -> Flask:
    app = Flask("receiver")

    @app.post("/hook")
    def receive() -> tuple[str, int]:
        signature = request.headers.get("X-Hub-Signature-256", "")
        return "", 204 if is_signed(request.get_data(), signature, *secrets) else 401

    return app


class Asgi:
    """A receiver whose lifespan has to run before messages are accepted."""

    def __init__(self) -> None:
        self.started = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.started = True
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        signature = dict(scope["headers"]).get(b"x-hub-signature-256", b"").decode("latin-1")
        status = 200 if self.started and scope["path"] == "/hook" and is_signed(body, signature, SECRET) else 401
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})


@pytest.mark.parametrize("build", [lambda: build_flask(SECRET), Asgi], ids=["WSGI", "ASGI"])
def test_an_application_is_certified(build: Callable[[], Any]) -> None:
    report = certify(app=build(), path="/hook", secret=SECRET, leave_out=QUICK)
    assert report.passed, report
    assert report.url.startswith("http://127.0.0.1:")
    with pytest.raises(requests.ConnectionError):
        requests.get(report.url, timeout=60)


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("418 Teapot", [])
    return [environ["PATH_INFO"].encode()]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("not called")


def test_both_kinds_are_recognised() -> None:
    assert [is_asgi(app) for app in (wsgi, asgi, Flask("x"), Asgi(), Asgi().__call__)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    with serve_app(wsgi, "a/b") as url:
        assert requests.post(url, timeout=30).text == "/a/b"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give either its url, or an app"),
        ({"url": "http://a/", "app": wsgi}, "give either"),
        ({"app": 3}, "3 is no application"),
    ],
)
def test_what_is_no_receiver_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(StartupError, match=message):
        certify(secret=SECRET, **arguments)


def test_an_application_that_does_not_start_is_reported() -> None:
    async def fails(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(StartupError, match="did not start"):
        certify(app=fails, secret=SECRET)


def test_an_application_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_receiver.py").write_text("def app(environ, start_response): return []\n")
    (tmp_path / "my_broken.py").write_text("raise RuntimeError('no database')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert callable(load_app("my_receiver:app"))
    for name, message in {
        "my_receiver:ap": "my_receiver has no 'ap'; it has app",
        "my_receiver": "expected MODULE:ATTRIBUTE",
        "no_such_module:app": "cannot be imported",
        "my_broken:app": "RuntimeError: no database",
    }.items():
        with pytest.raises(StartupError, match=message):
            load_app(name)


# A secret that is replaced


def rotate(*secrets: str) -> Report:
    only = ("good", *(case.name for case in (*ROTATION, *RETIRED)))
    app = build_flask(*secrets)
    return certify(app=app, path="/hook", secret="new", previous_secret="old", retired_secret="older", only=only)


def list_failed(report: Report) -> list[str]:
    return [result.case.name for result in report.results_with(Verdict.FAILED)]


def test_a_receiver_with_two_secrets_passes_and_others_do_not() -> None:
    assert rotate("new", "old").flawless
    assert list_failed(rotate("new")) == ["previous-secret", "secrets-in-turns"]
    assert list_failed(rotate("new", "old", "older")) == ["retired-secret"]
    assert list_failed(rotate("newold")) == ["good", "previous-secret", "secrets-in-turns", "secrets-joined"]


@pytest.mark.parametrize(("name", "kind"), [("secrets-in-turns", "previous"), ("retired-secret", "retired")])
def test_a_case_that_needs_another_secret_is_not_left_out_silently(name: str, kind: str) -> None:
    with pytest.raises(StartupError, match=f"--{kind}-secret"):
        certify(app=build_flask("new"), path="/hook", secret="new", only=[name])


def test_a_retired_secret_cannot_be_one_to_accept() -> None:
    with pytest.raises(StartupError, match="also one to accept"):
        certify(app=build_flask("new"), path="/hook", secret="new", retired_secret="new")


def test_without_a_previous_secret_there_are_no_such_cases() -> None:
    with run_receiver(right) as url:
        report = certify(url, secret=SECRET, only=["good"])
    assert "previous-secret" not in [result.case.name for result in report.results]
