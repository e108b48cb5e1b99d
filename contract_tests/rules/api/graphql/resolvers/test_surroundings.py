"""Records around projects and model runs: workflows, imports, reviews, editors, services."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.serving import ServedWorld
from mockserver.testing import MockWorkspace


@pytest.fixture(scope="module")
def own(server: ServedWorld) -> MockWorkspace:
    """The server's own workspace, which these tests only read."""
    return server.own


@pytest.fixture(scope="module")
def states(server: ServedWorld) -> MockWorkspace:
    """A workspace with reviews."""
    return server.workspace(scenario="states")


@pytest.mark.known("inferred")
def test_the_workflow_of_a_project_joins_its_queues(own: MockWorkspace) -> None:
    variables = {"id": own.project("image")}
    queues = ask_in(own, "query($id: ID!){project(where: {id: $id}){taskQueues{id name}}}", **variables)["project"]
    document = "query($id: ID!){projectWorkflow(projectId: $id){projectId config createdAt updatedAt}}"
    workflow = ask_in(own, document, **variables)["projectWorkflow"]
    assert workflow["projectId"] == variables["id"]
    nodes = {node["id"]: node for node in workflow["config"]["nodes"]}
    assert [{"id": id_, "name": node["label"]} for id_, node in nodes.items()][:3] == queues["taskQueues"]
    kinds = {
        (nodes[edge["source"]]["definitionId"], edge["sourceHandle"], nodes[edge["target"]]["definitionId"])
        for edge in workflow["config"]["edges"]
    }
    assert {("review_task", "if", "done"), ("review_task", "else", "send_to_rework")} < kinds
    assert {node["definitionId"] for node in nodes.values()} == {kind for way in kinds for kind in (way[0], way[2])}


NO_PROJECT = {
    "workflow": '{projectWorkflow(projectId: "nobody"){config}}',
    "labelling service": '{projectBoostWorkforce(data: {projectId: "nobody"}){id}}',
    "imports of labels": '{labelImports(where: {projectId: "nobody"}){id}}',
    "imports of predictions": '{modelAssistedLabelingPredictionImports(where: {projectId: "nobody"}){id}}',
    "cost of a model run": '{modelFoundryModelRunInfo(where: {modelRunId: "nobody"}){cost}}',
    "training of a model run": '{trainingPipeline(where: {id: "nobody"}){status}}',
    "review": '{review(where: {id: "nobody"}){id}}',
}


@pytest.mark.parametrize("document", NO_PROJECT.values(), ids=list(NO_PROJECT))
def test_what_surrounds_nothing_is_not_found(own: MockWorkspace, document: str) -> None:
    [error] = answer_in(own, document)["errors"]
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"


@pytest.mark.known("client")
@pytest.mark.parametrize("field", ["labelImports", "modelAssistedLabelingPredictionImports"])
def test_labels_of_a_project_were_not_imported(own: MockWorkspace, field: str) -> None:
    """The document of SDKs since 6.2 (project.py)."""
    selected = "errorFileUrl inputFileUrl name progress state statusFileUrl id project{id}"
    document = f"query($id: ID!){{{field}(skip: 0, first: 100, where: {{projectId: $id}}){{{selected}}}}}"
    assert ask_in(own, document, id=own.project("image")) == {field: []}


@pytest.mark.known("client")
def test_a_project_has_no_labelling_service(own: MockWorkspace) -> None:
    document = "query($id: ID!){projectBoostWorkforce(data: {projectId: $id}){id projectId status}}"
    assert ask_in(own, document, id=own.project("image")) == {"projectBoostWorkforce": None}


@pytest.mark.known("client")
def test_a_model_run_has_no_cost_and_no_training(own: MockWorkspace) -> None:
    run = {"id": own.model_runs["first training"]}
    cost = "query($id: ID!){modelFoundryModelRunInfo(where: {modelRunId: $id}){cost status totalDataRows}}"
    assert ask_in(own, cost, **run) == {"modelFoundryModelRunInfo": None}
    training = "query($id: ID!){trainingPipeline(where: {id: $id}){status errorMessage metadata}}"
    nothing = {"status": None, "errorMessage": None, "metadata": None}
    assert ask_in(own, training, **run) == {"trainingPipeline": nothing}


@pytest.mark.known("client")
def test_an_app_is_not_found_in_the_words_that_sdks_look_for(own: MockWorkspace) -> None:
    [error] = answer_in(own, '{findModelFoundryApp(where: {id: "nobody"}){id name}}')["errors"]
    assert "not found" in error["message"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.known("client")
def test_until_2026_a_query_of_an_app_that_does_not_exist_is_not_valid(server: ServedWorld) -> None:
    """test_foundry.py test_get_app_with_invalid_id, 3.78.2 to 6.0.0: ResourceNotFoundError for InvalidQueryError."""
    earlier = server.workspace(payload_date="2024-10-20")
    [error] = answer_in(earlier, '{findModelFoundryApp(where: {id: "nobody"}){id name}}')["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


@pytest.mark.known("client")
def test_a_review_has_its_label_project_and_author(states: MockWorkspace) -> None:
    """The document of `Review.label()` and the others (SDK orm/query.py)."""
    document = "{projects{id labels(first: 100){id reviews{id score}}}}"
    document_of_review = (
        "query($id: ID!){review(where: {id: $id}){id score label{id} project{id} createdBy{email} organization{id}}}"
    )
    seen = 0
    for project in ask_in(states, document)["projects"]:
        for label in project["labels"]:
            for review in label["reviews"]:
                answer: dict[str, Any] = ask_in(states, document_of_review, id=review["id"])["review"]
                assert answer.pop("createdBy")["email"]
                assert answer == {
                    **review,
                    "label": {"id": label["id"]},
                    "project": {"id": project["id"]},
                    "organization": {"id": states.organization_id},
                }
                seen += 1
    assert seen


@pytest.mark.known("client")
def test_the_options_of_an_editor_are_read_from_their_project_alone(own: MockWorkspace) -> None:
    """test_project_setup.py test_project_setup, 3.42.0 to 5.2.1: what they belong to is a query that is not valid."""
    of_project = "query($id: ID!){project(where: {id: $id}){labelingFrontendOptions{id labelingFrontend{name}}}}"
    for project_id in own.projects.values():
        [options] = ask_in(own, of_project, id=project_id)["project"]["labelingFrontendOptions"]
        assert options["labelingFrontend"] == {"name": "Editor"}
        document = f'{{labelingFrontendOptions(where: {{id: "{options["id"]}"}}){{project{{id}}}}}}'
        [error] = answer_in(own, document)["errors"]
        assert error["message"].startswith('Cannot query field "labelingFrontendOptions"')
