"""What is left when the process stops between any two of its steps, and comes again."""

import asyncio
import contextlib

import pytest
from tests.services.accounting.books import ASSET, SHOP, code_of, credit, debit, move, open_books
from tests.services.floor import NOON

from sycee.kernel.refusal import Unavailable
from sycee.kernel.u128 import U128
from sycee.services.accounting.contract import (
    AccountKind,
    BulkFormat,
    Exchange,
    GetTrialBalance,
    ImportPart,
    ListTransactions,
    OpenAccount,
    Share,
    VerifyPeriods,
)
from sycee.services.accounting.jobs import settle_all
from sycee.services.accounting.service.parts import Parts, Settings
from sycee.services.accounting.service.whole import AccountingService
from sycee.services.ledger.contract import ListChanges

STEPS_MAX = 60


class Stopped(BaseException):
    """The process is gone."""


class Fuse:
    """Burns down with every step that changes something, and stops the process at the last."""

    def __init__(self, steps):
        self.left = steps

    def burn(self):
        self.left -= 1
        if self.left == 0:
            raise Stopped


class FusedDatabase:
    def __init__(self, database, fuse):
        self._database, self._fuse = database, fuse
        self.read = database.read

    async def write(self, unit):
        self._fuse.burn()
        answer = await self._database.write(unit)
        self._fuse.burn()
        return answer


class FusedLedger:
    def __init__(self, ledger, fuse):
        self._ledger, self._fuse = ledger, fuse

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def create_accounts(self, command):
        return await self._burn(self._ledger.create_accounts, command)

    async def create_transfers(self, command):
        return await self._burn(self._ledger.create_transfers, command)

    async def _burn(self, ask, command):
        self._fuse.burn()
        answer = await ask(command)
        self._fuse.burn()
        return answer


def parts_of(books, ledger):
    host = books.host
    return Parts(Settings(), host.databases["accounting"], host.clock, host.ids, ledger)


def fused(books, steps):
    """Accounting over the same stores that stops after so many steps."""
    fuse = Fuse(steps)
    database = FusedDatabase(books.host.databases["accounting"], fuse)
    ledger = FusedLedger(books.ledger, fuse)
    parts = Parts(Settings(), database, books.host.clock, books.host.ids, ledger)
    return AccountingService(parts, b"seed".ljust(32, b"\0"))


async def prepared(tmp_path):
    books = await open_books(tmp_path)
    await books.open("gift", "wallet", "shop", "fees", lower=0, upper=100_000)
    await books.open("fx", kind=AccountKind.EQUITY)
    await books.open("fx", "wallet", currency="EUR", kind=AccountKind.EQUITY)
    await books.fund("gift", 100)
    await books.fund("wallet", 60)
    shares = [Share("fees", percent="50"), Share("shop", percent="50")]
    await books.define("pay", move(["gift", "wallet"], ["shop"], "130"))
    await books.define("sweep", move(["gift", "wallet"], shares, complete=False))
    return books


def legs(accounting, books):
    several = debit("gift", 50), debit("wallet", 50), credit("shop", 100)
    return books.post(*several, id="one", effective=NOON)


def run(accounting, books):
    return books.run("pay", id="one")


def sweep(accounting, books):
    return books.run("sweep", id="one")


def exchange(accounting, books):
    command = Exchange(
        SHOP, "one", "gift", "USD", "wallet", "EUR", "fx", "0.9", sold_minor=U128(100)
    )
    return accounting.exchange(command)


def opening(accounting, books):
    return accounting.open_account(OpenAccount(SHOP, "new", "USD", ASSET, -5, 5))


async def imported(accounting, books):
    text = (
        '{"record":"account","name":"new","currency":"USD","kind":"asset"}\n'
        '{"record":"transaction","legs":[{"account":"new","side":"debit","amount":"0.50",'
        '"currency":"USD"},{"account":"shop","side":"credit","amount":"0.50","currency":"USD"}]}\n'
    )
    part = ImportPart(SHOP, "import", BulkFormat.JSONL, 1, text, True)
    return await accounting.import_part(part)


async def sums(books):
    trial = await books.accounting.get_trial_balance(GetTrialBalance(SHOP))
    return {(one.name, one.currency): (one.debits, one.credits) for one in trial.balances}


@pytest.mark.parametrize("act", [legs, run, sweep, exchange, opening, imported])
async def test_a_stop_at_any_step_leaves_what_a_repetition_completes_once(tmp_path, act):
    folder = tmp_path / "whole"
    folder.mkdir()
    whole = await prepared(folder)
    answer = await act(whole.accounting, whole)
    expected = await sums(whole)
    stopped = 0
    for steps in range(1, STEPS_MAX):
        folder = tmp_path / str(steps)
        folder.mkdir()
        books = await prepared(folder)
        before = await sums(books)
        steady, books.accounting = books.accounting, fused(books, steps)
        try:
            await act(books.accounting, books)
        except Stopped:
            stopped += 1
        else:
            break
        finally:
            books.accounting = steady
        assert await sums(books) in (before, expected) or act in (opening, imported)
        again = await act(books.accounting, books)
        assert await sums(books) == expected
        assert type(again) is type(answer)
        assert await act(books.accounting, books) == again
        assert await sums(books) == expected
    assert stopped >= 6


@pytest.mark.parametrize("act", [legs, run, sweep])
async def test_what_nobody_asks_for_again_is_settled_by_itself(tmp_path, act):
    for steps in range(3, 7):
        folder = tmp_path / str(steps)
        folder.mkdir()
        books = await prepared(folder)
        stopping = fused(books, steps)
        steady, books.accounting = books.accounting, stopping
        with pytest.raises(Stopped):
            await act(stopping, books)
        books.accounting = steady
        await settle_all(books.accounting.posting, parts_of(books, books.ledger))
        page = await books.accounting.list_transactions(ListTransactions(SHOP))
        assert "one" in [each.id for each in page.transactions]
        after = await sums(books)
        await act(books.accounting, books)
        assert await sums(books) == after


@pytest.mark.parametrize("act", [legs, run, sweep])
async def test_closing_a_period_settles_and_seals_what_was_left_open(tmp_path, act):
    """Wherever the transaction stopped, the period closes over it, and it never comes later."""
    for steps in range(2, 7):
        folder = tmp_path / str(steps)
        folder.mkdir()
        books = await prepared(folder)
        steady, books.accounting = books.accounting, fused(books, steps)
        with pytest.raises(Stopped):
            await act(books.accounting, books)
        books.accounting = steady
        books.host.clock.pass_s(60)
        period = await books.close("1", books.host.clock.now())
        before = await sums(books)
        page = await books.accounting.list_transactions(ListTransactions(SHOP))
        inside = [each.id for each in page.transactions if each.effective < period.end]
        assert period.transactions == len(inside)
        assert ("one" in inside) or act is not legs
        assert "one" in [each.id for each in page.transactions]
        await act(books.accounting, books)
        assert await sums(books) == before


async def test_a_closing_that_stops_at_any_step_is_completed_by_repeating_it(tmp_path):
    stopped = 0
    for steps in range(1, STEPS_MAX):
        folder = tmp_path / str(steps)
        folder.mkdir()
        books = await prepared(folder)
        books.host.clock.pass_s(60)
        end = books.host.clock.now()
        steady, books.accounting = books.accounting, fused(books, steps)
        try:
            await books.close("1", end)
        except Stopped:
            stopped += 1
        else:
            break
        finally:
            books.accounting = steady
        later = books.close("2", end - 1)
        assert await code_of(later) in ("period_invalid", "unavailable") or steps == 1
        period = await books.close("1", end) if steps > 1 else None
        if period is not None:
            assert period.transactions == 2
            assert await books.close("1", end) == period
            proof = await books.accounting.verify_periods(VerifyPeriods(SHOP))
            assert (proof.difference, proof.transactions) == (None, 2)
    assert stopped == 6


class SilentLedger:
    """Takes what it is given and does not answer, as often as told."""

    def __init__(self, ledger, silent):
        self._ledger, self._silent = ledger, silent

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def create_transfers(self, command):
        answer = await self._ledger.create_transfers(command)
        if self._silent:
            self._silent -= 1
            raise Unavailable("no answer")
        return answer


@pytest.mark.parametrize("name", ["pay", "sweep"])
async def test_an_answer_that_is_lost_is_asked_for_again(tmp_path, name):
    books = await prepared(tmp_path)
    lost = await open_books(tmp_path, books.host.clock, SilentLedger(books.ledger, 3))
    for _ in range(3):
        with pytest.raises(Unavailable):
            await lost.run(name, id="one")
    await settle_all(lost.accounting.posting, parts_of(lost, SilentLedger(books.ledger, 9)))
    answers = await asyncio.gather(*(lost.run(name, id="one") for _ in range(8)))
    assert len(set(map(repr, answers))) == 1
    total = sum(leg.amount_minor for leg in answers[0].legs if leg.side.value == "debit")
    assert total == {"pay": 130, "sweep": 160}[name]


async def test_a_run_whose_balances_changed_is_made_anew_under_new_ids(tmp_path):
    """A stranger moves money between the read and the write, five times."""
    books = await prepared(tmp_path)
    strangers = 5

    class Busy(SilentLedger):
        async def create_transfers(self, command):
            nonlocal strangers
            if strangers and len(command.transfers) > 5:
                strangers -= 1
                await books.fund("gift", 2, id=f"stranger-{strangers}")
            return await self._ledger.create_transfers(command)

    busy = await open_books(tmp_path, books.host.clock, Busy(books.ledger, 0))
    answer = await busy.run("sweep", id="one")
    assert sum(leg.amount_minor for leg in answer.legs if leg.side.value == "debit") == 170
    assert await busy.run("sweep", id="one") == answer
    assert await books.balance("gift") == 0


async def test_one_that_changes_at_every_try_is_told_so_and_may_be_repeated(tmp_path):
    books = await prepared(tmp_path)
    count = 0

    class Busy(SilentLedger):
        async def create_transfers(self, command):
            nonlocal count
            if len(command.transfers) > 5:
                count += 1
                await books.fund("gift", 2, id=f"stranger-{count}")
            return await self._ledger.create_transfers(command)

    busy = await open_books(tmp_path, books.host.clock, Busy(books.ledger, 0), tries_max=4)
    with pytest.raises(Exception, match="changed at every try"):
        await busy.run("sweep", id="one")
    assert await books.balance("gift") == 100 + 2 * count
    await settle_all(busy.accounting.posting, parts_of(busy, books.ledger))
    with pytest.raises(Unavailable, match="still being made"):
        await busy.close("1", busy.host.clock.now())
    await books.run("sweep", id="one")
    assert await books.balance("gift") == 0


async def test_a_transfer_in_the_ledger_always_has_its_metadata(tmp_path):
    """Whatever step the process stops at, what a transfer points to is there."""
    for steps in range(1, 12):
        folder = tmp_path / str(steps)
        folder.mkdir()
        books = await prepared(folder)
        steady, books.accounting = books.accounting, fused(books, steps)
        with contextlib.suppress(Stopped):
            await books.post(
                debit("gift", 1), credit("shop", 1), id="one", metadata=f'{{"n":{steps}}}'
            )
        books.accounting = steady
        keys = books.host.databases["accounting"].connection.execute("SELECT key FROM metadata")
        known = {bytes(row[0]) for row in keys.fetchall()}
        changes = (await books.ledger.list_changes(ListChanges(0, 1000))).changes
        for change in changes:
            if change.transfer is not None and change.transfer.code < 109:
                assert change.transfer.user_data_128.encode() in known
