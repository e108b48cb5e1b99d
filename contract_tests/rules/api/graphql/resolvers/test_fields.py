"""Every field of every type, requested from the default world by documents that are built from its introspection."""

import re
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    build_client_schema,
    get_introspection_query,
    get_named_type,
)

from contract_tests.rules.api.asking import ask, export_project
from contract_tests.serving import ServedWorld

WITHOUT_RECORDS = {
    "IAMIntegration",
    "IssueCategory",
    "AwsIamIntegrationSettings",
    "GcpIamIntegrationSettings",
    "Invite",
    "ProjectInvite",
    "UserGroup",
    "UserGroupProjects",
    "UserGroupMembers",
    "UserGroupRole",
    "AnnotationImport",
    "ProjectBoostWorkforce",
    "DashboardTag",
    "GroupEvent",
    "LabelVersionPage",
    "LabelVersion",
    "LabelVersionStage",
    "ModelFoundryModelRunInfo",
    "ModelFoundryApp",
}
"""Types that no world of ours has anything of; the schema says so."""


ELSEWHERE = {
    "benchmark": {"Benchmark"}, "issue": {"Issue", "Comment"}, "webhook": {"Webhook"}, "review": {"Review"},
    "tag": {"ResourceTag", "ModelConfig", "ProjectModelConfig"}, "userGroup": set(), "findModelFoundryApp": set(),
    "successesfulDataRowImports": {"SuccessfulDataRowImports", "ImportedDataRow"},
    "assignGlobalKeysToDataRowsResult": {"AssignGlobalKeysResult", "AssignedGlobalKeys", "GlobalKeyAssignment"},
    "clearGlobalKeysResult": {"ClearGlobalKeysResult", "ClearedGlobalKeys"},
    "MEADataRowRegistrationTaskStatus": {"RegistrationStatus"}, "MEALabelRegistrationTaskStatus": set(),
    "assignDataRowsToDataSplitTaskStatus": set(),
    "failedDataRowImports": {
        "FailedDataRowImports", "FailedDataRowImport", "DataRowImportSpec", "SentMetadataField", "SentAttachment",
    },
}  # fmt: skip
"""Fields of Query, and types, whose records the default world has none of; tests of their own have."""


@pytest.fixture(scope="module")
def schema(server: ServedWorld) -> GraphQLSchema:
    return build_client_schema(ask(server, get_introspection_query()).data)


@pytest.fixture(scope="module")
def arguments(server: ServedWorld) -> dict[str, str]:
    """A value for every required argument of Query, by field."""
    project, dataset = server.projects["image"], server.ready["datasets"]["image rows"]
    known = ask(
        server, f'{{project(where: {{id: "{project}"}}){{ontology{{id}} labels(first: 1){{id dataRow{{id}}}}}}}}'
    ).data["project"]
    [label], ontology = known["labels"], known["ontology"]["id"]
    task = export_project(server, "image")
    job = ask(server, '{dataRowsForGlobalKeys(where: {ids: ["nobody"]}){jobId}}').data["dataRowsForGlobalKeys"]["jobId"]
    row = label["dataRow"]["id"]
    run, saved = server.ready["model_runs"]["first training"], server.ready["slices"]["street pictures"]
    [node] = ask(server, "{rootSchemaNodes(first: 1){nodes{normalized}}}").data["rootSchemaNodes"]["nodes"]
    feature = node["normalized"]["featureSchemaId"]
    return {
        "project": f'(where: {{id: "{project}"}})',
        "dataset": f'(where: {{id: "{dataset}"}})',
        "datasetDataRows": f'(id: "{dataset}", first: 2)',
        "ontology": f'(where: {{id: "{ontology}"}})',
        "dataRow": f'(where: {{id: "{row}"}})',
        "label": f'(where: {{id: "{label["id"]}"}})',
        "task": f'(where: {{id: "{task}"}})',
        "dataRowsForGlobalKeysResult": f'(jobId: {{id: "{job}"}})',
        "dataRowCustomMetadata": f'(where: {{dataRowIds: ["{row}"]}})',
        "externalIdsToDataRowIds": '(externalId_in: ["nobody"])',
        "projectWorkflow": f'(projectId: "{project}")',
        "projectBoostWorkforce": f'(data: {{projectId: "{project}"}})',
        "invitesLimit": f'(where: {{id: "{server.organization_id}"}})',
        "modelFoundryModelRunInfo": f'(where: {{modelRunId: "{run}"}})',
        "getProjectById": f'(input: {{id: "{project}"}})',
        "searchProjects": "(input: {size: 2})",
        "trainingPipeline": f'(where: {{id: "{run}"}})',
        "userGroupV2": '(where: {id: "00000000-0000-4000-8000-000000000000"})',
        "model": '(where: {name: "street detector"})',
        "modelRun": f'(where: {{id: "{run}"}})',
        "annotationGroups": f'(where: {{modelRunId: {{id: "{run}"}}}}, first: 2)',
        "getSavedQuery": f'(id: "{saved}")',
        "getDataRowIdsBySavedQuery": f'(input: {{savedQueryId: "{saved}", first: 2}})',
        "getDataRowIdentifiersBySavedQuery": f'(input: {{savedQueryId: "{saved}", first: 2}})',
        "getDataRowIdentifiersBySavedModelQuery": (
            f'(input: {{savedQueryId: "{saved}", modelRunId: "{run}", first: 2}})'
        ),
        "rootSchemaNode": f'(where: {{featureSchemaId: "{feature}"}})',
        "exportMetadataHeader": "(streamType: RESULT)",
        "exportFileFromOffset": "(streamType: RESULT, offset: 0)",
        "exportFileFromLine": "(streamType: RESULT, line: 0)",
    }


def selection(kind: GraphQLOutputType, arguments: dict[str, str], depth: int) -> str:
    """All fields of a type, and below it all that can be reached in `depth` steps. Lists are cut short."""
    named_type = get_named_type(kind)
    if isinstance(named_type, GraphQLUnionType):
        return (
            " {__typename "
            + " ".join(f"... on {part.name}{selection(part, arguments, 0)}" for part in named_type.types)
            + "}"
        )
    if not isinstance(named_type, GraphQLObjectType):
        return ""
    fields = [
        write_field(name, field, arguments, depth - 1)
        for name, field in named_type.fields.items()
        if depth or is_leaf(field)
    ]
    return " {__typename " + " ".join(filter(None, fields)) + "}"


def write_field(name: str, field: GraphQLField, arguments: dict[str, str], depth: int) -> str:
    called = add_arguments(name, field, arguments)
    return called and called + selection(field.type, arguments, depth)


def add_arguments(name: str, field: GraphQLField, arguments: dict[str, str]) -> str:
    """The field with its arguments; empty if it needs some that have no value here."""
    required = [argument for argument in field.args.values() if isinstance(argument.type, GraphQLNonNull)]
    if required and name not in arguments:
        return ""
    page = "(first: 2)" if "first" in field.args else ""
    return name + (arguments[name] if field.args and name in arguments else page)


def is_leaf(field: GraphQLField) -> bool:
    return not isinstance(get_named_type(field.type), GraphQLObjectType | GraphQLUnionType)


def two_steps(name: str, field: GraphQLField, arguments: dict[str, str]) -> list[str]:
    """A document for each field two steps below, since one for all of them would be too complex."""
    return [f"{{{step}}}" for step in steps(name, field, arguments, 2)]


def steps(name: str, field: GraphQLField, arguments: dict[str, str], depth: int) -> list[str]:
    """The leaves together, and each other field alone."""
    named_type = get_named_type(field.type)
    if not depth or not isinstance(named_type, GraphQLObjectType):
        return list(filter(None, [write_field(name, field, arguments, 0)]))
    called = add_arguments(name, field, arguments)
    leaves = " ".join(
        write_field(inner, below, arguments, 0) for inner, below in named_type.fields.items() if is_leaf(below)
    )
    others = [(inner, below) for inner, below in named_type.fields.items() if not is_leaf(below)]
    parts = [leaves, *(step for inner, below in others for step in steps(inner, below, arguments, depth - 1))]
    return [f"{called} {{__typename {part}}}" for part in parts if called]


@pytest.fixture(scope="module")
def answers(server: ServedWorld, schema: GraphQLSchema, arguments: dict[str, str]) -> dict[str, Any]:
    """The data that is answered to each document of two steps."""
    assert schema.query_type is not None
    fields = {name: field for name, field in schema.query_type.fields.items() if name not in ELSEWHERE}
    documents = [document for name, field in fields.items() for document in two_steps(name, field, arguments)]
    return {document: ask(server, document).data for document in documents}


def test_every_field_of_query_is_answered_two_steps_deep(answers: dict[str, Any]) -> None:
    assert len(answers) > 100
    assert [document for document, data in answers.items() if data is None] == []


def test_every_type_of_the_schema_is_met_on_the_way(schema: GraphQLSchema, answers: dict[str, Any]) -> None:
    assert schema.query_type is not None
    met: set[str] = set()
    for data in answers.values():
        collect(data, met)
    reachable = reach(schema.query_type, {"Query"})
    missing = reachable - met - WITHOUT_RECORDS - set[str]().union(*ELSEWHERE.values()) - {"Query"}
    assert missing <= {"ExternalIdRow", "FetchedDataRow"}


def reach(kind: GraphQLObjectType, names: set[str]) -> set[str]:
    """The object types behind the fields of a type, added to those that are known already."""
    for field in kind.fields.values():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLObjectType) and inner.name not in names:
            names.add(inner.name)
            reach(inner, names)
    return names


def collect(value: Any, met: set[str]) -> None:
    if isinstance(value, dict):
        met |= {value["__typename"]} if "__typename" in value else set()
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        collect(inner, met)


@pytest.mark.known("client")
def test_every_moment_has_milliseconds_and_z(
    server: ServedWorld, schema: GraphQLSchema, arguments: dict[str, str]
) -> None:
    """Others stay text in the SDK (wire trap 7)."""
    assert schema.query_type is not None
    seen = 0
    for name in ("project", "dataset", "dataRow", "label", "task", "ontology", "user", "organization"):
        document = f"{{{name}{arguments.get(name, '')}{selection(schema.query_type.fields[name].type, arguments, 1)}}}"
        for key, value in moments(ask(server, document).data):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value), (name, key)
            seen += 1
    assert seen > 20


def moments(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, list):
        return [pair for inner in value for pair in moments(inner)]
    if not isinstance(value, dict):
        return []
    names = ("createdAt", "updatedAt", "setupComplete", "lastActivityTime", "lastLoginAt")
    own = [(key, inner) for key, inner in value.items() if key in names and inner is not None]
    return own + [pair for inner in value.values() for pair in moments(inner)]
