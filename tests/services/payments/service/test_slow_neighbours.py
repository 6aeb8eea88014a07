"""Neighbours that answer late or wrongly: what may pass is not remembered, nobody is held up."""

import inspect

import pytest
from tests.services.payments.shop import Shop

from sycee.kernel.refusal import DeadlineExceeded
from sycee.services.payments.adapters.rail import NoAnswer


class Trouble:
    """A neighbour that raises while a test says so."""

    def __init__(self, part):
        self._part = part
        self.of = {}
        """Operation -> what it raises for which request."""

    def __getattr__(self, name):
        operation = getattr(self._part, name)
        if not inspect.iscoroutinefunction(operation):
            return operation

        async def ask(request):
            trouble = self.of.get(name, lambda _: None)(request)
            if trouble is not None:
                raise trouble
            return await operation(request)

        return ask


@pytest.fixture
async def shop(tmp_path):
    troubled = {}

    def wrap(part, name):
        if name not in ("ledger", "rail"):
            return part
        troubled[name] = Trouble(part)
        return troubled[name]

    opened = await Shop(tmp_path, wrap=wrap).open()
    opened.troubled = troubled
    yield opened
    await opened.close()


async def test_a_ledger_that_is_late_leaves_the_attempt_open_and_the_sweeper_ends_it(shop):
    """MS9: a neighbour's deadline is no outcome."""
    shop.troubled["ledger"].of["create_transfers"] = lambda _: DeadlineExceeded("late")
    told = await shop.pay(key="late")
    assert told.status.value == "processing"
    shop.troubled["ledger"].of.clear()
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()
    assert (await shop.payment(told.id)).status.value == "requires_payment_method"
    assert await shop.pay(key="late") == told
    assert await shop.verify() == ()


async def test_a_deadline_before_anything_was_decided_is_not_remembered(shop):
    """MS2: the same key may come again."""

    async def late(_):
        raise DeadlineExceeded("late")

    judge, shop.fraud.judge = shop.fraud.judge, late
    with pytest.raises(DeadlineExceeded):
        await shop.pay(key="again")
    shop.fraud.judge = judge
    assert (await shop.pay(key="again")).status.value == "succeeded"


async def test_an_attempt_that_cannot_be_finished_holds_up_no_other(shop):
    shop.troubled["rail"].of["perform"] = lambda _: NoAnswer("lost")
    stuck, other = await shop.pay(), await shop.pay()
    shop.troubled["rail"].of.clear()
    attempts = await shop.parts.database.read(
        lambda session: session.rows("SELECT id, payment FROM attempts")
    )
    poisoned = next(attempt for attempt, payment in attempts if payment == stuck.id)
    shop.troubled["rail"].of["query"] = lambda order: (
        ValueError("cannot be read") if str(order).startswith(poisoned) else None
    )
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()
    assert (await shop.payment(stuck.id)).status.value == "processing"
    assert (await shop.payment(other.id)).status.value == "requires_payment_method"
