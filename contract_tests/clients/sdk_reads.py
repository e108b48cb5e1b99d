"""Reads by the SDK besides exports. It runs on the Python of one SDK version's environment, so imports are late."""

from collections.abc import Callable
from inspect import getattr_static
from typing import Any

from labelbox import Client, DataRow, Dataset, Label, LabelingFrontend, Project, Task, User

from contract_tests.clients import sdk_annotating, sdk_arranging, sdk_building
from contract_tests.clients.conversation import Answer


def operations(client_of: Callable[..., Client]) -> dict[str, Callable[..., Answer]]:
    """`read`: one of the questions below, by its name."""

    def read(*, question: str, arguments: Answer, **server: str) -> Answer:
        return {"answer": QUESTIONS[question](client_of(**server), **arguments)}

    return {"read": read}


def metadata(client: Client, *, data_row_id: str) -> Any:
    """The fields as they come, and how many the SDK makes of the entries of the other list."""
    row = client.get_data_row(data_row_id)
    return {"fields": row.metadata_fields, "folded": len(row.metadata)}


def labels(client: Client, *, project_id: str) -> Any:
    project = client.get_project(project_id)
    return {
        "plain": [label.uid for label in project.labels()],
        "oldest first": [label.uid for label in project.labels(order_by=Label.created_at.asc)],
        "newest first": [label.uid for label in project.labels(order_by=Label.created_at.desc)],
    }


def data_rows(client: Client, *, dataset_id: str, cursor: str) -> Any:
    return [row.uid for row in client.get_dataset(dataset_id).data_rows(from_cursor=cursor)]


def new_dataset(client: Client, *, name: str) -> Any:
    """Its description, and what a search for its name finds."""
    dataset = client.create_dataset(name=name, iam_integration=None)
    matches = list(client.get_datasets(where=Dataset.name == name))
    return {"description": dataset.description, "found": matches == [dataset]}


def compare_projects(client: Client, *, name: str) -> Any:
    """Names that are equal to one, another, more, less and so on, and a comparison of two fields."""
    conditions = {
        "==": Project.name == name,
        "!=": Project.name != name,
        ">": Project.name > name,
        "<": Project.name < name,
        ">=": Project.name >= name,
        "<=": Project.name <= name,
    }
    answers = {way: sorted(project.name for project in client.get_projects(where)) for way, where in conditions.items()}
    [project] = client.get_projects(Project.name == name)
    both = (Project.updated_at >= project.updated_at) & (Project.name >= name)
    return answers | {"both": sorted(item.name for item in client.get_projects(both))}


def compare_people(client: Client, *, email: str) -> Any:
    return [person.email for person in client.get_organization().users(where=User.email == email)]


def compare_rows(client: Client, *, dataset_id: str, external_id: str) -> Any:
    rows = client.get_dataset(dataset_id).data_rows(where=DataRow.external_id == external_id)
    return [row.external_id for row in rows]


def frontends(client: Client, *, name: str) -> Any:
    return [frontend.name for frontend in client.get_labeling_frontends(where=LabelingFrontend.name == name)]


def editor_of_new_project(client: Client) -> Any:
    from labelbox.schema.media_type import MediaType

    editor = client.create_project(name="with an editor", media_type=MediaType.Image).labeling_frontend()
    return None if editor is None else editor.name


def editor_set_up(client: Client, *, project_id: str) -> Any:
    """A new project gets the ontology of another: `setup_editor` up to 3.74, `connect_ontology` later."""
    from labelbox.schema.media_type import MediaType

    ontology = client.get_project(project_id).ontology()
    project = client.create_project(name="to be set up", media_type=MediaType.Image)
    try:
        set_up = project.connect_ontology if hasattr(project, "connect_ontology") else project.setup_editor
        set_up(ontology)
    except Exception as refusal:  # noqa: BLE001  its name is the answer
        return type(refusal).__name__
    project = client.get_project(project.uid)
    return [project.labeling_frontend().name, project.ontology().uid == ontology.uid]


def project_of_datasets(client: Client) -> Any:
    """Whether it is made, or what is said against it."""
    from labelbox.schema.queue_mode import QueueMode

    try:
        project = client.create_project(name="of datasets", queue_mode=QueueMode.Dataset)
    except Exception as refusal:  # noqa: BLE001  its name is the answer
        return [type(refusal).__name__, str(refusal)]
    return project.queue_mode.name


def tasks_by_status(client: Client, *, dataset_id: str) -> Any:
    """Whether a new export is listed as running, and as complete once it was waited for (vendor's test)."""
    from labelbox.schema.taskstatus import TaskStatus

    organization, user = client.get_organization(), client.get_user()
    task = client.get_dataset(dataset_id).export(task_name="by status")
    running = organization.tasks(where=Task.status_as_enum == TaskStatus.In_Progress)
    listed = [item.uid for item in running]
    task.wait_till_done()
    complete = [item.uid for item in user.created_tasks(where=Task.status_as_enum == TaskStatus.Complete)]
    return {"running": task.uid in listed, "complete": task.uid in complete}


def cancel_export(client: Client, *, dataset_id: str) -> Any:
    task = client.get_dataset(dataset_id).export(task_name="to be cancelled")
    return {"cancelled": client.cancel_task(task.uid), "status": client.get_task_by_id(task.uid).status}


def embeddings(client: Client) -> Any:
    """All of them, the first alone and by its name, how many vectors each has, and what is said of one that is not."""
    embeddings_list = client.get_embeddings()
    first = embeddings_list[0]
    return {
        "names": [item.name for item in embeddings_list],
        "alone": [client.get_embedding_by_id(first.id).name, client.get_embedding_by_name(first.name).id == first.id],
        "counts": {item.id: item.get_imported_vector_count() for item in embeddings_list},
        "missing": name_of_refusal(client.get_embedding_by_id, "nobody"),
    }


def access(client: Client) -> Any:
    """The keys, invitations and groups that SDKs since 6.10 read."""
    from labelbox.schema.api_key import ApiKey
    from labelbox.schema.invite import Invite
    from labelbox.schema.user_group import UserGroup

    limit = client.get_organization().invite_limit()
    [project] = client.get_projects(Project.name == "image")
    static = isinstance(getattr_static(UserGroup, "get_user_groups"), staticmethod)  # since 7.0
    groups = UserGroup.get_user_groups(client) if static else UserGroup(client).get_user_groups()
    return {
        "keys": [[key.name, key.created_for.email] for key in ApiKey.get_api_keys(client)],
        "invites": len(list(Invite.get_invites(client))) + len(list(Invite.get_project_invites(client, project.uid))),
        "limit": [limit.used, limit.limit, limit.remaining],
        "groups": [group.name for group in groups],
    }


def workflow(client: Client, *, project_id: str) -> Any:
    project = client.get_project(project_id)
    read = project.get_workflow()
    nodes = {node.id: type(node).__name__ for node in read.get_nodes()}
    return {
        "nodes": sorted(nodes.values()),
        "edges": sorted([nodes[edge.source], nodes[edge.target]] for edge in read.get_edges()),
        "errors": read.check_validity()["errors"],
    }


def surroundings(client: Client, *, project_id: str, model_run_id: str) -> Any:
    """Everything around a project and a model run: nothing, or the exceptions that say so."""
    from labelbox.schema.foundry.foundry_client import FoundryClient
    from labelbox.schema.labeling_service import LabelingService

    project = client.get_project(project_id)
    run = client.get_model_run(model_run_id)
    return {
        "imports": len(list(project.get_label_imports())) + len(list(project.get_mal_prediction_imports())),
        "service": name_of_refusal(LabelingService.get, client, project_id),
        "app": name_of_refusal(FoundryClient(client)._get_app, "nobody"),
        "cost": [getattr(run, "total_cost", None), getattr(run, "total_data_rows", None)],
    }


def name_of_refusal(ask: Callable[..., Any], *arguments: Any) -> str:
    """The name of the exception that a question ends in."""
    try:
        ask(*arguments)
    except Exception as refusal:  # noqa: BLE001  its name is the answer
        return type(refusal).__name__
    return "found"


def review(client: Client, *, project_id: str) -> Any:
    """The first review of a project, and whether its label, project, person and organization are the right ones."""
    project = client.get_project(project_id)
    label, first_review = next((label, review) for label in project.labels() for review in label.reviews())
    return {
        "label": first_review.label().uid == label.uid,
        "project": first_review.project().uid == project_id,
        "person": bool(first_review.created_by().email),
        "organization": first_review.organization().uid == client.get_organization().uid,
    }


def options(client: Client, *, project_id: str) -> Any:
    """How many, and what each question raises about what they belong to."""
    listed = list(client.get_project(project_id).labeling_frontend_options())
    questions = (listed[0].project, listed[0].labeling_frontend, listed[0].organization)
    return [len(listed), *map(name_of_refusal, questions)]


QUESTIONS: dict[str, Callable[..., Any]] = {
    **sdk_building.QUESTIONS,
    **sdk_annotating.QUESTIONS,
    **sdk_arranging.QUESTIONS,
} | {
    question.__name__: question
    for question in (
        metadata, labels, data_rows, new_dataset, compare_projects, compare_people, compare_rows, frontends,
        editor_of_new_project,
        editor_set_up, project_of_datasets, tasks_by_status, cancel_export, embeddings, access, workflow,
        surroundings, review, options,
    )
}  # fmt: skip
