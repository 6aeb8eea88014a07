"""How late it is in the ledger, whose clock may be another machine's."""

from __future__ import annotations

from sycee.kernel.clock import Instant
from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import NO_METADATA, ListAccounts, Owner
from sycee.services.accounting.domain import chains, chart
from sycee.services.accounting.domain.chains import Step, StepCode, Subject
from sycee.services.accounting.service.accounts import AccountsService
from sycee.services.accounting.service.parts import Parts
from sycee.services.ledger.contract import Transfers


class Marks:
    """Records transfers of nothing, whose nanosecond divides before from after."""

    def __init__(self, parts: Parts, accounts: AccountsService) -> None:
        self._parts = parts
        self._accounts = accounts

    async def now(self, owner: Owner) -> Instant:
        """An instant of the ledger after everything that was acknowledged before this call."""
        page = await self._accounts.list_accounts(ListAccounts(owner, limit=1))
        if not page.accounts:
            return self._parts.clock.now()
        within = chart.inner(owner, page.accounts[0].currency)
        nothing = Step(within.pool, within.transit, U128(0), within.ledger, StepCode.MARK)
        subject = Subject(owner, self._parts.ids.new("mark "), 1, None, NO_METADATA)
        result = await self._parts.ledger.create_transfers(
            Transfers(chains.chain(subject, [nothing]))
        )
        if any(result.codes):
            raise Unavailable("The ledger could not say how late it is.")
        return result.timestamp
