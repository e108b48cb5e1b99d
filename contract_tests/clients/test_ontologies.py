"""The ontologies that the SDK reads, and exports of the projects whose questions are of kinds of their own."""

from collections.abc import Iterator

import pytest

from contract_tests.clients.clients import Client, ClientKind, RunningPrograms, sdk
from contract_tests.clients.environments import NEWEST
from contract_tests.rules.worlds import DEFAULT
from contract_tests.serving import ServedWorld
from mockserver.generate.plans import OntologyPlan, ProjectPlan
from mockserver.generate.scenario import load
from mockserver.generate.scenario_files import find
from mockserver.world.media import PROMPT_RESPONSE_QUESTIONS

FORMS = load(find("forms"))
NEWEST_SDK, EARLY_SDK = sdk(NEWEST), sdk("3.40.1")


@pytest.fixture(scope="module")
def forms() -> Iterator[ServedWorld]:
    with ServedWorld("--scenario", "forms") as world:
        yield world


def check_ontology(client: Client, project_id: str, plan: OntologyPlan) -> None:
    read = client.read_ontology(project_id)
    assert read["tools"] == [[tool.name, tool.tool] for tool in plan.tools]
    kinds = {question.type: "Classification" for question in plan.questions}
    kinds |= dict.fromkeys(kinds.keys() & PROMPT_RESPONSE_QUESTIONS, "PromptResponseClassification")
    assert read["classifications"] == [
        [kinds[question.type], question.type, question.name] for question in plan.questions
    ]


@pytest.mark.known("client")
@pytest.mark.xdist_group(NEWEST_SDK.name)
@pytest.mark.parametrize("plan", DEFAULT.projects, ids=lambda plan: plan.name)
def test_the_newest_sdk_reads_every_ontology(programs: RunningPrograms, server: ServedWorld, plan: ProjectPlan) -> None:
    client = programs.client(ClientKind(NEWEST_SDK, "export"), server)
    check_ontology(client, server.projects[plan.name], DEFAULT.ontologies[plan.ontology])


@pytest.mark.known("client")
@pytest.mark.xdist_group(EARLY_SDK.name)
@pytest.mark.parametrize("name", ["image", "text", "document", "conversational", "html"])
def test_an_early_sdk_reads_the_ontologies_of_its_day(
    programs: RunningPrograms, server: ServedWorld, name: str
) -> None:
    [plan] = [plan for plan in DEFAULT.projects if plan.name == name]
    client = programs.client(ClientKind(EARLY_SDK, "export_v2"), server)
    check_ontology(client, server.projects[name], DEFAULT.ontologies[plan.ontology])


@pytest.mark.known("client")
@pytest.mark.xdist_group(NEWEST_SDK.name)
@pytest.mark.parametrize("name", [plan.name for plan in FORMS.projects])
def test_prompts_and_responses_alone_are_read_and_exported(
    programs: RunningPrograms, forms: ServedWorld, name: str
) -> None:
    [plan] = [plan for plan in FORMS.projects if plan.name == name]
    client = programs.client(ClientKind(NEWEST_SDK, "export"), forms)
    check_ontology(client, forms.projects[name], FORMS.ontologies[plan.ontology])
    rows = client.export_project(forms.projects[name]).rows
    assert len(rows) == plan.rows
    answered = [label["annotations"]["classifications"] for row in rows for project in row["projects"].values()
                for label in project["labels"]]  # fmt: skip
    assert sum(map(len, answered)) >= plan.labelled
