"""What the proof of payments reads: whole pages of records, each page as of one instant."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.money import Currency
from sycee.runtime.database import Row, Session, Value
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import BalanceTransaction, Charge, Payment, Refund
from sycee.services.payments.domain.attempts import Attempt
from sycee.services.payments.domain.chart import Chart, chart
from sycee.services.payments.domain.disputes import DisputeMove
from sycee.services.payments.domain.proof import (
    Booked,
    Charged,
    Disputed,
    Moved,
    Purse,
    Record,
    Tried,
)

_payment = msgspec.msgpack.Decoder(Payment).decode
_attempt = msgspec.msgpack.Decoder(Attempt).decode
_charge = msgspec.msgpack.Decoder(Charge).decode
_refund = msgspec.msgpack.Decoder(Refund).decode
_dispute = msgspec.msgpack.Decoder(Dispute).decode
_move = msgspec.msgpack.Decoder(DisputeMove).decode
_transaction = msgspec.msgpack.Decoder(BalanceTransaction).decode

_FOREVER = 2**63 - 1


def count(session: Session) -> int:
    """How many payments there are."""
    row = session.row("SELECT COUNT(*) FROM payments")
    return _number(row[0]) if row else 0


def orphans(session: Session, limit: int) -> Sequence[str]:
    """Attempts, charges, refunds, disputes and their moves that belong to no payment."""
    rows = session.rows(
        "SELECT id FROM ("
        " SELECT id, payment FROM attempts UNION ALL SELECT id, payment FROM charges"
        " UNION ALL SELECT id, payment FROM refunds"
        " UNION ALL SELECT id, payment FROM disputes"
        " UNION ALL SELECT id, payment FROM dispute_moves) AS parts"
        " WHERE NOT EXISTS (SELECT 1 FROM payments WHERE payments.id = parts.payment) LIMIT ?",
        limit,
    )
    return [str(row[0]) for row in rows]


def records(session: Session, after: str, limit: int) -> Sequence[Record]:
    """The next payments by id, each with all that belongs to it."""
    return [
        _record(session, row)
        for row in session.rows(
            "SELECT id, status, attempt, body FROM payments WHERE id > ? ORDER BY id LIMIT ?",
            after,
            limit,
        )
    ]


def maturings(session: Session, after: str, limit: int) -> Sequence[Moved]:
    """The next maturings by id."""
    return [
        _moved(row)
        for row in session.rows(
            "SELECT id, merchant, livemode, rail, currency, net, closing,"
            " (SELECT CAST(COALESCE(SUM(net), 0) AS BIGINT) FROM balance_transactions"
            "  WHERE maturing = maturings.id)"
            " FROM maturings WHERE id > ? ORDER BY id LIMIT ?",
            after,
            limit,
        )
    ]


def is_at_rest(session: Session, until: int | None) -> bool:
    """Whether nothing is under way, and nothing has ended after the horizon."""
    rows = session.rows(
        "SELECT COUNT(*) FROM attempts WHERE is_open = 1 OR closing > ?"
        " UNION ALL SELECT COUNT(*) FROM maturings WHERE is_open = 1 OR closing >= ?"
        " UNION ALL SELECT COUNT(*) FROM dispute_moves WHERE is_open = 1 OR closing >= ?",
        *[_FOREVER if until is None else until] * 3,
    )
    return all(row[0] == 0 for row in rows)


def purses(session: Session) -> Sequence[Purse]:
    """What the balance transactions come to, by whose they are."""
    return [
        Purse(_chart(*row[:4]), _number(row[4]), _number(row[5]))
        for row in session.rows(
            "SELECT merchant, livemode, rail, currency,"
            " CAST(SUM(CASE WHEN is_matured = 0 THEN net ELSE 0 END) AS BIGINT),"
            " CAST(SUM(CASE WHEN is_matured = 1 THEN net ELSE 0 END) AS BIGINT)"
            " FROM balance_transactions GROUP BY merchant, livemode, rail, currency"
        )
    ]


def _chart(merchant: Value, livemode: Value, rail: Value, currency: Value) -> Chart:
    return chart(MerchantId(str(merchant)), livemode == 1, Currency(str(currency)), str(rail))


def _record(session: Session, row: Row) -> Record:
    payment = _payment(_bytes(row[3]))
    charges = session.rows(
        "SELECT captured, refunded, body FROM charges WHERE payment = ?", payment.id
    )
    refunds = session.rows(
        "SELECT id, amount, status, body FROM refunds WHERE payment = ?", payment.id
    )
    attempts = session.rows(
        "SELECT closing, body FROM attempts WHERE payment = ? ORDER BY id", payment.id
    )
    charged = tuple(
        Charged(_charge(_bytes(body)), _number(captured), _number(refunded))
        for captured, refunded, body in charges
    )
    disputes = _disputes(session, payment.id)
    sources = [each.charge.id for each in charged] + [str(refund[0]) for refund in refunds]
    sources += [each.dispute.id for each in disputes]
    return Record(
        payment=payment,
        status=str(row[1]),
        attempt=None if row[2] is None else str(row[2]),
        attempts=tuple(
            Tried(_attempt(_bytes(body)), _numbered(closing)) for closing, body in attempts
        ),
        charges=charged,
        refunds=tuple(
            (_refund(_bytes(body)), _number(amount), str(status))
            for _, amount, status, body in refunds
        ),
        booked=tuple(booked for source in sources for booked in _booked(session, source)),
        disputes=disputes,
    )


def _disputes(session: Session, payment: str) -> tuple[Disputed, ...]:
    """The disputes of a payment; most have none."""
    found = session.rows("SELECT amount, status, body FROM disputes WHERE payment = ?", payment)
    if not found:
        return ()
    moves = [
        (_move(_bytes(body)), _numbered(closing))
        for closing, body in session.rows(
            "SELECT closing, body FROM dispute_moves WHERE payment = ? ORDER BY id", payment
        )
    ]
    disputes = [(_dispute(_bytes(body)), amount, status) for amount, status, body in found]
    return tuple(
        Disputed(
            dispute,
            _number(amount),
            str(status),
            tuple(each for each in moves if each[0].dispute == dispute.id),
        )
        for dispute, amount, status in disputes
    )


def _booked(session: Session, source: str) -> list[Booked]:
    return [
        Booked(_transaction(_bytes(body)), _number(net), is_matured == 1)
        for net, is_matured, body in session.rows(
            "SELECT net, is_matured, body FROM balance_transactions WHERE source = ?", source
        )
    ]


def _moved(row: Row) -> Moved:
    id, merchant, livemode, rail, currency, net, closing, summed = row
    of = _chart(merchant, livemode, rail, currency)
    return Moved(str(id), of, _number(net), _numbered(closing), _number(summed))


def _numbered(value: Value) -> int | None:
    return None if value is None else _number(value)


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes), "a body is MessagePack"
    return value


def _number(value: Value) -> int:
    assert isinstance(value, int), "a count is an integer"
    return value
