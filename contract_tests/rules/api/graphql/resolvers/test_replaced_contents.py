"""Data rows that get another content under their labels, whose name seems to be of another media type."""

import json

import pytest

from contract_tests.rules.api.asking import ask_in
from mockserver.testing import MockWorkspace

UPDATE = "mutation($id: ID!, $data: String!) {updateDataRow(where: {id: $id}, data: {rowData: $data}) {id}}"
READ = "query($id: ID!) {label(where: {id: $id}) {label}}"
EDIT = "mutation($id: ID!, $label: String!) {updateLabel(where: {id: $id}, data: {label: $label}) {id label}}"
CONTENTS = (
    "a plain text", "https://files.example/a.png", "https://files.example/a.mp4", "https://files.example/a.pdf",
    "https://files.example/a.dcm", "https://files.example/without-extension",
    json.dumps({"type": "application/vnd.labelbox.conversational", "version": 1, "messages": []}),
)  # fmt: skip
IN_TIME = ("video", "dicom", "audio")


@pytest.mark.known("inferred")
@pytest.mark.parametrize("content", CONTENTS)
def test_a_labelled_data_row_keeps_its_media_type(workspace: MockWorkspace, content: str) -> None:
    """Its labels are read, exported and edited as before."""
    for name in workspace.projects:
        project = workspace.project(name)
        before = workspace.expected_rows(name)
        row = next(row for row in before if row["projects"][project]["labels"])
        label = row["projects"][project]["labels"][0]
        ask_in(workspace, UPDATE, id=row["data_row"]["id"], data=content)
        changed = next(r for r in workspace.expected_rows(name) if r["data_row"]["id"] == row["data_row"]["id"])
        assert changed["media_attributes"]["asset_type"] == row["media_attributes"]["asset_type"], name
        assert changed["projects"][project]["labels"][0]["id"] == label["id"]
        text = ask_in(workspace, READ, id=label["id"])["label"]["label"]
        if name not in IN_TIME:
            assert ask_in(workspace, EDIT, id=label["id"], label=text)["updateLabel"]["id"] == label["id"]


def test_a_data_row_without_annotations_gets_the_media_type_of_its_content(workspace: MockWorkspace) -> None:
    rows = workspace.expected_rows("image")
    row = next(row for row in rows if not row["projects"][workspace.project("image")]["labels"])
    ask_in(workspace, UPDATE, id=row["data_row"]["id"], data="https://files.example/a.mp4")
    changed = next(r for r in workspace.expected_rows("image") if r["data_row"]["id"] == row["data_row"]["id"])
    assert changed["media_attributes"]["asset_type"] == "video"
