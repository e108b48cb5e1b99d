"""Parsers that people published read our exports, and make of them what the world holds.

Each runs in an environment of its own. What it made is compared with the rows that a plain client got.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from contract_tests.clients.clients import PLAIN_REQUESTS, ClientKind, RunningPrograms
from contract_tests.clients.test_project_export import EVERY_PARAM
from contract_tests.rules.installed import environment
from contract_tests.serving import ServedWorld

PARSERS = {
    "labelformat": ("labelformat==0.1.17",),
    "labelpull": ("labelpull==0.1.1",),
    "labelbase": ("labelbase==0.1.5", "labelbox==7.17.0", "pytz"),  # which it imports and does not ask for
}
RUNNER = Path(__file__).parent / "parser_runner.py"
MOST_SECONDS = 100

pytestmark = [pytest.mark.xdist_group("parsers"), pytest.mark.known("client")]


def parsed(parser: str, **asked: Any) -> Any:
    """What the parser makes of what it is asked."""
    python = environment(f"parser-{parser}", *PARSERS[parser]) / "python"
    ended = subprocess.run(
        [python, str(RUNNER), parser],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def exported(server: ServedWorld, programs: RunningPrograms, project: str) -> list[Any]:
    """The rows of a project that have one label, which is all that these parsers take."""
    client = programs.client(ClientKind(PLAIN_REQUESTS, "by_line"), server)
    rows = client.export_project(server.projects[project], EVERY_PARAM).rows
    return [row for row in rows if len(labels(row)) == 1]


def labels(row: Any) -> list[Any]:
    return [label for project in row["projects"].values() for label in project["labels"]]


def written(rows: list[Any], folder: Path) -> str:
    file = folder / "export.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_labelformat_reads_every_picture_with_its_boxes(
    server: ServedWorld, programs: RunningPrograms, tmp_path: Path
) -> None:
    rows = exported(server, programs, "image")
    found = parsed("labelformat", file=written(rows, tmp_path), names=["Car"])
    sizes = [(row["media_attributes"]["width"], row["media_attributes"]["height"]) for row in rows]
    assert [each["image"] for each in found] == [
        [row["data_row"]["global_key"], *size] for row, size in zip(rows, sizes, strict=True)
    ]
    assert [[box[0] for box in each["boxes"]] for each in found] == [
        [box["name"] for box in boxes(row)] for row in rows
    ]
    for each, row in zip(found, rows, strict=True):
        for read, box in zip(each["boxes"], boxes(row), strict=True):
            sides = [box["bounding_box"][side] for side in ("left", "top", "width", "height")]
            assert read[1:] == pytest.approx(sides)
    assert any(boxes(row) for row in rows)


def boxes(row: Any) -> list[Any]:
    [label] = labels(row)
    return [each for each in label["annotations"]["objects"] if "bounding_box" in each]


@pytest.mark.parametrize("project", ["image", "text"])
def test_labelpull_tells_every_feature_of_every_label(
    server: ServedWorld, programs: RunningPrograms, tmp_path: Path, project: str
) -> None:
    rows = exported(server, programs, project)
    found = parsed("labelpull", file=written(rows, tmp_path), project=server.projects[project])
    told = [(each["data_row_id"], each["feature_name"], each["parent_feature_id"]) for each in found]
    assert told == [(row["data_row"]["id"], *feature) for row in rows for feature in features(row)]
    statuses = {row["data_row"]["id"]: details(row)["workflow_status"] for row in rows}
    assert {each["data_row_id"]: each["workflow_status"] for each in found} == statuses


def features(row: Any) -> list[tuple[str, str]]:
    """(Name, feature id of the object it is asked of): the label itself, its answers, objects with theirs, joins."""
    [label] = labels(row)
    made = [("", "")] + [(each["name"], "") for each in label["annotations"]["classifications"]]
    for each in label["annotations"]["objects"]:
        made += [(each["name"], "")] + [(asked["name"], each["feature_id"]) for asked in each["classifications"]]
    return made + [(each["name"], "") for each in label["annotations"]["relationships"]]


def details(row: Any) -> Any:
    [project] = row["projects"].values()
    return project["project_details"]


def test_labelbase_exports_by_the_sdk_and_flattens_every_label(server: ServedWorld, programs: RunningPrograms) -> None:
    """With metadata: it asks for their ontology, and tells each with its type."""
    found = parsed(
        "labelbase",
        api_key=server.api_key,
        graphql_url=server.graphql_url,
        rest_url=f"{server.url}/api/v1",
        project=server.projects["text"],
        masks="url",
    )
    rows = {row["data_row"]["id"]: row for row in exported(server, programs, "text")}
    told = {id_: row for id_, row in rows.items() if not labels(row)[0]["performance_details"]["skipped"]}
    assert {each["data_row_id"] for each in found} == told.keys()
    for each in found:
        row = told[each["data_row_id"]]
        assert spans(each) == spans_of(row)
        assert [each.get("metadata///string///tag")] == [value_of(row, "tag")]


def spans(flat: Any) -> list[list[int]]:
    """Start and end of each entity, in order."""
    columns = [value for name, value in flat.items() if name.startswith("annotation///named-entity")]
    return sorted(span for column in columns for span, _ in column)


def spans_of(row: Any) -> list[list[int]]:
    [label] = labels(row)
    places = [each["location"] for each in label["annotations"]["objects"]]
    return sorted([place["start"], place["end"]] for place in places)


def value_of(row: Any, name: str) -> Any:
    values = {field["schema_name"]: field["value"] for field in row["metadata_fields"]}
    return values.get(name)
