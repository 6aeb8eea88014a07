"""How the service is put together, and its jobs."""

import asyncio
import collections

import pytest
from tests.services.floor import FakeHost
from tests.services.payments.shop import SHOP, Shop

from sycee.kernel.refusal import DeadlineExceeded, Unavailable
from sycee.services.payments import app
from sycee.services.payments.contract import Payments
from sycee.services.payments.contract.intents import ListPayments
from sycee.services.payments.service import outcomes
from sycee.services.payments.service.books import WrongBooks
from sycee.services.payments.service.whole import PaymentsService


def test_no_two_halves_of_the_service_share_a_private_name():
    owners = collections.defaultdict(set)
    for part in PaymentsService.__mro__[1:-1]:
        for name in vars(part):
            if not name.startswith("__"):
                owners[name].add(part)
    shared = {name for name, classes in owners.items() if len(classes) > 1}
    assert shared <= set(dir(Payments)) | {"_is_protocol"}


def test_the_service_has_every_operation_of_its_contract():
    operations = {name for name in dir(Payments) if not name.startswith("_")}
    assert operations <= set(dir(PaymentsService))


async def test_payments_are_built_over_the_simulated_acquirer_with_their_jobs(tmp_path):
    shop = await Shop(tmp_path).open()
    host = FakeHost(tmp_path)
    built = await app.build(
        host,
        app.Settings(),
        app.Behaviour(),
        shop.vault,
        shop.parts.validation,
        shop.fraud,
        shop.ledger,
    )
    assert (await built.list_payments(ListPayments(SHOP))).items == ()
    assert set(host.jobs) == {
        "payments.sweep",
        "payments.lapse",
        "payments.mature",
        "payments.dispute",
        "payments.forget_keys",
        "payments.look_through",
    }


def test_keys_are_kept_a_day_at_least():
    with pytest.raises(ValueError, match="a day"):
        app.Settings(keep_keys_s=86_399)


async def until(condition):
    """Give the loop turns until something holds."""
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0)


async def test_jobs_do_their_work_while_they_run(tmp_path):
    """MS9."""
    shop = await Shop(tmp_path).open()
    lost = await shop.pay("sycee_lost_answer")
    held = await shop.hold()
    await shop.pay(key="old")
    shop.host.clock.pass_s(shop.settings.authorization_s)
    tasks = [asyncio.create_task(run()) for run in shop.host.jobs.values()]

    async def all_done():
        keys = await shop.parts.database.read(lambda session: session.row("SELECT 1 FROM keys"))
        return (
            (await shop.payment(lost.id)).status.value == "succeeded"
            and (await shop.payment(held.id)).status.value == "canceled"
            and (await shop.balance())[0] > 0
            and keys is None
        )

    await until(all_done)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await shop.verify() == ()


class Stubborn:
    """A ledger that says no, or is away, when it is to write."""

    def __init__(self, ledger):
        self._ledger = ledger
        self.trouble = None
        self.codes = None

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def create_transfers(self, command):
        if self.trouble is not None:
            raise self.trouble
        if self.codes is not None:
            return type("Results", (), {"codes": self.codes})
        return await self._ledger.create_transfers(command)


@pytest.fixture
async def stubborn(tmp_path):
    shop = await Shop(
        tmp_path, wrap=lambda part, name: Stubborn(part) if name == "ledger" else part
    ).open()
    shop.books = shop.parts.ledger
    await shop.pay()
    return shop


@pytest.mark.parametrize("trouble", [Unavailable("away"), DeadlineExceeded("late")])
async def test_while_the_ledger_is_away_a_payment_is_processing_and_ends_later(stubborn, trouble):
    stubborn.books.trouble = trouble
    waits = await stubborn.pay(key="a")
    assert waits.status.value == "processing"
    await stubborn.sweep()
    stubborn.books.trouble = None
    stubborn.host.clock.pass_s(stubborn.settings.lost_after_s)
    await stubborn.sweep()
    assert (await stubborn.payment(waits.id)).status.value == "requires_payment_method"
    assert await stubborn.pay(key="a") == waits
    assert await stubborn.verify() == ()


async def test_books_that_refuse_are_a_fault_and_never_ignored(stubborn):
    stubborn.books.codes = (54,)
    with pytest.raises(WrongBooks):
        await stubborn.pay()
    (payment, _) = (await stubborn.service.list_payments(ListPayments(SHOP))).items
    assert payment.status.value == "processing"
    await stubborn.sweep()
    stubborn.books.codes = None
    stubborn.host.clock.pass_s(stubborn.settings.lost_after_s)
    await stubborn.sweep()
    assert (await stubborn.payment(payment.id)).status.value == "requires_payment_method"


def test_an_outage_is_no_outcome_to_be_kept():
    assert not outcomes.is_final(Unavailable("x"))
    assert not outcomes.is_final(DeadlineExceeded("x"))
