"""Plain `requests` as a client's process."""

from typing import Any

import requests

from contract_tests.clients import plain
from contract_tests.clients.conversation import Answer, converse

TIMEOUT_SECONDS = 60


class RequestsTransport:
    def __init__(self) -> None:
        self._session = requests.Session()

    def post_json(self, url: str, body: object, headers: dict[str, str]) -> Any:
        return self._session.post(url, json=body, headers=headers, timeout=TIMEOUT_SECONDS).json()

    def download(self, url: str, headers: dict[str, str]) -> bytes:
        response = self._session.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return response.content


TRANSPORT = RequestsTransport()


def export_project(*, graphql_url: str, rest_url: str, api_key: str, **export: Any) -> Answer:
    service = plain.Service(TRANSPORT, graphql_url, rest_url, api_key)
    return plain.export_project(service, **export)


if __name__ == "__main__":
    converse({"export_project": export_project})
