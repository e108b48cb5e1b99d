"""API keys, permissions, invitations and groups of users: one key, nobody invited, no groups."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace


@pytest.fixture(scope="module")
def own(server: ServedWorld) -> MockWorkspace:
    """The server's own workspace, which these tests only read."""
    return server.own


def code_of(answer: Any) -> str:
    [error] = answer["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.known("inferred")
def test_the_owner_has_the_one_api_key_and_its_text_is_not_shown(own: MockWorkspace) -> None:
    document = (
        "{user{id email apiKeys{id name userId userEmail createdByUserId revoked expiresAtEpoch allowedIpCidrs}}}"
    )
    user = ask_in(own, document)["user"]
    [key] = user["apiKeys"]
    assert (key["userId"], key["createdByUserId"], key["userEmail"]) == (user["id"], user["id"], user["email"])
    assert (key["revoked"], key["allowedIpCidrs"], len(key["id"])) == (False, [], 25)
    assert own.api_key not in str(key)
    people = ask_in(own, "{organization{users{id apiKeys{id} apiKeysOtherUsers{id}}}}")["organization"]["users"]
    assert [person["id"] for person in people if person["apiKeys"]] == [user["id"]]
    assert all(person["apiKeysOtherUsers"] == [] for person in people)


@pytest.mark.known("client")
def test_the_limit_of_invites_counts_everybody_who_works_here(own: MockWorkspace) -> None:
    """`remaining` is `limit` less `used` (SDK organization.py)."""
    document = "query($id: ID!){invitesLimit(where: {id: $id}){used limit remaining}}"
    limit = ask_in(own, document, id=own.organization_id)["invitesLimit"]
    assert limit["used"] == len(ask_in(own, "{organization{users{id}}}")["organization"]["users"])
    assert limit["remaining"] == limit["limit"] - limit["used"] > 0
    assert code_of(answer_in(own, document, id="nobody")) == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
@pytest.mark.parametrize("path", ["organization", "project(where: {id: $id})"])
def test_nobody_is_invited(own: MockWorkspace, path: str) -> None:
    """The document of SDKs since 6.10 (invite.py)."""
    declared = "$from: ID, $first: PageSize" + (", $id: ID!" if "$id" in path else "")
    selected = (
        "nodes{id createdAt organizationRoleName inviteeEmail projectInvites{id projectRoleName projectId}} nextCursor"
    )
    document = f"query({declared}){{{path}{{id invites(from: $from, first: $first){{{selected}}}}}}}"
    variables = {"from": None, "first": 100} | ({"id": own.project("image")} if "$id" in path else {})
    [answer] = ask_in(own, document, **variables).values()
    assert answer["invites"] == {"nodes": [], "nextCursor": None}


@pytest.mark.known("client")
def test_there_are_no_groups_of_users(own: MockWorkspace) -> None:
    """The new lists of SDK 7, the old ones of SDKs up to 6.10."""
    new = ask_in(own, "query($n: PageSize){userGroupsV2(first: $n){totalCount nextCursor nodes{id name}}}", n=50)
    assert new["userGroupsV2"] == {"totalCount": 0, "nextCursor": None, "nodes": []}
    old = ask_in(own, "query($after: String){userGroups(after: $after){nodes{id members{nodes{id}}} nextCursor}}")
    assert old["userGroups"] == {"nodes": [], "nextCursor": None}
    unknown = "00000000-0000-4000-8000-000000000000"
    document = "query($id: ID!){userGroupV2(where: {id: $id}){id membersAsCSV}}"
    assert ask_in(own, document, id=unknown) == {"userGroupV2": None}
    document = "query($id: ID!){userGroup(where: {id: $id}){id}}"
    assert code_of(answer_in(own, document, id=unknown)) == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
def test_roles_are_listed_in_pages_with_their_organization(own: MockWorkspace) -> None:
    """The document of SDKs since 7.0 (user_group_v2.py)."""
    document = "query{roles(skip: %d, first: %d){id organizationId name permissions}}"
    every = ask_in(own, document % (0, 100))["roles"]
    assert {role["organizationId"] for role in every} == {own.organization_id}
    assert ask_in(own, document % (1, 2))["roles"] == every[1:3]


@pytest.mark.known("inferred")
def test_the_role_of_a_user_is_the_one_that_they_have(own: MockWorkspace) -> None:
    document = "query($id: ID){organizationRole(userId: $id){name permissions}}"
    people = ask_in(own, "{organization{users{id orgRole{name}}} user{orgRole{name}}}")
    assert ask_in(own, document)["organizationRole"]["name"] == people["user"]["orgRole"]["name"]
    for person in people["organization"]["users"]:
        assert ask_in(own, document, id=person["id"])["organizationRole"]["name"] == person["orgRole"]["name"]
    assert code_of(answer_in(own, document, id="nobody")) == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
def test_embeddings_can_be_used(own: MockWorkspace) -> None:
    assert ask_in(own, "{user{isAdvEnabled}}") == {"user": {"isAdvEnabled": True}}
