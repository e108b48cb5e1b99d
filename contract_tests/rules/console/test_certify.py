"""A receiver is certified by the form of the page, and its verdicts are shown while the cases are sent."""

from collections.abc import Callable

import pytest
import requests

from contract_tests.receiving import SECRET, Answer, Receiver
from contract_tests.rules.console.browsing import fetch
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for

ONLY = ["good", "sha1-alone", "topic-label-created"]
PATIENCE = 120


def start(server: ServedWorld, url: str, **body: object) -> requests.Response:
    return requests.post(f"{server.url}/console/certify", json={"url": url, "secret": SECRET, **body}, timeout=60)


def wait_until(server: ServedWorld, is_reached: Callable[[str], bool]) -> str:
    """The results, as soon as they are as expected."""
    return wait_for(lambda: fetch(server, "/console/certify", part="list"), is_reached)


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
        ("http://127.0.0.1:1/<b>", "start your receiver first"),
    ],
)
def test_a_receiver_that_cannot_be_reached_is_explained(server: ServedWorld, url: str, reason: str) -> None:
    assert start(server, url, only=ONLY).status_code == 204
    content = wait_until(server, lambda text: "not finished" in text)
    assert reason in content
    assert "<b>/" not in content


RECEIVER = "http://127.0.0.1:1/"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"url": 1, "secret": ""}', b'{"url": "http://x/", "sekret": "s"}']
)
def test_a_wrong_body_is_refused(server: ServedWorld, body: bytes) -> None:
    answer = requests.post(f"{server.url}/console/certify", data=body, timeout=60)
    assert answer.status_code == 400
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "url is empty; give the address of your receiver"),
        ({"secret": "s"}, "url is empty"),
        ({"url": "", "secret": "s"}, "url is empty"),
        ({"url": "  ", "secret": "s"}, "url is empty"),
        ({"url": RECEIVER}, "secret is empty; give the one with which your receiver checks signatures"),
        ({"url": RECEIVER, "secret": ""}, "secret is empty"),
        ({"url": "ftp://127.0.0.1/", "secret": "s"}, "ftp"),
        ({"url": "127.0.0.1:3001", "secret": "s"}, "127.0.0.1:3001"),
        ({"url": "http://127.0.0.1:99999/", "secret": "s"}, "99999"),
        ({"url": RECEIVER, "secret": "s", "topic": "NOPE"}, "expected one of LABEL_CREATED"),
        ({"url": RECEIVER, "secret": "s", "only": ["goood"]}, 'the nearest known are "good"'),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_begins(
    server: ServedWorld, body: dict[str, object], reason: str
) -> None:
    before = fetch(server, "/console/certify", part="list")
    answer = requests.post(f"{server.url}/console/certify", json=body, timeout=60)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]
    assert fetch(server, "/console/certify", part="list") == before


def test_a_certification_ends_with_its_workspace() -> None:
    """Also while a receiver does not answer. A later workspace with the same key shows nothing of it."""
    with ServedWorld("--scenario", "empty") as world, Receiver(Answer(wait=300)) as silent:
        control = f"{world.url}/_mock/workspaces"
        query = "?api_key=passing"
        requests.post(control, json={"api_key": "passing"}, timeout=60).raise_for_status()
        url = f"{world.url}/console/certify"
        body = {"url": silent.url, "secret": SECRET}
        assert requests.post(url + query, json=body, timeout=60).status_code == 204
        silent.wait_for(1)
        requests.delete(f"{control}/passing", timeout=60).raise_for_status()
        requests.post(control, json={"api_key": "passing"}, timeout=60).raise_for_status()
        assert "No receiver was certified yet" in requests.get(f"{url}{query}&part=list", timeout=60).text
        wait_for(lambda: start(world, "http://127.0.0.1:1/", only=ONLY).status_code == 204)


def test_strangers_send_nothing_by_this_server() -> None:
    with ServedWorld("--host", "0.0.0.0", "--control-token", "opens-it") as world:
        for headers in ({"X-Forwarded-For": "10.0.0.1"}, {"Origin": "http://evil.example"}):
            body = {"url": "http://127.0.0.1:1/", "secret": "s"}
            answer = requests.post(f"{world.url}/console/certify", json=body, headers=headers, timeout=60)
            assert answer.status_code == 401
