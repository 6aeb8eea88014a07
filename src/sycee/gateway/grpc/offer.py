"""What the gRPC door offers of each contract, and to whom."""

from __future__ import annotations

from enum import Enum

import msgspec

from sycee.gateway.routes import Priority
from sycee.runtime.rpc import Operation, operations
from sycee.services.identity.contract import Role
from sycee.services.ledger.contract import Ledger
from sycee.services.payments.contract import Payments

PACKAGE = "sycee.v1"

FROM_THE_KEY = frozenset({"origin", "merchant"})
"""Fields of requests that callers cannot set: the key they show says who they are."""
KEPT_INSIDE = frozenset({("Card", "rail_token"), ("PaymentFields", "new_method")})
"""Struct and field that never cross this door: rails' tokens, and card numbers (SE4)."""
UNSIGNED_64 = frozenset({"user_data_64"})
"""Integers that use all 64 bits; every other one is an ``int64``."""


class Need(Enum):
    """What a key must be allowed."""

    READ = "read"
    WRITE = "write"


class Offered(msgspec.Struct, frozen=True):
    """One operation at this door."""

    service: str
    """As services are called: ``payments``."""
    operation: Operation
    roles: frozenset[Role]
    scope: str
    """What a narrowed key must hold, such as ``payments:write``."""
    scope_always: bool
    """A key that is not narrowed does not suffice."""
    streamed: bool = False
    """A stream of requests, answered by a stream of replies."""
    priority: Priority = Priority.CREATE
    """The class in whose buckets its calls count."""


_PAYMENTS = {
    "create_payment": Need.WRITE,
    "confirm_payment": Need.WRITE,
    "capture_payment": Need.WRITE,
    "cancel_payment": Need.WRITE,
    "get_payment": Need.READ,
    "create_refund": Need.WRITE,
    "get_refund": Need.READ,
}
_LEDGER = {
    "create_accounts": Need.WRITE,
    "create_transfers": Need.WRITE,
    "record_accounts": Need.WRITE,
    "record_transfers": Need.WRITE,
    "lookup_accounts": Need.READ,
    "lookup_transfers": Need.READ,
    "list_transfers": Need.READ,
    "trial_balance": Need.READ,
    "balances_at": Need.READ,
    "list_changes": Need.READ,
}
_SETTLING = frozenset({"capture_payment", "cancel_payment", "create_refund"})
_STREAMED = {"create_transfers": "stream_transfers"}
_STREAM_DOC = """\
`{name}`, of one batch after the other, applied and answered in the order in which they
are sent; send on without waiting for answers. The first no ends the stream. Batches sent
after a malformed one are not done; when the ledger says no, the outcome of those that are
under way is unknown until they are repeated, with the same ids."""


def offered() -> tuple[Offered, ...]:
    """Everything behind this door, in the order of the published file.

    The ledger is open to the installation's operators only, and its writing operations only to keys
    that name the scope ``ledger:write``: whoever writes there moves money past all payments.
    """
    ledger = _offer("ledger", Ledger, _LEDGER)
    return (*_offer("payments", Payments, _PAYMENTS), *ledger, *map(_streamed, _streams(ledger)))


def _offer(service: str, contract: type, needs: dict[str, Need]) -> list[Offered]:
    listed = {operation.name: operation for operation in operations(contract)}
    return [
        Offered(
            service=service,
            operation=listed[name],
            roles=_roles(service, need),
            scope=f"{service}:{need.value}",
            scope_always=service == "ledger" and need is Need.WRITE,
            priority=_priority(name, need),
        )
        for name, need in needs.items()
    ]


def _priority(name: str, need: Need) -> Priority:
    if need is Need.READ:
        return Priority.READ
    return Priority.SETTLE if name in _SETTLING else Priority.CREATE


def _streams(offer: list[Offered]) -> list[Offered]:
    return [each for each in offer if each.operation.name in _STREAMED]


def _streamed(each: Offered) -> Offered:
    """The same operation, of a stream of commands."""
    name = each.operation.name
    doc = _STREAM_DOC.format(name=name.title().replace("_", ""))
    operation = each.operation._replace(name=_STREAMED[name], doc=doc)
    return msgspec.structs.replace(each, operation=operation, streamed=True)


def _roles(service: str, need: Need) -> frozenset[Role]:
    if service == "ledger":
        return frozenset({Role.OPERATOR})
    if need is Need.READ:
        return frozenset({Role.SECRET, Role.READ_ONLY})
    return frozenset({Role.SECRET})
