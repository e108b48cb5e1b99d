"""Export V1 on the wire (wire.md §3.1): polled by asking again, kept for half an hour, each file in its format."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract_tests.rules.api.asking import Answer, ask, get, post
from contract_tests.serving import ServedWorld
from contract_tests.waiting import wait_for
from mockserver.testing import MockWorkspace

LABELS = (
    "mutation GetLabelExportUrlPyApi($projectId: ID!){exportLabels(data:{projectId: $projectId%s})"
    " {downloadUrl createdAt shouldPoll} }"
)
ROWS = {
    "queued": (
        "mutation GetQueuedDataRowsExportUrlPyApi($id: ID!, $metadata: Boolean!){exportQueuedDataRows(data:"
        "{projectId: $id , includeMetadataInput: $metadata}) {downloadUrl createdAt status} }"
    ),
    "dataset": (
        "mutation GetDatasetDataRowsExportUrlPyApi($id: ID!, $metadata: Boolean!){exportDatasetDataRows(data:"
        "{datasetId: $id , includeMetadataInput: $metadata}) {downloadUrl createdAt status}}"
    ),
    "batch": (
        "mutation GetBatchDataRowsExportUrlPyApi($id: ID!, $metadata: Boolean!){exportBatchDataRows(data:"
        "{batchId: $id , includeMetadataInput: $metadata}) {downloadUrl createdAt status}}"
    ),
}
KEYS = {
    "id", "externalId", "globalKey", "rowData", "createdAt", "updatedAt", "mediaAttributes", "metadataFields",
    "customMetadata",
}  # fmt: skip
MINUTE = 60
RequestLabels = Callable[..., Any]


@pytest.fixture
def own(server: ServedWorld) -> MockWorkspace:
    """A workspace that a test may change, with a frozen clock."""
    workspace = server.workspace(scenario="default")
    workspace.clock.freeze()
    return workspace


@pytest.fixture
def request_labels(request_once: RequestLabels) -> RequestLabels:
    """Requests a project's labels until their file is complete, on a busy machine not with the first answer."""

    def ask_labels(filters: str = "", project: str = "image") -> Any:
        return wait_for(lambda: request_once(filters, project), lambda answer: answer["downloadUrl"])

    return ask_labels


@pytest.fixture
def request_once(server: ServedWorld, own: MockWorkspace) -> RequestLabels:
    """Requests a project's labels with this workspace's key; `filters` are text, as in SDKs' documents."""

    def ask_labels(filters: str = "", project: str = "image") -> Any:
        return ask_with_key(server, own, LABELS % filters, projectId=own.project(project)).data["exportLabels"]

    return ask_labels


def ask_with_key(server: ServedWorld, own: MockWorkspace, document: str, **variables: Any) -> Answer:
    body = json.dumps({"query": document, "variables": variables}).encode()
    return post(server, body, authorization=f"Bearer {own.api_key}")


def labels_at(server: ServedWorld, url: str) -> list[Any]:
    answer = get(server, url)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body.isascii()
    labels: list[Any] = answer.json
    return labels


def delete_a_label(server: ServedWorld, own: MockWorkspace, project: str) -> None:
    document = "query($id: ID!){project(where: {id: $id}){labels(first: 1){id}}}"
    [label] = ask_with_key(server, own, document, id=own.project(project)).data["project"]["labels"]
    ask_with_key(server, own, "mutation($ids: [ID!]!){deleteLabels(labelIds: $ids){id}}", ids=[label["id"]])


@pytest.mark.known("client")
def test_the_file_of_labels_is_one_json_array_behind_a_signed_url_of_fourteen_days(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    answer = request_labels()
    assert answer["shouldPoll"] is False
    assert isinstance(labels_at(server, answer["downloadUrl"])[0]["Label"], dict)
    assert get(server, answer["downloadUrl"][:-1]).status == 403
    own.clock.advance(days=13)
    assert get(server, answer["downloadUrl"]).status == 200
    own.clock.advance(days=2)
    over = get(server, answer["downloadUrl"])
    assert (over.status, b"<Code>ExpiredToken</Code>" in over.body) == (400, True)


@pytest.mark.known("client")
def test_polling_starts_no_second_export(
    own: MockWorkspace, request_labels: RequestLabels, request_once: RequestLabels
) -> None:
    own.progression.exports = {"looks": 2}
    waiting, again, done, later = request_once(), request_once(), request_labels(), request_once()
    assert [answer["shouldPoll"] for answer in (waiting, again, done, later)] == [True, True, False, False]
    assert [answer["downloadUrl"] is None for answer in (waiting, again, done, later)] == [True, True, False, False]
    assert len({answer["createdAt"] for answer in (waiting, again, done, later)}) == 1
    assert done == later


@pytest.mark.known("sample")
@pytest.mark.parametrize("moment", ["2024-12-31T10:20:30.999999Z", "2024-12-31T10:20:30Z"])
def test_the_moment_of_an_export_is_a_whole_second(
    own: MockWorkspace, request_labels: RequestLabels, moment: str
) -> None:
    own.clock.set(moment)
    assert request_labels()["createdAt"] == "2024-12-31T10:20:30.000Z"


@pytest.mark.known("client")
def test_a_change_between_two_polls_starts_no_second_export(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels, request_once: RequestLabels
) -> None:
    own.progression.exports = {"seconds": 40 * MINUTE}
    waiting = request_once()
    delete_a_label(server, own, "image")
    own.clock.advance(minutes=41)
    done = request_labels()
    assert (waiting["createdAt"], done["shouldPoll"]) == (done["createdAt"], False)


@pytest.mark.known("documented")
def test_for_thirty_minutes_the_same_file_is_given_while_nothing_changes(
    own: MockWorkspace, request_labels: RequestLabels
) -> None:
    first = request_labels()
    own.clock.advance(minutes=29)
    assert request_labels() == first
    own.clock.advance(minutes=1)
    assert request_labels()["downloadUrl"] != first["downloadUrl"]


@pytest.mark.known("client")
def test_a_change_of_the_project_makes_a_new_file_and_one_elsewhere_does_not(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    first = request_labels()
    delete_a_label(server, own, "text")
    assert request_labels() == first
    delete_a_label(server, own, "image")
    second = request_labels()
    assert second["downloadUrl"] != first["downloadUrl"]
    before, after = (labels_at(server, answer["downloadUrl"]) for answer in (first, second))
    assert len(after) == len(before) - 1


@pytest.mark.known("documented")
def test_a_switch_gives_the_stale_file_for_thirty_minutes_whatever_changes(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    own.switches.set(legacy_cache="stale")
    first = request_labels()
    delete_a_label(server, own, "image")
    assert request_labels() == first
    own.clock.advance(minutes=30)
    assert request_labels() != first


@pytest.mark.known("client")
def test_dates_are_literals_in_the_document_and_empty_ones_are_open(
    server: ServedWorld, request_labels: RequestLabels
) -> None:
    def count(filters: str) -> int:
        return len(labels_at(server, request_labels(f", filters: {{{filters} }}")["downloadUrl"]))

    all_labels = labels_at(server, request_labels()["downloadUrl"])
    every = len(all_labels)
    assert count("labelCreatedAt: {}") == count('labelCreatedAt: {start: "2020-01-01"}') == every
    assert count('labelCreatedAt: {start: "2020-01-01",end: "2020-01-02 00:00:01"}') == 0
    assert count('lastActivityAt: {start: "2100-01-01"}') == 0
    assert count('labelCreatedAt: {},lastActivityAt: {start: "2020-01-01",end: "2100-01-01"}') == every
    for name, field in [("labelCreatedAt", "Created At")]:
        moments = sorted(element[field] for element in all_labels)
        middle = moments[every // 2]
        day = middle[:10]
        assert count(f'{name}: {{end: "{day}"}}') == sum(moment[:10] <= day for moment in moments)
        assert count(f'{name}: {{start: "{day}"}}') == sum(moment[:10] >= day for moment in moments)
        second = middle[:19].replace("T", " ")
        assert count(f'{name}: {{start: "{second}"}}') == sum(moment[:19] >= middle[:19] for moment in moments)


@pytest.mark.known("inferred")
@pytest.mark.parametrize("text", ["soon", "2020-13-01", "2020-01-01 25:00:00", "99999-01-01"])
def test_a_date_that_cannot_be_read_is_reported(server: ServedWorld, own: MockWorkspace, text: str) -> None:
    filters = f', filters: {{labelCreatedAt: {{start: "{text}"}}}}'
    answer = ask_with_key(server, own, LABELS % filters, projectId=own.project("image"))
    assert answer.code == "MALFORMED_REQUEST"
    assert text in answer.message


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", ["labels", *ROWS])
def test_what_does_not_exist_is_named(server: ServedWorld, own: MockWorkspace, kind: str) -> None:
    if kind == "labels":
        answer = ask_with_key(server, own, LABELS % "", projectId="nothing")
    else:
        answer = ask_with_key(server, own, ROWS[kind], id="nothing", metadata=False)
    assert answer.code == "MALFORMED_REQUEST"
    assert "'nothing' does not exist" in answer.message


@pytest.mark.known("client")
@pytest.mark.parametrize("kind", [*ROWS])
@pytest.mark.parametrize("metadata", [True, False])
def test_data_rows_are_ndjson_with_every_key(
    server: ServedWorld, own: MockWorkspace, kind: str, metadata: bool
) -> None:
    document = "query($id: ID!){project(where: {id: $id}){batches{nodes{id}} dataRowCount completedDataRowCount}}"
    project = ask_with_key(server, own, document, id=own.project("image")).data["project"]
    ids = {
        "queued": own.project("image"),
        "dataset": own.dataset("image rows"),
        "batch": project["batches"]["nodes"][0]["id"],
    }
    [answer] = ask_with_key(server, own, ROWS[kind], id=ids[kind], metadata=metadata).data.values()
    assert answer["status"] == "COMPLETE"
    body = get(server, answer["downloadUrl"])
    assert body.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert body.body.endswith(b"\n")
    rows = [json.loads(line) for line in body.body.split(b"\n")[:-1]]
    assert all(set(row) == KEYS for row in rows)
    assert any(row["customMetadata"] for row in rows) == metadata
    assert 0 < len(rows) < project["dataRowCount"] if kind == "queued" else len(rows) == project["dataRowCount"]
    assert get(server, rows[0]["rowData"]).status == 200


@pytest.mark.known("client")
def test_data_rows_take_their_time_and_older_sdks_do_not_ask_for_metadata(
    server: ServedWorld, own: MockWorkspace
) -> None:
    own.progression.exports = {"looks": 1}
    document = "mutation($id: ID!){exportDatasetDataRows(data: {datasetId: $id}){downloadUrl status}}"

    def request_rows() -> Any:
        return ask_with_key(server, own, document, id=own.dataset("image rows")).data["exportDatasetDataRows"]

    assert request_rows() == {"status": "IN_PROGRESS", "downloadUrl": None}
    complete = wait_for(request_rows, lambda answer: answer["status"] != "IN_PROGRESS")
    assert (complete["status"], bool(complete["downloadUrl"])) == ("COMPLETE", True)


def test_files_are_gone_with_their_life(server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels) -> None:
    first = request_labels()
    own.reset()
    assert get(server, first["downloadUrl"]).status == 404
    assert request_labels()["downloadUrl"].split("/exports/")[1] != first["downloadUrl"].split("/exports/")[1]


def test_old_files_leave_the_disk_and_the_newest_stay(tmp_path: Path) -> None:
    with ServedWorld("--state", str(tmp_path)) as server:
        for _ in range(3):
            ask(server, LABELS % "", {"projectId": server.projects["image"]})
            server.own.clock.advance(days=10)
        files = list(tmp_path.glob("workspaces/*/*/legacy/*.json"))
        assert len(files) == 1


def test_switches_are_kept_in_forks_and_forgotten_by_a_reset(own: MockWorkspace) -> None:
    before = own.switches.get()
    assert before["frames"] == "redirect"
    changed = own.switches.set(frames="direct")
    assert own.fork().switches.get() == own.switches.get() == changed == before | {"frames": "direct"}
    own.reset()
    assert own.switches.get() == before


def test_a_switch_of_characters_makes_another_file(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    first = request_labels(project="text")
    own.switches.set(characters="utf-8")
    raw = request_labels(project="text")
    assert raw["downloadUrl"] != first["downloadUrl"]
    plain, as_they_are = (get(server, answer["downloadUrl"]).body for answer in (first, raw))
    assert (plain.isascii(), as_they_are.isascii()) == (True, False)
    assert json.loads(plain) == json.loads(as_they_are)
    own.switches.set(characters="ascii")
    assert request_labels(project="text") == first


def test_a_url_is_of_the_host_that_was_asked(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    body = json.dumps({"query": LABELS % "", "variables": {"projectId": own.project("image")}}).encode()
    answer = post(server, body, authorization=f"Bearer {own.api_key}", host="localhost:80")
    assert answer.data["exportLabels"]["downloadUrl"].startswith("http://localhost:80/")
    assert request_labels()["downloadUrl"].startswith(server.url)


def test_a_label_is_the_same_in_graphql_and_in_the_file(
    server: ServedWorld, own: MockWorkspace, request_labels: RequestLabels
) -> None:
    document = "query($id: ID!){project(where: {id: $id}){labels{id label}}}"
    labels = ask_with_key(server, own, document, id=own.project("image")).data["project"]["labels"]
    labels_by_id = {label["id"]: json.loads(label["label"]) for label in labels}
    assert labels_by_id == {
        element["ID"]: element["Label"] for element in labels_at(server, request_labels()["downloadUrl"])
    }
