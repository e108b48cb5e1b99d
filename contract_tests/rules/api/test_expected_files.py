"""Links in expected rows open before anything was exported: masks, text layers, inline texts."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer, MockWorkspace


@pytest.fixture(scope="module")
def workspace(server: ServedWorld) -> Iterator[MockWorkspace]:
    workspace = MockServer.from_url(server.url).workspace()
    yield workspace
    workspace.delete()


def open_link(workspace: MockWorkspace, url: str) -> requests.Response:
    return requests.get(url, headers={"Authorization": f"Bearer {workspace.api_key}"}, timeout=60)


@pytest.mark.parametrize("project", ["image", "video", "dicom"])
@pytest.mark.parametrize("source", ["project", "catalog"])
def test_masks_open_before_any_export(workspace: MockWorkspace, project: str, source: str) -> None:
    if source == "project":
        text = json.dumps(workspace.expected_rows(project))
    else:
        text = json.dumps(catalog(workspace, project))
    urls = sorted(set(re.findall(r'"(http[^"]*/(?:masks|annotations)/[^"]*)"', text)))
    assert {"tasks" in url for url in urls} == ({True, False} if project == "video" else {True})
    for url in urls[:3] + urls[-3:]:
        answer = open_link(workspace, url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), url


def catalog(workspace: MockWorkspace, project: str) -> list[Any]:
    body = {"catalog": True, "params": {"project_ids": [workspace.project(project)]}}
    url = f"{workspace.url}/_mock/expected"
    response = requests.post(url, json=body, params={"api_key": workspace.api_key}, timeout=30)
    assert response.ok, response.text
    return [row for row in map(json.loads, response.text.splitlines()) if row["projects"]]


@pytest.mark.known("sample")
def test_the_text_layer_of_a_document_opens_without_a_key_and_holds_what_entities_name(
    workspace: MockWorkspace,
) -> None:
    seen = 0
    for row in workspace.expected_rows("document"):
        attributes = row["media_attributes"]
        assert list(attributes) == ["asset_type", "mime_type", "text_layer_url"]
        answer = requests.get(attributes["text_layer_url"], timeout=60)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        tokens = {token["id"] for page in answer.json() for group in page["groups"] for token in group["tokens"]}
        named_tokens = set(tokens_in(row))
        seen += len(named_tokens)
        assert named_tokens <= tokens
    assert seen > 5
    assert (
        requests.get(attributes["text_layer_url"].replace("text-layer.json", "x.json"), timeout=60).status_code == 403
    )


def tokens_in(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for below in part:
            yield from tokens_in(below)
    elif isinstance(part, dict):
        yield from part.get("tokens", [])
        for below in part.values():
            yield from tokens_in(below)


def test_a_row_that_is_no_document_has_no_text_layer(workspace: MockWorkspace) -> None:
    [row, *_] = workspace.expected_rows("image")
    assert "text_layer_url" not in row["media_attributes"]
