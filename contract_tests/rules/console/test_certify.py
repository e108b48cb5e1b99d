"""A receiver is certified by the form of the page, and its verdicts are shown while the cases are sent."""

import time
from collections.abc import Callable

import pytest
import requests

from contract_tests.receiving import SECRET, Answer, Receiver
from contract_tests.rules.console.browsing import fetch
from contract_tests.serving import ServedWorld

ONLY = ["good", "sha1-alone", "topic-label-created"]
PATIENCE = 120


def start(server: ServedWorld, url: str, **body: object) -> requests.Response:
    return requests.post(f"{server.url}/console/certify", json={"url": url, "secret": SECRET, **body}, timeout=60)


def wait_until(server: ServedWorld, is_reached: Callable[[str], bool]) -> str:
    """The results, as soon as they are as expected."""
    deadline = time.monotonic() + PATIENCE
    while not is_reached(content := fetch(server, "/console/certify", part="list")):
        assert time.monotonic() < deadline, content
        time.sleep(0.05)
    return content


def test_the_form_says_what_is_sent(server: ServedWorld) -> None:
    content = fetch(server, "/console/certify")
    assert "No receiver was certified yet" in content
    assert 'data-call="POST /console/certify"' in content


def test_verdicts_and_the_grade_are_shown(server: ServedWorld) -> None:
    with Receiver(Answer(200)) as receiver:
        assert start(server, receiver.url, only=ONLY).status_code == 204
        content = wait_until(server, lambda text: "Grade" in text)
    assert [name for name in ONLY if f"<b>{name}</b>" not in content] == []
    assert "passed" in content
    assert SECRET not in content


def test_one_certification_runs_at_a_time_and_can_be_stopped(server: ServedWorld) -> None:
    with Receiver(Answer(200)) as receiver:
        assert start(server, receiver.url).status_code == 204
        refused = start(server, receiver.url)
        assert refused.status_code == 409
        assert "A certification is running" in refused.json()["message"]
        assert requests.delete(f"{server.url}/console/certify", timeout=60).status_code == 204
        wait_until(server, lambda text: "Stopped" in text)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://8.8.8.8/hook", "unless it is started with --webhook-allow"),
        ("http://169.254.169.254/latest", "answer their machines with credentials"),
        ("ftp://127.0.0.1/", "ftp"),
        ("http://127.0.0.1:1/<b>", "start your receiver first"),
    ],
)
def test_a_receiver_that_cannot_be_reached_is_explained(server: ServedWorld, url: str, reason: str) -> None:
    assert start(server, url, only=ONLY).status_code == 204
    content = wait_until(server, lambda text: "not finished" in text)
    assert reason in content
    assert "<b>/" not in content


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"url": 1, "secret": ""}', b'{"url": "http://127.0.0.1:1/", "secret": "s", "topic": "NOPE"}'],
)
def test_a_wrong_body_is_refused(server: ServedWorld, body: bytes) -> None:
    answer = requests.post(f"{server.url}/console/certify", data=body, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_strangers_send_nothing_by_this_server() -> None:
    with ServedWorld("--host", "0.0.0.0", "--control-token", "opens-it") as world:
        for headers in ({"X-Forwarded-For": "10.0.0.1"}, {"Origin": "http://evil.example"}):
            body = {"url": "http://127.0.0.1:1/", "secret": "s"}
            answer = requests.post(f"{world.url}/console/certify", json=body, headers=headers, timeout=60)
            assert answer.status_code == 401
