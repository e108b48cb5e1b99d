"""Who may drive the server."""

import pytest
from starlette.requests import Request

from mockserver.control.access import check
from mockserver.errors import ControlRefused


def request(client: str | None, **headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    address = None if client is None else (client, 50000)
    return Request({"type": "http", "method": "POST", "path": "/_mock/reset", "headers": raw, "client": address})


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None])
def test_this_machine_needs_no_token(client: str | None) -> None:
    check(request(client), "secret")


@pytest.mark.parametrize("client", ["10.0.0.5", "192.0.2.1", "2001:db8::1", "testclient"])
def test_another_machine_needs_the_token(client: str) -> None:
    with pytest.raises(ControlRefused, match="CONTROL_TOKEN"):
        check(request(client), "secret")
    with pytest.raises(ControlRefused):
        check(request(client, authorization="Bearer wrong"), "secret")
    check(request(client, authorization="Bearer secret"), "secret")
