"""REST questions about ontologies, as the SDK sends them: with a JSON body, though by GET."""

import json
from typing import Any

import pytest
import requests

from contract_tests.rules.api.asking import ask
from contract_tests.serving import ServedWorld


def rest(server: ServedWorld, path: str, body: object = None, *, key: str | None = None) -> requests.Response:
    headers = {"Authorization": f"Bearer {key or server.api_key}"}
    return requests.get(f"{server.rest_url}/{path}", headers=headers, json=body, timeout=60)


@pytest.fixture(scope="module")
def ontology(server: ServedWorld) -> dict[str, Any]:
    document = f'{{project(where: {{id: "{server.projects["image"]}"}}){{ontology{{id normalized}}}}}}'
    return dict(ask(server, document).data["project"]["ontology"])


@pytest.mark.known("client")
def test_an_ontology_shows_which_of_its_features_are_archived(server: ServedWorld, ontology: dict[str, Any]) -> None:
    nodes = rest(server, f"ontologies/{ontology['id']}").json()["featureSchemaNodes"]
    for kind in ("tools", "classifications"):
        ids = [feature["featureSchemaId"] for feature in ontology["normalized"][kind]]
        assert nodes[kind] == [{"featureSchemaId": feature, "archived": False} for feature in ids]
    assert nodes["relationships"] == []


@pytest.mark.known("client")
def test_an_unknown_ontology_is_not_found(server: ServedWorld) -> None:
    answer = rest(server, "ontologies/nobody")
    assert (answer.status_code, "'nobody'" in answer.json()["message"]) == (404, True)


@pytest.mark.known("client")
def test_nothing_is_unused_in_the_default_world(server: ServedWorld) -> None:
    for route in ("ontologies/unused", "feature-schemas/unused"):
        for body in (None, {"after": None}, {"after": "cl0000000000000000000000"}):
            assert rest(server, route, body).json() == []


@pytest.mark.parametrize("body", [{"after": 5}, 7, "x" * 5])
def test_a_cursor_that_is_none_says_what_was_expected(server: ServedWorld, body: object) -> None:
    answer = rest(server, "ontologies/unused", body)
    if isinstance(body, str):  # a bare id does no harm
        assert answer.json() == []
    else:
        assert (answer.status_code, "expected" in answer.json()["message"]) == (400, True)


def test_a_body_that_is_no_json_is_refused(server: ServedWorld) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    answer = requests.get(f"{server.rest_url}/ontologies/unused", headers=headers, data=b"{", timeout=60)
    assert (answer.status_code, "not JSON" in json.loads(answer.content)["message"]) == (400, True)


def test_without_a_key_nothing_is_answered(server: ServedWorld, ontology: dict[str, Any]) -> None:
    for route in ("ontologies/unused", "feature-schemas/unused", f"ontologies/{ontology['id']}"):
        assert rest(server, route, key="nobody").status_code == 401
