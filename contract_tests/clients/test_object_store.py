"""A server that sends its clients to presigned URLs of an object store: all of them follow, and receive the rows."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract_tests.clients.clients import LEGACY, ClientKind, RunningPrograms
from contract_tests.clients.test_project_export import ids_of
from contract_tests.s3 import BUCKET, S3Server, s3_in_environment
from contract_tests.serving import ServedWorld


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_in_environment() as server:
        yield server


@pytest.fixture(scope="session")
def redirecting(s3: S3Server) -> Iterator[ServedWorld]:
    with ServedWorld("--results", f"s3://{BUCKET}/clients", "--results-redirect") as world:
        yield world


def list_redirects(world: ServedWorld) -> list[Any]:
    answer = requests.get(f"{world.url}/_mock/requests", params={"status": "302", "limit": "1000"}, timeout=60)
    return list(answer.json()["requests"])


@pytest.mark.thorough
@pytest.mark.known("client")
def test_every_client_receives_the_rows_from_the_store(
    kind: ClientKind, programs: RunningPrograms, redirecting: ServedWorld
) -> None:
    exported = programs.client(kind, redirecting).export_project(redirecting.projects["text"], {})
    expected = redirecting.own.expected_rows("text")
    assert ids_of(exported.rows) == ids_of(expected)


@pytest.mark.known("client")
@pytest.mark.parametrize("legacy", [LEGACY[0], LEGACY[-1]], ids=lambda kind: kind.name)
def test_export_v1_is_received_from_the_store(
    legacy: ClientKind, programs: RunningPrograms, redirecting: ServedWorld
) -> None:
    before = len(list_redirects(redirecting))
    client, project = programs.client(legacy, redirecting), redirecting.projects["text"]
    assert client.legacy("export_labels", project_id=project, filters={})["labels"]
    assert len(list_redirects(redirecting)) > before
