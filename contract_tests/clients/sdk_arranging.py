"""Programs that arrange how people, clouds and models work on projects. Runs on the Python of one SDK version's
environment."""

import json
from collections.abc import Callable
from typing import Any

from labelbox import Client, Dataset

AWS = """mutation CreateAwsIamIntegrationPyApi($data: AwsIamIntegrationCreateInput!) {
    createAwsIamIntegration(data: $data) { id } }"""
DEFAULT = """mutation SetDefaultIamIntegrationPyApi($where: WhereUniqueIdInput!) {
    setDefaultIamIntegration(where: $where) { id } }"""
SETTINGS = {"name": "pictures", "roleArn": "arn:aws:iam::123456789012:role/reader", "readBucket": "pictures"}


def edit_label(client: Client, *, project_id: str) -> Any:
    """The label loses all objects but one, is read again, and gets another text."""
    project = client.get_project(project_id)
    label = next(item for item in project.labels() if len(json.loads(item.label).get("objects", [])) > 1)
    document = json.loads(label.label)
    document |= {"objects": document["objects"][:1], "relationships": []}
    label.update(label=json.dumps(document))
    [again] = [item for item in project.labels() if item.uid == label.uid]
    left = len(json.loads(again.label)["objects"])
    label.update(label="something else")
    return {"left": left, "text": label.label, "label": label.uid}


def use_cloud(client: Client, *, name: str) -> Any:
    """A new dataset gets the default integration; SDKs before 7 have no call that creates one."""
    created = client.execute(AWS, {"data": SETTINGS})["createAwsIamIntegration"]
    client.execute(DEFAULT, {"where": {"id": created["id"]}})
    organization = client.get_organization()
    default = organization.get_default_iam_integration()
    dataset: Dataset = client.create_dataset(name=name)
    facts = {
        "known": [item.name for item in organization.get_iam_integrations()],
        "default": [default.name, default.provider, default.valid, default.settings.role_arn],
        "signer": dataset.iam_integration().name,
    }
    if hasattr(dataset, "remove_iam_integration"):
        dataset.remove_iam_integration()
        facts["removed"] = client.get_dataset(dataset.uid).iam_integration() is None
        dataset.add_iam_integration(default)
    return facts


def manage_clouds(client: Client) -> Any:
    """An integration of each provider is created, changed and validated (SDK 7)."""
    from labelbox.schema.iam_integration import (
        AwsIamIntegrationSettings,
        AzureIamIntegrationSettings,
        GcpIamIntegrationSettings,
    )

    organization = client.get_organization()
    container = "https://test.blob.core.windows.net/test"
    settings = (
        AwsIamIntegrationSettings(role_arn=SETTINGS["roleArn"], read_bucket="pictures"),
        GcpIamIntegrationSettings(read_bucket="pictures"),
        AzureIamIntegrationSettings(read_container_url=container, tenant_id="tenant"),
    )
    created = [organization.create_iam_integration(name=type(item).__name__, settings=item) for item in settings]
    created[0].update(name="renamed")
    created[2].set_as_default()
    return {
        "providers": [item.provider for item in created],
        "valid": [item.validate()["valid"] for item in created],
        "names": sorted(item.name for item in organization.get_iam_integrations()),
        "default": organization.get_default_iam_integration().uid == created[2].uid,
    }


def assign_rows(client: Client, *, project_id: str, row_ids: list[str]) -> Any:
    project = client.get_project(project_id)
    assigned = project.bulk_assign_data_rows(user_id=client.get_user().uid, data_row_ids=row_ids)
    extended = project.extend_reservations("LabelingQueue")
    [queue] = [item for item in project.task_queues() if item.queue_type == "INITIAL_LABELING_QUEUE"]
    return {"assigned": assigned, "extended": extended, "cleared": project.clear_queue_reservations(queue.uid)}


def remove_user(client: Client) -> Any:
    organization, me = client.get_organization(), client.get_user()
    user = next(item for item in organization.users() if item.uid != me.uid)
    organization.remove_user(user)
    return user.uid in {item.uid for item in organization.users()}


def hire_labelers(client: Client, *, project_id: str) -> Any:
    project = client.get_project(project_id)
    service = project.get_labeling_service()
    before = project.get_labeling_service_status().value
    try:
        service.request()
        refused = ""
    except Exception as error:  # noqa: BLE001  whatever the SDK makes of it
        refused = str(error)
    dashboard = project.get_labeling_service_dashboard()
    every = list(client.get_labeling_service_dashboards())
    return {
        "before": before, "refused": refused, "rows": dashboard.data_rows_count, "projects": len(every),
        "status": dashboard.status.value,
    }  # fmt: skip


def run_app(client: Client, *, project_id: str, global_keys: list[str]) -> Any:
    from labelbox.schema.foundry.app import App
    from labelbox.schema.foundry.foundry_client import FoundryClient
    from labelbox.schema.identifiables import GlobalKeys

    foundry = FoundryClient(client)
    ontology = client.get_project(project_id).ontology()
    app = App(
        model_id="c8a5b29a-cdba-408a-803a-a605a95631c2", name="detector", description="Finds all",
        inference_params={"confidence": 0.6}, class_to_schema_id={}, ontology_id=ontology.uid,
    )  # fmt: skip
    created = foundry._create_app(app)
    task = client.run_foundry_app("first run", GlobalKeys(global_keys), created.id)
    task.wait_till_done()
    run = client.get_model_run(task.metadata["modelRunId"])
    facts = {"status": task.status, "name": run.name, "run": run.uid, "read": foundry._get_app(created.id).name}
    foundry._delete_app(created.id)
    return facts


def import_metrics(client: Client, *, run_id: str, row_id: str) -> Any:
    """Metrics of a data row, with a prediction, in one file."""
    run = client.get_model_run(run_id)
    start = {"dataRow": {"id": row_id}}
    lines = [
        start | {"uuid": "a", "metricValue": 0.5, "metricName": "speed", "aggregation": "ARITHMETIC_MEAN"},
        start | {"uuid": "b", "metricValue": [1, 2, 3, 4], "metricName": "matrix", "aggregation": "CONFUSION_MATRIX"},
        start | {"uuid": "c", "name": "Car", "bbox": {"top": 1, "left": 1, "height": 5, "width": 5}},
    ]
    done = run.add_predictions("metrics", lines)
    done.wait_until_done()
    return {"state": done.state.value, "statuses": [status["status"] for status in done.statuses]}


def fill_group(client: Client, *, emails: list[str]) -> Any:
    from labelbox.schema.user_group import UserGroup, UserGroupColor
    from labelbox.schema.user_group_v2 import UserGroupV2

    group = UserGroup(client, name="readers", color=UserGroupColor.BLUE).create()
    report = UserGroupV2(client).upload_members(group.id, "Labeler", [*emails, "nobody@example.com"])
    exported = UserGroupV2(client).export_members(group.id)
    facts = {
        "results": [line.result for line in report.lines],
        "members": sorted(member.email for member in exported),
    }
    if hasattr(UserGroup, "audit_events"):
        facts["audit"] = [event.type.value for event in group.audit_events()]
    return facts


def route_rows(client: Client, *, project_id: str) -> Any:
    """Labelled rows go to a second review by a sample of all of them (SDK 7)."""
    from labelbox.schema.workflow import NodeOutput, NodeType, ProjectWorkflowFilter, sample

    workflow = client.get_project(project_id).get_workflow()
    initial = workflow.reset_to_initial_nodes()
    gate = workflow.add_node(type=NodeType.Logic, name="All", filters=ProjectWorkflowFilter([sample(100)]))
    first, second = (workflow.add_node(type=NodeType.Review, name=name) for name in ("First look", "Second look"))
    done, rework = workflow.add_node(type=NodeType.Done), workflow.add_node(type=NodeType.Rework)
    workflow.add_edge(initial.labeling, gate)
    workflow.add_edge(initial.rework, first)
    workflow.add_edge(gate, second, NodeOutput.If)
    workflow.add_edge(gate, first, NodeOutput.Else)
    workflow.add_edge(first, second, NodeOutput.Approved)
    workflow.add_edge(first, rework, NodeOutput.Rejected)
    workflow.add_edge(second, done, NodeOutput.Approved)
    workflow.add_edge(second, rework, NodeOutput.Rejected)
    workflow.update_config()
    return {queue.name: queue.uid for queue in client.get_project(project_id).task_queues()}


def list_versions(client: Client, *, project_id: str, label_id: str) -> Any:
    """The versions of a label, with and without annotations (SDK 7.17)."""
    project = client.get_project(project_id)
    [label] = [item for item in project.labels() if item.uid == label_id]
    versions = list(label.versions())
    return {
        "actions": [version.action.value for version in versions],
        "stages": [version.stage and version.stage.type for version in versions],
        "objects": [len(version.label_json["objects"]) for version in versions],
        "bare": [version.label for version in project.label_versions(include_annotations=False)],
        "read": client.get_label_version(versions[0].id).annotation_count == versions[0].annotation_count,
    }


def create_key(client: Client, *, name: str) -> Any:
    """A client with a new key reads and changes the workspace, until the key is revoked (SDKs since 6.10)."""
    from labelbox.schema.timeunit import TimeUnit
    from lbox.exceptions import AuthenticationError  # type: ignore[import-not-found]  # a part of SDKs since 6

    created = client.create_api_key(
        name=name, user=client.get_user(), role="Labeler", validity=5, time_unit=TimeUnit.MINUTE
    )
    other = Client(created["jwt"], endpoint=client.endpoint, rest_endpoint=client.rest_endpoint)
    dataset = other.create_dataset(name=name)
    key = client.get_api_key(created["id"])
    key.revoke()
    try:
        other.get_dataset(dataset.uid)
        refused = False
    except AuthenticationError:
        refused = True
    return {
        "dataset": client.get_dataset(dataset.uid).name, "refused": refused, "for": key.created_for.email,
        "names": [each.name for each in client.get_api_keys()],
    }  # fmt: skip


def read_performance(client: Client, *, project_id: str, start: str, end: str) -> Any:
    """Reports of a project and of the workspace (SDK 7.17)."""
    project = client.get_project(project_id)
    series = project.get_performance_metric("labels_created", start, end, interval="month")
    labelers = project.get_labeler_performance(start, end, sort_by="labels_created", descending=True, page_size=1)
    return {
        "metrics": [metric.name for metric in client.get_performance_metrics()],
        "created": sum(bucket.value for bucket in series.buckets),
        "labelers": [labeler.labels_created for labeler in labelers],
        "total": labelers.total,
        "workspace": sum(
            labeler.labels_created
            for labeler in client.get_workspace_labeler_performance(start, end)
            if labeler.project_id == project_id
        ),
    }


QUESTIONS: dict[str, Callable[..., Any]] = {
    question.__name__: question
    for question in (
        edit_label, use_cloud, manage_clouds, assign_rows, remove_user, hire_labelers, run_app, import_metrics,
        fill_group, route_rows, list_versions, create_key, read_performance,
    )
}  # fmt: skip
