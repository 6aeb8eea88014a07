"""Everything that can be configured, as one tree."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import msgspec

from sycee.gateway.settings import Settings as GatewaySettings
from sycee.runtime.host import Profile
from sycee.services.accounting.app import Settings as AccountingSettings
from sycee.services.checkout.app import Settings as CheckoutSettings
from sycee.services.fraud.app import Settings as FraudSettings
from sycee.services.identity.app import Settings as IdentitySettings
from sycee.services.ledger.app import Settings as LedgerSettings
from sycee.services.notify.app import Settings as NotifySettings
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.app import Settings as PaymentsSettings
from sycee.services.validation.app import Settings as ValidationSettings
from sycee.services.vault.app import Settings as VaultSettings


class Topology(Enum):
    """How services are spread over processes."""

    ONE = "one"
    PROCESSES = "processes"


class LogLevel(Enum):
    """What is written to the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Addresses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where services in other processes are reached, and where this process serves its own."""

    identity: str = ""
    """``host:port`` or ``unix:/path``; empty is a socket in the data directory."""
    validation: str = ""
    """As above."""
    fraud: str = ""
    """As above."""
    ledger: str = ""
    """As above."""
    accounting: str = ""
    """As above."""
    vault: str = ""
    """As above."""
    payments: str = ""
    """As above."""
    checkout: str = ""
    """As above."""
    notify: str = ""
    """As above."""


class TlsFiles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mutual TLS between services; all three files, or none."""

    certificate: str = ""
    """PEM file that this process shows; its names are the services that live here."""
    key: str = ""
    """PEM file of the certificate's key, readable by its owner only."""
    authority: str = ""
    """PEM file of the only CA that callers and the called may be certified by."""

    def __post_init__(self) -> None:
        if len({bool(self.certificate), bool(self.key), bool(self.authority)}) != 1:
            raise ValueError("tls takes certificate, key and authority together")


class QueueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What carries events from services to services."""

    nats: str = ""
    """``nats://host:port`` of a NATS server with JetStream; empty carries them in process."""


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole platform's configuration."""

    profile: Profile = Profile.DEV
    """``dev`` takes raw card numbers and webhooks to loopback; ``production`` takes neither."""
    topology: Topology = Topology.ONE
    """Every service in one process, or each in its own."""
    data: str = "var"
    """Directory of all that is kept."""
    host: str = "127.0.0.1"
    """Address on which the public doors listen."""
    port: int = 8420
    """Port of the REST doors; 0 takes a free one."""
    grpc_port: int = 8421
    """Port of the gRPC door; 0 takes a free one."""
    internal_port: int = 8422
    """Port of metrics and readiness, on loopback; 0 takes a free one."""
    log_level: LogLevel = LogLevel.INFO
    """The least important lines that are written."""
    addresses: Addresses = Addresses()
    tls: TlsFiles = TlsFiles()
    queue: QueueSettings = QueueSettings()
    gateway: GatewaySettings = GatewaySettings()
    identity: IdentitySettings = IdentitySettings()
    validation: ValidationSettings = ValidationSettings()
    fraud: FraudSettings = FraudSettings()
    ledger: LedgerSettings = LedgerSettings()
    accounting: AccountingSettings = AccountingSettings()
    vault: VaultSettings = VaultSettings()
    payments: PaymentsSettings = PaymentsSettings()
    testcard: Behaviour = Behaviour()
    checkout: CheckoutSettings = CheckoutSettings()
    notify: NotifySettings = NotifySettings()

    @property
    def folder(self) -> Path:
        """The data directory, wherever the process is."""
        return Path(self.data).resolve()
