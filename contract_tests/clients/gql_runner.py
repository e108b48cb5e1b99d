"""The `gql` library as a client's process: it reads the schema by introspection and checks every document by it."""

from functools import lru_cache
from typing import Any

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

from contract_tests.clients import plain
from contract_tests.clients.conversation import converse
from contract_tests.clients.requests_runner import TIMEOUT_SECONDS, RequestsTransport


class GqlTransport(RequestsTransport):
    """Questions by gql; files as `requests` fetches them."""

    def post_json(self, url: str, body: Any, headers: dict[str, str]) -> Any:
        request = gql(body["query"])
        request.variable_values = body["variables"]
        try:
            return {"data": client_of(url, headers["Authorization"]).execute(request)}
        except TransportQueryError as error:
            return {"errors": error.errors}


@lru_cache(maxsize=4)
def client_of(url: str, authorization: str) -> Client:
    transport = RequestsHTTPTransport(url, headers={"Authorization": authorization}, timeout=TIMEOUT_SECONDS)
    return Client(transport=transport, fetch_schema_from_transport=True)


if __name__ == "__main__":
    converse(plain.operations(GqlTransport()))
