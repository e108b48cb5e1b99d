"""Requests of clients that must live with a server that is lost now and then."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import requests

from contract_tests.replicas.journal import Journal

PATIENCE = 20.0
"""Seconds until a client gives up an answer."""
PLANNED_STATUSES = {502, 503, 504}
RESOURCE_FAILED = "MOCKSERVER_RESOURCE_FAILED"


class Unanswered(Exception):
    """No answer, or a refusal because a resource of the server was lost: the request may have been carried out."""


class Refused(Exception):
    """Any other refusal, which is on record as a fault of the service."""


class Connection:
    """The way of one client to the service; every request has a connection of its own."""

    def __init__(self, url: str, journal: Journal, *, also_asked: Iterable[str] = ()) -> None:
        """`also_asked` are the addresses that the client's other connections ask."""
        self.url, self._journal = url, journal
        self._hosts = {urlsplit(each).netloc for each in (url, *also_asked)}

    def control(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Any:
        """Calls the control API. Raises Unanswered."""
        query = {} if key is None else {"api_key": key}
        response = self._send(method, f"{self.url}/_mock/{path}", json=body, params=query)
        if response.status_code >= 300:
            self._refuse(f"{method} {path}", response, response.text)
        if "ndjson" in response.headers.get("Content-Type", ""):
            return response.text
        return response.json() if response.content else None

    def ask(self, key: str, document: str, **variables: object) -> Any:
        """The `data` of the answer to a GraphQL document. Raises Unanswered."""
        body, headers = {"query": document, "variables": variables}, {"Authorization": f"Bearer {key}"}
        response = self._send("POST", f"{self.url}/graphql", json=body, headers=headers)
        if response.status_code >= 300 or "errors" in response.json():
            self._refuse(document, response, response.text)
        return response.json()["data"]

    def get(self, url: str) -> str:
        """The text behind a link, whose host is the one that clients ask. Raises Unanswered."""
        host = urlsplit(url).netloc
        if host not in self._hosts:
            self._journal.add_fault(f"a link names {host}, which no client has asked: {url}")
        response = self._send("GET", url)
        if response.status_code >= 300:
            self._refuse(url, response, response.text)
        return response.text

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            return requests.request(method, url, timeout=PATIENCE, **options)
        except requests.RequestException as error:
            raise Unanswered(str(error)) from None

    def _refuse(self, what: str, response: requests.Response, text: str) -> None:
        """Raises Unanswered for a refusal that says that something is lost, else Refused."""
        if is_planned(response):
            raise Unanswered(f"{response.status_code} {text[:200]}")
        words = f"{what} was refused with {response.status_code} {text[:500]}"
        self._journal.add_fault(words)
        raise Refused(words)


def is_planned(response: requests.Response) -> bool:
    """Whether a refusal says that something is lost for a while."""
    return response.status_code in PLANNED_STATUSES or (
        response.headers.get("Content-Type", "").startswith("application/json") and RESOURCE_FAILED in response.text
    )
