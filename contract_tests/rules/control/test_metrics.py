"""The metrics of the server, in the text format of Prometheus."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from contract_tests.serving import ServedWorld
from mockserver.control.metrics import Metric, render
from mockserver.control.monitoring import CLASSES, classify
from mockserver.testing import MockWorkspace

SAMPLE = re.compile(r'([a-z_]+)(?:\{([a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*)\})? (-?[0-9.e+-]+)')
EXPORT = "mutation($id: ID!) {exportDataRowsInProject(input: {filters: {projectId: $id}}) {taskId}}"
KINDS = {"query", "mutation", "results", "files", "page", "other", *(kind for _, kind in CLASSES)}


@pytest.fixture(scope="module")
def own() -> Iterator[ServedWorld]:
    with ServedWorld() as world:
        yield world


def read_metrics(world: ServedWorld) -> dict[str, float]:
    """The samples by name and labels. Every line has to be one, or a comment."""
    answer = requests.get(f"{world.url}/_mock/metrics", timeout=60)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert answer.text.endswith("\n")
    samples = {}
    for line in answer.text.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            match = SAMPLE.fullmatch(line)
            assert match is not None, line
            samples[line.rpartition(" ")[0]] = float(match[3])
    return samples


def test_requests_are_counted_by_class_and_status(own: ServedWorld) -> None:
    own.require_one_server()
    before = read_metrics(own)
    own.ask("{projects {id}}")
    requests.post(own.graphql_url, json={"query": "{projects {id}}"}, timeout=30)  # without a key
    requests.get(f"{own.url}/nothing", timeout=30)
    after = read_metrics(own)

    def grown(operation: str, status: str) -> float:
        name = f'mockserver_requests_total{{operation="{operation}",status="{status}"}}'
        return after.get(name, 0) - before.get(name, 0)

    assert grown("query", "2xx") == 1
    assert grown("graphql", "4xx") == 1
    assert grown("other", "4xx") == 1
    assert grown("control", "2xx") >= 1


def test_exports_messages_workspaces_and_bytes_are_counted(own: ServedWorld) -> None:
    own.require_one_server()
    before = read_metrics(own)
    mine: MockWorkspace = own.workspace()
    headers = {"Authorization": f"Bearer {mine.api_key}"}
    body: dict[str, Any] = {"query": EXPORT, "variables": {"id": mine.project("image")}}
    requests.post(mine.graphql_url, json=body, headers=headers, timeout=60).raise_for_status()
    mine.webhook("http://127.0.0.1:9/", retries=[3600])
    mine.event("LABEL_CREATED", "image")
    done, deliveries = 'mockserver_exports{version="v2",status="COMPLETE"}', 'mockserver_deliveries{state="PENDING"}'
    after = read_metrics(own)
    assert after["mockserver_workspaces"] == before["mockserver_workspaces"] + 1
    assert after[done] == before[done] + 1
    assert after[deliveries] == before[deliveries] + 1
    assert after["mockserver_results_bytes"] > before["mockserver_results_bytes"]
    mine.delete()
    assert read_metrics(own)["mockserver_results_bytes"] == before["mockserver_results_bytes"]


def test_no_client_and_no_key_is_in_the_metrics(own: ServedWorld) -> None:
    before = set(read_metrics(own))
    mine = own.workspace(api_key="a-key-that-nobody-guesses")
    for number in range(20):
        requests.get(f"{own.url}/path-{number}/{number}", timeout=30)
        headers = {"Authorization": f"Bearer {mine.api_key}"}
        body = {"query": f"query name{number} {{projects {{id}}}}"}
        requests.post(own.graphql_url, json=body, headers=headers, timeout=30)
    after = set(read_metrics(own))
    mine.delete()
    assert len(after - before) <= 8, "a class of requests has at most a count for each status, and a time"
    assert not [name for name in after if "nobody" in name or "name1" in name or "path-" in name]


@given(path=st.text(max_size=40).map(lambda text: f"/{text}"))
def test_every_path_has_a_class(path: str) -> None:
    assert classify({"path": path}) in KINDS


@given(st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(0, 2**50))
def test_every_number_is_written_as_prometheus_reads_it(number: float) -> None:
    text = render(Metric("a_name", "gauge", "Help.", {(("label", "value"),): number, (): number}))
    for line in text.splitlines()[2:]:
        match = SAMPLE.fullmatch(line)
        assert match is not None, line
        assert float(match[3]) == pytest.approx(number)
