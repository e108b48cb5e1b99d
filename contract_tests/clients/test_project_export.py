"""Exports of a project, the same by every client in every way it has."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from contract_tests.clients.clients import (
    AUTHENTICATION_REFUSED,
    NOT_FOUND,
    PLAIN_REQUESTS,
    Client,
    ClientFailure,
    ClientKind,
    RunningPrograms,
)
from contract_tests.clients.documents import PARAMS
from contract_tests.rules.generate.media.times import features_in
from contract_tests.rules.worlds import PROJECTS
from contract_tests.serving import ServedWorld

Row = dict[str, Any]
pytestmark = pytest.mark.capability("project")

UNKNOWN_ID = "cunknown00000000000000000"
EVERY_PARAM = dict.fromkeys(PARAMS, True)

LABELS = "projects.*.labels"

SECTIONS = {
    "attachments": "attachments",
    "metadata_fields": "metadata_fields",
    "embeddings": "embeddings",
    "data_row_details": "data_row.details",
    "project_details": "projects.*.project_details",
    "label_details": f"{LABELS}.label_details",
    "performance_details": f"{LABELS}.performance_details",
}

ALWAYS = {
    "data_row",
    "data_row.id",
    "data_row.row_data",
    "media_attributes",
    "projects",
    "projects.*",
    "projects.*.name",
    LABELS,
    f"{LABELS}.label_kind",
    f"{LABELS}.version",
    f"{LABELS}.id",
    f"{LABELS}.annotations",
}
WHERE_THERE_IS_ONE = {"data_row.global_key", "data_row.external_id", "projects.*.project_tags"}


@pytest.fixture(scope="session")
def reference_rows(programs: RunningPrograms, server: ServedWorld) -> list[Row]:
    """The rows of one client, with which the others are compared."""
    client = programs.client(ClientKind(PLAIN_REQUESTS, "streamable"), server)
    return client.export_project(server.projects["image"], EVERY_PARAM).rows


def without_what_it_lacks(rows: list[Row], client: Client) -> list[Row]:
    return [{section: value for section, value in row.items() if section not in client.lacks} for row in rows]


@pytest.mark.known("client")
@pytest.mark.matrix
@pytest.mark.parametrize("project", PROJECTS)
def test_a_project_exports_all_its_rows_once(client: Client, server: ServedWorld, project: str) -> None:
    if project == "llm" and "prompt_projects" in client.lacks:
        assert stumbles_over_its_media_type(client, server.projects[project])
        return
    exported = client.export_project(server.projects[project])
    ids = ids_of(exported.rows)
    assert len(ids) == len(set(ids)) == row_count(server, project)
    assert not exported.errors


@pytest.mark.known("client")
def test_every_client_gets_the_same_rows(client: Client, server: ServedWorld, reference_rows: list[Row]) -> None:
    rows = client.export_project(server.projects["image"], EVERY_PARAM).rows
    known = without_what_it_lacks(reference_rows, client)
    assert without_what_differs_by_task(rows) == without_what_differs_by_task(known)


@pytest.mark.known("sample")
@pytest.mark.matrix
@pytest.mark.parametrize("project", ["image", "text", "video"])
def test_an_export_without_params_is_bare(client: Client, server: ServedWorld, project: str) -> None:
    keys = key_paths(client.export_project(server.projects[project]).rows)
    sections = {key for key in keys if not key.startswith("media_attributes.")}
    assert sections - WHERE_THERE_IS_ONE == ALWAYS


@pytest.mark.known("sample")
@pytest.mark.matrix
@pytest.mark.parametrize(("param", "section"), SECTIONS.items())
def test_a_param_adds_its_section_and_nothing_else(
    client: Client, server: ServedWorld, param: str, section: str
) -> None:
    bare = key_paths(client.export_project(server.projects["image"]).rows)
    keys = key_paths(client.export_project(server.projects["image"], {param: True}).rows)
    assert bare <= keys
    added = set() if param in client.lacks else {section}
    if section.endswith("performance_details") and added:  # it is there twice since 2025
        added.add(f"{section}_v2")
    assert {key for key in keys - bare if not key.startswith((f"{section}.", f"{section}_v2."))} == added


@pytest.mark.capability("embeddings")
@pytest.mark.known("client")
def test_every_param_together_gives_every_section(client: Client, server: ServedWorld) -> None:
    keys = key_paths(client.export_project(server.projects["image"], EVERY_PARAM).rows)
    assert keys >= ALWAYS | {section for param, section in SECTIONS.items() if param not in client.lacks}


@pytest.mark.matrix
@pytest.mark.known("client")
@pytest.mark.parametrize("requested", [True, False])
def test_frames_between_key_frames_come_where_they_are_requested(
    client: Client, server: ServedWorld, requested: bool
) -> None:
    """The SDK's own test of a clip: a label of kind Video whose frames follow each other without a gap."""
    rows = client.export_project(server.projects["video"], {"interpolated_frames": requested}).rows
    interpolated = requested and "interpolated_frames" not in client.lacks
    labels = [label for row in rows for label in row["projects"][server.projects["video"]]["labels"]]
    assert {label["label_kind"] for label in labels} == {"Video"}
    for annotations in (label["annotations"] for label in labels):
        for feature_id, segments in annotations["segments"].items():
            expected = annotations["key_frame_feature_map"][feature_id]
            if interpolated:
                expected = [number for first, last in segments for number in range(first, last + 1)]
            assert [
                int(number) for number, frame in annotations["frames"].items() if feature_id in list_features(frame)
            ] == expected


def list_features(frame: Row) -> set[str]:
    """Objects, and questions with their answers."""
    return {*frame["objects"], *(said["feature_id"] for said in features_in(frame["classifications"]))}


@pytest.mark.capability("data_row_ids")
@pytest.mark.known("client")
def test_a_filter_by_data_row_gives_these_rows(client: Client, server: ServedWorld) -> None:
    wanted = ids_of(client.export_project(server.projects["image"]).rows)[1:3]
    if "filters" in client.lacks:
        assert refuses_filters(client, server, {"data_row_ids": wanted})
        return
    rows = client.export_project(server.projects["image"], filters={"data_row_ids": wanted}).rows
    assert (sorted(ids_of(rows)) == sorted(wanted)) is ("data_row_ids" not in client.lacks)


@pytest.mark.capability("filters")
@pytest.mark.known("client")
def test_a_filter_that_nothing_passes_gives_neither_rows_nor_errors(client: Client, server: ServedWorld) -> None:
    none = {"last_activity_at": ["2051-01-01", "2052-01-01"]}
    if "filters" in client.lacks:
        assert refuses_filters(client, server, none)
        return
    exported = client.export_project(server.projects["image"], filters=none)
    assert exported.rows == []
    assert not exported.errors
    assert exported.task["status"] == "COMPLETE"


@pytest.mark.known("client")
def test_a_finished_task_says_what_it_was(client: Client, server: ServedWorld) -> None:
    exported = client.export_project(server.projects["image"], task_name="nightly")
    assert exported.task["id"] == exported.task_id
    assert exported.task["name"] == "nightly"
    assert exported.task["type"] == (None if "task_type" in client.lacks else "export-data-rows")
    assert exported.task["status"] == "COMPLETE"
    assert exported.task["completion_percentage"] == 100
    assert datetime.fromisoformat(exported.task["created_at"]).tzinfo is not None


@pytest.mark.known("client")
def test_each_export_is_a_task_of_its_own(client: Client, server: ServedWorld) -> None:
    """The SDK remembers a stream's header by task id for as long as its process lives."""
    first = client.export_project(server.projects["image"])
    second = client.export_project(server.projects["image"])
    assert first.task_id != second.task_id
    assert ids_of(first.rows) == ids_of(second.rows)


@pytest.mark.known("client")
def test_an_unknown_project_is_not_found(client: Client) -> None:
    with pytest.raises(ClientFailure) as failure:
        client.export_project(UNKNOWN_ID)
    assert failure.value.type in NOT_FOUND
    assert UNKNOWN_ID in str(failure.value)


@pytest.mark.known("client")
def test_a_wrong_key_is_refused(client: Client, server: ServedWorld) -> None:
    with pytest.raises(ClientFailure) as failure:
        client.with_key("not-a-key").export_project(server.projects["image"])
    assert failure.value.type in AUTHENTICATION_REFUSED


def stumbles_over_its_media_type(client: Client, project_id: str) -> bool:
    """Against the real service too: these SDKs look an unknown media type up in a way that fails (media_type.py)."""
    with pytest.raises(ClientFailure, match="has no attribute 'name'") as failure:
        client.export_project(project_id)
    return failure.value.type == "builtins.AttributeError"


def refuses_filters(client: Client, server: ServedWorld, filters: dict[str, list[str]]) -> bool:
    """Before 3.40 `export_v2` takes no filters at all, and Python says so."""
    with pytest.raises(ClientFailure, match="unexpected keyword argument 'filters'") as failure:
        client.export_project(server.projects["image"], filters=filters)
    return failure.value.type == "builtins.TypeError"


def ids_of(rows: list[Row]) -> list[str]:
    return [row["data_row"]["id"] for row in rows]


def row_count(server: ServedWorld, project: str) -> int:
    document = "query($id: ID!) { project(where: {id: $id}) { dataRowCount } }"
    return int(server.ask(document, id=server.projects[project])["project"]["dataRowCount"])


def key_paths(rows: list[Row]) -> set[str]:
    """The keys that the rows have, as `projects.*.labels.id`; annotations are not looked into."""

    def paths(value: object, path: str) -> Iterator[str]:
        if isinstance(value, list):
            for item in value:
                yield from paths(item, path)
        elif isinstance(value, dict) and not path.endswith("annotations"):
            for key, inner in value.items():
                name = "*" if path == "projects" else key
                inner_path = f"{path}.{name}" if path else name
                yield inner_path
                yield from paths(inner, inner_path)

    return set(paths(rows, ""))


def without_what_differs_by_task(rows: list[Row]) -> list[Row]:
    """A link's expiry and signature, and the task that a mask's link goes through."""
    text = re.sub(r"\?Expires=[^\"]*", "", json.dumps(rows))
    cleaned: list[Row] = json.loads(re.sub(r"/tasks/[^/\"]+/masks/", "/tasks/*/masks/", text))
    return cleaned
