"""Plain `requests` as a client's process."""

from typing import Any

import requests

from contract_tests.clients import plain
from contract_tests.clients.conversation import converse

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


if __name__ == "__main__":
    converse(plain.operations(RequestsTransport()))
