"""Tools for receivers that need no server: listening, forwarding, replaying, signing and verifying."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from contract_tests.receiving import Answer, Receiver
from contract_tests.rules.certification.receivers import SECRET
from contract_tests.rules.commands.listeners import run_listener
from mockserver.__main__ import main
from mockserver.webhooks.messages import build_headers

SAMPLES_SECRET = "CHANGE-ME"
SAMPLES = Path(__file__).parents[3] / "fixtures" / "webhooks"
BODY = "größe 😀".encode()


def run(*arguments: str, body: bytes | None = None, **environment: str) -> Result:
    return CliRunner().invoke(main, ["webhook", *arguments], input=body, env=environment)


def build_signed_headers(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    return build_headers("cdelivery", "LABEL_CREATED", body, secret=secret)


# listen


def test_messages_are_forwarded_byte_for_byte_and_the_answer_is_given_back() -> None:
    with Receiver(Answer(418, {"X-Mine": "yes"}, b"a teapot")) as receiver:
        with run_listener("--secret", SECRET, "--forward-to", receiver.url, "--count", "2") as (url, process):
            good = requests.post(url, data=BODY, headers=build_signed_headers(), timeout=30)
            bad = requests.post(url, data=BODY, headers=build_signed_headers(secret="another"), timeout=30)
            output, _ = process.communicate(timeout=30)
        [received] = receiver.received
    assert (good.status_code, good.headers["X-Mine"], good.content) == (418, "yes", b"a teapot")
    assert bad.status_code == 401, "a message that is not genuine is not handed on"
    assert (received.body, received.is_signed(SECRET)) == (BODY, True)
    assert received.path == "/webhook-endpoint"
    assert f"answered 418 ({receiver.url}: 418 in " in output
    assert process.returncode == 1


def test_a_program_that_is_not_there_is_a_bad_gateway() -> None:
    with run_listener("--forward-to", "http://127.0.0.1:9/", "--count", "1") as (url, process):
        answer = requests.post(url, data=BODY, timeout=30)
        process.communicate(timeout=30)
    assert answer.status_code == 502
    assert "127.0.0.1:9" in answer.text
    assert process.returncode == 1


def test_answers_follow_a_script() -> None:
    with run_listener("--answer", "500,503,204", "--delay", "0.05", "--count", "4") as (url, process):
        assert [requests.post(url, data=b"{}", timeout=30).status_code for _ in range(4)] == [500, 503, 204, 204]
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_each_message_is_a_line_of_json_for_programs(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    arguments = ("--format", "json", "--ready-file", str(ready), "--secret", "old", "--secret", SECRET, "--count", "2")
    with run_listener(*arguments) as (url, process):
        announced = json.loads(ready.read_text())
        requests.post(f"{url}hook", data=BODY, headers=build_signed_headers(), timeout=30)
        requests.post(url, data=b"\xff", timeout=30)
        output, _ = process.communicate(timeout=30)
    assert announced == {"url": url, "pid": process.pid}
    assert not ready.exists()
    first, second = map(json.loads, output.splitlines())
    assert (first["body"], first["path"], first["genuine"], first["answered"]) == (BODY.decode(), "/hook", True, 200)
    assert first["signatures"] == {"sha1": "right", "sha256": "right"}
    assert (second["body_base64"], second["genuine"], second["answered"]) == ("/w==", False, 401)


def test_a_secret_of_the_environment_may_have_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELBOX_MOCKSERVER_WEBHOOK_SECRET", "two words")
    with run_listener("--count", "1") as (url, process):
        assert (
            requests.post(url, data=BODY, headers=build_signed_headers(secret="two words"), timeout=30).status_code
            == 200
        )
        process.communicate(timeout=30)
    assert process.returncode == 0


# save, replay


def test_saved_messages_are_sent_again_with_the_same_bytes(tmp_path: Path) -> None:
    bodies = [BODY, b"\xff\x00", b'{"a": 1}']
    with run_listener("--save", str(tmp_path / "saved"), "--count", "3") as (url, process):
        for body in bodies:
            requests.post(f"{url}a/b", data=body, headers=build_signed_headers(body), timeout=30)
        process.communicate(timeout=30)
    assert len(list((tmp_path / "saved").glob("000*-LABEL_CREATED-cdelivery.json"))) == 3
    with Receiver() as receiver:
        again = run("replay", str(tmp_path / "saved"), "--url", receiver.url, "--speed", "1000")
        anew = run("replay", str(tmp_path / "saved"), "--url", receiver.url, "--secret", "another")
    assert (again.exit_code, anew.exit_code) == (0, 0), again.output + anew.output
    assert [message.body for message in receiver.received] == bodies * 2
    assert all(message.is_signed(SECRET) for message in receiver.received[:3])
    assert all(message.is_signed("another") for message in receiver.received[3:])
    assert {message.id for message in receiver.received} == {"cdelivery"}


def test_samples_and_listed_deliveries_are_replayed_too(tmp_path: Path) -> None:
    sample = json.loads((SAMPLES / "v2-label_created.json").read_text())
    listed = {"deliveries": [{"id": "c", "headers": sample["headers"], "body": sample["body"], "state": "FAILED"}]}
    (tmp_path / "deliveries.json").write_text(json.dumps(listed))
    with Receiver() as receiver:
        for place in (SAMPLES / "v2-label_created.json", tmp_path / "deliveries.json"):
            assert run("replay", str(place), "--url", receiver.url).exit_code == 0
    assert [message.is_signed(SAMPLES_SECRET) for message in receiver.received] == [True, True]


def test_a_receiver_that_refuses_a_replay_is_a_failure() -> None:
    with Receiver(Answer(500)) as receiver:
        ended = run("replay", str(SAMPLES / "v1-label_created.json"), "--url", receiver.url)
    assert (ended.exit_code, "500 in" in ended.output) == (1, True)


# sign, verify


def test_what_is_signed_can_be_verified() -> None:
    headers = json.loads(run("sign", "--secret", SECRET, "--body", "-", "--json", body=BODY).stdout)
    pairs = [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
    assert run("verify", "--secret", SECRET, "--body", "-", *pairs, body=BODY).exit_code == 0
    assert run("verify", "--secret", "another", "--secret", SECRET, "--body", "-", *pairs, body=BODY).exit_code == 0
    assert run("verify", "--secret", "another", "--body", "-", *pairs, body=BODY).exit_code == 1
    assert run("verify", "--secret", SECRET, "--body", "-", *pairs, body=BODY + b" ").exit_code == 1


def test_signed_headers_are_printed_as_curl_reads_them(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(BODY)
    ended = run("sign", "--secret", SECRET, "--body", str(tmp_path / "body"), "--topic", "X", "--id", "cid")
    lines = dict(line.split(": ") for line in ended.stdout.splitlines())
    assert lines == build_headers("cid", "X", BODY, secret=SECRET)


def test_samples_are_genuine() -> None:
    assert run("verify", str(SAMPLES / "v1-label_created.json"), "--secret", SAMPLES_SECRET).exit_code == 0
    assert run("verify", str(SAMPLES / "v1-label_created.json"), "--secret", SAMPLES_SECRET + " ").exit_code == 1


def test_the_mistake_behind_a_wrong_signature_is_named() -> None:
    digest = base64.b64encode(
        bytes.fromhex(build_signed_headers()["X-Hub-Signature-256"].removeprefix("sha256="))
    ).decode()
    header = ("--header", f"X-Hub-Signature-256: sha256={digest}")
    ended = run("verify", "--secret", SECRET, "--body", "-", *header, "--json", body=BODY)
    verdict: dict[str, Any] = json.loads(ended.stdout)
    assert (verdict["genuine"], verdict["sha1"], verdict["sha256"]) == (False, "missing", "wrong")
    assert "[base64]" in verdict["mistake"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "--secret", "s"), "give either saved messages, or --body FILE"),
        (("verify", "--secret", "s", "--body", "/no/such/file"), "cannot be read"),
        (("verify", "--secret", "s", "--body", "-", "--header", "nonsense"), "expected NAME: VALUE"),
        (("verify", str(SAMPLES / "make_webhooks.py"), "--secret", "s"), "is not JSON"),
        (("sign", "--secret", "s", "--body", "-", "--topic", "größe"), "--topic is"),
        (("sign", "--secret", "s", "--body", "-", "--id", "a\nb"), "--id is"),
        (("replay", "/no/such/folder", "--url", "http://127.0.0.1:9/"), "does not exist"),
        (("replay", str(SAMPLES / "v1-label_created.json"), "--url", "http://127.0.0.1:9/"), "start your receiver"),
        (("replay", str(SAMPLES / "v1-label_created.json"), "--url", "nowhere"), "for example http://"),
        (("listen", "--answer", "200,600"), "expected 200 to 599, for example 500,500,204"),
        (("listen", "--port", "0", "--forward-to", "nowhere"), "for example http://"),
        (("listen", "--port", "0", "--save", "/proc/nowhere"), "give a folder that can be written"),
        (("listen", "--port", "0", "--ready-file", "/nowhere/ready.json"), "in a folder that exists"),
    ],
)
def test_a_mistake_is_refused_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    command = [sys.executable, "-m", "mockserver", "webhook", *arguments]
    ended = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=60, env=dict(os.environ))
    assert (ended.returncode, ended.stdout) == (2, b""), ended
    assert message in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"headers": 3, "body": "x"}', '{"headers": {}, "body_base64": "?"}', "3"]
)
def test_a_file_that_holds_no_message_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(content)
    ended = run("verify", str(tmp_path / "file.json"), "--secret", "s")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "expected a file of `webhook listen --save`" in ended.stderr
