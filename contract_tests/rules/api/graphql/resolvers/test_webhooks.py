"""Webhooks by GraphQL, asked as SDKs ask and as they do not."""

import pytest

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld

GOOD = 'topics: {set: [LABEL_CREATED LABEL_DELETED]}, url: "http://127.0.0.1:1/", secret: "s3cret"'
FACTS = "createdAt status topics id updatedAt url"


def create(data: str) -> str:
    """The mutation as the SDK writes it: all values inlined, topics without commas."""
    return f"mutation CreateWebhookPyApi {{createWebhook(data:{{{data}}}){{{FACTS}}} }}"


@pytest.mark.known("client")
def test_a_new_webhook_is_active_and_listed_where_it_belongs(server: ServedWorld) -> None:
    project = server.projects["image"]
    webhook = ask(server, create(f'project: {{id: "{project}"}}, {GOOD}')).data["createWebhook"]
    assert (webhook["status"], webhook["topics"]) == ("ACTIVE", ["LABEL_CREATED", "LABEL_DELETED"])
    listed = f'{{project(where: {{id: "{project}"}}){{webhooks(skip: 0 first: 100){{{FACTS}}}}}}}'
    assert webhook in ask(server, listed).data["project"]["webhooks"]
    assert (
        webhook
        in ask(server, f"{{organization{{webhooks(skip: 0 first: 100){{{FACTS}}}}}}}").data["organization"]["webhooks"]
    )
    other = f'{{project(where: {{id: "{server.projects["text"]}"}}){{webhooks{{id}}}}}}'
    assert webhook["id"] not in str(ask(server, other).data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('topics: {set: [LABEL_CREATED]}, url: "http://a", secret: ""', "secret is ''"),
        ('topics: {set: [LABEL_CREATED]}, url: "", secret: "s"', "url is ''"),
        ('topics: {set: []}, url: "http://a", secret: "s"', "no topics"),
        ('url: "http://a", secret: "s"', "no topics"),
        (f'project: {{id: "cnobody"}}, {GOOD}', "Project 'cnobody' does not exist"),
        ('topics: {set: [LABEL_EATEN]}, url: "http://a", secret: "s"', "LABEL_EATEN"),
        (f'{GOOD}, version: "v2"', "version"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(server: ServedWorld, data: str, reason: str) -> None:
    before = ask(server, "{organization{webhooks{id}}}").data
    assert reason in ask(server, create(data)).message
    assert ask(server, "{organization{webhooks{id}}}").data == before


@pytest.mark.known("client")
def test_only_what_is_given_changes(server: ServedWorld) -> None:
    webhook = ask(server, create(GOOD)).data["createWebhook"]
    change = f'mutation {{updateWebhook(where: {{id: "{webhook["id"]}"}} data:{{status: REVOKED}}){{{FACTS}}} }}'
    changed = ask(server, change).data["updateWebhook"]
    assert changed == webhook | {"status": "REVOKED", "updatedAt": changed["updatedAt"]}


@pytest.mark.parametrize(
    ("where", "data", "code"),
    [
        ('{id: "cnobody"}', "{status: ACTIVE}", "RESOURCE_NOT_FOUND"),
        ("{}", "{status: ACTIVE}", "BAD_USER_INPUT"),
        ('{id: "cnobody"}', "{topics: {set: []}}", "BAD_USER_INPUT"),
        ('{id: "cnobody"}', "{status: ASLEEP}", "GRAPHQL_VALIDATION_FAILED"),
    ],
)
def test_a_change_that_cannot_be_is_refused(server: ServedWorld, where: str, data: str, code: str) -> None:
    assert ask(server, f"mutation {{updateWebhook(where: {where} data: {data}){{id}}}}").code == code


def test_a_secret_cannot_be_requested(server: ServedWorld) -> None:
    assert ask(server, "{organization{webhooks{secret}}}").code == "GRAPHQL_VALIDATION_FAILED"
