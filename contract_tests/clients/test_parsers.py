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


def run_parser(parser: str, **arguments: Any) -> Any:
    """Runs a parser in its environment, and returns its result."""
    python = environment(f"parser-{parser}", *PARSERS[parser]) / "python"
    ended = subprocess.run(
        [python, str(RUNNER), parser],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def export_labelled(server: ServedWorld, programs: RunningPrograms, project: str) -> list[Any]:
    """The rows of a project that have one label, which is all that these parsers take."""
    client = programs.client(ClientKind(PLAIN_REQUESTS, "by_line"), server)
    rows = client.export_project(server.projects[project], EVERY_PARAM).rows
    return [row for row in rows if len(labels(row)) == 1]


def labels(row: Any) -> list[Any]:
    return [label for project in row["projects"].values() for label in project["labels"]]


def write_rows(rows: list[Any], folder: Path) -> str:
    file = folder / "export.ndjson"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


def test_labelformat_reads_every_picture_with_its_boxes(
    server: ServedWorld, programs: RunningPrograms, tmp_path: Path
) -> None:
    rows = export_labelled(server, programs, "image")
    pictures = run_parser("labelformat", file=write_rows(rows, tmp_path), names=["Car"])
    sizes = [(row["media_attributes"]["width"], row["media_attributes"]["height"]) for row in rows]
    assert [each["image"] for each in pictures] == [
        [row["data_row"]["global_key"], *size] for row, size in zip(rows, sizes, strict=True)
    ]
    assert [[box[0] for box in each["boxes"]] for each in pictures] == [
        [box["name"] for box in boxes(row)] for row in rows
    ]
    for each, row in zip(pictures, rows, strict=True):
        for read, box in zip(each["boxes"], boxes(row), strict=True):
            sides = [box["bounding_box"][side] for side in ("left", "top", "width", "height")]
            assert read[1:] == pytest.approx(sides)
    assert any(boxes(row) for row in rows)


def boxes(row: Any) -> list[Any]:
    [label] = labels(row)
    return [each for each in label["annotations"]["objects"] if "bounding_box" in each]


@pytest.mark.parametrize("project", ["image", "text"])
def test_labelpull_writes_every_feature_of_every_label(
    server: ServedWorld, programs: RunningPrograms, tmp_path: Path, project: str
) -> None:
    rows = export_labelled(server, programs, project)
    flat_rows = run_parser("labelpull", file=write_rows(rows, tmp_path), project=server.projects[project])
    features_read = [(each["data_row_id"], each["feature_name"], each["parent_feature_id"]) for each in flat_rows]
    assert features_read == [(row["data_row"]["id"], *feature) for row in rows for feature in features(row)]
    statuses = {row["data_row"]["id"]: details(row)["workflow_status"] for row in rows}
    assert {each["data_row_id"]: each["workflow_status"] for each in flat_rows} == statuses


def features(row: Any) -> list[tuple[str, str]]:
    """(Name, feature id of the object it is asked of): the label itself, its answers, objects with theirs, joins."""
    [label] = labels(row)
    flat = [("", "")] + [(each["name"], "") for each in label["annotations"]["classifications"]]
    for each in label["annotations"]["objects"]:
        flat += [(each["name"], "")] + [(question["name"], each["feature_id"]) for question in each["classifications"]]
    return flat + [(each["name"], "") for each in label["annotations"]["relationships"]]


def details(row: Any) -> Any:
    [project] = row["projects"].values()
    return project["project_details"]


def test_labelbase_exports_by_the_sdk_and_flattens_every_label(server: ServedWorld, programs: RunningPrograms) -> None:
    """With metadata: it reads their ontology, and names the type of each."""
    flat_labels = run_parser(
        "labelbase",
        api_key=server.api_key,
        graphql_url=server.graphql_url,
        rest_url=f"{server.url}/api/v1",
        project=server.projects["text"],
        masks="url",
    )
    rows = {row["data_row"]["id"]: row for row in export_labelled(server, programs, "text")}
    expected = {id_: row for id_, row in rows.items() if not labels(row)[0]["performance_details"]["skipped"]}
    assert {each["data_row_id"] for each in flat_labels} == expected.keys()
    for each in flat_labels:
        row = expected[each["data_row_id"]]
        assert spans(each) == spans_of(row)
        assert [each.get("metadata///string///tag")] == [value_of(row, "tag")]


def spans(flat: Any) -> list[list[int]]:
    """The start and end of each entity, in order."""
    columns = [value for name, value in flat.items() if name.startswith("annotation///named-entity")]
    return sorted(span for column in columns for span, _ in column)


def spans_of(row: Any) -> list[list[int]]:
    [label] = labels(row)
    places = [each["location"] for each in label["annotations"]["objects"]]
    return sorted([place["start"], place["end"]] for place in places)


def value_of(row: Any, name: str) -> Any:
    values = {field["schema_name"]: field["value"] for field in row["metadata_fields"]}
    return values.get(name)
