"""Webhooks as SDKs make them, and received by the programs that people have."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace

SDKS = [
    pytest.param(ClientKind(sdk(version), "export_v2"), id=version, marks=pytest.mark.xdist_group(f"sdk-{version}"))
    for version in ("3.40.1", NEWEST)
]


@pytest.fixture(params=SDKS)
def labelbox(
    request: pytest.FixtureRequest, programs: RunningPrograms, server: ServedWorld, workspace: MockWorkspace
) -> Client:
    return programs.client(request.param, server).with_key(workspace.api_key)


@pytest.mark.capability("webhooks")
@pytest.mark.known("client")
@pytest.mark.parametrize("of_project", [True, False])
def test_a_webhook_lives_its_life_by_the_sdk(labelbox: Client, workspace: MockWorkspace, of_project: bool) -> None:
    project = workspace.project("image") if of_project else None
    topics = ["LABEL_CREATED", "LABEL_DELETED"]
    webhook = labelbox.webhooks(
        "create", project_id=project, topics=topics, url="http://127.0.0.1:3001/a", secret=SECRET
    )
    assert (webhook["status"], webhook["topics"], webhook["project"]) == ("ACTIVE", topics, project)
    assert webhook["organization"] == workspace.organization_id
    changes = {"topics": ["LABEL_UPDATED"], "url": "http://127.0.0.1:3001/b", "status": "REVOKED"}
    changed = labelbox.webhooks("update", webhook_id=webhook["id"], changes=changes)
    assert changed == webhook | changes
    assert labelbox.webhooks("update", webhook_id=webhook["id"], changes={"status": "ACTIVE"})["status"] == "ACTIVE"
    assert [item["id"] for item in labelbox.list_webhooks()] == [webhook["id"]]
    assert [item["id"] for item in labelbox.list_webhooks(workspace.project("image"))] == [webhook["id"]] * of_project
    assert labelbox.webhooks("delete", webhook_id=webhook["id"])["status"] == "INACTIVE"


@pytest.mark.known("client")
def test_any_text_is_a_url_and_sending_to_it_fails_with_a_reason(labelbox: Client, workspace: MockWorkspace) -> None:
    """The SDK's own tests make webhooks of such URLs (test_webhook.py)."""
    url = "https:/" + workspace.project("image")
    webhook = labelbox.webhooks("create", project_id=None, topics=["LABEL_CREATED"], url=url, secret=SECRET)
    assert webhook["url"] == url
    workspace.event("LABEL_CREATED", "image")
    [delivery] = workspace.deliveries
    [attempt] = delivery["attempts"]
    assert (delivery["state"], attempt["status"]) == ("FAILED", None)
    assert url in attempt["reason"]


@pytest.mark.known("client")
def test_a_webhook_of_the_sdk_receives_labels_as_export_v1_has_them(labelbox: Client, workspace: MockWorkspace) -> None:
    project = workspace.project("image")
    with Receiver() as receiver:
        topics = ["LABEL_CREATED"]
        labelbox.webhooks("create", project_id=project, topics=topics, url=receiver.url, secret=SECRET)
        event = workspace.event("LABEL_CREATED", "image")
        [message] = receiver.wait_for(1)
    body = json.loads(message.body)
    assert message.is_signed()
    assert (body["id"], body["dataRow"], body["project"]) == (
        event["label_id"],
        {"id": event["data_row_id"]},
        {"id": project},
    )
    assert {"featureId", "schemaId", "title", "value"} <= json.loads(body["label"])["objects"][0].keys()


SEEDS_RECEIVER = """
from flask import Flask, request
import hmac, hashlib
import json
import threading
from werkzeug.serving import run_simple

# This can be any secret that matches your webhook config (we will set later)
secret = b"CHANGE-ME"

# Example for server-side code to receive webhook events
app = Flask(__name__)

@app.route("/webhook-endpoint", methods=["POST"])
def print_webhook_info():
   payload = request.data
   computed_signature = hmac.new(secret, msg=payload,
       digestmod=hashlib.sha1).hexdigest()
   if request.headers["X-Hub-Signature"] != "sha1=" + computed_signature:
       print(
           "Error: computed_signature does not match signature provided in the headers"
       )
       return "Error", 500, 200

   print("=========== New Webhook Delivery ============")
   print("Delivery ID: %s" % request.headers["X-Labelbox-Id"])
   print("Event: %s" % request.headers["X-Labelbox-Event"])
   print("Payload: %s" %
         json.dumps(json.loads(payload.decode("utf8")), indent=4))
   return "Success"

thread = threading.Thread(target=lambda: run_simple("", 3001, app))
thread.start()
"""
"""The page's program. Two lines of it were lost where the page was kept, and stand again: the end of `hmac.new(…)` and
the `print(` around the error, with the last line that starts the thread."""


@pytest.fixture
def seeds_receiver(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The seeds' receiver in a process of its own, on a free port of this machine instead of 3001."""
    program = tmp_path / "app.py"
    with Receiver() as finder:
        port = int(finder.url.rsplit(":", 1)[1].split("/")[0])
    program.write_text(SEEDS_RECEIVER.replace('run_simple("", 3001, app)', f'run_simple("127.0.0.1", {port}, app)'))
    printed = tmp_path / "printed.txt"
    with printed.open("w") as file:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen([sys.executable, str(program)], stdout=file, stderr=file, env=environment)
    try:
        wait_until_listening(port, printed)
        yield f"http://127.0.0.1:{port}/webhook-endpoint", printed
    finally:
        process.kill()
        process.wait()


def wait_until_listening(port: int, printed: Path) -> None:
    for _ in range(200):
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=60)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the receiver did not start: {printed.read_text()}")


@pytest.mark.known("documented")
def test_the_receiver_of_the_services_own_page_accepts_what_comes(
    workspace: MockWorkspace, seeds_receiver: tuple[str, Path]
) -> None:
    url, printed = seeds_receiver
    workspace.webhook(url, secret=SECRET)
    events = [workspace.event(event, "image") for event in ("LABEL_CREATED", "LABEL_UPDATED", "REVIEW_CREATED")]
    deliveries = workspace.deliveries
    assert [item["attempts"][-1]["answer"] for item in deliveries] == ["Success"] * 4
    text = printed.read_text()
    assert re.findall(r"Event: (\w+)", text) != []
    assert {item["id"] for item in deliveries} == set(re.findall(r"Delivery ID: (\w+)", text))
    assert all(str(item["label_id"]) in text for item in events)


@pytest.mark.known("documented")
def test_that_receiver_refuses_another_secret(workspace: MockWorkspace, seeds_receiver: tuple[str, Path]) -> None:
    """Its answer to that is a slip of the page: Flask takes `"Error", 500, 200` for wrong headers and answers 500."""
    url, _ = seeds_receiver
    workspace.webhook(url, secret="another", retries="none")
    workspace.event("LABEL_CREATED", "image")
    [delivery] = workspace.deliveries
    assert (delivery["state"], delivery["attempts"][0]["status"]) == ("FAILED", 500)


def test_a_server_killed_amid_a_thousand_deliveries_loses_none(tmp_path: Path) -> None:
    """Some may come twice, with the same id; none may be lost."""
    killed = threading.Event()

    def hold_after_the_first_hundred(received: list[Received]) -> Answer:
        return Answer(wait=0.02 if len(received) <= 100 or killed.is_set() else 60)

    with Receiver(hold_after_the_first_hundred) as receiver:
        first = ServedWorld("--state", str(tmp_path / "state"), popen=subprocess.Popen)
        first.start()
        workspace = MockServer.from_url(first.url).workspace(api_key="kept")
        since = workspace.clock.now
        for _ in range(200):
            workspace.event("LABEL_UPDATED", "image")
        for _ in range(5):
            name = workspace.webhook(receiver.url, secret=SECRET, concurrency=2)
            replay = f"{workspace.url}/_mock/webhooks/{name}/replay?api_key=kept"
            assert requests.post(replay, json={"since": since}, timeout=30).json() == {"deliveries": 200}
        receiver.wait_for(100)
        os.kill(first.ready["pid"], signal.SIGKILL)
        first.stop()
        killed.set()
        with ServedWorld("--state", str(tmp_path / "state")) as again:
            reopened = MockWorkspace(MockServer.from_url(again.url).control, {"api_key": "kept", "url": again.url})
            deliveries = reopened.deliveries
    assert len(deliveries) == 1000
    assert {item["state"] for item in deliveries} == {"DELIVERED"}
    assert {item["id"] for item in deliveries} == {item.id for item in receiver.received}
    assert all(item.is_signed() for item in receiver.received)


def test_a_stopped_server_sends_what_is_left_when_it_is_started_again(tmp_path: Path) -> None:
    with Receiver(Answer(503)) as receiver:
        with ServedWorld("--state", str(tmp_path / "state")) as first:
            workspace = MockServer.from_url(first.url).workspace(api_key="kept")
            workspace.webhook(receiver.url, secret=SECRET, retries=[1])
            workspace.event("LABEL_CREATED", "image")
            receiver.wait_for(1)
        receiver.answer = Answer()
        with ServedWorld("--state", str(tmp_path / "state")) as again:
            reopened = MockWorkspace(MockServer.from_url(again.url).control, {"api_key": "kept", "url": again.url})
            reopened.clock.advance(10)
            [delivery] = reopened.deliveries
    assert delivery["state"] == "DELIVERED"
    assert len({item.id for item in receiver.received}) == 1
    assert json.loads(receiver.received[0].body) == json.loads(delivery["body"])
