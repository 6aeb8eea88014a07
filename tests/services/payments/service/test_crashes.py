"""Every flow is cut after each of its durable steps; the next start brings it to one right end."""

import contextlib
import itertools
from pathlib import Path

import pytest
from tests.services.floor import FakeClock
from tests.services.payments.shop import SHOP, Shop

from sycee.kernel.refusal import Refusal
from sycee.services.ledger.contract import LookupAccounts
from sycee.services.payments.adapters.rail import Verdict
from sycee.services.payments.adapters.testcard import bank, book
from sycee.services.payments.contract.intents import AnswerChallenge, ListPayments, PaymentStatus
from sycee.services.payments.domain.chart import chart
from sycee.services.payments.store import attempts as attempt_rows

STEPS_MAX = 40


class Crash(Exception):
    """The process is gone."""


class Cutter:
    """Lets so many durable steps happen, then nothing any more."""

    def __init__(self, steps):
        self.left = steps
        self.is_dead = False

    def wrap(self, part, name):
        return Cut(part, self, {"ledger": "create_transfers", "rail": "perform"}.get(name, "write"))

    async def step(self, call):
        if self.is_dead:
            raise Crash
        result = await call()
        self.left -= 1
        if self.left == 0:
            self.is_dead = True
            raise Crash
        return result


class Cut:
    """A database, a ledger or a rail whose one durable call counts."""

    def __init__(self, part, cutter, durable):
        self._part, self._cutter, self._durable = part, cutter, durable

    def __getattr__(self, name):
        if name == self._durable:
            return lambda *given: self._cutter.step(lambda: getattr(self._part, name)(*given))
        if self._cutter.is_dead:
            raise Crash
        return getattr(self._part, name)


async def only(shop):
    """The one payment there is."""
    (payment,) = (await shop.service.list_payments(ListPayments(SHOP))).items
    return payment


async def pay(shop):
    await shop.pay(key="pay")


async def hold(shop):
    await shop.hold(key="pay")


async def create_and_confirm(shop):
    created = await shop.create(key="create")
    await shop.confirm(created.id, key="pay")


async def capture(shop):
    held = await shop.hold(key="pay")
    await shop.capture(held.id, 1500, key="capture")


async def capture_in_parts(shop):
    held = await shop.hold(key="pay", multicapture="if_available")
    await shop.capture(held.id, 700, key="capture", is_final=False)
    await shop.capture(held.id, 300, key="capture again")


async def cancel_after_a_part(shop):
    held = await shop.hold(key="pay", multicapture="if_available")
    await shop.capture(held.id, 700, key="capture", is_final=False)
    await shop.cancel(held.id, key="cancel")


async def cancel(shop):
    held = await shop.hold(key="pay")
    await shop.cancel(held.id, key="cancel")


async def lapse(shop):
    await shop.hold(key="pay")
    shop.host.clock.pass_s(shop.settings.authorization_s)
    await shop.lapse()


async def refund(shop):
    paid = await shop.pay(key="pay")
    await shop.refund(paid.id, 700, key="refund")


async def refund_that_waits(shop):
    paid = await shop.pay("pendingRefund", key="pay")
    await shop.refund(paid.id, 700, key="refund")
    await shop.sweep()


async def refund_that_fails(shop):
    paid = await shop.pay("refundFail", key="pay")
    await shop.refund(paid.id, 700, key="refund")
    await shop.sweep()


async def decline(shop):
    await shop.pay("chargeDeclined", key="pay")


async def challenge(shop):
    asked = await shop.pay("authenticationRequired", key="pay")
    await shop.service.answer_challenge(AnswerChallenge(asked.id, asked.client_secret, True))


async def lost_answer(shop):
    await shop.pay("sycee_lost_answer", key="pay")
    await shop.sweep()


async def lost_order(shop):
    await shop.pay("sycee_lost_request", key="pay")
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()


async def outage(shop):
    await shop.pay("sycee_outage", key="pay")


async def mature(shop):
    paid = await shop.pay(key="pay")
    await shop.refund(paid.id, 700, key="refund")
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    await shop.refund(paid.id, 100, key="late")


FLOWS = (
    pay,
    hold,
    create_and_confirm,
    capture,
    capture_in_parts,
    cancel_after_a_part,
    cancel,
    lapse,
    refund,
    refund_that_waits,
    refund_that_fails,
    decline,
    challenge,
    lost_answer,
    lost_order,
    outage,
    mature,
)


async def cut(folder: Path, clock, flow, steps) -> bool:
    """Run a flow until the cut; whether there was one."""
    cutter = Cutter(steps)
    shop = await Shop(folder, clock, wrap=cutter.wrap).open()
    with contextlib.suppress(Crash, Refusal):
        await flow(shop)
    for task in list(shop.service.attempts._tasks):
        with contextlib.suppress(Crash):
            await task
    await shop.close()
    return cutter.is_dead


async def started_again(folder: Path, clock) -> Shop:
    """Everything from the files, some time later; what was left open is swept."""
    clock.pass_s(100)
    shop = await Shop(folder, clock).open()
    await shop.sweep()
    await shop.sweep()
    return shop


async def owed_by_rail(shop) -> int:
    """What the acquirer's own book says it owes."""
    orders = await shop.rail._database.read(
        lambda session: session.rows("SELECT id, operation, original, amount FROM orders")
    )
    owed = {}
    for id, operation, original, amount in orders:
        entry = await shop.rail._database.read(lambda session, id=id: book.find(session, id))
        answer = bank.final(bank.card_of(entry.token), entry.answer)
        sign = {"pay": 1, "capture": 1, "refund": -1}.get(operation, 0)
        owed[id] = (operation, original, sign * amount * (answer.verdict is Verdict.APPROVED))
    voided = {original for operation, original, _ in owed.values() if operation == "void"}
    return sum(amount for id, (_, _, amount) in owed.items() if id not in voided)


async def owed_by_books(shop) -> int:
    """What the ledger says the acquirer owes."""
    of = chart(SHOP, False, "USD", "testcard")
    found = await shop.ledger.lookup_accounts(LookupAccounts((of.settlement,)))
    return sum(int(each.debits_posted) - int(each.credits_posted) for each in found.accounts)


async def check_ended(shop):
    """Nothing is open, the books are right, and the acquirer's book says the same."""
    left = await shop.parts.database.read(
        lambda session: session.rows("SELECT id FROM attempts WHERE is_open = 1")
    )
    assert list(left) == []
    unsettled = await shop.parts.database.read(
        lambda session: session.rows("SELECT key FROM keys WHERE outcome IS NULL")
    )
    assert list(unsettled) == []
    assert await shop.verify() == ()
    assert await owed_by_rail(shop) == await owed_by_books(shop)


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.__name__)
async def test_a_flow_that_is_cut_anywhere_comes_to_one_right_end(tmp_path, flow):
    """MS1, MS2, MS9: no step can be lost or done twice, and the same keys have one effect."""
    for steps in itertools.count(1):
        assert steps < STEPS_MAX, "a flow has an end"
        folder = tmp_path / str(steps)
        folder.mkdir()
        clock = FakeClock()
        was_cut = await cut(folder, clock, flow, steps)
        shop = await started_again(folder, clock)
        await check_ended(shop)
        before = await shop.service.list_payments(ListPayments(SHOP))
        assert len(before.items) <= 1
        with contextlib.suppress(Refusal):
            await flow(shop)
        await shop.sweep()
        shop.host.clock.pass_s(shop.settings.lost_after_s)
        await shop.sweep()
        await check_ended(shop)
        payment = await only(shop)
        assert not before.items or payment.id == before.items[0].id
        assert payment.status is not PaymentStatus.PROCESSING
        await shop.mature()
        assert await shop.verify() == ()
        await shop.close()
        if not was_cut:
            break
    assert steps > 2, "a flow has several durable steps"


async def test_a_cut_takes_effect(tmp_path):
    """The cutter bites: without the sweep, an attempt stays open and its key unsettled."""
    assert await cut(tmp_path, FakeClock(), pay, 1)
    shop = await Shop(tmp_path, FakeClock()).open()
    assert (await only(shop)).status is PaymentStatus.PROCESSING
    with pytest.raises(AssertionError):
        await check_ended(shop)


async def test_two_sweepers_at_once_do_no_harm(tmp_path):
    """The set of attempts in work is a courtesy; safety does not rest on it."""
    await cut(tmp_path, FakeClock(), pay, 3)
    shop = await Shop(tmp_path, FakeClock()).open()
    (attempt,) = await shop.parts.database.read(
        lambda session: [row[0] for row in session.rows("SELECT id FROM attempts")]
    )
    found = await shop.parts.database.read(lambda session: attempt_rows.find_open(session, attempt))
    await shop.service.attempts._finish(found)
    await shop.service.attempts._finish(found)
    await shop.service.attempts.sweep(attempt)
    await check_ended(shop)
    assert (await only(shop)).amount_received_minor == 2000
    assert await owed_by_rail(shop) == 2000
