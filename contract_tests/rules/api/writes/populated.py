"""A workspace with one of everything that clients write, and the ids of all of it by name."""

import json
from typing import Any

import requests

from contract_tests.rules.api.asking import LONG_PATIENCE, ask_in
from contract_tests.rules.api.importing import import_lines
from contract_tests.rules.api.uploading import create_dataset, import_rows, upload, wait_for_task, write_item
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace

ONTOLOGY = {
    "tools": [{"tool": "rectangle", "name": "Box", "classifications": []}],
    "classifications": [
        {"type": "text", "instructions": "note", "name": "note"},
        {"type": "radio", "instructions": "kind", "name": "kind", "options": [{"label": "a", "value": "a"}]},
    ],
}
WORKFLOW = "query($id: ID!) {projectWorkflow(projectId: $id) {config}}"
QUEUES = "query($id: ID!) {project(where: {id: $id}) {taskQueues {id queueType}}}"
LABELS = "query($id: ID!) {project(where: {id: $id}) {labels {id dataRow {id}}}}"
BATCH = "mutation($p: ID!, $b: CreateBatchInput!) {project(where: {id: $p}) {createBatchV2(input: $b) {batch {id}}}}"
KEYS = [f"key-{number}" for number in range(8)]


class Populated:
    """A workspace, and the ids in it by name: `world["project"]`."""

    def __init__(self, workspace: MockWorkspace, ids: dict[str, Any]) -> None:
        self.workspace, self.ids = workspace, ids

    def __getitem__(self, name: str) -> Any:
        return self.ids[name]

    def ask(self, document: str, **variables: Any) -> Any:
        return ask_in(self.workspace, document, **variables)

    def create_feature(self) -> str:
        """A feature schema that no ontology has."""
        url, headers = f"{self.workspace.rest_url}/feature-schemas/new_feature_schema_id", self._headers
        body = {"normalized": json.dumps({"tool": "point", "name": "Point"})}
        answer = requests.put(url, json=body, headers=headers, timeout=LONG_PATIENCE)
        return str(answer.json()["schemaId"])

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.workspace.api_key}"}

    # Things that belong to one life of a workspace, so that neither a fork nor a reset has them

    def subscribe(self) -> str:
        data = {"topics": {"set": ["LABEL_CREATED"]}, "url": "http://127.0.0.1:9/", "secret": "s"}
        answer = self.ask("mutation($d: WebhookData!) {createWebhook(data: $d) {id}}", d=data)
        return str(answer["createWebhook"]["id"])

    def create_key(self) -> str:
        data = {"name": "key", "targetUserEmailId": self["email"]}
        return str(
            self.ask("mutation($d: CreateApiKeyInput!) {createApiKey(data: $d) {id}}", d=data)["createApiKey"]["id"]
        )

    def import_annotations(self, kind: str = "pre-labels", name: str = "import") -> str:
        line = {"uuid": "1", "dataRow": {"id": self["row"]}, "name": "note", "answer": "before"}
        return str(import_lines(self.workspace, kind, self["project"], name, [line])["id"])

    def upload_lines(self, name: str = "note") -> str:
        line = {"uuid": "1", "dataRow": {"id": self["unlabelled_row"]}, "name": name, "answer": "sent"}
        return upload(self.workspace, json.dumps(line).encode(), "lines.ndjson")

    def upload_rows(self) -> str:
        row = {"row_data": "https://example.com/new.jpg", "global_key": "new", "external_id": "new"}
        return upload(self.workspace, json.dumps([row]).encode(), "rows.json")

    def upload_manifest(self) -> str:
        item = write_item(self["dataset"], row_data="https://example.com/new.jpg", global_key="new")
        chunk = upload(self.workspace, json.dumps([item]).encode(), "chunk.json")
        manifest = {"source": "SDK", "item_count": 1, "chunk_uris": [chunk]}
        return upload(self.workspace, json.dumps(manifest).encode(), "manifest.json")


def create_populated(server: ServedWorld) -> Populated:
    """Creates a workspace of its own, whose content is all written by clients."""
    workspace = server.workspace(scenario="empty")
    world = Populated(workspace, {})
    for add in (
        _add_people,
        _add_rows,
        _add_projects,
        _add_labels,
        _add_issues,
        _add_catalog,
        _add_models,
        _add_others,
    ):
        add(world, world.ids)
    world.ids |= {
        "foreign_project": server.projects["image"],
        "foreign_dataset": next(iter(server.ready["datasets"].values())),
    }
    world.ids["foreign_row"] = server.ask(
        "query($id: ID!) {datasetDataRows(id: $id, first: 1) {nodes {id}}}", id=world["foreign_dataset"]
    )["datasetDataRows"]["nodes"][0]["id"]
    return world


def _create(
    world: Populated, mutation: str, kind: str, data: dict[str, Any], argument: str = "data", field: str = "id"
) -> Any:
    document = f"mutation($data: {kind}!) {{{mutation}({argument}: $data) {{{field}}}}}"
    return world.ask(document, data=data)[mutation][field]


def _add_people(world: Populated, ids: dict[str, Any]) -> None:
    answer = world.ask("{user {id email} users {id email} roles {id name} labelingFrontends {id}}")
    others = [user for user in answer["users"] if user["id"] != answer["user"]["id"]]
    roles = {role["name"]: role["id"] for role in answer["roles"]}
    ids |= {
        "owner": answer["user"]["id"], "email": answer["user"]["email"], "user": others[0]["id"],
        "second_user": others[1]["id"], "user_email": others[0]["email"], "role": roles["Labeler"],
        "second_role": roles["Reviewer"], "frontend": answer["labelingFrontends"][0]["id"],
    }  # fmt: skip


def _add_rows(world: Populated, ids: dict[str, Any]) -> None:
    ids["dataset"] = create_dataset(world.workspace)
    rows = import_rows(
        world.workspace,
        ids["dataset"],
        [{"row_data": f"https://example.com/{key}.jpg", "global_key": key} for key in KEYS],
    )
    ids["rows"] = [row["id"] for row in rows]
    ids |= {
        "row": rows[0]["id"],
        "second_row": rows[1]["id"],
        "unlabelled_row": rows[2]["id"],
        "free_row": rows[6]["id"],
    }
    ids["other_row"], ids["deleted_row"] = rows[5]["id"], rows[7]["id"]
    world.ask("mutation($ids: [ID!]!) {deleteDataRows(where: {dataRowIds: $ids}) {id}}", ids=[ids["deleted_row"]])
    ids["attachment"] = _create(
        world, "createDataRowAttachment", "NewAttachmentInput",
        {"type": "IMAGE", "value": "https://example.com/a.jpg", "name": "a", "dataRowId": ids["row"]},
    )  # fmt: skip


def _add_projects(world: Populated, ids: dict[str, Any]) -> None:
    normalized = json.dumps(ONTOLOGY)
    for name in ("ontology", "unused_ontology"):
        data = {"name": name, "normalized": normalized, "mediaType": "IMAGE"}
        ids[name] = _create(world, "upsertOntology", "UpsertOntologyInput", data)
    document = world.ask("query($id: ID!) {ontology(where: {id: $id}) {normalized}}", id=ids["ontology"])
    [box] = document["ontology"]["normalized"]["tools"]
    ids["feature"] = box["featureSchemaId"]
    for name, rows in (("project", ids["rows"][:4]), ("other_project", ids["rows"][4:6]), ("gone", [])):
        ids[name] = _create(world, "createProject", "ProjectData", {"name": name, "allowedMediaType": "IMAGE"})
        connect = "mutation($p: ID!, $o: ID!) {project(where: {id: $p}) {connectOntology(ontologyId: $o) {id}}}"
        world.ask(connect, p=ids[name], o=ids["ontology"])
        if rows:
            batch: dict[str, Any] = {"name": "first", "dataRowIds": rows, "priority": 5}
            ids[f"{name}_batch"] = world.ask(BATCH, p=ids[name], b=batch)["project"]["createBatchV2"]["batch"]["id"]
    world.ask("mutation($id: ID!) {updateProject(where: {id: $id}, data: {deleted: true}) {id}}", id=ids["gone"])
    queues = world.ask(QUEUES, id=ids["project"])["project"]["taskQueues"]
    ids["queue"] = next(queue["id"] for queue in queues if queue["queueType"] == "INITIAL_LABELING_QUEUE")
    ids["review_queue"] = next(queue["id"] for queue in queues if queue["queueType"] == "MANUAL_REVIEW_QUEUE")
    ids["workflow"] = world.ask(WORKFLOW, id=ids["project"])["projectWorkflow"]["config"]
    empty = {"name": "empty"}
    create = (
        "mutation($p: ID!, $b: CreateEmptyBatchInput!) {project(where: {id: $p}) {createEmptyBatch(input: $b) {id}}}"
    )
    ids["empty_batch"] = world.ask(create, p=ids["project"], b=empty)["project"]["createEmptyBatch"]["id"]


def _add_labels(world: Populated, ids: dict[str, Any]) -> None:
    for project, rows in (("project", ids["rows"][:2]), ("other_project", ids["rows"][4:5])):
        lines = [{"uuid": row, "dataRow": {"id": row}, "name": "note", "answer": "words"} for row in rows]
        import_lines(world.workspace, "labels", ids[project], "labels", lines)
    labels = world.ask(LABELS, id=ids["project"])["project"]["labels"]
    by_row = {label["dataRow"]["id"]: label["id"] for label in labels}
    ids["label"], ids["benchmark"] = by_row[ids["row"]], by_row[ids["second_row"]]
    ids["other_label"] = world.ask(LABELS, id=ids["other_project"])["project"]["labels"][0]["id"]
    _create(world, "createBenchmark", "BenchmarkInput", {"labelId": ids["benchmark"]})
    connected = {"label": {"connect": {"id": ids["label"]}}, "project": {"connect": {"id": ids["project"]}}}
    ids["review"] = _create(world, "createReview", "ReviewInput", {"score": 1.0, **connected})


def _add_issues(world: Populated, ids: dict[str, Any]) -> None:
    data: dict[str, Any] = {"projectId": ids["project"], "name": "category"}
    ids["category"] = _create(world, "createIssueCategory", "CreateIssueCategoryInput", data)
    data = {"content": "words", "projectId": ids["project"], "dataRowId": ids["row"]}
    ids["issue"] = _create(world, "createIssue", "CreateIssueInput", data)
    ids["comment"] = _create(
        world, "createComment", "CreateCommentInput", {"content": "words", "issueId": ids["issue"]}
    )


def _add_catalog(world: Populated, ids: dict[str, Any]) -> None:
    for name in ("tag", "second_tag"):
        ids[name] = _create(world, "createResourceTag", "ResourceTagInput", {"text": name, "color": "ff0000"}, "input")
    schema = {"name": "words", "kind": "CustomMetadataString"}
    ids["schema"] = _create(world, "upsertCustomMetadataSchema", "UpsertCustomMetadataSchemaInput", schema)
    enum = {
        "name": "choice",
        "kind": "CustomMetadataEnum",
        "options": [{"name": "a", "kind": "CustomMetadataEnumOption"}],
    }
    ids["enum"] = _create(world, "upsertCustomMetadataSchema", "UpsertCustomMetadataSchemaInput", enum)
    options = world.ask("{customMetadataOntology {id options {id}}}")["customMetadataOntology"]
    ids["option"] = next(entry["options"][0]["id"] for entry in options if entry["id"] == ids["enum"])
    fields = [{"schemaId": ids["schema"], "value": "before"}, {"schemaId": ids["enum"], "value": ids["option"]}]
    upsert = "mutation($d: [DataRowCustomMetadataBatchUpsertInput!]!) {upsertDataRowCustomMetadata(data: $d) {error}}"
    world.ask(upsert, d=[{"dataRowId": ids["row"], "fields": fields}])
    ids["embedding"] = _create(world, "createEmbedding", "CreateEmbeddingInput", {"name": "mine", "dims": 2})
    slice_of_all = {"name": "slice", "filter": [{"type": "data_row_id", "operator": "is", "ids": ids["rows"][:2]}]}
    ids["slice"] = _create(world, "createCatalogSavedQuery", "CatalogSavedQueryInput", slice_of_all, "args")


def _add_models(world: Populated, ids: dict[str, Any]) -> None:
    model = {"name": "model", "ontologyId": ids["ontology"]}
    ids["model"] = _create(world, "createModel", "ModelData", model)
    ids["run"] = _create(world, "createModelRun", "ModelRunData", {"name": "run", "modelId": ids["model"]})
    register = (
        "mutation($r: ID!, $ids: [ID!]) {createMEAModelRunDataRowRegistrationTask("
        "where: {id: $r}, data: {dataRowIds: $ids})}"
    )
    [task] = world.ask(register, r=ids["run"], ids=ids["rows"][:3]).values()
    assert wait_for_task(world.workspace, task)["status"] == "COMPLETE"
    line = {"uuid": "1", "dataRow": {"id": ids["row"]}, "name": "note", "answer": "predicted"}
    import_lines(world.workspace, "predictions", ids["run"], "predictions", [line])
    chat = {"name": "chat", "allowedMediaType": "CONVERSATIONAL", "editorTaskType": "MODEL_CHAT_EVALUATION"}
    ids["chat"] = _create(world, "createProject", "ProjectData", chat)
    config = {"modelId": "some model", "inferenceParams": {"temperature": 0.5}, "name": "mine"}
    ids["config"] = _create(world, "createModelConfig", "ModelConfigInput", config, "input")
    ids["second_config"] = _create(world, "createModelConfig", "ModelConfigInput", config, "input")
    link = {"projectId": ids["chat"], "modelConfigId": ids["config"]}
    ids["link"] = _create(
        world, "createProjectModelConfig", "ProjectModelConfigInput", link, "input", "projectModelConfigId"
    )
    app = {"name": "app", "modelId": "m", "ontologyId": ids["ontology"], "inferenceParams": {}, "classToSchemaId": {}}
    ids["app"] = _create(world, "createModelFoundryApp", "ModelFoundryAppInput", app, "input")


def _add_others(world: Populated, ids: dict[str, Any]) -> None:
    group = {"name": "group", "color": "blue", "projectIds": [ids["project"]],
             "userRoles": [{"userId": ids["user"], "roleId": ids["role"]}]}  # fmt: skip
    create = "mutation($d: UserGroupDataV3!) {createUserGroupV3(data: $d) {group {id}}}"
    ids["group"] = world.ask(create, d=group)["createUserGroupV3"]["group"]["id"]
    member = {"userId": ids["user"], "roleId": ids["role"], "projectId": ids["project"]}
    _create(world, "setProjectMembership", "ProjectMembershipInput", member)
    invite = [{"inviteeEmail": "new@example.com", "organizationRoleId": ids["role"]}]
    answer = world.ask("mutation($d: [CreateInviteInput!]) {createInvites(data: $d) {invite {id}}}", d=invite)
    ids["invite"] = answer["createInvites"][0]["invite"]["id"]
    aws = {"name": "aws", "roleArn": "arn:aws:iam::000000000000:role/name"}
    ids["aws"] = _create(world, "createAwsIamIntegration", "AwsIamIntegrationCreateInput", aws)
    gcp = {"name": "gcp", "readBucket": "bucket"}
    ids["gcp"] = _create(world, "createGcpIamIntegration", "GcpIamIntegrationCreateInput", gcp)
    azure = {"name": "azure", "readContainerUrl": "https://example.com/c", "tenantId": "t"}
    ids["azure"] = _create(world, "createAzureIamIntegration", "AzureIamIntegrationCreateInput", azure)
    service = {"projectId": ids["project"]}
    _create(world, "upsertProjectBoostWorkforce", "ProjectBoostWorkforceInput", service, field="success")
    instruct = (
        "mutation($id: ID!, $d: ProjectInstructionsInput!) {setProjectInstructions(where: {id: $id}, data: $d) {id}}"
    )
    world.ask(instruct, id=ids["project"], d={"instructionsUrl": "https://example.com/a.pdf"})
