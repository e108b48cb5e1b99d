"""Access to the control API."""

import pytest
from starlette.requests import Request

from mockserver.errors import ControlRefused
from mockserver.http.access import check

HOSTS = frozenset({"127.0.0.1", "[::1]", "localhost", "labelbox-mock"})


def request(client: str | None, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    address = None if client is None else (client, 50000)
    return Request({"type": "http", "method": "POST", "path": "/_mock/reset", "headers": raw, "client": address})


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", None])
def test_this_machine_needs_no_token(client: str | None) -> None:
    check(request(client), "secret", HOSTS)


@pytest.mark.parametrize("client", ["10.0.0.5", "192.0.2.1", "2001:db8::1", "testclient"])
def test_another_machine_needs_the_token(client: str) -> None:
    with pytest.raises(ControlRefused, match="CONTROL_TOKEN"):
        check(request(client), "secret", HOSTS)
    with pytest.raises(ControlRefused):
        check(request(client, authorization="Bearer wrong"), "secret", HOSTS)
    check(request(client, authorization="Bearer secret"), "secret", HOSTS)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "[::1]:8000", "[::1]", "LOCALHOST:1", "labelbox-mock:80", "localhost:"]
)
def test_this_machine_is_asked_by_its_names(host: str) -> None:
    check(request("127.0.0.1", host=host), "secret", HOSTS)


@pytest.mark.parametrize(
    "host",
    ["evil.example:8000", "evil.example", "", ":8000", "127.0.0.1.evil.example", "127.0.0.1:8000@evil.example", "::1"],
)
def test_a_page_whose_name_leads_to_this_machine_needs_the_token(host: str) -> None:
    """The server may listen on every address, so that the name was not checked before."""
    page = {"host": host, "origin": f"http://{host}"}
    with pytest.raises(ControlRefused):
        check(request("127.0.0.1", **page), "secret", HOSTS)
    check(request("127.0.0.1", authorization="Bearer secret", **page), "secret", HOSTS)


FORWARDED = [
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
    "X-Forwarded-Prefix", "X-Forwarded", "Forwarded-For", "X-Real-IP", "X-Original-Host", "X-Original-Forwarded-For",
    "X-Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "DO-Connecting-IP", "Fastly-Client-IP",
    "Fly-Client-IP", "X-Azure-ClientIP", "X-Envoy-External-Address", "X-Remote-Addr", "CDN-Loop",
]  # fmt: skip
NOT_FORWARDED = ["Client-Version", "X-Request-Id", "X-Python-Version", "X-User-Agent", "Accept-Via", "Trip"]


@pytest.mark.parametrize("field", NOT_FORWARDED)
def test_other_fields_than_those_of_proxies_need_no_token(field: str) -> None:
    check(request("127.0.0.1", **{field.lower(): "127.0.0.1"}), "secret", HOSTS)


@pytest.mark.parametrize("field", FORWARDED)
def test_what_a_proxy_of_this_machine_passes_on_needs_the_token(field: str) -> None:
    with pytest.raises(ControlRefused):
        check(request("127.0.0.1", **{field.lower(): "127.0.0.1"}), "secret", HOSTS)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "same-origin, cross-site"])
def test_a_page_that_only_reads_is_known_by_what_its_browser_says(site: str) -> None:
    with pytest.raises(ControlRefused):
        check(request("127.0.0.1", sec_fetch_site=site), "secret", HOSTS)
    check(request("127.0.0.1", sec_fetch_site="same-origin"), "secret", HOSTS)
    check(request("127.0.0.1", sec_fetch_site="none"), "secret", HOSTS)


def test_every_header_that_names_the_site_is_read() -> None:
    fields = [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")]
    scope = {"type": "http", "method": "GET", "path": "/_mock/", "headers": fields, "client": ("127.0.0.1", 50000)}
    with pytest.raises(ControlRefused):
        check(Request(scope), "secret", HOSTS)


@pytest.mark.parametrize("origin", ["http://[::1", "http://[" + "x" * 50_000, "http://[evil]", "null", "", "localhost"])
def test_an_origin_that_is_no_url_of_this_server_needs_the_token(origin: str) -> None:
    with pytest.raises(ControlRefused):
        check(request("127.0.0.1", host="localhost", origin=origin), "secret", HOSTS)
    with pytest.raises(ControlRefused):  # as nothing can be equal to what is missing
        check(request("127.0.0.1", origin=origin), "secret", HOSTS)
