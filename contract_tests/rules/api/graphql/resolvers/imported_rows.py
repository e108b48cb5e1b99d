"""Data rows to import, the calls that import them, and what is there afterwards."""

from typing import Any

from contract_tests.rules.api.asking import ask_in
from mockserver.testing import MockWorkspace

URL = "https://example.com/picture.jpg"
PDF = "https://example.com/report.pdf"
TAG, SPLIT, TRAIN = "cko8s9r5v0001h2dk9elqdidh", "cko8sbczn0002h2dkdaxb5kal", "cko8sbscr0003h2dk04w86hof"
TALK = {
    "type": "application/vnd.labelbox.conversational",
    "version": 1,
    "messages": [{"messageId": "a", "content": "hello", "canLabel": True}, {"messageId": "b", "content": "שלום"}],
}
CREATE = "mutation($data: DataRowData!) {createDataRow(data: $data) {id externalId globalKey rowData mediaAttributes}}"
APPEND = (
    "mutation($dataset: ID!, $url: String!) {appendRowsToDataset(data: {datasetId: $dataset, jsonFileUrl: $url})"
    " {taskId accepted errorMessage}}"
)
APPEND_SYNC = (
    "mutation($dataset: ID!, $url: String!) {appendRowsToDatasetSync(data: {datasetId: $dataset, jsonFileUrl: $url})"
    " {dataset {id}}}"
)
ROW = (
    "query($id: ID!) {dataRow(where: {id: $id}) {id externalId globalKey rowData mediaAttributes createdAt updatedAt"
    " metadataFields {schemaId name value kind} customMetadata {schemaId value} attachments {type value name}"
    " dataset {id} createdBy {email}}}"
)
COUNT = "query($id: ID!) {dataset(where: {id: $id}) {rowCount}}"


def find_row(empty: MockWorkspace, row_id: str) -> Any:
    return ask_in(empty, ROW, id=row_id)["dataRow"]


def count_rows(empty: MockWorkspace, dataset: str) -> int:
    return int(ask_in(empty, COUNT, id=dataset)["dataset"]["rowCount"])
