"""Browsers run nothing that the server sends, and take files for what they are."""

from typing import Any

import pytest

from contract_tests.rules.api.asking import Answer, export_project, file_at, get, rows_of, task_of
from contract_tests.rules.api.test_downloads import tile_of
from contract_tests.serving import ServedWorld
from mockserver.world.ids import FEATURE_PREFIX

DIRECTIVES = {"sandbox", "default-src 'none'", "img-src 'self' data:", "media-src 'self' data:"}


def check_sandbox(answer: Answer) -> None:
    assert answer.status in {200, 206, 304, 403, 404}
    assert answer.headers["x-content-type-options"] == "nosniff"
    directives = {item.strip() for item in answer.headers["content-security-policy"].split(";")}
    assert directives >= DIRECTIVES
    assert [item for item in directives if "script" in item or "allow" in item] == []


@pytest.mark.parametrize(
    "media",
    ["image", "text", "video", "dicom", "audio", "document", "conversational", "html", "llm", "chat", "geospatial"],
)
def test_a_data_row_is_shown_in_a_sandbox(server: ServedWorld, media: str) -> None:
    url = rows_of(server, export_project(server, media))[0]["data_row"]["row_data"]
    check_sandbox(get(server, url))
    check_sandbox(get(server, url, range="bytes=0-3"))


def test_so_is_every_other_file(server: ServedWorld) -> None:
    task = export_project(server, "image")
    for url in (task_of(server, task)["result"], file_at(server, task, "0")["file"]):
        check_sandbox(get(server, url))
        check_sandbox(get(server, url.replace("Signature=", "Signature=0")))
    target = get(server, frames_of(server), authorization=f"Bearer {server.api_key}").headers["location"]
    for url in (mask_of(server), target):
        check_sandbox(get(server, url, authorization=f"Bearer {server.api_key}"))


def test_a_tile_and_an_attachment_are_too(server: ServedWorld) -> None:
    map_ = rows_of(server, export_project(server, "geospatial"))[0]["data_row"]["row_data"]
    tiles, bounds, zoom = (get(server, map_).json[name] for name in ("tileLayerUrl", "bounds", "minZoom"))
    column, line = tile_of(bounds, zoom)
    check_sandbox(get(server, tiles.format(z=zoom, x=column, y=line)))
    rows = rows_of(server, export_project(server, "image", includeAttachments=True))
    urls = [item["value"] for row in rows for item in row["attachments"] if server.url in item["value"]]
    check_sandbox(get(server, urls[0]))


@pytest.mark.parametrize("path", ["/", "/docs/settings.md"])
def test_a_page_for_people_loads_nothing_and_is_shown_in_no_frame(server: ServedWorld, path: str) -> None:
    headers = get(server, path).headers
    policy = headers["content-security-policy"]
    for directive in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert directive in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/graphql", "/_mock/health", "/nothing", "/_mock/ready"])
def test_no_answer_is_taken_for_something_else(server: ServedWorld, path: str) -> None:
    assert get(server, path).headers["x-content-type-options"] == "nosniff"


def labels_of(server: ServedWorld, project: str) -> list[Any]:
    rows = rows_of(server, export_project(server, project, includeLabelDetails=True))
    return [label for row in rows for label in row["projects"][server.projects[project]]["labels"]]


def mask_of(server: ServedWorld) -> str:
    objects = [item for label in labels_of(server, "image") for item in label["annotations"]["objects"]]
    return next(str(item["composite_mask"]["url"]) for item in objects if "composite_mask" in item)


def frames_of(server: ServedWorld) -> str:
    label = labels_of(server, "video")[0]["id"]
    assert len(label) > FEATURE_PREFIX
    return f"/v1/frames/{label}"
