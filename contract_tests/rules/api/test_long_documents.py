"""Documents that clients import may be long, and a server that has shown many of them keeps none in memory."""

import json
import subprocess
from pathlib import Path

import requests

from contract_tests.serving import ServedWorld

DOCUMENTS = 40
LONG = 1024 * 1024
"""Characters of each. Kept in memory, the documents would take 40 MiB, and their requests as much again."""
MOST_KIB = 24 * 1024
CREATE = """mutation($dataset: ID!, $content: String!) {
    createDataRow(data: {rowData: $content, dataset: {connect: {id: $dataset}}}) {id mediaAttributes}}"""


def read_memory(server: ServedWorld) -> int:
    """The resident memory of a server in KiB."""
    status = Path(f"/proc/{server.ready['pid']}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def create(server: ServedWorld, dataset: str, number: int) -> None:
    """Imports a conversation."""
    message = {"messageId": "a", "content": chr(ord("a") + number % 26) * LONG, "canLabel": True}
    content = {"type": "application/vnd.labelbox.conversational", "version": 1, "messages": [message]}
    row = server.ask(CREATE, dataset=dataset, content=json.dumps(content))["createDataRow"]
    assert row["mediaAttributes"]["messageCount"] == 1


def list_files(server: ServedWorld, dataset: str) -> list[str]:
    """The links of the dataset's files, as an export has them."""
    return [row["data_row"]["row_data"] for row in server.own.expected_rows(dataset=dataset)]


def test_documents_are_not_kept_in_memory() -> None:
    with ServedWorld("--journal-limit", "1", popen=subprocess.Popen) as server:
        dataset = server.ask('mutation {createDataset(data: {name: "documents"}) {id}}')["createDataset"]["id"]
        for number in range(5):
            create(server, dataset, number)
        [first, *_] = list_files(server, dataset)
        requests.get(first, timeout=30)
        before = read_memory(server)
        for number in range(5, DOCUMENTS):
            create(server, dataset, number)
        for link in list_files(server, dataset):
            assert len(requests.get(link, timeout=30).json()["messages"][0]["content"]) == LONG
        assert read_memory(server) - before < MOST_KIB
