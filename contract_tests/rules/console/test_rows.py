"""Lists of data rows: filters, search, pages, and what is selected for an export."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.rules.console.browsing import fetch, find_texts
from contract_tests.serving import ServedWorld
from mockserver.console.rows import PAGE
from mockserver.world.records.models import DataSplit

MANY = """
description = "One project with several pages of data rows."
[ontologies.o]
media = "text"
[[projects]]
name = "many"
media = "text"
ontology = "o"
labelled = 120
skipped = 0
unlabelled = 7
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedWorld]:
    scenario = tmp_path_factory.mktemp("scenario") / "many.toml"
    scenario.write_text(MANY)
    with ServedWorld("--scenario", str(scenario)) as world:
        yield world


def find_listed(content: str) -> list[str]:
    """The ids of the data rows of a page."""
    return find_texts(content, r'<td class="id spare">(c[0-9a-z]{24})</td>')


def fetch_expected(server: ServedWorld, **body: object) -> list[str]:
    """The ids of the data rows that an export has."""
    answer = requests.post(f"{server.url}/_mock/expected", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return re.findall(r'^\{"data_row":\{"id":"(c[0-9a-z]{24})"', answer.text, re.MULTILINE)


def test_pages_show_every_row_once_in_order(many: ServedWorld) -> None:
    path = f"/console/projects/{many.projects['many']}"
    content = fetch(many, path)
    assert "<b>127</b> data rows" in content
    pages = [find_listed(content)]
    while links := find_texts(content, r'href="([^"]*)">Next page'):
        content = fetch(many, links[0])
        pages.append(find_listed(content))
    assert [len(page) for page in pages] == [PAGE, PAGE, 27]
    assert [row for page in pages for row in page] == fetch_expected(many, project="many")


@pytest.mark.parametrize("kind", ["project", "dataset", "slice", "model_run", "catalog"])
def test_every_kind_of_list_has_the_rows_of_its_export(server: ServedWorld, kind: str) -> None:
    records = server.ready.get(f"{kind}s", {"": ""})
    name = "image rows" if kind == "dataset" else next(iter(records))
    path = "/console/catalog" if kind == "catalog" else f"/console/{kind.replace('_', '-')}s/{records[name]}"
    assert find_listed(fetch(server, path)) == fetch_expected(server, **{kind: name or True})[:PAGE] != []


FILTERS = [
    ({"workflow_status": "InReview"}, {"workflow_status": "InReview"}),
    ({"workflow_status": "ToLabel"}, {"workflow_status": "ToLabel"}),
    ({"label_created_from": "2024-12-10"}, {"label_created_at": ["2024-12-10", None]}),
    ({"active_from": "2024-12-10", "active_to": "2024-12-20"}, {"last_activity_at": ["2024-12-10", "2024-12-20"]}),
    ({"key": "image-highway-scene-0001, image-noon-garden-0005"},
     {"global_keys": ["image-highway-scene-0001", "image-noon-garden-0005"]}),
    ({"key": ["image-highway-scene-0001"], "workflow_status": "Done", "q": ""},
     {"global_keys": ["image-highway-scene-0001"], "workflow_status": "Done"}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "filters"), FILTERS)
def test_filters_find_what_an_export_with_them_has(
    server: ServedWorld, query: dict[str, Any], filters: dict[str, object]
) -> None:
    content = fetch(server, f"/console/projects/{server.projects['image']}", **query)
    rows = find_listed(content)
    assert rows == fetch_expected(server, project="image", filters=filters) != []
    assert f"<b>{len(rows)}</b> data row" in content
    assert "Export all that match" in content


@pytest.mark.parametrize(
    ("text", "count"), [("image-", 12), ("highway", 1), ("image-highway-scene-0001", 1), ("nothing", 0), ("%", 0)]
)
def test_a_search_finds_the_beginnings_of_names(server: ServedWorld, text: str, count: int) -> None:
    content = fetch(server, f"/console/projects/{server.projects['image']}", q=text)
    assert len(find_listed(content)) == count
    assert ("No data row matches" in content) is (count == 0)


@pytest.mark.parametrize(
    "query",
    [
        {"after": "x"}, {"after": "-1"}, {"after": "9" * 30}, {"workflow_status": "Nope"}, {"active_from": "yesterday"},
        {"q": "x" * 501}, {"id": "c " * 2001 + "d" * 9}, {"label_created_to": "2024-13-45"},
    ],
)  # fmt: skip
def test_wrong_filters_are_explained_on_a_page(server: ServedWorld, query: dict[str, str]) -> None:
    path = f"/console/projects/{server.projects['image']}"
    if query.get("id"):
        query = {"id": " ".join(f"c{number}" for number in range(2001))}
    assert "This address cannot be read" in fetch(server, path, 400, **query)


def test_what_does_not_exist_is_named(server: ServedWorld) -> None:
    for path in ("projects/nope", "datasets/nope", "slices/nope", "model-runs/nope", "projects/nope/export"):
        assert "&#39;nope&#39; does not exist" in fetch(server, f"/console/{path}", 404)


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}"


def test_hostile_names_and_searches_are_text_on_every_list() -> None:
    with ServedWorld("--scenario", "empty") as world:
        project = world.ask("mutation($name: String!) { createProject(data: {name: $name}) { id } }", name=HOSTILE)[
            "createProject"
        ]["id"]
        dataset = world.ask("mutation($name: String!) { createDataset(data: {name: $name}) { id } }", name=HOSTILE)[
            "createDataset"
        ]["id"]
        paths = [f"/console/projects/{project}", f"/console/datasets/{dataset}", "/console/catalog"]
        for path in [*paths, *(f"{path}/export" for path in paths), "/console/tasks", "/"]:
            content = fetch(world, path, q=HOSTILE, key=HOSTILE)
            assert "<img src=x" not in content
            assert "49" not in find_texts(content, "<h1>(.*?)</h1>")[0]
            assert len(re.findall("<script", content)) == 1


@pytest.mark.parametrize("kind", ["slice", "model_run"])
def test_rows_of_a_slice_or_run_are_selected_by_hand(server: ServedWorld, kind: str) -> None:
    """Their exports take no filters, so the catalog exports the rows, with the predictions of the run."""
    record = next(iter(server.ready[f"{kind}s"].values()))
    content = fetch(server, f"/console/{kind.replace('_', '-')}s/{record}")
    chosen = find_listed(content)[1:3]
    [(action, fields)] = re.findall(r'<form [^>]*action="([^"]*/export)"[^>]*>\n((?:<input[^>]*>)*)', content)
    hidden = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', fields))
    view = fetch(server, action, id=chosen, **hidden)
    [request] = find_texts(view, r'data-request="([^"]*)"')
    headers = {"Authorization": f"Bearer {server.api_key}"}
    data = requests.post(server.graphql_url, data=request.encode(), headers=headers, timeout=60).json()["data"]
    task = data["exportDataRowsInCatalog"]["taskId"]
    results = f"{server.rest_url}/export-results/{task}/{server.organization_id}"
    rows = [json.loads(line) for line in requests.get(results, headers=headers, timeout=60).text.splitlines()]
    assert [row["data_row"]["id"] for row in rows] == chosen
    if kind == "model_run":
        assert [run for row in rows for each in row["experiments"].values() for run in each["runs"]] == [record] * 2


def test_rows_of_a_run_are_filtered_by_their_split(server: ServedWorld) -> None:
    path = f"/console/model-runs/{next(iter(server.ready['model_runs'].values()))}"
    parts = [find_listed(fetch(server, path, split=split)) for split in DataSplit]
    assert sorted(row for part in parts for row in part) == sorted(find_listed(fetch(server, path)))
    assert sum(bool(part) for part in parts) > 1
    assert "expected one of TRAINING" in fetch(server, path, 400, split="<b>")


def fetch_confidences(server: ServedWorld, run: str) -> dict[str, list[float]]:
    """Every confidence in the predictions on each data row, as an export of the run has them."""
    body = {"model_run": run, "params": {"predictions": True}}
    lines = requests.post(f"{server.url}/_mock/expected", json=body, timeout=30).text.splitlines()
    rows = [json.loads(line) for line in lines]
    return {row["data_row"]["id"]: list(find_values(row["experiments"], "confidence")) for row in rows}


def find_values(part: Any, key: str) -> Iterator[Any]:
    """The values of a key anywhere in a document."""
    for name, value in part.items() if isinstance(part, dict) else enumerate(part):
        if name == key:
            yield value
        elif isinstance(value, dict | list):
            yield from find_values(value, key)


RANGES = [("0.95", ""), ("", "0.55"), ("0.9", "0.901"), ("0", "1"), ("", "0.1"), ("0.75", "0.75"), ("1e-1", ".52")]


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_rows_of_a_run_are_filtered_by_the_confidence_of_their_predictions(
    server: ServedWorld, low: str, high: str
) -> None:
    name, run = next(iter(server.ready["model_runs"].items()))
    content = fetch(server, f"/console/model-runs/{run}", confidence_from=low, confidence_to=high)
    expected = [
        row
        for row, values in fetch_confidences(server, name).items()
        if any(float(low or 0) <= value <= float(high or 1) for value in values)
    ]
    assert find_listed(content) == expected[:PAGE]
    assert f"<b>{len(expected)}</b> data row" in content


def test_an_export_of_what_matches_in_a_run_has_these_rows_with_its_predictions(server: ServedWorld) -> None:
    run = next(iter(server.ready["model_runs"].values()))
    listed = fetch(server, f"/console/model-runs/{run}", split="TRAINING", confidence_from="0.9")
    [address] = find_texts(listed, r'href="([^"]*)">Export all that match')
    view = fetch(server, address)
    assert f"<b>{len(find_listed(listed))}</b> data row" in view
    [request] = find_texts(view, r'data-request="([^"]*)"')
    headers = {"Authorization": f"Bearer {server.api_key}"}
    data = requests.post(server.graphql_url, data=request.encode(), headers=headers, timeout=60).json()["data"]
    results = f"{server.rest_url}/export-results/{data['exportDataRowsInCatalog']['taskId']}/{server.organization_id}"
    rows = [json.loads(line) for line in requests.get(results, headers=headers, timeout=60).text.splitlines()]
    assert [row["data_row"]["id"] for row in rows] == find_listed(listed) != []
    assert all(list(find_values(row["experiments"], "predictions")) for row in rows)


def test_an_export_of_nothing_that_matches_says_so_and_shows_no_call(server: ServedWorld) -> None:
    path = f"/console/model-runs/{next(iter(server.ready['model_runs'].values()))}/export"
    view = fetch(server, path, version="v2", confidence_to="0.001")
    assert "<b>0</b> data rows match" in view
    assert "Nothing can be exported" in view
    assert "data-request" not in view


@pytest.mark.parametrize("value", ["high", "-0.1", "1.01", "nan", "inf", "<b>"])
def test_a_wrong_confidence_is_explained(server: ServedWorld, value: str) -> None:
    path = f"/console/model-runs/{next(iter(server.ready['model_runs'].values()))}"
    assert "expected a number from 0 to 1" in fetch(server, path, 400, confidence_from=value)
    assert "greater than" in fetch(server, f"{path}/export", 400, confidence_from="0.5", confidence_to="0.4")
