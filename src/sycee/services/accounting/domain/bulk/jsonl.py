"""JSON Lines: one object per line."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sycee.services.accounting.contract import AccountName, Metadata, Side
from sycee.services.accounting.domain import dates
from sycee.services.accounting.domain.bulk.records import (
    AccountRecord,
    BadLine,
    Lines,
    Reading,
    Record,
    TransactionRecord,
    amount_text,
    bound_of,
    currency_of,
    instant_of,
    kind_of,
    leg_of,
    sides,
)


class _Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    account: str
    side: Side
    amount: str
    currency: str


class _Account(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="account"
):
    name: str
    currency: str
    kind: str
    lower: str | None = None
    upper: str | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


class _Transaction(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="record", tag="transaction"
):
    legs: tuple[_Leg, ...]
    id: str | None = None
    effective: str | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


_decode = msgspec.json.Decoder(_Account | _Transaction).decode
_encode = msgspec.json.Encoder().encode


def read(lines: Iterable[str], before: int, heading: str) -> Reading:
    """The records of these lines, which follow line ``before``."""
    gathered = Lines(before, heading)

    def everything() -> None:
        for number, line in enumerate(lines, before + 1):
            if line.strip():
                gathered.add(number, number, _record(line, number))
            gathered.done = number

    return gathered.read(everything)


def _record(line: str, number: int) -> Record:
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as cause:
        raise BadLine(number, _field(str(cause)), str(cause)) from cause
    metadata = Metadata(bytes(found.metadata).decode())
    if isinstance(found, _Account):
        currency = currency_of(found.currency, number)
        return AccountRecord(
            AccountName(found.name),
            currency,
            kind_of(found.kind, number),
            bound_of(found.lower or "", currency, number, "lower"),
            bound_of(found.upper or "", currency, number, "upper"),
            metadata,
        )
    legs = tuple(
        leg_of(
            leg.account,
            leg.side,
            leg.amount,
            currency_of(leg.currency, number),
            number,
            f"legs[{place}].amount",
        )
        for place, leg in enumerate(found.legs)
    )
    return TransactionRecord(found.id, legs, instant_of(found.effective or "", number), metadata)


def _field(message: str) -> str:
    """The field that a decoder's message names: ``… - at `$.legs[0].side```."""
    _, found, place = message.rpartition("at `$.")
    return place.rstrip("`") if found else "record"


def write(record: Record) -> str:
    """A record as its line."""
    if isinstance(record, AccountRecord):
        lower, upper = record.lower_minor, record.upper_minor
        account = _Account(
            record.name,
            record.currency,
            record.kind.value,
            None if lower is None else amount_text(lower, record.currency),
            None if upper is None else amount_text(upper, record.currency),
            msgspec.Raw(record.metadata.encode()),
        )
        return _encode(account).decode() + "\n"
    legs = tuple(
        _Leg(leg.account, leg.side, text, leg.currency) for leg, text in sides(record.legs)
    )
    effective = None if record.effective is None else dates.written(record.effective)
    metadata = msgspec.Raw(record.metadata.encode())
    return _encode(_Transaction(legs, record.id, effective, metadata)).decode() + "\n"
