"""Groups of users and invitations, as records: no mail is sent."""

import json
from typing import Any

import pytest
import requests

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
    assert "does not exist" in refuse(workspace, INVITE, data=[sent | {"userGroupIds": ["x"]}])


@pytest.mark.known("client")
def test_many_are_invited_with_one_result_each(workspace: MockWorkspace, roles: dict[str, str]) -> None:
    """SDK organization.py invite_users 7.17.0."""
    emails = ["New@example.com", "owner@mock.example", "nobody", "new@example.com"]
    data = {"emails": emails, "workspaceWide": True, "roleId": roles["Labeler"], "projectIds": [], "groupIds": []}
    results = ask_in(workspace, MEMBERS, data=data)["inviteMembers"]["results"]
    assert [result["status"] for result in results] == ["INVITED", "ALREADY_MEMBER", "INVALID_EMAIL", "ALREADY_INVITED"]
    assert results[0]["email"] == "new@example.com"


IMPORT = (
    "mutation ImportMembersToGroupPyPi($roleId: ID! $file: Upload! $where: WhereUniqueIdInput!)"
    " {importUsersAsCsvToGroup(roleId: $roleId, file: $file, where: $where) {csvReport addedCount count}}"
)
EXPORT = "query GetExportMembersAsCSVPyPi($id: ID!) {userGroupV2(where: { id: $id }) {id membersAsCSV}}"
AUDIT = (
    "query GetUserGroupAuditEventsPyApi($where: UserGroupAuditEventsWhereInput, $first: Int, $from: String)"
    " {userGroupAuditEvents(where: $where, first: $first, after: $from) {nodes {id groupId groupName type occurredAt"
    " actorKind channel actorUserId automation memberUserId previousRoleId previousRoleName roleId roleName projectId"
    " projectName} nextCursor}}"
)


def create_group(workspace: MockWorkspace, **settings: Any) -> str:
    empty = {"name": "group", "color": "9EC5FF", "projectIds": [], "userRoles": []}
    return str(ask_in(workspace, CREATE_V3, **(empty | settings))["createUserGroupV3"]["group"]["id"])


def import_csv(workspace: MockWorkspace, group: str, role: str, content: bytes) -> Any:
    variables = {"roleId": role, "file": None, "where": {"id": group}}
    files: dict[str, tuple[str | None, str | bytes]] = {
        "operations": (None, json.dumps({"query": IMPORT, "variables": variables})),
        "map": (None, '{"0": ["variables.file"]}'),
        "0": ("members.csv", content),
    }
    headers = {"Authorization": f"Bearer {workspace.api_key}"}
    return requests.post(workspace.graphql_url, files=files, headers=headers, timeout=60).json()


def audit(workspace: MockWorkspace, **where: Any) -> list[dict[str, Any]]:
    return list(ask_in(workspace, AUDIT, where=where, first=100)["userGroupAuditEvents"]["nodes"])


@pytest.mark.known("client")
def test_members_are_imported_from_a_csv_and_exported(workspace: MockWorkspace, roles: dict[str, str]) -> None:
    """SDK user_group_v2.py: the words of the report."""
    people = ask_in(workspace, "{users {id email}}")["users"]
    known, other = people[0], people[1]
    member = [{"userId": known["id"], "roleId": roles["Labeler"]}]
    group = create_group(workspace, userRoles=member)
    lines = ["email", known["email"], other["email"].upper(), "nobody@example.com", other["email"], ""]
    answer = import_csv(workspace, group, roles["Reviewer"], "\n".join(lines).encode())["data"][
        "importUsersAsCsvToGroup"
    ]
    assert (answer["addedCount"], answer["count"]) == (1, 4)
    assert answer["csvReport"].splitlines() == [
        "Email,Result,Error",
        f"{known['email']},Not added,Member already exists in group",
        f"{other['email'].upper()},Added,",
        "nobody@example.com,Not added,User not found in the current organization",
        f"{other['email']},Not added,Email is repeated",
    ]
    csv_text = ask_in(workspace, EXPORT, id=group)["userGroupV2"]["membersAsCSV"]
    assert sorted(csv_text.splitlines()[1:]) == sorted([known["email"], other["email"]])
    [event] = audit(workspace, groupId=group, memberUserId=other["id"])
    assert (event["type"], event["channel"], event["roleName"]) == ("MEMBER_ADDED", "CSV_IMPORT", "Reviewer")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "is no CSV in UTF-8"),
        (b"", "expected the header email"),
        (b"name\na@example.com", "expected the header email"),
        (b"email\n" + b"a@example.com\n" * 20_001, "at most 20,000 are imported"),
        (b"email\n" + b"a" * 4_000_001, "at most 4,000,000 are read"),
    ],
)
def test_other_files_of_members_are_refused(
    workspace: MockWorkspace, roles: dict[str, str], content: bytes, words: str
) -> None:
    group = create_group(workspace)
    [error] = import_csv(workspace, group, roles["Labeler"], content)["errors"]
    assert words in error["message"]
    assert ask_in(workspace, READ_V2, id=group)["userGroupV2"]["members"]["totalCount"] == 0


@pytest.mark.known("client")
def test_the_audit_log_has_every_change_of_groups(
    workspace: MockWorkspace, users: list[str], roles: dict[str, str]
) -> None:
    """SDK user_group_audit.py 7.17.0."""
    owner = ask_in(workspace, "{user {id}}")["user"]["id"]
    others = [user for user in users if user != owner]
    image = workspace.project("image")
    group = create_group(workspace, projectIds=[image], userRoles=[{"userId": others[0], "roleId": roles["Labeler"]}])
    reviewer = [{"userId": others[0], "roleId": roles["Reviewer"]}]
    update = (
        "mutation($id: ID!, $data: UserGroupDataV3!) {updateUserGroupV3(where: {id: $id}, data: $data) {group {id}}}"
    )
    data = {"name": "group", "color": "9EC5FF", "projectIds": [], "userRoles": reviewer}
    ask_in(workspace, update, id=group, data=data)
    remove = "mutation($id: ID!) {updateUser(where: {id: $id}, data: {deleted: true}) {id}}"
    ask_in(workspace, remove, id=others[0])
    ask_in(workspace, DELETE, id=group)
    events = audit(workspace, groupId=group)
    assert [event["type"] for event in events] == [
        "GROUP_DELETED", "MEMBER_REMOVED", "GROUP_DETACHED_FROM_PROJECT", "MEMBER_ROLE_CHANGED",
        "GROUP_ATTACHED_TO_PROJECT", "MEMBER_ADDED",
    ]  # fmt: skip
    changed = events[3]
    assert (changed["previousRoleName"], changed["roleName"]) == ("Labeler", "Reviewer")
    assert (changed["actorUserId"], changed["actorKind"], changed["groupName"]) == (owner, "AUTOMATION", None)
    assert (events[1]["channel"], events[1]["actorUserId"]) == ("SYSTEM", None)
    assert events[2]["projectName"] == "image"
    assert len(audit(workspace, types=["MEMBER_ADDED", "GROUP_DELETED"])) == 2
    assert len(audit(workspace, projectId=image)) == 2
    assert audit(workspace, actorKind="PERSON") == []
    assert audit(workspace, occurredAfter="2099-01-01T00:00:00.000Z") == []
    first = ask_in(workspace, AUDIT, first=4)["userGroupAuditEvents"]
    rest = ask_in(workspace, AUDIT, first=4, **{"from": first["nextCursor"]})["userGroupAuditEvents"]
    assert (first["nodes"] + rest["nodes"], rest["nextCursor"]) == (events, None)
    continued = "mutation($id: ID!) {continueAddUsersToGroupBatch(batchJobId: $id) {batchJob {batchJobId isComplete}}}"
    assert "does not exist" in refuse(workspace, continued, id="job")


@pytest.mark.known("client")
def test_people_are_invited_into_groups(workspace: MockWorkspace, roles: dict[str, str]) -> None:
    """SDK organization.py invite_user(user_group_roles=…), invite_users(user_groups=…) 7.17.0."""
    group = create_group(workspace)
    sent = {"inviteeEmail": "new@example.com", "organizationRoleId": roles["None"]}
    into = {"userGroupWithRoleIds": [{"groupId": group, "roleId": roles["Labeler"]}]}
    [answer] = ask_in(workspace, INVITE, data=[sent | into])["createInvites"]
    assert answer["invite"]["inviteeEmail"] == "new@example.com"
    data = {"emails": ["b@example.com"], "workspaceWide": False, "roleId": roles["Labeler"], "groupIds": [group]}
    [result] = ask_in(workspace, MEMBERS, data=data)["inviteMembers"]["results"]
    assert result["status"] == "INVITED"
    [node] = [
        node
        for node in ask_in(workspace, INVITES, project=workspace.project("image"))["organization"]["invites"]["nodes"]
        if node["id"] == result["inviteId"]
    ]
    assert node["organizationRoleName"] == "None"
    unknown = {"userGroupWithRoleIds": [{"groupId": "nobody", "roleId": roles["Labeler"]}]}
    assert "does not exist" in refuse(workspace, INVITE, data=[sent | unknown])
