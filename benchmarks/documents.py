"""The GraphQL documents and inputs that the clients of the benchmarks send."""

import json
from typing import Any

from contract_tests.clients import documents

GET_USER = json.dumps({"query": documents.GET_USER, "variables": None})
LIST_PROJECTS = json.dumps(
    {
        "query": "{projects(skip: 0, first: 100) {autoAuditNumberOfLabels autoAuditPercentage createdAt dataRowCount"
        " description editorTaskType isBenchmarkEnabled isConsensusEnabled lastActivityTime allowedMediaType"
        " modelSetupComplete name setupComplete id updatedAt uploadType}}"
    }
)


CREATE_DATA_ROW = """mutation CreateDataRowPyApi(
    $row_data: String!, $metadata_fields: [DataRowCustomMetadataUpsertInput!],
    $attachments: [DataRowAttachmentInput!], $media_type : MediaType, $external_id : String, $global_key : String,
    $dataset: ID!) {
  createDataRow(data: {
      rowData: $row_data mediaType: $media_type metadataFields: $metadata_fields externalId: $external_id
      globalKey: $global_key attachments: $attachments dataset: {connect: {id: $dataset}}})
    {createdAt externalId globalKey mediaAttributes customMetadata { schemaId value }
    metadataFields { schemaId name value kind } rowData id updatedAt}}"""
"""As SDK dataset.py 3.52.0:139 `create_data_row` sends it."""


def get_project(project_id: str) -> str:
    return json.dumps({"query": documents.GET_PROJECT, "variables": {"param_0": project_id}})


def export_input(project_id: str, *, sections: bool, embeddings: bool = False) -> dict[str, Any]:
    """The mutation's input: a streamable export with no section or with all sections."""
    params = dict.fromkeys(documents.PARAMS, sections) | {"embeddings": embeddings}
    export = documents.export_project_input(project_id, params, {}, None)
    return {**export, "isStreamableReady": True, "streamable": True}


def _repeat(count: int, field: str) -> str:
    return "{" + " ".join(f"a{number}: {field}" for number in range(count)) + "}"


COSTLY = {
    "490 pages of a project": _repeat(490, "projects(first: 1) {id}"),
    "330 times the user": _repeat(330, "user {id email}"),
    "330 fragments in a chain": (
        "{...F0} "
        + " ".join(f"fragment F{n} on Query {{...F{n + 1}}}" for n in range(330))
        + " fragment F330 on Query {user {id}}"
    ),
    "a tree of fragments": (
        "{projects {...F}} fragment F on Project {"
        + " ".join(f"a{n}: labels {{id dataRow {{id}}}}" for n in range(90))
        + "}"
    ),
    "490 times the same field": "{" + "user {id} " * 490 + "}",
}
"""Documents that blocked the event loop for 0.7 to 1.3 s each before their size was bounded and threads ran them."""
