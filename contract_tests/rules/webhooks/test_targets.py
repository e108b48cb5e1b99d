"""Where webhooks may go."""

import pytest

from mockserver.errors import BadInput, StartupError
from mockserver.webhooks.targets import Allowed, target_of

NEAR = [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "10.1.2.3",
    "172.17.0.2",
    "192.168.1.4",
    "fd00::1",
    "::ffff:10.0.0.1",
    "0.0.0.0",
]
FAR = [
    "8.8.8.8",
    "93.184.216.34",
    "2606:2800:220:1::1",
    "169.254.169.254",
    "fe80::1",
    "224.0.0.1",
    "::ffff:8.8.8.8",
    "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
]
"""The last two are 8.8.8.8 at the end of a tunnel: 6to4 and Teredo."""


@pytest.mark.parametrize("address", NEAR)
def test_this_machine_and_private_networks_are_near(address: str) -> None:
    assert Allowed().refusal("receiver", address) is None


@pytest.mark.parametrize("address", FAR)
def test_public_and_link_local_addresses_are_not(address: str) -> None:
    refusal = Allowed().refusal("receiver.example.com", address)
    assert refusal is not None
    assert "--webhook-allow receiver.example.com" in refusal


@pytest.mark.parametrize("pattern", ["hooks.example.com", "*.EXAMPLE.com", "*", "93.184.216.34", "93.184.0.0/16"])
def test_a_host_an_address_or_a_network_may_be_allowed(pattern: str) -> None:
    assert Allowed([pattern]).refusal("hooks.example.com", "93.184.216.34") is None


@pytest.mark.parametrize("pattern", ["example.com", "*.example.org", "93.185.0.0/16"])
def test_what_is_not_named_stays_refused(pattern: str) -> None:
    assert Allowed([pattern]).refusal("hooks.example.com", "93.184.216.34") is not None


@pytest.mark.parametrize("pattern", ["", "http://example.com", "example.com:80", "a b", "1.2.3.4/99"])
def test_a_pattern_that_can_never_match_is_refused_at_start(pattern: str) -> None:
    with pytest.raises(StartupError, match="--webhook-allow"):
        Allowed([pattern])


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "named"),
    [
        ("http://a.b", "a.b", 80, "/", "a.b"),
        ("https://a.b/x?y=1#z", "a.b", 443, "/x?y=1", "a.b"),
        ("http://[::1]:3001/", "::1", 3001, "/", "[::1]:3001"),
        ("http://a.b:0/", "a.b", 0, "/", "a.b:0"),
        ("http://user:word@a.b:81/", "a.b", 81, "/", "a.b:81"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, path: str, named: str) -> None:
    target = target_of(url)
    assert (target.host, target.port, target.path, target.named) == (host, port, path, named)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a/", "http://", "https:/x", "http://a:b/", "http://a/ b", "http://a/\r\nX: 1"]
)
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(BadInput, match="for example http"):
        target_of(url)
