"""Schemas of answers, found by rendering specimens of what services answer.

Answers are dict literals, because that is the fastest way to make them. So their schema is read off
many renderings: of an object with no optional field set, with those of one level more each, and
with all but one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import inspect

from sycee.gateway.api.blocks import render_block
from sycee.gateway.api.deliveries import render_attempt, render_delivery
from sycee.gateway.api.ledger.accounts import render_named, render_sums
from sycee.gateway.api.ledger.bulk import render_import
from sycee.gateway.api.ledger.periods import render_period, render_proof
from sycee.gateway.api.ledger.receipts import render_receipt, render_receipt_key
from sycee.gateway.api.ledger.reports import (
    render_change,
    render_statement,
    render_trial_balance,
)
from sycee.gateway.api.ledger.templates import render_template
from sycee.gateway.api.ledger.transactions import render_transaction as render_ledger_transaction
from sycee.gateway.api.ledger.transfers import render_transfer
from sycee.gateway.api.merchants import render_key, render_merchant
from sycee.gateway.api.signing_keys import render_signing_keys
from sycee.gateway.api.velocity import render_limits, render_use
from sycee.gateway.links import Links
from sycee.gateway.stripe.accounts import render_account
from sycee.gateway.stripe.balance import render_balance, render_transaction
from sycee.gateway.stripe.charges import render_charge
from sycee.gateway.stripe.customers import render_customer
from sycee.gateway.stripe.disputes import render_dispute
from sycee.gateway.stripe.events import event_object
from sycee.gateway.stripe.payment_intents.render import render_payment
from sycee.gateway.stripe.payment_methods import render_method
from sycee.gateway.stripe.prices import render_price
from sycee.gateway.stripe.products import render_product
from sycee.gateway.stripe.refunds import render_refund
from sycee.gateway.stripe.setup_intents import render_setup
from sycee.gateway.stripe.shapes import Public
from sycee.gateway.stripe.webhook_endpoints import render_endpoint
from sycee.kernel.u128 import U128
from sycee.services.accounting import contract as books
from sycee.services.checkout.contract.catalog import Price, Product
from sycee.services.fraud.contract import BlockEntry
from sycee.services.identity.contract import ApiKey, Merchant
from sycee.services.notify.contract import Delivery, DeliveryAttempt, Endpoint, Event, SigningKeys
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import (
    Balance,
    BalanceTransaction,
    Charge,
    Payment,
    Refund,
)
from sycee.services.payments.contract.velocity import VelocityLimits, VelocityUse

Body = TypeVar("Body", bound=msgspec.Struct)
Schema = dict[str, object]

ANY_KEY = "*"
"""The key of a specimen's free-form dict, such as metadata."""
CURRENCY = "USD"
LEVELS = 6
"""One more than any object is deep."""


def schemas() -> dict[str, Schema]:
    """Name of an object -> its schema."""
    links = Links()
    deleted = {"id": "x", "deleted": True}
    return {
        **_of_books(),
        "account": read_schema(Merchant, render_account),
        "balance": read_schema(Balance, lambda balance: render_balance(balance, CURRENCY)),
        "balance_transaction": read_schema(BalanceTransaction, render_transaction),
        "charge": read_schema(Charge, render_charge),
        "customer": read_schema(Customer, lambda each: render_customer(_alive(each))),
        "deleted_customer": _schema([{**deleted, "object": "customer"}]),
        "deleted_product": _schema([{**deleted, "object": "product"}]),
        "deleted_webhook_endpoint": _schema([{**deleted, "object": "webhook_endpoint"}]),
        "api_key": read_schema(ApiKey, render_key),
        "block": read_schema(BlockEntry, render_block),
        "dispute": read_schema(Dispute, render_dispute),
        "delivery": read_schema(Delivery, render_delivery),
        "delivery_attempt": read_schema(DeliveryAttempt, render_attempt),
        "issued_key": _schema([{"id": "x", "object": "issued_key", "secret": "x"}]),
        "merchant": read_schema(Merchant, render_merchant),
        "replay": _schema([{"object": "replay", "count": 1}]),
        "revoked_key": _schema([{"id": "x", "object": "revoked_key", "revoked": 1}]),
        "unblocked": _schema([{"object": "unblocked", "value": "x"}]),
        "event": read_schema(Event, lambda event: event_object(_about_nothing(event), links)),
        "payment_intent": read_schema(Payment, lambda payment: render_payment(payment, links)),
        "payment_method": read_schema(Method, render_method),
        "price": read_schema(Price, render_price),
        "product": read_schema(Product, render_product),
        "refund": read_schema(Refund, render_refund),
        "setup_intent": read_schema(Setup, lambda setup: render_setup(setup, links)),
        "signing_keys": read_schema(SigningKeys, render_signing_keys),
        "velocity_limits": read_schema(VelocityLimits, render_limits),
        "velocity_use": read_schema(VelocityUse, render_use),
        "webhook_endpoint": read_schema(Endpoint, render_endpoint),
    }


def _of_books() -> dict[str, Schema]:
    """Of the objects under ``/api/ledger``."""
    told = {"id": "x", "object": "ledger_refusal", "code": "x", "message": "x", "param": "x"}
    transfer = read_schema(books.OwnTransfer, render_transfer)
    either = {"anyOf": [transfer, _schema([told])]}
    properties = {"object": {"const": "ledger_batch"}, "data": {"type": "array", "items": either}}
    batch: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    checked = {"object": "ledger_receipt_check", "is_valid": True, "key": "x"}
    return {
        "ledger_account": read_schema(books.NamedAccount, render_named),
        "ledger_balance": read_schema(books.Balance, render_sums),
        "ledger_batch": batch,
        "ledger_change": read_schema(books.OwnChange, render_change),
        "ledger_import": read_schema(books.ImportProgress, render_import),
        "ledger_period": read_schema(books.Period, render_period),
        "ledger_period_proof": read_schema(books.PeriodProof, render_proof),
        "ledger_receipt": read_schema(books.Receipt, render_receipt),
        "ledger_receipt_check": _schema([checked]),
        "ledger_receipt_key": read_schema(books.ReceiptKey, render_receipt_key),
        "ledger_statement": read_schema(books.Statement, _render_statement),
        "ledger_template": read_schema(books.Template, render_template),
        "ledger_transaction": read_schema(books.Transaction, render_ledger_transaction),
        "ledger_transfer": transfer,
        "ledger_trial_balance": read_schema(books.OwnTrialBalance, render_trial_balance),
    }


def read_schema(kind: type[Body], render: Callable[[Body], Public]) -> Schema:
    """The schema of what ``render`` makes of one kind of Struct."""
    full = _specimen(kind, LEVELS)
    less = [msgspec.structs.replace(full, **{name: None}) for name in _optional(kind)]
    by_level = [_specimen(kind, levels) for levels in range(LEVELS)]
    return _schema([render(each) for each in [*by_level, full, *less]])


def _optional(kind: type[msgspec.Struct]) -> list[str]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    none = inspect.NoneType()
    return [
        field.name
        for field in described.fields
        if isinstance(field.type, inspect.UnionType) and none in field.type.types
    ]


def _specimen(kind: type[Body], levels: int) -> Body:
    """A Struct whose optional fields are set down to so many levels."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return kind(**{field.name: _value(field.type, levels) for field in described.fields})


def _value(kind: inspect.Type, levels: int) -> object:
    if isinstance(kind, inspect.UnionType):
        inner = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return _value(inner[0], levels) if levels or len(inner) == len(kind.types) else None
    if isinstance(kind, inspect.StructType):
        return _specimen(kind.cls, max(levels - 1, 0))
    if isinstance(kind, inspect.LiteralType):
        return kind.values[0]
    if isinstance(kind, inspect.EnumType):
        return next(iter(kind.cls))
    if isinstance(kind, (inspect.VarTupleType, inspect.ListType)):
        return (_value(kind.item_type, levels),)
    return _SCALARS[type(kind)]


_SCALARS: dict[type[inspect.Type], object] = {
    inspect.BoolType: True,
    inspect.BytesType: b"",
    inspect.CustomType: U128(1),
    inspect.DictType: {ANY_KEY: "x"},
    inspect.IntType: 1,
    inspect.StrType: "USD",
}
"""A text that is also a currency, because texts are not told apart."""


def _alive(customer: Customer) -> Customer:
    return msgspec.structs.replace(customer, deleted=False)


def _render_statement(statement: books.Statement) -> Public:
    """A statement's balances are texts that are numbers."""
    lines = [msgspec.structs.replace(line, balance="1") for line in statement.lines]
    return render_statement(msgspec.structs.replace(statement, lines=tuple(lines)))


def _about_nothing(event: Event) -> Event:
    subject = msgspec.msgpack.encode(_specimen(Customer, LEVELS))
    return msgspec.structs.replace(event, subject=subject, subject_kind="customer", previous=b"")


def _schema(values: list[object]) -> Schema:
    """One schema that all of these values keep."""
    present = [value for value in values if value is not None]
    found: Schema = {}
    if present and all(isinstance(value, dict) for value in present):
        found = _object([value for value in present if isinstance(value, dict)])
    elif present and all(isinstance(value, (list, tuple)) for value in present):
        items = [item for value in present for item in value]  # type: ignore[attr-defined]
        found = {"type": "array", "items": _schema(items)}
    elif present:
        found = {"type": _NAMES[type(present[0])]}
    if len(present) < len(values):
        found = {"anyOf": [found, {"type": "null"}]} if found else {"type": "null"}
    return found


_NAMES: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    msgspec.Raw: "object",
    str: "string",
}


def _object(values: list[dict[str, object]]) -> Schema:
    if any(ANY_KEY in value for value in values):
        return {"type": "object", "additionalProperties": {"type": "string"}}
    names = sorted({name for value in values for name in value})
    properties = {name: _schema([v[name] for v in values if name in v]) for name in names}
    if "object" in names:
        properties["object"] = {"const": values[0]["object"]}
    required = [name for name in names if all(name in value for value in values)]
    return {"type": "object", "properties": properties, "required": required}
