"""What a search can look at: payments, charges and customers as documents of plain fields."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sycee.kernel.clock import seconds
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Customer
from sycee.services.payments.contract.intents import Charge, Payment
from sycee.services.payments.contract.searches import QueryUnanswerable
from sycee.services.payments.domain.searches import Clause, Comparison, Query

METADATA = "metadata"

_TEXT = frozenset({Comparison.EXACT, Comparison.SUBSTRING})
_NUMBER = frozenset(Comparison) - {Comparison.SUBSTRING}
_WORD = frozenset({Comparison.EXACT})


class Field(msgspec.Struct, frozen=True):
    """Something that can be asked of a document, and where it is kept."""

    column: str
    comparisons: frozenset[Comparison]

    @property
    def is_number(self) -> bool:
        """Whether it is held against numbers."""
        return self.comparisons is _NUMBER


_MONEY = {
    "amount": Field("amount", _NUMBER),
    "created": Field("created", _NUMBER),
    "currency": Field("currency", _WORD),
    "customer": Field("customer", _WORD),
    "status": Field("status", _WORD),
}
_CARD = "payment_method_details.card."

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "payment": _MONEY,
    "charge": {
        **_MONEY,
        "billing_details.address.postal_code": Field("postal_code", _WORD),
        "disputed": Field("is_disputed", _WORD),
        "refunded": Field("is_refunded", _WORD),
        _CARD + "brand": Field("card_brand", _WORD),
        _CARD + "exp_month": Field("card_exp_month", _NUMBER),
        _CARD + "exp_year": Field("card_exp_year", _NUMBER),
        _CARD + "fingerprint": Field("card_fingerprint", _WORD),
        _CARD + "last4": Field("card_last4", _WORD),
    },
    "customer": {
        "created": Field("created", _NUMBER),
        "email": Field("email", _TEXT),
        "name": Field("name", _TEXT),
        "phone": Field("phone", _TEXT),
    },
}
"""Kind -> the public name of a field -> the field. All kinds have ``metadata`` besides."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One object as searches see it. Texts are folded; a truth is a word."""

    id: str
    kind: str
    merchant: MerchantId
    created: int
    amount: int | None = None
    currency: str | None = None
    status: str | None = None
    customer: str | None = None
    email: str | None = None
    name: str | None = None
    phone: str | None = None
    card_brand: str | None = None
    card_last4: str | None = None
    card_fingerprint: str | None = None
    card_exp_month: int | None = None
    card_exp_year: int | None = None
    postal_code: str | None = None
    is_refunded: str | None = None
    is_disputed: str | None = None
    metadata: Mapping[str, str] = {}


def of_payment(payment: Payment) -> Document:
    """A payment as searches see it."""
    return Document(
        id=payment.id,
        kind="payment",
        merchant=payment.merchant,
        created=seconds(payment.created),
        amount=payment.amount.minor,
        currency=_folded(payment.amount.currency),
        status=payment.status.value,
        customer=_folded(payment.customer),
        metadata=_folded_values(payment.metadata),
    )


def of_charge(charge: Charge) -> Document:
    """A charge as searches see it."""
    card = charge.method.card
    is_refunded = charge.captured and charge.amount_refunded_minor >= charge.amount_captured_minor
    return Document(
        id=charge.id,
        kind="charge",
        merchant=charge.merchant,
        created=seconds(charge.created),
        amount=charge.amount.minor,
        currency=_folded(charge.amount.currency),
        status=charge.status,
        customer=_folded(charge.customer),
        card_brand=_folded(card.brand),
        card_last4=card.last4,
        card_fingerprint=_folded(card.fingerprint),
        card_exp_month=card.exp_month,
        card_exp_year=card.exp_year,
        postal_code=_folded(charge.billing.address.postal_code),
        is_refunded=str(is_refunded).lower(),
        is_disputed=str(charge.disputed).lower(),
        metadata=_folded_values(charge.metadata),
    )


def of_customer(customer: Customer) -> Document:
    """A customer as searches see it."""
    return Document(
        id=customer.id,
        kind="customer",
        merchant=customer.merchant,
        created=seconds(customer.created),
        email=_folded(customer.email),
        name=_folded(customer.name),
        phone=_folded(customer.phone),
        metadata=_folded_values(customer.metadata),
    )


def answerable(kind: str, query: Query) -> Query:
    """The query with its texts folded, or the refusal of the first clause that cannot be asked."""
    return Query(tuple(_answerable(kind, clause) for clause in query.clauses), query.is_any)


def _answerable(kind: str, clause: Clause) -> Clause:
    value = clause.value
    if clause.field == METADATA:
        _check_metadata(clause)
        number_is_wanted = False
    else:
        number_is_wanted = _field(kind, clause).is_number
    if value is None:
        return clause
    if number_is_wanted:
        return msgspec.structs.replace(clause, value=_number(clause, value))
    return msgspec.structs.replace(clause, value=str(value).casefold())


def _field(kind: str, clause: Clause) -> Field:
    field = FIELDS[kind].get(clause.field)
    if field is None or clause.key is not None:
        among = ", ".join([*FIELDS[kind], 'metadata["key"]'])
        raise _unanswerable(f"{clause.field} cannot be searched here; what can is {among}.")
    if clause.comparison not in field.comparisons:
        among = " ".join(each for each in Comparison if each in field.comparisons)
        raise _unanswerable(f"{clause.field} takes {among} and not {clause.comparison}.")
    return field


def _check_metadata(clause: Clause) -> None:
    if clause.key is None:
        raise _unanswerable('metadata needs a key: metadata["key"]:"value".')
    if clause.comparison is not Comparison.EXACT:
        raise _unanswerable(f"metadata takes : and not {clause.comparison}.")


def _number(clause: Clause, value: str | int) -> int:
    """A number, which may be quoted."""
    if isinstance(value, int):
        return value
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise _unanswerable(f"{clause.field} is a number and cannot be {value[:50]!r}.")
    return int(value)


def _unanswerable(detail: str) -> QueryUnanswerable:
    return QueryUnanswerable(detail, param="query")


def _folded(text: str | None) -> str | None:
    return None if text is None else text.casefold()


def _folded_values(metadata: Mapping[str, str]) -> Mapping[str, str]:
    return {key: value.casefold() for key, value in metadata.items()}
