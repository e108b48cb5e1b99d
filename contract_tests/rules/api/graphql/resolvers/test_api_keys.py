"""API keys that clients create: they work as keys of the workspace until they expire, are revoked or the world ends."""

import base64
import json
from typing import Any

import pytest
import requests

from contract_tests.both_states import server
from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import refuse
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace
from mockserver.testing.errors import ControlRefusedError

__all__ = ["server"]
OWNER, LABELER = "owner@mock.example", "person-1@mock.example"
CREATE = (
    "mutation CreateUserApiKeyPyApi($name: String!, $userEmail: String!, $role: String, $validitySeconds: Int,"
    " $allowedIpCidrs: [String!]) {createApiKey(data: {name: $name, targetUserEmailId: $userEmail, role: $role,"
    " validitySeconds: $validitySeconds, allowedIpCidrs: $allowedIpCidrs}) {id jwt}}"
)
KEY = "id name createdAt updatedAt revoked expiresAtEpoch userId userEmail createdByUserId allowedIpCidrs"
LIST = f"query GetUsersApiKeysPyApi {{user {{id apiKeys {{{KEY}}} apiKeysOtherUsers {{{KEY}}}}}}}"
REVOKE = "mutation DeleteApiKeyPyApi($id: ID!) {updateApiKey(where: {id: $id}, data: {revoked: true}) {id}}"
HOUR = 3600


@pytest.fixture
def workspace(empty: MockWorkspace) -> MockWorkspace:
    return empty


def create(workspace: MockWorkspace, **changed: Any) -> dict[str, str]:
    sent = {"name": "ci", "userEmail": OWNER, "role": "Labeler", "validitySeconds": HOUR} | changed
    created: dict[str, str] = ask_in(workspace, CREATE, **sent)["createApiKey"]
    return created


def ask_with(workspace: MockWorkspace, key: str, query: str = "{organization{id}}") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return requests.post(workspace.graphql_url, json={"query": query}, headers=headers, timeout=60)


def find_refusal(workspace: MockWorkspace, key: str) -> str:
    answer = ask_with(workspace, key)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (401, "AUTHENTICATION_ERROR")
    return str(error["message"])


@pytest.mark.known("client")
def test_a_created_key_is_a_token_of_three_parts_that_opens_the_same_workspace(workspace: MockWorkspace) -> None:
    """The three parts: vendor's tests of SDK 7.17.0, test_api_keys.py."""
    key = create(workspace)
    head, claims, _signature = key["jwt"].split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["apiKeyId"] == key["id"]
    organization = ask_with(workspace, key["jwt"]).json()["data"]["organization"]["id"]
    assert organization == workspace.organization_id
    created = ask_with(workspace, key["jwt"], 'mutation{createDataset(data: {name: "by the key"}){id}}').json()["data"]
    assert ask_in(workspace, "{datasets{id}}")["datasets"] == [created["createDataset"]]
    rest = requests.get(
        f"{workspace.rest_url}/ontologies/unused", headers={"Authorization": f"Bearer {key['jwt']}"}, timeout=60
    )
    assert rest.status_code == 200


@pytest.mark.known("inferred")
def test_keys_are_listed_by_their_users_without_their_texts(workspace: MockWorkspace) -> None:
    own = create(workspace, name="own", allowedIpCidrs=["127.0.0.0/8", "::1", "127.0.0.0/8"])
    others = create(workspace, name="another's", userEmail=LABELER)
    user = ask_in(workspace, LIST)["user"]
    _the_workspaces, listed = user["apiKeys"]
    assert (listed["id"], listed["name"], listed["userEmail"]) == (own["id"], "own", OWNER)
    assert (listed["revoked"], listed["allowedIpCidrs"]) == (False, ["127.0.0.0/8", "::1"])
    [foreign] = user["apiKeysOtherUsers"]
    assert (foreign["id"], foreign["userEmail"], foreign["createdByUserId"]) == (others["id"], LABELER, user["id"])
    assert own["jwt"] not in str(user)


@pytest.mark.known("inferred")
def test_a_revoked_key_is_refused_by_its_name_and_stays_revoked(workspace: MockWorkspace) -> None:
    key = create(workspace, name="nightly")
    assert ask_in(workspace, REVOKE, id=key["id"])["updateApiKey"] == {"id": key["id"]}
    assert "'nightly' was revoked" in find_refusal(workspace, key["jwt"])
    assert [each["revoked"] for each in ask_in(workspace, LIST)["user"]["apiKeys"]] == [False, True]
    again = f'mutation{{updateApiKey(where: {{id: "{key["id"]}"}}, data: {{revoked: false}}){{id}}}}'
    assert "expected true" in refuse(workspace, again)


@pytest.mark.known("inferred")
def test_a_client_that_revokes_the_key_of_the_workspace_is_refused_until_the_control_restores_it(
    server: ServedWorld, workspace: MockWorkspace
) -> None:
    [key] = ask_in(workspace, LIST)["user"]["apiKeys"]
    other = create(workspace)
    ask_in(workspace, REVOKE, id=key["id"])
    assert "No workspace has the API key" in find_refusal(workspace, workspace.api_key)
    assert ask_with(workspace, other["jwt"], LIST).json()["data"]["user"]["apiKeys"][0]["revoked"]
    server.control.call("POST", "key", {"revoked": False}, api_key=workspace.api_key)
    assert ask_with(workspace, workspace.api_key).status_code == 200


@pytest.mark.known("client")
def test_a_key_expires_by_the_clock_of_the_workspace(workspace: MockWorkspace) -> None:
    key = create(workspace, validitySeconds=60)
    assert ask_with(workspace, key["jwt"]).status_code == 200
    workspace.clock.advance(seconds=61)
    assert "'ci' has expired" in find_refusal(workspace, key["jwt"])


@pytest.mark.known("client")
def test_a_key_may_be_used_from_its_networks_alone(workspace: MockWorkspace) -> None:
    local = create(workspace, allowedIpCidrs=["127.0.0.1", "10.0.0.0/8"])
    assert ask_with(workspace, local["jwt"]).status_code == 200
    for mapped in ("::ffff:127.0.0.1", "::ffff:127.0.0.0/104", "::ffff:0:0/96"):
        assert ask_with(workspace, create(workspace, allowedIpCidrs=[mapped])["jwt"]).status_code == 200, mapped
    foreign = create(workspace, allowedIpCidrs=["::ffff:10.0.0.0/104", "::/0"])
    assert "may not be used from 127.0.0.1" in find_refusal(workspace, foreign["jwt"])
    remote = create(workspace, allowedIpCidrs=["192.0.2.0/24", "2001:db8::/32"])
    assert "may not be used from 127.0.0.1" in find_refusal(workspace, remote["jwt"])


def test_a_changed_key_and_one_of_an_earlier_life_are_refused(workspace: MockWorkspace) -> None:
    key = create(workspace)["jwt"]
    head, claims, signature = key.split(".")
    assert "was changed" in find_refusal(workspace, f"{head}.{claims}.{signature[::-1]}")
    assert "No workspace has the API key" in find_refusal(workspace, f"{head}.bm9wZQ.{signature}")
    workspace.reset()
    assert "before a reset" in find_refusal(workspace, key)


@pytest.mark.parametrize("source", ["default", "fork"])
def test_a_created_key_names_no_other_workspace(server: ServedWorld, workspace: MockWorkspace, source: str) -> None:
    key = create(workspace)["jwt"]
    body = {"api_key": key} | ({"fork_of": workspace.api_key} if source == "fork" else {})
    with pytest.raises(ControlRefusedError, match="opens the workspace that created it"):
        server.control.call("POST", "workspaces", body)
    ask_with(workspace, key, 'mutation{createDataset(data: {name: "by the key"}){id}}')
    assert len(ask_in(workspace, "{datasets{id}}")["datasets"]) == 1


def test_a_key_of_a_removed_user_is_revoked(workspace: MockWorkspace) -> None:
    key = create(workspace, userEmail=LABELER)
    search = f'{{organization{{users(where: {{email: "{LABELER}"}}){{id}}}}}}'
    [person] = ask_in(workspace, search)["organization"]["users"]
    ask_in(workspace, f'mutation{{updateUser(where: {{id: "{person["id"]}"}}, data: {{deleted: true}}){{deleted}}}}')
    assert "was revoked" in find_refusal(workspace, key["jwt"])


def test_the_journal_has_the_requests_of_a_created_key_but_not_its_text(workspace: MockWorkspace) -> None:
    key = create(workspace)["jwt"]
    ask_with(workspace, key)
    creation, use = workspace.requests
    assert creation["root_fields"] == ["createApiKey"]
    assert use["root_fields"] == ["organization"]
    assert key not in str(workspace.requests)


def test_the_journal_hides_the_text_of_a_new_key_under_any_name_that_a_client_gives_it(
    workspace: MockWorkspace,
) -> None:
    sent = {"name": "ci", "userEmail": OWNER}
    key = ask_in(workspace, CREATE.replace("{id jwt}", "{id text: jwt}"), **sent)["createApiKey"]["text"]
    [creation] = workspace.requests
    assert '"text":"eyJ[secret]"' in creation["answer"]["body"]
    assert not any(part in str(creation) for part in key.split("."))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"name": " "}, "empty name"),
        ({"userEmail": "person-11@mock.example"}, "nearest known are"),
        ({"role": "LABELER"}, 'expected one of "Labeler"'),
        ({"role": "Tenant Admin"}, 'expected one of "Labeler"'),
        ({"validitySeconds": 59}, "expected 60 to"),
        ({"validitySeconds": 25 * 7 * 24 * HOUR + 1}, "25 weeks"),
        ({"allowedIpCidrs": ["10.0.0.1/8"]}, "expected an address like"),
        ({"allowedIpCidrs": ["localhost"]}, "expected an address like"),
        ({"allowedIpCidrs": [f"10.0.0.{number}" for number in range(51)]}, "at most 50"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_created(
    workspace: MockWorkspace, changed: dict[str, Any], reason: str
) -> None:
    sent = {"name": "ci", "userEmail": OWNER, "role": "Labeler", "validitySeconds": HOUR} | changed
    assert reason in answer_in(workspace, CREATE, **sent)["errors"][0]["message"]
    assert len(ask_in(workspace, LIST)["user"]["apiKeys"]) == 1
