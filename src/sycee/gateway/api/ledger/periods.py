"""``/api/ledger/periods``: closing, seals, and the proof that nothing sealed was changed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sycee.gateway.api.ledger.shapes import (
    LONG_S,
    PATH,
    SCOPE,
    SEERS,
    Name,
    Owned,
    When,
    owner,
    paged,
)
from sycee.gateway.api.ledger.times import instant, written
from sycee.gateway.request import Answer, Request
from sycee.gateway.routes import Route, route
from sycee.gateway.stripe.shapes import Public, answer
from sycee.runtime import deadline
from sycee.services.accounting.contract import (
    Accounting,
    ClosePeriod,
    ListPeriods,
    Period,
    PeriodProof,
    VerifyPeriods,
)

PERIODS = f"{PATH}/periods"


class ClosingPeriod(msgspec.Struct, frozen=True):
    """A name, and the instant at which the period ends (exclusive)."""

    name: Name
    end: When


class ListingPeriods(Owned, frozen=True, kw_only=True):
    """Which periods."""

    after: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Only those with a higher number."""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class LedgerPeriods:
    """Periods that are closed for ever."""

    def __init__(self, accounting: Accounting) -> None:
        self._accounting = accounting

    def routes(self) -> list[Route]:
        """Their routes."""
        one, scope, who = "ledger_period", SCOPE, SEERS
        many, proof = f"page of {one}", "ledger_period_proof"
        return [
            route(f"POST {PERIODS}", self.close, ClosingPeriod, answers=one, scope=scope),
            route(
                f"GET {PERIODS}",
                self.list_page,
                ListingPeriods,
                answers=many,
                roles=who,
                scope=scope,
            ),
            route(
                f"GET {PERIODS}/proof", self.verify, Owned, answers=proof, roles=who, scope=scope
            ),
        ]

    async def close(self, request: Request, given: ClosingPeriod) -> Answer:
        """Close a period for ever and seal it."""
        command = ClosePeriod(owner(request), given.name, instant(given.end, "end"))
        with deadline.within(LONG_S):
            period = await self._accounting.close_period(command)
        return answer(render_period(period))

    async def list_page(self, request: Request, given: ListingPeriods) -> Answer:
        """List closed periods with their seals, oldest first."""
        query = ListPeriods(owner(request, given), given.after, given.limit)
        found = (await self._accounting.list_periods(query)).periods
        following = str(found[-1].number) if found else ""
        return answer(paged(PERIODS, found, following, len(found) == given.limit, render_period))

    async def verify(self, request: Request, given: Owned) -> Answer:
        """Prove that nothing sealed was changed, or name the first thing that was."""
        with deadline.within(LONG_S):
            proof = await self._accounting.verify_periods(VerifyPeriods(owner(request, given)))
        return answer(render_proof(proof))


def render_period(period: Period) -> Public:
    """A closed period and its seal."""
    return {
        "object": "ledger_period",
        "name": period.name,
        "number": period.number,
        "start": written(period.start),
        "end": written(period.end),
        "sealed": written(period.sealed),
        "transactions": period.transactions,
        "balances": [
            {
                "account": line.account,
                "currency": line.currency.lower(),
                "debits": int(line.debits),
                "credits": int(line.credits),
            }
            for line in period.balances
        ],
        "seal": period.seal,
        "before": period.before,
    }


def render_proof(proof: PeriodProof) -> Public:
    """What was compared, and the first difference."""
    return {
        "object": "ledger_period_proof",
        "periods": proof.periods,
        "transactions": proof.transactions,
        "is_right": proof.difference is None,
        "difference": proof.difference,
        "period": proof.period,
    }
