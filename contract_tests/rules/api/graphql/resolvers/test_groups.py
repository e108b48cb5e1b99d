"""Groups of users and invitations, as records: no mail is sent."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

GROUP = "id name color projects {nodes {id name}} members {nodes {id email}}"
CREATE = (
    "mutation CreateUserGroupPyApi($name: String!, $color: String!, $projectIds: [String!]!, $userIds: [String!]!) {"
    f"createUserGroup(data: {{name: $name, color: $color, projectIds: $projectIds, userIds: $userIds}})"
    f" {{group {{{GROUP}}}}}}}"
)
UPDATE = (
    "mutation UpdateUserGroupPyApi($id: ID!, $name: String!, $color: String!, $projectIds: [String!]!,"
    " $userIds: [String!]!) {updateUserGroup(where: {id: $id} data: {name: $name, color: $color,"
    f" projectIds: $projectIds, userIds: $userIds}}) {{group {{{GROUP}}}}}}}"
)
CREATE_V3 = (
    "mutation CreateUserGroupPyApi($name: String!, $description: String, $color: String!, $projectIds: [ID!]!,"
    " $userRoles: [UserRoleInput!]!, $notifyMembers: Boolean, $roleId: String,"
    " $searchQuery: AlignerrSearchServiceQuery) {createUserGroupV3(data: {name: $name description: $description"
    " color: $color projectIds: $projectIds userRoles: $userRoles notifyMembers: $notifyMembers roleId: $roleId"
    " searchQuery: $searchQuery}) {group {id name description updatedAt createdByUserName}}}"
)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
READ_V2 = (
    "query GetUserGroupPyApi($id: ID!) {userGroupV2(where: {id: $id}) {id name color description projects {nodes"
    " {id name} totalCount} members {nodes {id email orgRole {id name}} totalCount userGroupRoles {userId roleId}}}}"
)
LIST = "query($after: String) {userGroups(after: $after) {nodes {name} nextCursor totalCount}}"
DELETE = "mutation DeleteUserGroupPyApi($id: ID!) {deleteUserGroup(where: {id: $id}) {success}}"
ADD = (
    "mutation($id: ID!, $userRoles: [UserRoleInput!], $notifyMembers: Boolean) {addUsersToGroupsV2("
    "where: {ids: [$id]} data: {userRoles: $userRoles, notifyMembers: $notifyMembers})"
    " {results {success added error batchJob {batchJobId isComplete}}}}"
)
REMOVE = (
    "mutation($id: ID!, $data: RemoveUsersFromGroupInput!)"
    " {removeUsersFromGroupV2(where: {id: $id}, data: $data) {success}}"
)
INVITE = (
    "mutation createInvitesPyApi($data: [CreateInviteInput!]){createInvites(data: $data){invite {id createdAt"
    " organizationRoleName inviteeEmail inviter {email}}}}"
)
INVITES = (
    "query($project: ID!) {organization {id invites(first: 100) {nodes {id inviteeEmail organizationRoleName"
    " projectInvites {projectId projectRoleName}} nextCursor}} project(where: {id: $project})"
    " {invites(first: 100) {nodes {id}}}}"
)
MEMBERS = "mutation($data: InviteMembersInput!) {inviteMembers(data: $data) {results {email status reason inviteId}}}"


@pytest.fixture
def users(workspace: MockWorkspace) -> list[str]:
    return [user["id"] for user in ask_in(workspace, "{users {id}}")["users"]][:3]


@pytest.fixture
def roles(workspace: MockWorkspace) -> dict[str, str]:
    return {role["name"]: role["id"] for role in ask_in(workspace, "{roles {id name}}")["roles"]}


@pytest.mark.known("client")
def test_a_group_is_created_changed_listed_and_deleted(workspace: MockWorkspace, users: list[str]) -> None:
    """SDK user_group.py 6.10.0."""
    image, video = workspace.project("image"), workspace.project("video")
    settings: dict[str, Any] = {"name": "one", "color": "9EC5FF", "projectIds": [image], "userIds": users[:2]}
    group = ask_in(workspace, CREATE, **settings)["createUserGroup"]["group"]
    assert ([node["id"] for node in group["projects"]["nodes"]], group["color"]) == ([image], "9EC5FF")
    assert {node["id"] for node in group["members"]["nodes"]} == set(users[:2])
    settings |= {"name": "two", "projectIds": [video], "userIds": users[2:]}
    changed = ask_in(workspace, UPDATE, id=group["id"], **settings)["updateUserGroup"]["group"]
    assert ([node["id"] for node in changed["projects"]["nodes"]], changed["name"]) == ([video], "two")
    assert [node["id"] for node in changed["members"]["nodes"]] == users[2:]
    assert ask_in(workspace, LIST)["userGroups"] == {"nodes": [{"name": "two"}], "nextCursor": None, "totalCount": 1}
    assert ask_in(workspace, DELETE, id=group["id"]) == {"deleteUserGroup": {"success": True}}
    assert ask_in(workspace, LIST)["userGroups"]["nodes"] == []
    for document, variables in ((DELETE, {}), (UPDATE, settings)):
        [error] = answer_in(workspace, document, id=group["id"], **variables)["errors"]
        assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
@pytest.mark.parametrize(("group", "code"), [("invalid_id", "MALFORMED_REQUEST"), (UNKNOWN, None)])
def test_an_id_that_is_no_uuid_is_malformed(workspace: MockWorkspace, group: str, code: str | None) -> None:
    """SDK tests test_user_group.py 7.17.0; another unknown group is null."""
    answer = answer_in(workspace, "query($id: ID!) {userGroupV2(where: {id: $id}) {id}}", id=group)
    assert [error["extensions"]["code"] for error in answer.get("errors", [])] == ([code] if code else [])
    assert answer["data"]["userGroupV2"] is None


@pytest.mark.known("client")
def test_members_of_a_group_have_roles(workspace: MockWorkspace, users: list[str], roles: dict[str, str]) -> None:
    """SDK user_group.py 7.17.0."""
    labeler = [{"userId": users[0], "roleId": roles["Labeler"]}]
    settings = {"name": "one", "color": "CEB8FF", "projectIds": [], "userRoles": labeler, "description": "words"}
    group = ask_in(workspace, CREATE_V3, **settings)["createUserGroupV3"]["group"]
    assert (group["description"], group["createdByUserName"]) == ("words", "owner@mock.example")
    reviewers = [{"userId": user, "roleId": roles["Reviewer"]} for user in users[:2]]
    [result] = ask_in(workspace, ADD, id=group["id"], userRoles=reviewers)["addUsersToGroupsV2"]["results"]
    assert result == {"success": True, "added": [users[1]], "error": None, "batchJob": None}
    members = ask_in(workspace, READ_V2, id=group["id"])["userGroupV2"]["members"]
    assert {role["userId"]: role["roleId"] for role in members["userGroupRoles"]} == {
        users[0]: roles["Labeler"], users[1]: roles["Reviewer"],
    }  # fmt: skip
    assert members["totalCount"] == 2
    ask_in(workspace, REMOVE, id=group["id"], data={"userIds": users[:1], "notifyUsers": True, "reason": "done"})
    members = ask_in(workspace, READ_V2, id=group["id"])["userGroupV2"]["members"]
    assert [node["id"] for node in members["nodes"]] == [users[1]]
    assert ask_in(workspace, READ_V2, id=UNKNOWN) == {"userGroupV2": None}
    [refused] = ask_in(workspace, ADD, id="nobody", userRoles=reviewers)["addUsersToGroupsV2"]["results"]
    assert (refused["success"], "does not exist" in refused["error"]) == (False, True)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"name": "taken"}, "RESOURCE_CONFLICT"),
        ({"name": " "}, "BAD_USER_INPUT"),
        ({"projectIds": ["nobody"]}, "MALFORMED_REQUEST"),
        ({"userRoles": [{"userId": "nobody", "roleId": "nobody"}]}, "MALFORMED_REQUEST"),
        ({"roleId": "x"}, "BAD_USER_INPUT"),
        ({"searchQuery": {}}, "BAD_USER_INPUT"),
    ],
)
def test_another_group_is_refused_and_leaves_nothing(
    workspace: MockWorkspace, settings: dict[str, Any], code: str
) -> None:
    empty = {"color": "9EC5FF", "projectIds": [], "userRoles": []}
    ask_in(workspace, CREATE_V3, name="taken", **empty)
    [error] = answer_in(workspace, CREATE_V3, **{"name": "new", **empty, **settings})["errors"]
    assert error["extensions"]["code"] == code
    assert [group["name"] for group in ask_in(workspace, LIST)["userGroups"]["nodes"]] == ["taken"]


@pytest.mark.known("client")
def test_somebody_is_invited_and_uninvited(workspace: MockWorkspace, roles: dict[str, str]) -> None:
    """SDK organization.py invite_user, invite.py."""
    image = workspace.project("image")
    project_roles = [{"projectId": image, "projectRoleId": roles["Labeler"]}]
    sent = {"inviteeEmail": "new@example.com", "organizationRoleId": roles["None"], "projects": project_roles}
    limit = "query($id: ID!) {invitesLimit(where: {id: $id}) {used}}"
    before = ask_in(workspace, limit, id=workspace.organization_id)["invitesLimit"]["used"]
    [answer] = ask_in(workspace, INVITE, data=[sent])["createInvites"]
    invite = answer["invite"]
    assert (invite["inviteeEmail"], invite["organizationRoleName"]) == ("new@example.com", "None")
    assert invite["inviter"]["email"] == "owner@mock.example"
    assert ask_in(workspace, limit, id=workspace.organization_id)["invitesLimit"]["used"] == before + 1
    read = ask_in(workspace, INVITES, project=image)
    [node] = read["organization"]["invites"]["nodes"]
    assert node["projectInvites"] == [{"projectId": image, "projectRoleName": "Labeler"}]
    assert read["project"]["invites"]["nodes"] == [{"id": invite["id"]}]
    assert ask_in(workspace, INVITES, project=workspace.project("video"))["project"]["invites"]["nodes"] == []
    cancel = "mutation CancelInvitePyApi($where: WhereUniqueIdInput!) {cancelInvite(where: $where) {id}}"
    assert ask_in(workspace, cancel, where={"id": invite["id"]}) == {"cancelInvite": {"id": invite["id"]}}
    assert ask_in(workspace, INVITES, project=image)["organization"]["invites"]["nodes"] == []
    assert "does not exist" in refuse(workspace, cancel, where={"id": invite["id"]})
    own = {"inviteeEmail": "owner@mock.example", "organizationRoleId": roles["Admin"]}
    assert ask_in(workspace, INVITE, data=[own])["createInvites"] == [{"invite": None}]
    assert "no e-mail address" in refuse(workspace, INVITE, data=[sent | {"inviteeEmail": "nobody"}])
    assert "not imitated" in refuse(workspace, INVITE, data=[sent | {"userGroupIds": ["x"]}])


@pytest.mark.known("client")
def test_many_are_invited_with_one_result_each(workspace: MockWorkspace, roles: dict[str, str]) -> None:
    """SDK organization.py invite_users 7.17.0."""
    emails = ["New@example.com", "owner@mock.example", "nobody", "new@example.com"]
    data = {"emails": emails, "workspaceWide": True, "roleId": roles["Labeler"], "projectIds": [], "groupIds": []}
    results = ask_in(workspace, MEMBERS, data=data)["inviteMembers"]["results"]
    assert [result["status"] for result in results] == ["INVITED", "ALREADY_MEMBER", "INVALID_EMAIL", "ALREADY_INVITED"]
    assert results[0]["email"] == "new@example.com"
