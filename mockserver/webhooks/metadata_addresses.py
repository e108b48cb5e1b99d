"""Addresses at which clouds give their machines credentials, user data and keys. No webhook is sent to them.

A name like metadata.google.internal needs no entry of its own: the address counts to which it resolves.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SOURCES: dict[str, str] = {
    "169.254.0.0/16": (
        "link-local (RFC 3927). 169.254.169.254: AWS, Azure, Google Cloud, Oracle Cloud, DigitalOcean, Hetzner, Vultr, "
        "Akamai, IBM Cloud, OpenStack (each provider's page on instance metadata). 169.254.170.2: AWS ECS task "
        "credentials. 169.254.170.23: AWS EKS Pod Identity. 169.254.0.23: Tencent Cloud (metadata.tencentyun.com). "
        "169.254.42.42: Scaleway"
    ),
    "fe80::/10": "link-local (RFC 4291, section 2.5.6). fe80::a9fe:a9fe: OpenStack (Nova, metadata over IPv6)",
    "fec0::/10": "site-local, deprecated by RFC 3879: where it still leads anywhere it leads to nothing that is meant",
    "fd00:ec2::/32": (
        "AWS's own services over IPv6. fd00:ec2::254: instance metadata (EC2 User Guide). fd00:ec2::23: EKS Pod "
        "Identity. fd00:ec2::253 and ::123: DNS and time"
    ),
    "fd20:ce::254": "Google Cloud, machines with IPv6 only (Compute Engine, view and query VM metadata)",
    "fd00:c1::a9fe:a9fe": "Oracle Cloud Infrastructure over IPv6 (its SDKs name it for instance principals)",
    "192.0.0.192": "Oracle Cloud Infrastructure Classic (retrieving instance metadata)",
    "100.100.100.200": "Alibaba Cloud (ECS, instance metadata)",
    "fd00:100::100:200": "Alibaba Cloud over IPv6 (ECS, instance metadata)",
    "168.63.129.16": "Azure's wire server, a public address (Azure, what is IP address 168.63.129.16)",
    "fd00:42::42": "Scaleway over IPv6 (cloud-init, data source Scaleway)",
    "fd00:a9fe:a9fe::1": "Akamai, formerly Linode, over IPv6 (cloud-init, data source Akamai)",
    "100.80.80.80": "UCloud and SurferCloud (UHost, metadata server)",
    "100.96.0.96": "Volcengine and BytePlus (ECS, instance metadata)",
}
"""Networks and single addresses, each with its source."""

NETWORKS: tuple[Network, ...] = tuple(map(ipaddress.ip_network, SOURCES))

_CARRIERS = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "64:ff9b::/96",  # NAT64, the well-known prefix (RFC 6052)
            "64:ff9b:1::/48",  # NAT64, local use (RFC 8215)
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
            "::/96",  # IPv4-compatible (RFC 4291, section 2.5.5.1)
        ),
    )
)
"""IPv6 networks whose addresses end with an IPv4 address."""
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_ZEROS = 8
_ISATAP = 0x5EFE
"""The bits in front of the IPv4 address in an interface identifier (RFC 5214), without the one that says whether the
identifier is globally unique."""


def decode_destination(address: Address) -> Address:
    """The address at which packets arrive: the IPv4 address that an IPv6 address contains, or the address itself.

    Mapped, 6to4 (RFC 3056), Teredo (RFC 4380), NAT64, translated and compatible addresses contain one, and so does the
    interface identifier of ISATAP (RFC 5214). `::` and `::1` do not.
    """
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo[1] if address.teredo is not None else None
    carried = address.ipv4_mapped or address.sixtofour or teredo
    if carried is not None:
        return carried
    number = int(address)
    carries = any(address in network for network in _CARRIERS) or (number >> 32) & 0xFDFFFFFF == _ISATAP
    if carries and number > 1:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    return ipaddress.IPv6Address(number)  # without the zone


def find_metadata_address(address: Address) -> Address | None:
    """The metadata address that this address is or contains; None if there is none."""
    return next((one for one in _list_meanings(address) if any(one in network for network in NETWORKS)), None)


def _list_meanings(address: Address) -> Iterator[Address]:
    """Every address that it can mean."""
    yield decode_destination(address)
    if not isinstance(address, ipaddress.IPv6Address):
        return
    number = int(address)
    yield ipaddress.IPv6Address(number)  # without the zone
    if address in _LOCAL_NAT64:
        # The shorter the prefix, the further left the IPv4 address is, around an octet of zeros (RFC 6052, 2.2).
        octets = address.packed
        for first in (6, 7, 8):
            yield ipaddress.IPv4Address(bytes(octets[i] for i in range(first, 13) if i != _ZEROS)[:4])
