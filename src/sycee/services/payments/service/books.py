"""Writes attempts into the ledger, safely again after a crash."""

from __future__ import annotations

from collections.abc import Sequence

from sycee.services.ledger.contract import (
    Accounts,
    CreateAccountResult,
    CreateTransferResult,
    Ledger,
    LookupAccounts,
    Transfer,
    TransferFlags,
    Transfers,
)
from sycee.services.payments.domain import chart, disputes
from sycee.services.payments.domain.attempts import Attempt, Result
from sycee.services.payments.domain.chart import Chart
from sycee.services.payments.domain.disputes import DisputeMove

_DONE = (CreateTransferResult.OK, CreateTransferResult.EXISTS)
_OPENED = (CreateAccountResult.OK, CreateAccountResult.EXISTS)

OPENED_MAX = 10_000
"""Charts remembered as opened; beyond that the memory starts afresh."""


class WrongBooks(Exception):
    """The ledger refused what it must accept. A fault: somebody has to look."""


class Books:
    """The ledger in the words of payments.

    Every transfer's id is derived from its attempt, so writing a step again is recognised. A chain
    whose first transfer exists was recorded whole before, because chains are.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._opened: set[Chart] = set()

    async def reserve(self, attempt: Attempt) -> None:
        """Reserve the amount before the rail is asked."""
        reservation = chart.reservation(attempt)
        if reservation:
            await self._open(chart.chart_of(attempt))
            await self._write(reservation)

    async def conclude(self, attempt: Attempt, result: Result) -> None:
        """Record what an attempt came to: all of it, or none."""
        done = result is Result.APPROVED
        transfers = chart.completion(attempt) if done else chart.release(attempt)
        if transfers:
            await self._write(transfers)

    async def mature(self, id: str, of: Chart, net_minor: int) -> None:
        """Move money that has waited long enough from pending to available."""
        transfers = chart.maturing(id, of, net_minor)
        if transfers:
            await self._open(of)
            await self._write(transfers)

    async def hold(self, move: DisputeMove) -> None:
        """Record what a dispute moves: all of it, or none."""
        await self._open(disputes.chart_of(move))
        await self._write(disputes.transfers(move))

    async def net_minor(self, of: Chart) -> tuple[int, int]:
        """What a merchant has available and pending, less what is on its way out."""
        found = await self._ledger.lookup_accounts(LookupAccounts((of.available, of.pending)))
        left = {account.id: chart.left_minor(account) for account in found.accounts}
        return left.get(of.available, 0), left.get(of.pending, 0)

    async def _open(self, of: Chart) -> None:
        if of in self._opened:
            return
        results = await self._ledger.create_accounts(Accounts(chart.accounts(of)))
        if any(code not in _OPENED for code in results.codes):
            raise WrongBooks(f"accounts {of}: {results.codes}")
        if len(self._opened) >= OPENED_MAX:
            self._opened.clear()
        self._opened.add(of)

    async def _write(self, transfers: Sequence[Transfer]) -> None:
        codes = (await self._ledger.create_transfers(Transfers(tuple(transfers)))).codes
        if not _is_written(transfers, codes):
            raise WrongBooks(f"transfers {[transfer.id for transfer in transfers]}: {codes}")


def _is_written(transfers: Sequence[Transfer], codes: Sequence[int]) -> bool:
    if transfers[0].flags & TransferFlags.LINKED:
        return codes[0] == CreateTransferResult.EXISTS or not any(codes)
    return all(code in _DONE for code in codes)
