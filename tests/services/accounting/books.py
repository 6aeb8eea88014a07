"""Books of a shop in tests: accounting over the reference ledger, on a real database."""

from __future__ import annotations

from tests.services.floor import FakeHost

from sycee.kernel.refusal import Refusal
from sycee.kernel.u128 import U128
from sycee.services.accounting import app
from sycee.services.accounting.contract import (
    AccountKind,
    AccountRef,
    ClosePeriod,
    DefineTemplate,
    GetBalances,
    Leg,
    Move,
    OpenAccount,
    Owner,
    Parameter,
    PostTransaction,
    RunTemplate,
    Share,
    Side,
    Source,
)
from sycee.services.ledger import app as ledger_app

SHOP = Owner("acct_shop")
OTHER = Owner("acct_other")
ASSET, LIABILITY, INCOME = AccountKind.ASSET, AccountKind.LIABILITY, AccountKind.INCOME


def debit(account, minor, currency="USD"):
    return Leg(account, Side.DEBIT, U128(minor), currency)


def credit(account, minor, currency="USD"):
    return Leg(account, Side.CREDIT, U128(minor), currency)


class Books:
    """Accounting, in few words."""

    def __init__(self, host, ledger, accounting):
        self.host = host
        self.ledger = ledger
        self.accounting = accounting
        self._count = 0

    def next(self):
        """A number that did not come before."""
        self._count += 1
        return self._count

    async def open(self, *names, kind=LIABILITY, currency="USD", owner=SHOP, **bounds):
        bounds = {f"{key}_minor": value for key, value in bounds.items()}
        for name in names:
            await self.accounting.open_account(OpenAccount(owner, name, currency, kind, **bounds))

    async def post(self, *legs, id=None, owner=SHOP, **details):
        self._count += 1
        command = PostTransaction(owner, id or f"tx-{self._count}", legs, **details)
        return await self.accounting.post_transaction(command)

    async def fund(self, account, minor, currency="USD", owner=SHOP, **details):
        """Money comes in from the bank."""
        await self.open("bank", kind=ASSET, currency=currency, owner=owner)
        legs = debit("bank", minor, currency), credit(account, minor, currency)
        return await self.post(*legs, owner=owner, **details)

    async def balance(self, account, currency="USD", owner=SHOP, at=None):
        query = GetBalances(owner, (AccountRef(account, currency),), at)
        return (await self.accounting.get_balances(query)).balances[0].balance_minor

    async def define(self, name, *moves, parameters=(), version=1, currency="USD", **details):
        command = DefineTemplate(
            SHOP, name, version, currency, tuple(parameters), tuple(moves), **details
        )
        return await self.accounting.define_template(command)

    async def run(self, name, id=None, version=None, owner=SHOP, **arguments):
        self._count += 1
        command = RunTemplate(owner, id or f"run-{self._count}", name, arguments, version)
        return await self.accounting.run_template(command)

    async def close(self, name, end, owner=SHOP):
        return await self.accounting.close_period(ClosePeriod(owner, name, end))


async def open_books(folder, clock=None, ledger=None, **settings):
    """Books in a folder; opened again, they are the next start."""
    host = FakeHost(folder, clock)
    if ledger is None:
        ledger = await ledger_app.build(host, ledger_app.Settings())
    accounting = await app.build(host, app.Settings(**settings), ledger)
    return Books(host, ledger, accounting)


def move(sources, shares, amount=None, complete=True, **details):
    """A move of sources and shares given as names, or as Structs."""
    sources = [Source(each) if isinstance(each, str) else each for each in sources]
    shares = [Share(each) if isinstance(each, str) else each for each in shares]
    return Move(tuple(sources), tuple(shares), amount, complete, **details)


def parameter(name, kind):
    return Parameter(name, kind)


async def refused(awaitable):
    """The code and the field of the refusal that something ends in."""
    try:
        answer = await awaitable
    except Refusal as refusal:
        return refusal.code, refusal.param
    raise AssertionError(f"not refused: {answer}")


async def code_of(awaitable):
    """``ok``, or the code of the refusal that something ends in."""
    try:
        await awaitable
    except Refusal as refusal:
        return refusal.code
    return "ok"
