"""The twin's double entry: an amount is reserved, then posted with sale and fee, or voided."""

from __future__ import annotations

from typing import NamedTuple

from bench.twin.store import ADD_TRANSFER, MOVE, Store, accounts


class Books(NamedTuple):
    """The transfers of one attempt; each transaction names an account once."""

    merchant: str
    attempt: str
    currency: str
    amount: int
    fee: int

    async def reserve(self, store: Store) -> None:
        """The amount is on its way from the rail to the merchant."""
        settlement, clearing, _, _ = self._accounts()
        await store.run_each(
            ADD_TRANSFER, [self._transfer("reserve", settlement, clearing, self.amount)]
        )
        amount = self.amount
        await store.run_each(MOVE, [(amount, 0, 0, 0, settlement), (0, 0, amount, 0, clearing)])

    async def post(self, store: Store) -> None:
        """The amount has come, and is the merchant's less a fee."""
        settlement, clearing, pending, fees = self._accounts()
        amount, fee = self.amount, self.fee
        transfers = [
            self._transfer("post", settlement, clearing, amount),
            self._transfer("sale", clearing, pending, amount),
            self._transfer("fee", pending, fees, fee),
        ]
        await store.run_each(ADD_TRANSFER, transfers)
        moves = [
            (-amount, amount, 0, 0, settlement),
            (0, amount, -amount, amount, clearing),
            (0, fee, 0, amount, pending),
            (0, 0, 0, fee, fees),
        ]
        await store.run_each(MOVE, moves)

    async def void(self, store: Store) -> None:
        """Nothing has come."""
        settlement, clearing, _, _ = self._accounts()
        amount = self.amount
        await store.run_each(ADD_TRANSFER, [self._transfer("void", settlement, clearing, amount)])
        await store.run_each(MOVE, [(-amount, 0, 0, 0, settlement), (0, 0, -amount, 0, clearing)])

    def _accounts(self) -> tuple[str, str, str, str]:
        return accounts(self.merchant, self.currency)

    def _transfer(
        self, kind: str, debit: str, credit: str, amount: int
    ) -> tuple[str, str, str, str, str, int]:
        return f"{self.attempt}:{kind}", self.attempt, kind, debit, credit, amount
