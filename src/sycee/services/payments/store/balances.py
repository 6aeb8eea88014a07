"""Balance transactions as rows, and the maturings that move them to available."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency
from sycee.runtime.database import Row, Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.intents import BalanceTransaction, BalanceTransactionPage
from sycee.services.payments.contract.shared import BalanceTransactionId, ChargeId, Page
from sycee.services.payments.store import pages

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(BalanceTransaction).decode


class Purse(msgspec.Struct, frozen=True):
    """Where money waits: a merchant's, in one mode and currency, over one rail."""

    merchant: MerchantId
    livemode: bool
    rail: str
    currency: Currency


class Maturing(msgspec.Struct, frozen=True):
    """Money that moves from pending to available, or back when it is a debt."""

    id: str
    purse: Purse
    net_minor: int


def add(session: Session, transaction: BalanceTransaction, livemode: bool, rail: str) -> None:
    """Keep a balance transaction."""
    session.run(
        "INSERT INTO balance_transactions (id, merchant, livemode, rail, created, type, currency,"
        " net, source, available_on, is_matured, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        transaction.id,
        transaction.merchant,
        int(livemode),
        rail,
        transaction.created,
        transaction.type,
        transaction.amount.currency,
        transaction.amount.minor - transaction.fee_minor,
        transaction.source,
        transaction.available_on,
        int(transaction.status == "available"),
        _encode(transaction),
    )


def find(
    session: Session, merchant: MerchantId, transaction: BalanceTransactionId
) -> BalanceTransaction | None:
    """One balance transaction of this merchant; a foreign one is not found."""
    row = session.row(
        "SELECT body FROM balance_transactions WHERE id = ? AND merchant = ?",
        transaction,
        merchant,
    )
    return _transaction(row) if row else None


def waits_until(
    session: Session, merchant: MerchantId, transaction: BalanceTransactionId
) -> Instant | None:
    """When the money of a transaction becomes available; None when it is moving or has moved."""
    row = session.row(
        "SELECT available_on FROM balance_transactions"
        " WHERE id = ? AND merchant = ? AND is_matured = 0 AND maturing IS NULL",
        transaction,
        merchant,
    )
    return Instant(int(row[0] or 0)) if row else None


def page_of(
    session: Session,
    merchant: MerchantId,
    type: str | None,
    source: str | None,
    currency: str | None,
    page: Page,
) -> BalanceTransactionPage:
    """A page of a merchant's balance transactions, newest first."""
    wanted = {"type": type, "source": source, "currency": currency and currency.upper()}
    found, has_more = pages.bodies(session, "balance_transactions", merchant, page, wanted)
    return BalanceTransactionPage(tuple(map(_decode, found)), has_more)


def purses_of(session: Session, merchant: MerchantId, livemode: bool) -> Sequence[Purse]:
    """Where this merchant has ever had money, in order of currency."""
    rows = session.rows(
        "SELECT DISTINCT rail, currency FROM balance_transactions"
        " WHERE merchant = ? AND livemode = ? ORDER BY currency, rail",
        merchant,
        int(livemode),
    )
    return [Purse(merchant, livemode, str(row[0]), Currency(str(row[1]))) for row in rows]


def due(session: Session, now: Instant, limit: int) -> dict[Purse, list[BalanceTransactionId]]:
    """Transactions whose money is to move to available, by where it waits; at most ``limit``."""
    found: dict[Purse, list[BalanceTransactionId]] = {}
    for id, merchant, livemode, rail, currency in session.rows(
        "SELECT id, merchant, livemode, rail, currency FROM balance_transactions"
        " WHERE available_on <= ? AND is_matured = 0 AND maturing IS NULL"
        " ORDER BY available_on LIMIT ?",
        now,
        limit,
    ):
        purse = Purse(MerchantId(str(merchant)), livemode == 1, str(rail), Currency(str(currency)))
        found.setdefault(purse, []).append(BalanceTransactionId(str(id)))
    return found


def make_due(session: Session, charge: ChargeId, now: Instant) -> None:
    """Let what waits of a charge, its refunds and its disputes be due now."""
    for (body,) in session.rows(
        "SELECT body FROM balance_transactions WHERE is_matured = 0 AND maturing IS NULL"
        " AND available_on > ? AND (source = ?"
        " OR source IN (SELECT id FROM refunds WHERE charge = ?)"
        " OR source IN (SELECT id FROM disputes WHERE charge = ?))",
        now,
        charge,
        charge,
        charge,
    ):
        transaction = msgspec.structs.replace(_transaction((body,)), available_on=now)
        session.run(
            "UPDATE balance_transactions SET available_on = ?, body = ? WHERE id = ?",
            now,
            _encode(transaction),
            transaction.id,
        )


def begin_maturing(
    session: Session, id: str, purse: Purse, transactions: Sequence[BalanceTransactionId]
) -> None:
    """Gather transactions into one move."""
    for transaction in transactions:
        session.run("UPDATE balance_transactions SET maturing = ? WHERE id = ?", id, transaction)
    session.run(
        "INSERT INTO maturings (id, merchant, livemode, rail, currency, net, is_open)"
        " SELECT ?, ?, ?, ?, ?, SUM(net), 1 FROM balance_transactions"
        " WHERE maturing = ? AND is_matured = 0",
        id,
        purse.merchant,
        int(purse.livemode),
        purse.rail,
        purse.currency,
        id,
    )


def open_maturings(session: Session, limit: int) -> Sequence[Maturing]:
    """Moves that the ledger may not know of yet."""
    rows = session.rows(
        "SELECT id, merchant, livemode, rail, currency, net FROM maturings"
        " WHERE is_open = 1 ORDER BY id LIMIT ?",
        limit,
    )
    return [_maturing(row) for row in rows]


def end_maturing(session: Session, id: str) -> None:
    """The ledger has moved the money: its transactions are available."""
    for (body,) in session.rows(
        "SELECT body FROM balance_transactions WHERE maturing = ? AND is_matured = 0", id
    ):
        transaction = msgspec.structs.replace(_transaction((body,)), status="available")
        session.run(
            "UPDATE balance_transactions SET is_matured = 1, body = ? WHERE id = ?",
            _encode(transaction),
            transaction.id,
        )
    session.run(
        "UPDATE maturings SET is_open = 0,"
        " closing = (SELECT COALESCE(MAX(closing), 0) FROM attempts) WHERE id = ?",
        id,
    )


def _transaction(row: Row) -> BalanceTransaction:
    body = row[0]
    assert isinstance(body, bytes), "a balance transaction is MessagePack"
    return _decode(body)


def _maturing(row: Row) -> Maturing:
    id, merchant, livemode, rail, currency, net = row
    assert isinstance(net, int), "a net is an integer"
    purse = Purse(MerchantId(str(merchant)), livemode == 1, str(rail), Currency(str(currency)))
    return Maturing(str(id), purse, net)
