"""“Make it happen”: every event and a week of work by the forms of the page, sent as its script does."""

import html
import json
import re
import subprocess

import requests

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld
from mockserver.console.events import EVENTS
from mockserver.world.records.events import TOPICS

HOSTILE = "<img src=x onerror=alert(1)>'\""
FORM = r'<form [^>]*data-call="POST ([^"]*/events[^"]*)" data-body="([^"]*)"'


def test_every_topic_of_webhooks_can_be_made_to_happen() -> None:
    assert set(TOPICS) < set(EVENTS)
    assert len(EVENTS) == 11


def test_every_button_makes_its_event_happen(server: ServedWorld) -> None:
    path = f"/console/projects/{server.projects['image']}/events"
    forms = [tuple(map(html.unescape, form)) for form in re.findall(FORM, fetch(server, path))]
    assert [json.loads(body)["event"] for _, body in forms] == list(EVENTS)
    for address, body in forms:
        answer = requests.post(server.url + address, data=body, timeout=60)
        assert answer.status_code == 200, answer.text
    listed = find_texts(fetch(server, path, part="list"), r'<th scope="row">(.*?)</th>')
    assert set(EVENTS) <= set(listed)


def test_a_week_of_work_is_simulated_by_the_shown_line(server: ServedWorld) -> None:
    content = fetch(server, f"/console/projects/{server.projects['audio']}/events")
    [_, week] = find_texts(content, r'<code id="call-curl">(.*?)</code>')
    finished = subprocess.run(["sh", "-c", week], capture_output=True, text=True, check=True)
    assert json.loads(finished.stdout)["events"] > 0


def test_a_project_in_which_nothing_can_happen_says_so(server: ServedWorld) -> None:
    created = server.ask("mutation($name: String!) { createProject(data: {name: $name}) { id } }", name=HOSTILE)
    content = fetch(server, f"/console/projects/{created['createProject']['id']}/events")
    assert "Nothing has happened" in content or "PROJECT_CREATED" in content
    assert "<img src=x" not in content
    [program] = find_texts(content, r'<code id="call-pytest">(.*?)</code>')
    compile(program, "shown", "exec")


def test_a_fault_is_switched_on_and_off_by_its_name(server: ServedWorld) -> None:
    def find_switch() -> str:
        [form] = re.findall(
            r'<form (data-call="[^>]*)><button[^>]*>internal_error</button>', fetch(server, "/console/requests")
        )
        return html.unescape(form)

    body = re.search(r'data-body="(\{.*\})"', find_switch())
    assert body is not None
    requests.post(f"{server.url}/_mock/faults", data=body[1], timeout=60).raise_for_status()
    switch = re.search(r'data-call="DELETE ([^"]*)"', find_switch())
    assert switch is not None
    requests.delete(server.url + switch[1], timeout=60).raise_for_status()
    assert "POST" in find_switch()
