"""The targets of webhooks."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.errors import BadInput, StartupError
from mockserver.webhooks.metadata_addresses import NETWORKS, SOURCES
from mockserver.webhooks.targets import Allowed, parse_target

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
    "224.0.0.1",
    "::ffff:8.8.8.8",
    "2002:808:808::1",
    "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
    "64:ff9b::808:808",
]
"""The last three are 8.8.8.8 behind a tunnel or a translator: 6to4, Teredo, NAT64."""
SECRETS = {
    "AWS": "169.254.169.254", "AWS ECS": "169.254.170.2", "AWS EKS": "169.254.170.23", "AWS IPv6": "fd00:ec2::254",
    "AWS EKS IPv6": "fd00:ec2::23", "Google IPv6": "fd20:ce::254", "Oracle IPv6": "fd00:c1::a9fe:a9fe",
    "Oracle Classic": "192.0.0.192", "Alibaba": "100.100.100.200", "Alibaba IPv6": "fd00:100::100:200",
    "Azure's wire server": "168.63.129.16", "Tencent": "169.254.0.23", "Scaleway": "169.254.42.42",
    "Scaleway IPv6": "fd00:42::42", "Akamai IPv6": "fd00:a9fe:a9fe::1", "Volcengine": "100.96.0.96",
    "UCloud": "100.80.80.80",
    "OpenStack IPv6": "fe80::a9fe:a9fe", "link-local": "169.254.1.2", "link-local IPv6": "fe80::1%1",
}  # fmt: skip
"""Where clouds answer secrets."""
CARRIERS = [
    "::ffff:{0:x}:{1:x}", "2002:{0:x}:{1:x}::1", "64:ff9b::{0:x}:{1:x}", "64:ff9b:1::{0:x}:{1:x}",
    "::ffff:0:{0:x}:{1:x}", "::{0:x}:{1:x}", "2001:db8::5efe:{0:x}:{1:x}", "2001:db8::200:5efe:{0:x}:{1:x}",
]  # fmt: skip
"""IPv6 forms of an IPv4 address: mapped, 6to4, NAT64 twice, translated, compatible, ISATAP twice."""


@pytest.mark.parametrize("address", NEAR)
def test_this_machine_and_private_networks_are_near(address: str) -> None:
    assert Allowed().refusal("receiver", address) is None


@pytest.mark.parametrize("address", FAR)
def test_public_addresses_are_not(address: str) -> None:
    refusal = Allowed().refusal("receiver.example.com", address)
    assert refusal is not None
    assert "--webhook-allow receiver.example.com" in refusal


@pytest.mark.parametrize("pattern", ["hooks.example.com", "*.EXAMPLE.com", "*", "93.184.216.34", "93.184.0.0/16"])
def test_a_host_an_address_or_a_network_may_be_allowed(pattern: str) -> None:
    assert Allowed([pattern]).refusal("hooks.example.com", "93.184.216.34") is None


@pytest.mark.parametrize("pattern", ["example.com", "*.example.org", "93.185.0.0/16"])
def test_what_is_not_named_stays_refused(pattern: str) -> None:
    assert Allowed([pattern]).refusal("hooks.example.com", "93.184.216.34") is not None


@pytest.mark.parametrize("address", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("patterns", [[], ["*"], ["receiver.example.com"], ["0.0.0.0/0", "::/0"]])
def test_where_clouds_answer_secrets_nothing_is_sent_by_a_pattern(address: str, patterns: list[str]) -> None:
    refusal = Allowed(patterns).refusal("receiver.example.com", address)
    assert refusal is not None
    assert "with credentials" in refusal


@pytest.mark.parametrize("address", SECRETS.values(), ids=SECRETS)
def test_an_address_with_secrets_may_be_named_itself(address: str) -> None:
    without_zone = address.partition("%")[0]
    assert Allowed([without_zone]).refusal("receiver.example.com", address) is None


@pytest.mark.parametrize("address", [address for address in SECRETS.values() if "." in address])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_address_with_secrets_is_refused_in_every_form(carrier: str, address: str) -> None:
    number = int(ipaddress.IPv4Address(address))
    form = carrier.format(number >> 16, number & 0xFFFF)
    assert Allowed(["*", "::/0"]).refusal("receiver.example.com", form) is not None
    assert Allowed([address]).refusal("receiver.example.com", form) is None


@pytest.mark.parametrize(
    "form", ["64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1:0:a9:fea9:fe00::", "fe80::5efe:10.1.2.3"]
)
def test_an_address_that_may_be_read_as_one_with_secrets_is_refused(form: str) -> None:
    """169.254.169.254 behind prefixes of NAT64 of 48, 56 and 64 bits, and a link-local address that carries another."""
    assert Allowed(["*"]).refusal("receiver.example.com", form) is not None


@given(st.integers(0, 2**32 - 1), st.sampled_from(CARRIERS))
def test_an_address_that_another_carries_is_judged_as_itself(number: int, carrier: str) -> None:
    if carrier == "::{0:x}:{1:x}" and number <= 1:
        return  # these are `::` and `::1`
    form = carrier.format(number >> 16, number & 0xFFFF)
    itself, carried = (Allowed().refusal("host", address) for address in (str(ipaddress.IPv4Address(number)), form))
    assert (itself is None) == (carried is None)


def test_every_refused_network_has_a_source() -> None:
    assert all(len(source) > 10 for source in SOURCES.values())
    assert [
        str(network).removesuffix("/32").removesuffix("/128") for network in NETWORKS if network.num_addresses == 1
    ] == [name for name in SOURCES if "/" not in name]


@pytest.mark.parametrize("pattern", ["", "http://example.com", "example.com:80", "a b", "1.2.3.4/99"])
def test_a_pattern_that_can_never_match_is_refused_at_start(pattern: str) -> None:
    with pytest.raises(StartupError, match="--webhook-allow"):
        Allowed([pattern])


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://a.b", "a.b", 80, "/", "a.b"),
        ("https://a.b/x?y=1#z", "a.b", 443, "/x?y=1", "a.b"),
        ("http://[::1]:3001/", "::1", 3001, "/", "[::1]:3001"),
        ("http://a.b:0/", "a.b", 0, "/", "a.b:0"),
        ("http://user:word@a.b:81/", "a.b", 81, "/", "a.b:81"),
    ],
)
def test_a_url_is_split_into_its_parts(url: str, host: str, port: int, path: str, authority: str) -> None:
    target = parse_target(url)
    assert (target.host, target.port, target.path, target.authority) == (host, port, path, authority)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a/", "http://", "https:/x", "http://a:b/", "http://a/ b", "http://a/\r\nX: 1"]
)
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(BadInput, match="for example http"):
        parse_target(url)
