"""Settings of projects: tags, members, instructions and copies."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.uploading import refuse
from mockserver.testing import MockWorkspace

TAGS = "query($id: ID!) {project(where: {id: $id}) {resourceTags {id text color}}}"
MEMBERS = "query($id: ID!) {project(where: {id: $id}) {members {user {id} role {name} accessFrom}}}"


@pytest.fixture
def project(workspace: MockWorkspace) -> str:
    document = 'mutation {createProject(data: {name: "new", allowedMediaType: IMAGE}) {id}}'
    return str(ask_in(workspace, document)["createProject"]["id"])


@pytest.mark.known("client")
def test_tags_are_created_and_given_to_a_project(workspace: MockWorkspace, project: str) -> None:
    """SDK organization.py create_resource_tag, project.py update_project_resource_tags."""
    create = (
        "mutation CreateResourceTagPyApi($text:String!,$color:String!)"
        " {createResourceTag(input:{text:$text,color:$color}) {color text id}}"
    )
    give = (
        "mutation UpdateProjectResourceTagsPyApi($projectId:ID!,$tags:[String!]) {"
        "project(where:{id:$projectId}){updateProjectResourceTags(input:{resourceTagIds:$tags}){color text id}}}"
    )
    tags = [ask_in(workspace, create, text=text, color="#ffffff")["createResourceTag"] for text in ("one", "two")]
    assert [(tag["text"], tag["color"]) for tag in tags] == [("one", "ffffff"), ("two", "ffffff")]
    answer = ask_in(workspace, give, projectId=project, tags=[tags[1]["id"]])["project"]["updateProjectResourceTags"]
    assert answer == [tags[1]] == ask_in(workspace, TAGS, id=project)["project"]["resourceTags"]
    ask_in(workspace, give, projectId=project, tags=[tags[0]["id"]])
    assert ask_in(workspace, TAGS, id=project)["project"]["resourceTags"] == [tags[0]]
    assert "does not exist" in refuse(workspace, give, projectId=project, tags=["nobody"])
    assert "already" in refuse(workspace, create, text="one", color="#000000")
    assert "expected both" in refuse(workspace, create, text=" ", color="#000000")
    delete = "mutation($tag_id: String!) {deleteResourceTag(input: {id: $tag_id}) {id}}"
    assert ask_in(workspace, delete, tag_id=tags[0]["id"])["deleteResourceTag"] == {"id": tags[0]["id"]}
    assert ask_in(workspace, TAGS, id=project)["project"]["resourceTags"] == []
    assert "does not exist" in refuse(workspace, delete, tag_id=tags[0]["id"])


@pytest.mark.known("client")
def test_instructions_are_a_key_of_the_ontology(workspace: MockWorkspace, project: str) -> None:
    """SDK project.py upsert_instructions, tests test_ontology.py."""
    document = (
        "mutation setprojectinsructionsPyApi($projectId: ID!, $url: String!) {setProjectInstructions("
        "where: {id: $projectId}, data: {instructionsUrl: $url}) {id ontology {id options}}}"
    )
    url = "https://example.com/instructions.pdf"
    read = "query($id: ID!) {project(where: {id: $id}) {ontology {normalized}}}"
    image = workspace.project("image")
    before = ask_in(workspace, read, id=image)["project"]["ontology"]["normalized"]
    answer = ask_in(workspace, document, projectId=image, url=url)["setProjectInstructions"]
    after = ask_in(workspace, read, id=image)["project"]["ontology"]["normalized"]
    assert after == before | {"projectInstructions": url} == answer["ontology"]["options"]
    assert "has no ontology" in refuse(workspace, document, projectId=project, url=url)


@pytest.mark.known("client")
def test_a_copy_has_the_settings_of_its_project_and_no_data_rows(workspace: MockWorkspace) -> None:
    """SDK project.py clone."""
    settings = (
        "description allowedMediaType queueMode autoAuditNumberOfLabels autoAuditPercentage isBenchmarkEnabled"
        " isConsensusEnabled ontology {id} resourceTags {id}"
    )
    read = f"query($id: ID!) {{project(where: {{id: $id}}) {{dataRowCount taskQueues {{id}} {settings}}}}}"
    image = workspace.project("image")
    clone = "mutation CloneProjectPyApi($projectId: ID!) {cloneProject(data: {projectId: $projectId}) {id}}"
    copy = ask_in(workspace, clone, projectId=image)["cloneProject"]["id"]
    original, copied = (ask_in(workspace, read, id=project)["project"] for project in (image, copy))
    assert (copied.pop("dataRowCount"), original.pop("dataRowCount") > 0) == (0, True)
    assert len(copied.pop("taskQueues") + original.pop("taskQueues")) == 6
    assert copied == original
    assert "does not exist" in refuse(workspace, clone, projectId="nobody")


@pytest.mark.known("client")
def test_members_get_a_role_and_are_removed(workspace: MockWorkspace, project: str) -> None:
    """SDK user.py upsert_project_role, remove_from_project, client.py delete_project_memberships."""
    known = ask_in(workspace, "{user {id} users {id} roles {id name}}")
    roles = {role["name"]: role["id"] for role in known["roles"]}
    first, second = [user["id"] for user in known["users"] if user["id"] != known["user"]["id"]][:2]
    document = (
        "mutation SetProjectMembershipPyApi($projectId: ID!, $userId: ID!, $roleId: ID!) {setProjectMembership("
        "data: {userId: $userId, roleId: $roleId, projectId: $projectId}) {id}}"
    )
    remove = (
        "mutation($projectId: ID!, $userIds: [ID!]!) {deleteProjectMemberships("
        "where: {projectId: $projectId userIds: $userIds}) {success errorMessage}}"
    )

    def list_members() -> dict[str, Any]:
        members = ask_in(workspace, MEMBERS, id=project)["project"]["members"]
        own = [member for member in members if member["accessFrom"] == "PROJECT_MEMBERSHIP"]
        others = {member["user"]["id"] for member in members if member["accessFrom"] == "ORGANIZATION"}
        assert others == {user["id"] for user in known["users"]} - {member["user"]["id"] for member in own}
        return {member["user"]["id"]: member["role"]["name"] for member in own}

    for user, role in ((first, "Labeler"), (second, "Labeler"), (first, "Reviewer")):
        ask_in(workspace, document, projectId=project, userId=user, roleId=roles[role])
    assert list_members() == {first: "Reviewer", second: "Labeler"}
    ask_in(workspace, document, projectId=project, userId=second, roleId=roles["None"])
    assert list_members() == {first: "Reviewer"}
    answer = ask_in(workspace, remove, projectId=project, userIds=[first, second])["deleteProjectMemberships"]
    assert (answer["success"], list_members()) == (False, {first: "Reviewer"})
    answer = ask_in(workspace, remove, projectId=project, userIds=[first])["deleteProjectMemberships"]
    assert (answer, list_members()) == ({"success": True, "errorMessage": None}, {})


@pytest.mark.known("client")
def test_a_role_of_the_organization_is_changed(workspace: MockWorkspace) -> None:
    known = ask_in(workspace, "{user {id} users {id} roles {id name}}")
    roles = {role["name"]: role["id"] for role in known["roles"]}
    [user, *_] = [user["id"] for user in known["users"] if user["id"] != known["user"]["id"]]
    document = (
        "mutation SetOrganizationRolePyApi($userId: ID!, $roleId: ID!)"
        " {setOrganizationRole(data: {userId: $userId, roleId: $roleId}) {id name}}"
    )
    assert ask_in(workspace, document, userId=user, roleId=roles["None"])["setOrganizationRole"]["name"] == "None"
    role = ask_in(workspace, "query($id: ID!) {organizationRole(userId: $id) {name}}", id=user)["organizationRole"]
    assert role == {"name": "None"}
    assert "keeps their role" in refuse(workspace, document, userId=known["user"]["id"], roleId=roles["None"])


@pytest.mark.known("client")
def test_nobody_reserves_data_rows(workspace: MockWorkspace, project: str) -> None:
    extend = "mutation($id: ID!) {extendReservations(projectId: $id queueType: LabelingQueue)}"
    clear = (
        "mutation($input: ClearQueueReservationsInput!) {clearQueueReservations(input: $input)"
        " {success clearedReservationCount}}"
    )
    assert ask_in(workspace, extend, id=project) == {"extendReservations": 0}
    queues = ask_in(workspace, "query($id: ID!) {project(where: {id: $id}) {taskQueues {id}}}", id=project)["project"]
    answer = ask_in(workspace, clear, input={"projectId": project, "queueId": queues["taskQueues"][0]["id"]})
    assert answer["clearQueueReservations"] == {"success": True, "clearedReservationCount": 0}
    assert "does not exist" in refuse(workspace, clear, input={"projectId": project, "queueId": "nobody"})


@pytest.mark.known("client")
def test_the_queue_mode_is_set_as_older_sdks_do(workspace: MockWorkspace, project: str) -> None:
    """SDK project.py 3.52.0 `_update_queue_mode`."""
    document = (
        "mutation setTagSetStatusPyApi($projectId: ID!, $status: TagSetStatusInput!) {project(where: {id: $projectId})"
        " {setTagSetStatus(input: {tagSetStatus: $status}) {tagSetStatus}}}"
    )
    read = "query($id: ID!) {project(where: {id: $id}) {queueMode}}"
    for status, mode in (("DISABLED", "DATA_SET"), ("ENABLED", "BATCH")):
        answer = ask_in(workspace, document, projectId=project, status=status)
        assert answer["project"]["setTagSetStatus"] == {"tagSetStatus": status}
        assert ask_in(workspace, read, id=project)["project"]["queueMode"] == mode


@pytest.mark.known("client")
@pytest.mark.parametrize(("quota", "status"), [(0.0, "DONE"), (1.0, "IN_REVIEW")])
def test_a_share_of_labelled_rows_goes_to_review(workspace: MockWorkspace, quota: float, status: str) -> None:
    """SDK project.py 3.52.0 upsert_review_queue."""
    document = (
        "mutation UpsertReviewQueuePyApi($projectId: ID!, $quotaFactor: Float!){upsertReviewQueue("
        "where:{project: {id: $projectId}} data:{quotaFactor: $quotaFactor}) {id}}"
    )
    image = workspace.project("image")
    assert ask_in(workspace, document, projectId=image, quotaFactor=quota)["upsertReviewQueue"]["id"]
    [row, *_] = workspace.expected_rows("image", filters={"workflow_status": "ToLabel"})
    for _ in range(3):
        workspace.event("LABEL_CREATED", "image", data_row=row["data_row"]["id"])
    rows = workspace.expected_rows("image", params={"project_details": True})
    [details] = [
        item["projects"][image]["project_details"] for item in rows if item["data_row"]["id"] == row["data_row"]["id"]
    ]
    assert details["workflow_status"] == status
    assert "expected 0 to 1" in refuse(workspace, document, projectId=image, quotaFactor=1.5)
    assert "does not exist" in refuse(workspace, document, projectId="nobody", quotaFactor=1)
