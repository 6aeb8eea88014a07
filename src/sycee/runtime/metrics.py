"""What is counted and timed, for Prometheus. Label values come from short, fixed lists only."""

from __future__ import annotations

from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

_requests = Histogram(
    "sycee_request_seconds",
    "Public requests, by door, operation and class of answer.",
    ["door", "operation", "answer"],
    buckets=_SECONDS,
)
_rpc_calls = Counter("sycee_rpc_calls", "Calls sent to a neighbour.", ["neighbour"])
_rpc_frames = Counter("sycee_rpc_frames", "Frames that carried them.", ["neighbour"])
_rpc_faults = Counter("sycee_rpc_faults", "Calls that met a fault in this process.", ["service"])
_units = Histogram(
    "sycee_database_group_units",
    "Units of work in one durable commit.",
    ["database"],
    buckets=_SIZES,
)
_commits = Histogram(
    "sycee_database_commit_seconds",
    "How long a durable commit takes.",
    ["database"],
    buckets=_SECONDS,
)
_ledger_events = Histogram(
    "sycee_ledger_entry_events",
    "Events in one entry of the ledger's journal.",
    buckets=(*_SIZES, 8192),
)
_ledger_breaches = Gauge(
    "sycee_ledger_breaches", "What must hold in the ledger's books, and does not."
)
_ledger_head = Gauge("sycee_ledger_head", "The last entry of the ledger's journal that is on disk.")
_outbox = Gauge("sycee_outbox_lag_events", "Events waiting to be relayed.", ["database"])


@cache
def request_seconds(door: str, operation: str, answer: str) -> Histogram:
    """Observe one public request; ``answer`` is ``2xx``, ``4xx`` or ``5xx``."""
    return _requests.labels(door, operation, answer)


@cache
def rpc_calls(neighbour: str) -> Counter:
    """Count calls sent to a neighbour."""
    return _rpc_calls.labels(neighbour)


@cache
def rpc_frames(neighbour: str) -> Counter:
    """Count the frames that carried them."""
    return _rpc_frames.labels(neighbour)


@cache
def rpc_faults(service: str) -> Counter:
    """Count calls that met a fault here."""
    return _rpc_faults.labels(service)


@cache
def group_units(database: str) -> Histogram:
    """Observe how many units shared one commit."""
    return _units.labels(database)


def ledger_entry_events() -> Histogram:
    """Observe how many events one entry of the journal holds."""
    return _ledger_events


def ledger_head() -> Gauge:
    """Say how far the ledger's chain of entries is on disk."""
    return _ledger_head


def ledger_breaches() -> Gauge:
    """Say how many invariants of the books are broken."""
    return _ledger_breaches


@cache
def commit_seconds(database: str) -> Histogram:
    """Observe how long one commit took."""
    return _commits.labels(database)


@cache
def outbox_lag(database: str) -> Gauge:
    """Set how many events wait in an outbox."""
    return _outbox.labels(database)


def exposition() -> bytes:
    """Everything, in Prometheus' text format."""
    return generate_latest(REGISTRY)
