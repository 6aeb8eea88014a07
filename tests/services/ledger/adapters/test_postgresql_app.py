"""The setting ``ledger.engine = "postgresql"`` opens the books of a database."""

from __future__ import annotations

import pytest
from tests.services.floor import FakeClock
from tests.services.ledger.adapters.on_postgresql import OnPostgresql
from tests.services.ledger.notation import OK, account, transfer

from sycee.kernel.refusal import Unavailable
from sycee.services.ledger import app
from sycee.services.ledger.contract import Accounts, Transfers

OPENING = Accounts((account(1), account(2)))


class Floor:
    """As much of a host as this engine needs."""

    def __init__(self):
        self.clock = FakeClock()
        self.jobs = {}
        self.closings = []

    def job(self, name, run):
        self.jobs[name] = run

    def at_close(self, close):
        self.closings.append(close)


async def test_the_books_are_those_of_the_database(dsn):
    floor = Floor()
    settings = app.Settings(engine="postgresql", postgresql=dsn)
    ledger = await app.build(floor, settings)
    await ledger.create_accounts(OPENING)
    answer = await ledger.create_transfers(Transfers((transfer(1, 1, 2, 5),)))
    assert answer.codes == (OK,)
    assert list(floor.jobs) == ["ledger.expire"]
    for close in floor.closings:
        await close()
    with pytest.raises(Unavailable):
        await ledger.create_accounts(OPENING)
    again = await OnPostgresql(dsn, floor.clock).open()
    assert (await again.ledger.create_accounts(OPENING)).codes == (21, 21)
    await again.ledger.close()


def test_settings_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match=r"needs ledger\.postgresql"):
        app.Settings(engine="postgresql")
    with pytest.raises(ValueError, match="takeover_after_s"):
        app.Settings(expire_every_s=10)
