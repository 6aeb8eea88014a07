"""Where a webhook may be sent: read strictly, so that no two readers can differ (WH2)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult, urlsplit

import msgspec

from sycee.services.notify.contract import UrlNotAllowed
from sycee.services.notify.domain import addresses
from sycee.services.notify.domain.addresses import Address

LENGTH_MAX = 2048
_HOST_LENGTH_MAX = 253
_PORTS = {"https": 443, "http": 80}

_URL = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
_FORBIDDEN = frozenset('\\#"<>^`{|}')
_IN_BRACKETS = re.compile(r"\[[0-9a-f:.]+\](:[0-9]+)?", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""A last label like this makes a host an IPv4 address to some readers (WHATWG URL, 3.5)."""
_LOCALHOST = "localhost"
_INNER_NAMES = frozenset({"metadata.azure.com", "metadata.goog", "metadata.tencentyun.com"})
_INNER_ENDINGS = (
    ".localhost",
    ".localdomain",
    ".local",
    ".internal",
    ".intranet",
    ".private",
    ".corp",
    ".home",
    ".lan",
    ".home.arpa",
    ".svc",
)


class Rules(msgspec.Struct, frozen=True):
    """What this installation allows."""

    loopback: bool = False
    """Receivers on this machine, by http or https, at any port: for development."""
    ports: frozenset[int] = frozenset(_PORTS.values())
    hosts: frozenset[str] = frozenset()
    """Hosts that the operator vouches for: by http or https, at any port, at inner addresses."""


class Target(msgspec.Struct, frozen=True):
    """A URL, taken apart."""

    scheme: str
    host: str
    """Lower-case, without the brackets of an IPv6 address."""
    port: int
    path: str
    """Path and query."""
    address: Address | None
    """The host, when it is an address."""

    @property
    def authority(self) -> str:
        """The ``Host`` header (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def target(url: str, rules: Rules) -> Target:
    """Take a URL apart, refusing what may not be sent to as far as its text tells."""
    found = _parsed(url)
    if found.host in rules.hosts:
        return found
    near = rules.loopback and _is_loopback(found)
    if found.scheme != "https" and not near:
        raise _refusal("The URL must begin with https://.")
    if found.port not in rules.ports and not near:
        raise _refusal(f"Port {found.port} is not allowed.")
    if found.address is not None:
        check_address(found, found.address, rules)
    elif not near and _is_inner_name(found.host):
        raise _refusal("The URL's host is not on the internet.")
    return found


def check_address(found: Target, address: Address, rules: Rules) -> None:
    """Refuse to connect to an address that the URL's host resolved to just now."""
    if found.host in rules.hosts:
        allowed = not addresses.is_link_local(address) and not address.is_multicast
    elif rules.loopback and _is_loopback(found):
        allowed = address.is_loopback
    else:
        allowed = addresses.is_public(address)
    if not allowed:
        raise _refusal("The URL's host is not on the internet.")


def _parsed(url: str) -> Target:
    if len(url) > LENGTH_MAX:
        raise _refusal(f"The URL is longer than {LENGTH_MAX} characters.")
    if not _URL.fullmatch(url) or not _FORBIDDEN.isdisjoint(url):
        raise _refusal("The URL is malformed.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refusal("The URL is malformed.") from None
    if "@" in parts.netloc:
        raise _refusal("The URL must not hold a user or a password.")
    if parts.netloc.endswith(":"):
        raise _refusal("The URL is malformed.")
    host, address = _host(parts)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _PORTS[parts.scheme] if port is None else port, path, address)


def _host(parts: SplitResult) -> tuple[str, Address | None]:
    host = parts.hostname or ""
    address = addresses.parse(host)
    if isinstance(address, IPv6Address) or "[" in parts.netloc:
        sound = address is not None and bool(_IN_BRACKETS.fullmatch(parts.netloc))
    else:
        sound = address is not None or _is_name(host)
    if not sound:
        raise _refusal("The URL is malformed.")
    return host, address


def _is_name(host: str) -> bool:
    labels = host.split(".")
    return (
        len(host) <= _HOST_LENGTH_MAX
        and all(map(_LABEL.fullmatch, labels))
        and not _NUMBER.fullmatch(labels[-1])
    )


def _is_inner_name(host: str) -> bool:
    return "." not in host or host in _INNER_NAMES or host.endswith(_INNER_ENDINGS)


def _is_loopback(found: Target) -> bool:
    return found.host == _LOCALHOST if found.address is None else found.address.is_loopback


def _refusal(detail: str) -> UrlNotAllowed:
    return UrlNotAllowed(detail, param="url")
