"""A manifest whose every item is wrong at one place: each is refused by itself, in words, or is imported."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import ask_in
from contract_tests.rules.api.test_wrong_writes import INTERNALS
from contract_tests.rules.api.uploading import (
    create_dataset,
    list_failures,
    list_successes,
    upsert,
    wait_for_task,
    write_item,
)
from contract_tests.rules.api.writes.wrong import list_edits
from mockserver.testing import MockWorkspace

URL = "https://example.com/picture.jpg"
TAG = "cko8s9r5v0001h2dk9elqdidh"
CREATE_EMBEDDING = 'mutation {createEmbedding(data: {name: "mine", dims: 2}) {id}}'
TALK = {
    "type": "application/vnd.labelbox.conversational",
    "version": 1,
    "messages": [{"messageId": "a", "content": "b"}],
}


@pytest.mark.parametrize("key", ["AUTO", "GKEY"])
@pytest.mark.parametrize("row_data", [URL, {"pdf_url": URL, "text_layer_url": URL}, TALK], ids=["url", "pdf", "talk"])
def test_every_wrong_item_is_refused_by_itself_or_imported(empty: MockWorkspace, key: str, row_data: Any) -> None:
    dataset = create_dataset(empty)
    embedding = ask_in(empty, CREATE_EMBEDDING)["createEmbedding"]["id"]

    def build(number: int) -> dict[str, Any]:
        name = f"key-{number}"
        payload: dict[str, Any] = {
            "row_data": row_data, "external_id": name, "metadata_fields": [{"schema_id": TAG, "value": "a"}],
            "attachments": [{"type": "IMAGE", "value": URL, "name": "a"}],
            "embeddings": [{"embedding_id": embedding, "vector": [0.5, 1]}],
        }  # fmt: skip
        own = {"global_key": name} if key == "AUTO" else {}
        return write_item(dataset, key, "" if key == "AUTO" else name, **payload, **own)

    edits = list_edits(build(0), [dataset])
    items = [edit.apply(build(number)) for number, edit in enumerate(edits)]
    task = wait_for_task(empty, upsert(empty, items)["id"])
    assert task["status"] == "COMPLETE", task
    failures, successes = list_failures(empty, task["id"]), list_successes(empty, task["id"])
    assert len(failures) + len(successes) == len(items)
    assert failures
    assert successes
    assert [failure["message"] for failure in failures if INTERNALS.search(failure["message"])] == []
