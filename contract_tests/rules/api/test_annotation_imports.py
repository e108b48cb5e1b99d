"""Imports of labels, pre-labels and predictions: every line has a status, and what was imported is exported."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import answer_in, ask_in
from contract_tests.rules.api.importing import (
    Lines,
    encode_lines,
    import_lines,
    import_url,
    list_statuses,
    read_lines,
    send_file,
)
from contract_tests.rules.api.uploading import upload
from mockserver.exports.import_form import render_import_lines
from mockserver.exports.import_frames import Reference
from mockserver.testing import MockWorkspace

Row = dict[str, Any]
SUCCESS = ("SUCCESS", "")


def rows_of(workspace: MockWorkspace, project: str) -> list[Row]:
    params = {"label_details": True, "performance_details": True, "project_details": True}
    return workspace.expected_rows(project=project, params=params)


def labels_of(workspace: MockWorkspace, project: str, row: Row) -> list[Any]:
    [own] = [one for one in rows_of(workspace, project) if one["data_row"]["id"] == row["data_row"]["id"]]
    return list(own["projects"][workspace.project(project)]["labels"])


def find_labelled(workspace: MockWorkspace, project: str) -> tuple[Row, Any]:
    """A row with a label that was not skipped, and its annotations."""
    for row in rows_of(workspace, project):
        for label in row["projects"][workspace.project(project)]["labels"]:
            if not label["performance_details"]["skipped"]:
                return row, label["annotations"]
    raise AssertionError(project)


def find_unlabelled(workspace: MockWorkspace, project: str) -> Row:
    rows = rows_of(workspace, project)
    return next(row for row in rows if not row["projects"][workspace.project(project)]["labels"])


def note(row: Row, name: str, answer: object, **more: object) -> Row:
    return {"uuid": name, "dataRow": {"id": row["data_row"]["id"]}, "name": name, "answer": answer} | more


@pytest.mark.parametrize("project", ["image", "video", "text", "document", "conversational", "chat", "dicom", "audio"])
@pytest.mark.known("client")
def test_an_exported_label_is_imported_and_exported_again(workspace: MockWorkspace, project: str) -> None:
    row, annotations = find_labelled(workspace, project)
    lines = render_import_lines(annotations, Reference({"globalKey": row["data_row"]["global_key"]}))
    record = import_lines(workspace, "labels", workspace.project(project), "again", lines)
    assert (record["state"], record["progress"]) == ("FINISHED", "100%")
    assert list_statuses(record) == [SUCCESS] * len(lines)
    assert read_lines(record["inputFileUrl"]) == lines
    label = labels_of(workspace, project, row)[-1]
    again = render_import_lines(label["annotations"], Reference({"globalKey": row["data_row"]["global_key"]}))
    assert [strip(line) for line in again] == [strip(line) for line in lines]


def strip(line: Row) -> Row:
    """A line without ids, and without the pictures of masks, whose URLs name the label."""
    return {key: value for key, value in line.items() if key not in ("uuid", "relationship", "mask", "masks")}


OUTSIDE = {"top": -40, "left": 5_000, "height": 900.5, "width": 80_000}
FRAMED = {"segments": [{"keyframes": [{"frame": 1, "bbox": OUTSIDE}, {"frame": 2, "bbox": OUTSIDE}]}]}
FAR = [{"x": -9.5, "y": 70_000}, {"x": 90_000, "y": -1}, {"x": 0, "y": 0}]


@pytest.mark.parametrize(
    ("project", "tool", "keys"),
    [
        ("image", "Car", {"bbox": OUTSIDE}),
        ("image", "Lane marking", {"line": FAR}),
        ("image", "Building", {"polygon": [*FAR, FAR[0]]}),
        ("image", "Traffic light", {"point": FAR[0]}),
        ("video", "Vehicle", FRAMED),
        ("document", "Figure", {"bbox": OUTSIDE, "page": 40, "unit": "POINTS"}),
    ],
)
@pytest.mark.known("inferred")
def test_a_geometry_that_leaves_its_picture_is_imported_and_exported_as_it_was_sent(
    workspace: MockWorkspace, project: str, tool: str, keys: dict[str, Any]
) -> None:
    """Imports compare no place with a size: files are not fetched, so their sizes are often unknown."""
    row = find_unlabelled(workspace, project)
    line = {"uuid": "1", "name": tool, "dataRow": {"id": row["data_row"]["id"]}} | keys
    record = import_lines(workspace, "labels", workspace.project(project), "outside", [line])
    assert list_statuses(record) == [SUCCESS]
    [label] = labels_of(workspace, project, row)
    [exported] = render_import_lines(label["annotations"], Reference({"id": row["data_row"]["id"]}))
    assert {key: exported[key] for key in keys} == keys


def test_an_imported_label_is_like_any_other(workspace: MockWorkspace) -> None:
    row = find_unlabelled(workspace, "image")
    workspace.webhook("http://127.0.0.1:9/", topics=["LABEL_CREATED"], project="image")
    ontology = read_questions(workspace, "image")
    line = note(row, ontology["text"], "as imported")
    [status] = list_statuses(import_lines(workspace, "labels", workspace.project("image"), "one", [line]))
    assert status == SUCCESS
    [own] = [one for one in rows_of(workspace, "image") if one["data_row"]["id"] == row["data_row"]["id"]]
    facts = own["projects"][workspace.project("image")]
    [label] = facts["labels"]
    assert label["annotations"]["classifications"][0]["text_answer"]["content"] == "as imported"
    assert facts["project_details"]["workflow_status"] == "IN_REVIEW"
    [delivery] = workspace.deliveries
    assert delivery["topic"] == "LABEL_CREATED"


def read_questions(workspace: MockWorkspace, project: str) -> dict[str, str]:
    """The type of a question about the whole row -> its name."""
    document = "query($id: ID!) {project(where: {id: $id}) {ontology {normalized}}}"
    normalized = ask_in(workspace, document, id=workspace.project(project))["project"]["ontology"]["normalized"]
    questions = [question for question in normalized["classifications"] if question.get("scope") != "index"]
    return {question["type"]: question["instructions"] for question in reversed(questions)}


def test_one_bad_line_fails_alone(workspace: MockWorkspace) -> None:
    row = find_unlabelled(workspace, "image")
    text = read_questions(workspace, "image")["text"]
    outside = rows_of(workspace, "text")[0]
    lines = [
        note(row, text, "kept"),
        note(row, "nobody", "x"),
        note(row, text, 5),
        note({"data_row": {"id": "c" + 24 * "0"}}, text, "x"),
        note(outside, text, "x"),
        {"name": text, "answer": "x"},
        note(row, text, "x", dataRow={"id": "a", "globalKey": "b"}),
    ]
    content = encode_lines(lines) + b"\n{\n"
    record = send_file(workspace, "labels", workspace.project("image"), "bad", content)["data"]["createLabelImport"]
    statuses = list_statuses(record)
    assert statuses[0] == SUCCESS
    places = ["no data row", "not in the project", "dataRow", "dataRow"]
    expected = ["'nobody'", "answer: expected", *places, "is not JSON"]
    for number, ((status, words), part) in enumerate(zip(statuses[1:], expected, strict=True), 2):
        assert (status, f"Line {number}: " in words, part in words) == ("FAILURE", True, True), words
    [label] = labels_of(workspace, "image", row)
    assert len(label["annotations"]["classifications"]) == 1


@pytest.mark.parametrize("project", ["image", "dicom", "audio", "conversational"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b'{"broken": ', "The line is not JSON"),
        (b"[1, 2]", "dataRow is"),
        (b'"text"', "dataRow is"),
        (b'{"dataRow": {"id": "x"}, "name": "a", "answer": NaN}', "The line is not JSON"),
        (b'{"dataRow": {"id": "x"}, "name": "a", "answer": "\\ud800"}', "The line is not JSON"),
        (b'{"dataRow": "x", "name": "a"}', "dataRow is"),
        (b"\xff\xfe", "The line is not JSON"),
    ],
)
def test_a_line_that_cannot_be_read_says_so_and_fails_alone(
    workspace: MockWorkspace, project: str, bad: bytes, words: str
) -> None:
    row = find_unlabelled(workspace, project)
    good = json.dumps(note(row, read_questions(workspace, project)["text"], "kept")).encode()
    answer = send_file(workspace, "labels", workspace.project(project), "bad line", good + b"\n" + bad + b"\n")
    first, (status, message) = list_statuses(answer["data"]["createLabelImport"])
    assert (first, status) == (SUCCESS, "FAILURE")
    assert message.startswith("Line 2: ")
    assert words in message


def test_questions_beside_an_answer_are_refused(workspace: MockWorkspace) -> None:
    """They would be lost: those of an ontology are below its answers."""
    row = find_unlabelled(workspace, "image")
    beside = [{"name": "nothing", "answer": "x"}]
    line = note(row, read_questions(workspace, "image")["text"], "x", classifications=beside)
    [(status, message)] = list_statuses(import_lines(workspace, "labels", workspace.project("image"), "beside", [line]))
    assert (status, "they are below the answers" in message) == ("FAILURE", True)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"[1]\n2\n", b"\xff\xfe", b'[{"name": "x"}]'])
def test_a_file_without_annotations_fails_as_a_whole(workspace: MockWorkspace, content: bytes) -> None:
    answer = send_file(workspace, "labels", workspace.project("image"), "bad", content)["data"]["createLabelImport"]
    assert answer["state"] == "FAILED"
    [error] = read_lines(answer["errorFileUrl"])
    assert "no object" in error["errors"][0]["message"] or "JSON object" in error["errors"][0]["message"]


@pytest.mark.known("client")
def test_an_upload_is_imported_by_its_url_and_nothing_is_fetched(workspace: MockWorkspace) -> None:
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    url = upload(workspace, encode_lines([note(row, text, "by url")]), "x.ndjson")
    record = import_url(workspace, "labels", workspace.project("image"), "by url", url)
    assert (record["state"], record["inputFileUrl"]) == ("FINISHED", url)
    elsewhere = import_url(workspace, "labels", workspace.project("image"), "other", "https://example.com/x.ndjson")
    assert (elsewhere["state"], elsewhere["inputFileUrl"]) == ("FAILED", "https://example.com/x.ndjson")
    assert "nothing is fetched" in read_lines(elsewhere["errorFileUrl"])[0]["errors"][0]["message"]


@pytest.mark.known("client")
def test_an_import_is_running_as_long_as_its_progression_says(workspace: MockWorkspace) -> None:
    workspace.progression.imports = {"looks": 2}
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    project = workspace.project("image")
    record = import_lines(workspace, "labels", project, "slow", [note(row, text, "x")])
    query = (
        "query($p: ID!, $n: String!) {labelImport(where: {projectId: $p, name: $n})"
        " {id state progress inputFileUrl errorFileUrl statusFileUrl project {id}}}"
    )
    views = [record, *(ask_in(workspace, query, p=project, n="slow")["labelImport"] for _ in range(3))]
    assert [one["state"] for one in views] == ["RUNNING", "RUNNING", "FINISHED", "FINISHED"]
    assert [one["statusFileUrl"] is None for one in views] == [True, True, False, False]
    assert all(one["inputFileUrl"] for one in views)
    assert views[-1]["project"]["id"] == project


def test_a_name_is_used_once(workspace: MockWorkspace) -> None:
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    lines = [note(row, text, "x")]
    import_lines(workspace, "labels", workspace.project("image"), "same", lines)
    [error] = send_file(workspace, "labels", workspace.project("image"), "same", encode_lines(lines))["errors"]
    assert (error["extensions"]["code"], "'same'" in error["message"]) == ("RESOURCE_CONFLICT", True)
    assert len(labels_of(workspace, "image", row)) == 1
    import_lines(workspace, "pre-labels", workspace.project("image"), "same", lines)


@pytest.mark.parametrize("kind", ["pre-labels", "bulk"])
@pytest.mark.known("client")
def test_pre_labels_are_in_no_export_until_a_labeler_takes_them(workspace: MockWorkspace, kind: str) -> None:
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    workspace.clock.freeze()  # links of files contain the time of the export
    before = rows_of(workspace, "image")
    record = import_lines(workspace, kind, workspace.project("image"), "mal", [note(row, text, "predicted")])
    assert list_statuses(record) == [SUCCESS]
    assert rows_of(workspace, "image") == before
    workspace.event("LABEL_CREATED", project="image", data_row=row["data_row"]["id"])
    [label] = labels_of(workspace, "image", row)
    assert label["annotations"]["classifications"][0]["text_answer"]["content"] == "predicted"


@pytest.mark.known("client")
def test_pre_labels_go_with_their_import(workspace: MockWorkspace) -> None:
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    project = workspace.project("image")
    record = import_lines(workspace, "pre-labels", project, "mal", [note(row, text, "predicted")])
    query = "query($p: ID!) {modelAssistedLabelingPredictionImports(where: {projectId: $p}) {id name state}}"
    [views] = ask_in(workspace, query, p=project)["modelAssistedLabelingPredictionImports"]
    assert (views["id"], views["state"]) == (record["id"], "FINISHED")
    delete = "mutation($id: ID!) {deleteModelAssistedLabelingPredictionImport(where: {id: $id}) {id}}"
    ask_in(workspace, delete, id=record["id"])
    assert ask_in(workspace, query, p=project)["modelAssistedLabelingPredictionImports"] == []
    workspace.event("LABEL_CREATED", project="image", data_row=row["data_row"]["id"])
    assert "predicted" not in str(labels_of(workspace, "image", row))


@pytest.mark.known("client")
def test_predictions_are_exported_with_their_confidence(workspace: MockWorkspace) -> None:
    [(name, run)] = list(workspace.model_runs.items())[:1]
    rows = workspace.expected_rows(model_run=name, params={"predictions": True})
    row = rows[0]
    text = read_questions(workspace, "image")["radio"]
    document = "query($id: ID!) {project(where: {id: $id}) {ontology {normalized}}}"
    normalized = ask_in(workspace, document, id=workspace.project("image"))["project"]["ontology"]["normalized"]
    tool = next(tool for tool in normalized["tools"] if tool["tool"] == "rectangle")
    box = {"top": 1, "left": 2, "height": 3, "width": 4}
    line = {"uuid": "p", "dataRow": {"id": row["data_row"]["id"]}, "schemaId": tool["featureSchemaId"], "bbox": box}
    lines: Lines = [line | {"confidence": 0.25}, note(find_unlabelled(workspace, "image"), text, "x")]
    record = import_lines(workspace, "predictions", run, "mea", lines)
    (first, _), (second, words) = list_statuses(record)
    assert (first, second, "not in the model run" in words) == ("SUCCESS", "FAILURE", True)
    [own] = [
        one
        for one in workspace.expected_rows(model_run=name, params={"predictions": True})
        if one["data_row"]["id"] == row["data_row"]["id"]
    ]
    [experiment] = own["experiments"].values()
    [views] = experiment["runs"].values()
    [item] = views["predictions"][-1]["annotations"]["objects"]
    assert (item["bounding_box"], item["confidence"]) == (box, 0.25)


@pytest.mark.parametrize(
    ("variables", "words"),
    [({"n": " "}, "expected a text"), ({"p": "nobody"}, "'nobody'"), ({"u": None}, "expected one of them")],
)
def test_a_wrong_import_is_refused(workspace: MockWorkspace, variables: Row, words: str) -> None:
    query = (
        "mutation($p: ID!, $n: String!, $u: String)"
        " {createLabelImport(data: {projectId: $p name: $n fileUrl: $u}) {id}}"
    )
    known = {"p": workspace.project("image"), "n": "x", "u": "https://example.com/x"}
    [error] = answer_in(workspace, query, **known | variables)["errors"]
    assert words in error["message"]


def test_an_unknown_import_is_not_found(workspace: MockWorkspace) -> None:
    query = 'query($p: ID!) {labelImport(where: {projectId: $p, name: "x"}) {id}}'
    [error] = answer_in(workspace, query, p=workspace.project("image"))["errors"]
    assert error["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    [error] = answer_in(workspace, "{labelImport(where: {}) {id}}")["errors"]
    assert "expected id" in error["message"]


def test_the_files_of_an_import_open_without_a_key_and_nothing_else_does(workspace: MockWorkspace) -> None:
    row, text = find_unlabelled(workspace, "image"), read_questions(workspace, "image")["text"]
    record = import_lines(workspace, "labels", workspace.project("image"), "files", [note(row, text, "x")])
    url = record["statusFileUrl"]
    assert requests.get(url, timeout=30).headers["content-type"].startswith("application/x-ndjson")
    assert requests.get(url.replace("Signature=", "Signature=0"), timeout=30).status_code == 403


def test_a_line_of_too_many_parts_is_refused_alone(workspace: MockWorkspace) -> None:
    row = find_unlabelled(workspace, "text")
    line = encode_lines([note(row, "Free", "text") | {"name": "Notes"}])
    wide = b'{"uuid": "wide", "dataRow": {"id": "x"}, "more": [' + b"0," * 300_000 + b"0]}\n"
    answer = send_file(workspace, "labels", workspace.project("text"), "wide", wide + line)
    [first, second] = list_statuses(answer["data"]["createLabelImport"])
    assert first[0] == "FAILURE"
    assert "at most 250000" in first[1]
    assert "at most 250000" not in second[1]
