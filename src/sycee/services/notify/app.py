"""Builds notify: events and endpoints in a database, and the job that delivers."""

from __future__ import annotations

import random
import ssl

import msgspec

from sycee.runtime.host import Host, Profile
from sycee.services.notify.adapters.resolver import Resolve, system_resolver
from sycee.services.notify.adapters.sender import Sender
from sycee.services.notify.contract import EVENTS_TOPIC, Notify
from sycee.services.notify.domain.seals import KEY_BYTES
from sycee.services.notify.domain.urls import Rules
from sycee.services.notify.jobs import keep_delivering, keep_forgetting
from sycee.services.notify.service.courier import Courier, Limits, Render
from sycee.services.notify.service.directory import Directory
from sycee.services.notify.service.notify import NotifyService
from sycee.services.notify.service.signer import Signer

_LEASE_MARGIN_S = 20.0


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the notify service."""

    connect_timeout_s: float = 5.0
    """Seconds in which a receiver must accept the connection, TLS included."""
    total_timeout_s: float = 10.0
    """Seconds in which a receiver must have answered."""
    sends_max: int = 64
    """Webhooks under way at once."""
    sends_per_endpoint_max: int = 8
    """Webhooks under way at once to one endpoint."""
    drain_s: float = 5.0
    """Seconds that webhooks under way may take to finish when the process stops."""
    allowed_ports: tuple[int, ...] = (80, 443)
    """Ports that a receiver may listen on."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts that the operator vouches for: by http too, at any port, at inner addresses."""
    attempts_kept_days: int = 30
    """Days for which single attempts can be looked at."""
    ca_file: str | None = None
    """Certificates (PEM) of further authorities that receivers may be certified by."""

    def __post_init__(self) -> None:
        if not 0 < self.sends_per_endpoint_max <= self.sends_max:
            raise ValueError("sends_per_endpoint_max must be from 1 to sends_max")
        if not 0 < self.connect_timeout_s <= self.total_timeout_s:
            raise ValueError("connect_timeout_s must be above 0 and at most total_timeout_s")
        if self.attempts_kept_days < 1:
            raise ValueError("attempts_kept_days must be 1 or more")


async def build(
    host: Host, settings: Settings, render: Render, resolve: Resolve | None = None
) -> Notify:
    """Events and webhooks over this host's database; ``render`` writes an event as a body."""
    database = await host.database("notify")
    directory = Directory(database)
    await directory.load()
    signer = Signer(host.secret("webhook-secrets", KEY_BYTES))
    rules = Rules(
        loopback=host.profile is Profile.DEV,
        ports=frozenset(settings.allowed_ports),
        hosts=frozenset(name.lower() for name in settings.allowed_hosts),
    )
    courier = Courier(
        database,
        directory,
        Sender(
            resolve or system_resolver(settings.sends_max),
            rules,
            _trust(settings.ca_file),
            settings.connect_timeout_s,
            settings.total_timeout_s,
        ),
        signer,
        render,
        host.clock,
        random.random,
        Limits(
            settings.sends_max,
            settings.sends_per_endpoint_max,
            settings.total_timeout_s + _LEASE_MARGIN_S,
        ),
        host.ids.new("life"),
        host.ids.new,
    )
    service = NotifyService(database, directory, courier, host.clock, host.ids, signer, rules)
    host.subscribe(EVENTS_TOPIC, "notify", service.receive)
    host.job("notify.deliver", lambda: keep_delivering(courier, host.clock, settings.drain_s))
    kept_s = settings.attempts_kept_days * 86_400.0
    host.job("notify.forget", lambda: keep_forgetting(database, host.clock, kept_s))
    return service


def _trust(ca_file: str | None) -> ssl.SSLContext:
    trust = ssl.create_default_context()
    if ca_file is not None:
        trust.load_verify_locations(ca_file)
    return trust
