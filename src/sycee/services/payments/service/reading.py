"""Answers what is asked about payments, charges, refunds and balances."""

from __future__ import annotations

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Session
from sycee.services.payments.contract.intents import (
    Balance,
    BalanceFunds,
    BalanceQuery,
    BalanceTransaction,
    BalanceTransactionPage,
    BalanceTransactionQuery,
    Charge,
    ChargePage,
    ChargeQuery,
    ListBalanceTransactions,
    ListCharges,
    ListPayments,
    ListRefunds,
    Payment,
    PaymentPage,
    PaymentQuery,
    Refund,
    RefundPage,
    RefundQuery,
)
from sycee.services.payments.domain import charges as charge_rules
from sycee.services.payments.domain import payments as payment_rules
from sycee.services.payments.domain import refunds as refund_rules
from sycee.services.payments.domain.chart import chart
from sycee.services.payments.service.books import Books
from sycee.services.payments.service.verbs import Verbs
from sycee.services.payments.store import balances as balance_rows
from sycee.services.payments.store import charges as charge_rows
from sycee.services.payments.store import payments as payment_rows
from sycee.services.payments.store import refunds as refund_rows


class Reading(Verbs):
    """All queries of ``Intents``."""

    _books: Books

    async def get_payment(self, query: PaymentQuery) -> Payment:
        return await self._parts.database.read(lambda session: _payment(session, query))

    async def list_payments(self, query: ListPayments) -> PaymentPage:
        return await self._parts.database.read(
            lambda session: payment_rows.page_of(
                session, query.merchant, query.customer, query.page
            )
        )

    async def get_charge(self, query: ChargeQuery) -> Charge:
        return await self._parts.database.read(
            lambda session: charge_rules.existing(
                charge_rows.find(session, query.merchant, query.id), query.id
            )
        )

    async def list_charges(self, query: ListCharges) -> ChargePage:
        return await self._parts.database.read(
            lambda session: charge_rows.page_of(
                session, query.merchant, query.payment, query.customer, query.page
            )
        )

    async def get_refund(self, query: RefundQuery) -> Refund:
        return await self._parts.database.read(
            lambda session: refund_rules.existing(
                refund_rows.find(session, query.merchant, query.id), query.id
            )
        )

    async def list_refunds(self, query: ListRefunds) -> RefundPage:
        return await self._parts.database.read(
            lambda session: refund_rows.page_of(
                session, query.merchant, query.payment, query.charge, query.page
            )
        )

    async def get_balance(self, query: BalanceQuery) -> Balance:
        purses = await self._parts.database.read(
            lambda session: balance_rows.purses_of(session, query.merchant, query.livemode)
        )
        funds: dict[str, BalanceFunds] = {}
        for purse in purses:
            # A merchant's own accounts are the same whichever rail the money came over.
            if purse.currency not in funds:
                of = chart(purse.merchant, purse.livemode, purse.currency, purse.rail)
                available, pending = await self._books.net_minor(of)
                funds[purse.currency] = BalanceFunds(
                    Money(available, purse.currency), Money(pending, purse.currency)
                )
        return Balance(query.livemode, tuple(funds.values()))

    async def get_balance_transaction(self, query: BalanceTransactionQuery) -> BalanceTransaction:
        found = await self._parts.database.read(
            lambda session: balance_rows.find(session, query.merchant, query.id)
        )
        if found is None:
            raise NotFound(f"No such balance transaction: '{query.id}'")
        return found

    async def list_balance_transactions(
        self, query: ListBalanceTransactions
    ) -> BalanceTransactionPage:
        return await self._parts.database.read(
            lambda session: balance_rows.page_of(
                session, query.merchant, query.type, query.source, query.currency, query.page
            )
        )


def _payment(session: Session, query: PaymentQuery) -> Payment:
    secret = query.client_secret
    if query.id is not None:
        found = payment_rows.find(session, query.merchant, query.id)
        return payment_rules.opened(found, query.id, secret)
    number = query.number or 0
    found = payment_rows.find_number(session, query.merchant, number)
    return payment_rules.opened(found, str(number), secret)
