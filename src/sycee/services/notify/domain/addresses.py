"""Which addresses a webhook may connect to (OWASP ASVS 5.0, 1.3.6; API Security Top 10, API7)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_V4_DENIED = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this host, RFC 791
            "10.0.0.0/8",  # private, RFC 1918
            "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; Alibaba's metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's host, reachable from every machine of its cloud
            "169.254.0.0/16",  # link-local, RFC 3927; the metadata of most clouds
            "172.16.0.0/12",  # private, RFC 1918
            "192.0.0.0/24",  # protocol assignments, RFC 6890
            "192.0.2.0/24",  # documentation, RFC 5737
            "192.88.99.0/24",  # relays of 6to4, RFC 7526
            "192.168.0.0/16",  # private, RFC 1918
            "198.18.0.0/15",  # benchmarks, RFC 2544
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)

_V6_GLOBAL = IPv6Network("2000::/3")
"""The one block of global unicast (IANA). Outside of it lie loopback, link-local and unique local
addresses, multicast, and the forms that carry an IPv4 address: mapped, compatible, NAT64."""

_V6_DENIED = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, RFC 2928: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation, RFC 3849
            "2002::/16",  # 6to4, RFC 3056: carries an IPv4 address
            "3fff::/20",  # documentation, RFC 9637
        ),
    )
)

_LINK_LOCAL = (IPv4Network("169.254.0.0/16"), IPv6Network("fe80::/10"))


def parse(text: str) -> Address | None:
    """The address, or None when the text is not one in its usual form."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether the address belongs to the internet and to nothing nearer."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _V4_DENIED)
    return address in _V6_GLOBAL and not any(address in network for network in _V6_DENIED)


def is_link_local(address: Address) -> bool:
    """Whether it is an address of the wire itself, where clouds keep their metadata."""
    return any(address in network for network in _LINK_LOCAL)
