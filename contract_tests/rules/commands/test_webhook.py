"""`mockserver webhook send|listen|certify` as people type it."""

import json
import os
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
import trustme

from contract_tests.forking import run_forked
from contract_tests.rules.certification.receivers import (
    SECRET,
    Headers,
    compares_text,
    right,
    run_receiver,
    verifies_nothing,
)
from contract_tests.rules.commands.listeners import run_listener
from contract_tests.serving import environment_without_settings
from mockserver.certification import CASES
from mockserver.webhooks.messages import compute_signature
from mockserver.webhooks.misbehaviour import BURST, MISBEHAVIOURS

QUICK = ("--leave-out", "slow", "--leave-out", "huge", "--leave-out", "larger", "--leave-out", "split-letter")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = environment_without_settings() | environment
    return run_forked("webhook", *arguments, env=env, timeout=240)


class Keeper:
    """A receiver's check that keeps the messages."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    def __call__(self, body: bytes, headers: Headers) -> int:
        self.bodies.append(body)
        names = ("X-Labelbox-Id", "X-Labelbox-Event", "X-Hub-Signature", "Content-Type")
        self.headers.append({name: headers.get(name) for name in names})
        return right(body, headers)


# send


def test_a_message_is_real_and_signed() -> None:
    keeper = Keeper()
    with run_receiver(keeper) as url:
        ended = run("send", "--url", url, "--secret", SECRET, "--topic", "REVIEW_CREATED")
    assert (ended.returncode, ended.stderr) == (0, "")
    [body], [headers] = keeper.bodies, keeper.headers
    assert headers["X-Labelbox-Event"] == "REVIEW_CREATED"
    assert ended.stdout.startswith(f"REVIEW_CREATED {headers['X-Labelbox-Id']} {len(body)} bytes: 200 in ")
    row = json.loads(body)
    [project] = row["projects"].values()
    assert {"label_details", "performance_details"} <= project["labels"][0].keys()


def test_own_ids_and_fields_are_in_the_message() -> None:
    keeper = Keeper()
    ids = ("--data-row-id", "crow", "--project-id", "cproject", "--label-id", "clabel", "--id", "cdelivery")
    fields = ("--set", "data_row.external_id=größe.png", "--set", 'projects.*.name="7"', "--add", "new=[1]")
    with run_receiver(keeper) as url:
        ended = run("send", "--url", url, "--secret", SECRET, *ids, *fields)
    assert ended.returncode == 0, ended.stderr
    row = json.loads(keeper.bodies[0])
    assert (row["data_row"]["id"], row["data_row"]["external_id"], row["new"]) == ("crow", "größe.png", [1])
    assert row["projects"]["cproject"]["name"] == "7"
    assert row["projects"]["cproject"]["labels"][0]["id"] == "clabel"
    assert keeper.headers[0]["X-Labelbox-Id"] == "cdelivery"


def test_a_misspelt_path_is_refused_with_the_nearest_key() -> None:
    ended = run("send", "--url", "http://127.0.0.1:9/", "--secret", SECRET, "--set", "data_row.external_idx=a.png")
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert "unknown key 'external_idx'; the nearest known are \"external_id\"" in ended.stderr


def test_the_same_message_is_the_same_bytes_each_time() -> None:
    keeper = Keeper()
    with run_receiver(keeper) as url:
        for _ in range(2):
            run("send", "--url", url, "--project", "text", "--row", "2", LABELBOX_MOCKSERVER_WEBHOOK_SECRET=SECRET)
    assert keeper.bodies[0] == keeper.bodies[1]
    assert keeper.headers[0]["X-Labelbox-Id"] != keeper.headers[1]["X-Labelbox-Id"]


@pytest.mark.parametrize(
    ("name", "count", "status"),
    [
        ("duplicate", 2, 0),
        ("out_of_order", 2, 0),
        ("burst", BURST, 0),
        ("wrong_signature", 1, 1),
        ("body_changed", 1, 1),
    ],
)
def test_it_misbehaves_as_asked(name: str, count: int, status: int) -> None:
    keeper = Keeper()
    with run_receiver(keeper) as url:
        ended = run("send", "--url", url, "--secret", SECRET, "--misbehave", name)
    assert (ended.returncode, len(keeper.bodies), len(ended.stdout.splitlines())) == (status, count, count)


def test_the_misbehaviours_are_listed() -> None:
    ended = run("send", "--url", "http://nowhere/", "--secret", "s", "--misbehave", "list")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == list(MISBEHAVIOURS)


def test_what_would_be_sent_can_be_shown() -> None:
    ended = run("send", "--url", "http://nowhere.example/hook", "--secret", SECRET, "--show")
    head, _, body = ended.stdout.partition("\n\n")
    assert head.splitlines()[:2] == ["POST /hook HTTP/1.1", "Host: nowhere.example"]
    assert (
        f"X-Hub-Signature: {compute_signature('sha1', body.removesuffix(chr(10) * 2).encode(), secret=SECRET)}" in head
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--url", "nowhere"), "expected http:// or https:// with a host"),
        (("--url", "http://127.0.0.1:9/"), "start your receiver first"),
        (("--secret", ""), "--secret is empty"),
        (("--misbehave", "duplicates"), 'nearest known are "duplicate"'),
        (("--topic", "größe"), "--topic is 'größe'"),
        (("--id", "a\nb"), "--id is"),
        (("--id", ""), "--id is"),
        (("--secret", "\udcff"), "expected UTF-8"),
        (("--project", "\udcff"), "expected UTF-8"),
        (("--data-row-id", "\udcff"), "expected UTF-8"),
        (("--set", "data_row.external_id=\udcff"), "expected UTF-8"),
        (("--set", r'data_row.external_id="\ud800"'), "is no value for a message"),
        (("--set", f"data_row.external_id={10**30}"), "is no value for a message"),
        (("--set", "data_row.external_id=NaN"), "is no value for a message"),
        (("--set", f"data_row.external_id={'[' * 400}{']' * 400}"), "is no value for a message"),
        (("--project", "immage"), 'nearest known are "image"'),
        (("--row", "100000"), "labelled data rows, counted from 0"),
        (("--set", "data_row.id"), "expected PATH=VALUE"),
        (("--set", "data_roww.id=1"), 'nearest known are "data_row"'),
        (("--set", "data_row.id.more=1"), "the value above 'more' has no keys or items"),
        (("--set", "projects.*.labels.9.id=1"), "counted from 0"),
        (("--scenario", "empty"), "no labelled data row"),
        (("--scenario", "defautl"), '"default"'),
    ],
)
def test_a_mistake_is_reported_in_one_line(flags: tuple[str, str], message: str) -> None:
    options = {"--url": "http://127.0.0.1:9/", "--secret": "s"} | dict([flags])
    ended = run("send", *[word for pair in options.items() for word in pair])
    assert (ended.returncode, len(ended.stderr.splitlines()), ended.stdout) == (2, 1, ""), ended.stderr
    assert message in ended.stderr


def test_a_receiver_behind_tls_is_reached_by_its_authority(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with run_receiver(right, tls=context) as url:
        trusted = run("send", "--url", url, "--secret", SECRET, SSL_CERT_FILE=str(tmp_path / "authority.pem"))
        strange = run("send", "--url", url, "--secret", SECRET)
    assert trusted.returncode == 0, trusted.stderr
    assert (strange.returncode, len(strange.stderr.splitlines())) == (2, 1)
    assert "no TLS with 127.0.0.1" in strange.stderr


# listen


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    with run_listener() as (url, process), requests.Session() as session:
        request = requests.Request("POST", url, headers={"Content-Length": str(10**12)}).prepare()
        assert session.send(request, timeout=60).status_code == 413
        assert requests.post(url, b"{}", timeout=60).status_code == 200
        assert process.stdout is not None
        assert "refused: The body has 1000000000000 bytes" in process.stdout.readline()


def test_what_comes_is_shown_with_a_verdict_on_both_signatures() -> None:
    with run_listener("--secret", SECRET, "--count", "2") as (url, process):
        good = run("send", "--url", f"{url}hook", "--secret", SECRET, "--id", "cfirst")
        bad = run("send", "--url", f"{url}hook", "--secret", "another", "--id", "csecond")
        output, errors = process.communicate(timeout=60)
    assert (good.returncode, bad.returncode, process.returncode, errors) == (0, 1, 1, "")
    first, verdict, body, second, other, *_ = output.splitlines()
    assert "LABEL_CREATED cfirst to /hook, " in first
    assert first.endswith("answered 200")
    assert verdict.strip() == "X-Hub-Signature right, X-Hub-Signature-256 right"
    assert body.strip().startswith('{"data_row":{"id":"c')
    assert second.endswith("answered 401")
    assert other.strip() == "X-Hub-Signature wrong, X-Hub-Signature-256 wrong"


def test_without_a_secret_nothing_is_verified_and_bodies_can_be_whole() -> None:
    with run_listener("--count", "1", "--body") as (url, process):
        requests.post(url, data=b'{"a": [1, "\x1b[2J"]}', timeout=60)
        output, _ = process.communicate(timeout=60)
    assert "no topic no id" in output
    assert "not checked: no --secret" in output
    assert '"a": [' in output
    assert "\x1b" not in output, "a terminal would obey it"


def test_the_first_messages_fail_as_asked_and_other_methods_are_refused() -> None:
    with run_listener("--answer", "500,500,202") as (url, _):
        assert [requests.post(url, data=b"{}", timeout=60).status_code for _ in range(4)] == [500, 500, 202, 202]
        assert requests.get(url, timeout=60).status_code == 405


def test_a_message_that_breaks_off_is_no_traceback() -> None:
    with run_listener("--count", "1") as (url, process):
        port = int(url.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as half:
            half.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1")
        requests.post(url, data=b"{}", timeout=60)
        _, errors = process.communicate(timeout=60)
    assert errors == ""


def test_it_ends_on_a_signal() -> None:
    with run_listener(popen=subprocess.Popen) as (_, process):
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(timeout=30) == 0


def test_a_taken_port_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = run("listen", "--port", str(taken.getsockname()[1]))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)


# certify


def test_a_right_receiver_is_certified_and_junit_says_so(tmp_path: Path) -> None:
    with run_receiver(right) as url:
        files = ("--junit", str(tmp_path / "report.xml"), "--html", str(tmp_path / "report.html"))
        ended = run("certify", url, "--secret", SECRET, *QUICK, *files)
    assert ended.returncode == 0, ended.stdout
    assert "<h1>Certification of http://" in (tmp_path / "report.html").read_text("utf-8")
    assert "CERTIFIED, grade A" in ended.stdout
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == (str(len(CASES)), "0", "4")


def test_a_wrong_receiver_is_not_and_the_mistake_is_named(tmp_path: Path) -> None:
    with run_receiver(verifies_nothing) as url:
        ended = run("certify", url, "--secret", SECRET, *QUICK, "--junit", str(tmp_path / "report.xml"))
    assert ended.returncode == 1
    assert "It verifies nothing [nothing-verified]" in ended.stdout
    assert "NOT CERTIFIED, grade F" in ended.stdout
    assert int(ElementTree.parse(tmp_path / "report.xml").getroot().get("failures", 0)) > 10


def test_a_report_ends_with_its_reason_and_its_summary() -> None:
    """Other failures are consequences of the first one, so they bring no advice that does not apply."""
    with run_receiver(right) as url:
        ended = run("certify", url, "--secret", "another", *QUICK)
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    assert lines[-2].startswith("NOT CERTIFIED, grade F")
    assert lines.index("What is likely wrong") > lines.index(next(line for line in lines if line.startswith("F  ")))
    assert len(lines) - lines.index("What is likely wrong") < 10
    assert "What to do" not in lines
    assert ended.stdout.count("a good message was not accepted") == 1


def test_only_the_requested_cases_are_sent_and_reported_as_json() -> None:
    keeper = Keeper()
    with run_receiver(keeper) as url:
        ended = run("certify", url, "--secret", SECRET, "--only", "good", "--only", "tampered", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    sent = {case["case"]: case for case in report["cases"] if case["answers"]}
    assert sent.keys() == {"good", "tampered"}
    assert {case["verdict"] for case in sent.values()} == {"passed"}
    assert (report["certified"], report["grade"], report["diagnoses"]) == (True, "A", [])
    assert len(keeper.bodies) == 2


def test_only_the_requested_cases_are_listed_as_text() -> None:
    with run_receiver(right) as url:
        ended = run("certify", url, "--secret", SECRET, "--only", "good")
    assert sum(line.startswith("   ok ") for line in ended.stdout.splitlines()) == 1
    assert "not sent" not in ended.stdout


def test_remarks_fail_only_the_strict(tmp_path: Path) -> None:
    with run_receiver(compares_text) as url:
        loose = run("certify", url, "--secret", SECRET, *QUICK)
        strict = run("certify", url, "--secret", SECRET, *QUICK, "--strict", "--junit", str(tmp_path / "report.xml"))
    assert (loose.returncode, strict.returncode) == (0, 1)
    assert "CERTIFIED, with remarks, grade B" in loose.stdout
    assert ElementTree.parse(tmp_path / "report.xml").getroot().get("failures") != "0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://127.0.0.1:9/", "--secret", "s"), "start your receiver first"),
        (("nowhere", "--secret", "s"), "for example http://"),
        (("http://127.0.0.1:9/", "--secret", ""), "the secret is empty"),
        (("http://127.0.0.1:9/", "--secret", "\udcff"), "expected UTF-8"),
        (("http://127.0.0.1:9/", "--secret", "s", "--leave-out", "slowly"), 'nearest known are "slow"'),
        (("http://127.0.0.1:9/", "--secret", "s", "--only", "slowly"), 'nearest known are "slow"'),
        (("http://127.0.0.1:9/", "--secret", "s", "--scenario", "empty"), "no labelled data row"),
        (("http://127.0.0.1:9/", "--secret", "s", "--topic", "é"), "--topic is"),
    ],
)
def test_what_cannot_be_tried_is_reported_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    ended = run("certify", *arguments)
    assert (ended.returncode, len(ended.stderr.splitlines()), ended.stdout) == (2, 1, ""), ended.stderr
    assert message in ended.stderr


@pytest.mark.parametrize("option", ["--junit", "--html"])
def test_a_file_that_cannot_be_written_is_reported(option: str, tmp_path: Path) -> None:
    with run_receiver(right) as url:
        ended = run("certify", url, "--secret", SECRET, *QUICK, option, str(tmp_path / "no" / "report"))
    assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
    assert option in ended.stderr
    assert "CERTIFIED, grade A" in ended.stdout


def test_the_cases_are_listed() -> None:
    ended = run("certify", "--cases")
    assert [line.split()[0] for line in ended.stdout.splitlines()] == [case.name for case in CASES]
