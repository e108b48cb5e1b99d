"""The views for people who debug: requests with faults, webhooks with their deliveries."""

import html
import json
import re
import subprocess

import pytest
import requests

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld

HOSTILE = "<img src=x onerror=alert(1)>'\""


def post(server: ServedWorld, path: str, body: object) -> requests.Response:
    return requests.post(f"{server.url}/_mock/{path}", json=body, timeout=30)


def test_the_newest_request_is_first_and_can_be_sent_again_by_curl(server: ServedWorld) -> None:
    server.ask("query ListForPage { projects { id name } }")
    content = fetch(server, "/console/requests")
    [first, *_] = re.findall(r'<th scope="row"><a href="([^"]*)">([^<]*)</a>', content)
    assert first[1] == "POST ListForPage"
    detail = fetch(server, html.unescape(first[0]))
    [line] = find_texts(detail, r'<code id="request-curl">(.*?)</code>')
    finished = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert len(json.loads(finished.stdout)["data"]["projects"]) == len(server.projects)
    [answer] = find_texts(detail, r'<code id="answer-body">(.*?)</code>')
    assert json.loads(answer) == json.loads(finished.stdout)


def test_views_are_not_in_the_journal(server: ServedWorld) -> None:
    fetch(server, "/console/tasks")
    fetch(server, "/docs/")
    assert "/console/tasks" not in fetch(server, "/console/requests", part="list").replace('href="/console', "")


def test_what_was_not_understood_is_on_top_with_the_nearest_words(server: ServedWorld) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}", "X-User-Agent": HOSTILE}
    body = {"query": "query Wrong { projects { nmae } }"}
    requests.post(server.graphql_url, json=body, headers=headers, timeout=30)
    content = fetch(server, "/console/requests")
    assert "Not understood" in content
    assert "nmae" in content
    assert "<img src=x" not in content
    only = fetch(server, "/console/requests", part="list", not_understood="true")
    assert re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', only) == ["POST Wrong"]


@pytest.mark.parametrize(
    ("query", "status"), [({"status": "x"}, 400), ({"number": "999999"}, 404), ({"number": "-1"}, 400)]
)
def test_wrong_filters_of_requests_are_explained(server: ServedWorld, query: dict[str, str], status: int) -> None:
    requests_view = requests.get(f"{server.url}/console/requests", params=query, timeout=30)
    assert requests_view.status_code == status
    assert requests_view.json()["message"]


def test_a_fault_is_listed_with_its_hits(server: ServedWorld) -> None:
    assert post(server, "faults", {"fault": "server_error", "operation": "Faulty"}).status_code == 200
    headers = {"Authorization": f"Bearer {server.api_key}"}
    requests.post(server.graphql_url, json={"query": "query Faulty { projects { id } }"}, headers=headers, timeout=30)
    content = fetch(server, "/console/requests", operation="Faulty")
    assert "<b>server_error</b> on Faulty: hit 1 of 1 calls" in content
    assert '<span class="chip warn">server_error</span>' in content
    [path] = find_texts(content, r'data-call="DELETE (/_mock/faults/[^"]*)"')
    assert requests.delete(server.url + path, timeout=30).status_code == 204


def test_a_delivery_shows_its_signature_and_every_answer_and_no_secret(server: ServedWorld) -> None:
    hook = {"url": "http://127.0.0.1:1/hook", "secret": "very-secret-word", "topics": ["LABEL_CREATED"]}
    webhook = post(server, "webhooks", hook | {"retries": "none"}).json()
    post(server, "events", {"event": "LABEL_CREATED", "project": "image"})
    requests.get(f"{server.url}/_mock/deliveries", params={"wait": 30}, timeout=60)
    content = fetch(server, "/console/webhooks", webhook=webhook["id"])
    [path] = find_texts(content, r'href="(/console/deliveries/[^"]*)"')
    delivery = fetch(server, path)
    assert "X-Hub-Signature" in delivery
    assert "Attempt 1" in delivery
    assert "not connected" in delivery
    assert "FAILED" in delivery
    assert "very-secret-word" not in content + delivery
    [again] = find_texts(delivery, r'data-call="POST (/_mock/deliveries/[^"]*)"')
    assert requests.post(server.url + again, timeout=30).status_code == 200


def test_a_project_shows_its_webhooks_and_what_was_sent_about_it() -> None:
    """With those of the whole organization. What failed is sent again by a button."""
    with ServedWorld() as world:
        for name, project in (("of-text", "text"), ("of-image", "image"), ("of-all", None)):
            hook = {"url": f"http://127.0.0.1:1/{name}", "secret": "s", "topics": ["LABEL_CREATED"], "retries": "none"}
            post(world, "webhooks", hook | ({} if project is None else {"project": project}))
        for project in ("text", "image"):
            post(world, "events", {"event": "LABEL_CREATED", "project": project})
        requests.get(f"{world.url}/_mock/deliveries", params={"wait": 30}, timeout=60)
        path = f"/console/projects/{world.projects['text']}/webhooks"
        content = fetch(world, path)
        assert [name for name in ("of-text", "of-image", "of-all") if name in content] == ["of-text", "of-all"]
        assert f'<option value="{world.projects["text"]}" selected>' in content
        assert content.count('href="/console/deliveries/') == 2
        assert fetch(world, "/console/webhooks").count('href="/console/deliveries/') == 4
        assert "Connection refused" in fetch(world, find_texts(content, r'href="(/console/deliveries/[^"]*)"')[0])
        [again] = find_texts(content, r'data-call="POST (/_mock/redeliver)"')
        assert requests.post(world.url + again, json={}, timeout=30).json()["deliveries"] == 4


def test_the_lists_of_a_new_workspace_say_how_to_begin() -> None:
    with ServedWorld("--scenario", "empty") as world:
        assert "No webhook yet" in fetch(world, "/console/webhooks")
        assert "No deliveries" in fetch(world, "/console/webhooks", part="list", state=HOSTILE, topic=HOSTILE)
        assert "No client has sent a request yet" in fetch(world, "/console/requests")
        assert "does not exist" in fetch(world, "/console/deliveries/nope", 404)
