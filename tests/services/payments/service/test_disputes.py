"""Disputes on the whole payments service: money held back, answered, given back or lost."""

import asyncio
import contextlib
import random

import msgspec
import pytest
from tests.services.payments.shop import CALM, OTHER, SHOP, Shop, origin

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.payments.adapters.rail import Operation, Order
from sycee.services.payments.contract.disputes import (
    CloseDispute,
    DisputeQuery,
    DisputeStateInvalid,
    DisputeStatus,
    Evidence,
    ListDisputes,
    OnlyInTestMode,
    OpenDispute,
    UpdateDispute,
)
from sycee.services.payments.contract.intents import (
    BalanceTransactionQuery,
    ChargeDisputed,
    ChargeNotRefundable,
    RefundTooLarge,
)
from sycee.services.payments.contract.shared import Origin, Page
from sycee.services.payments.service.books import WrongBooks
from sycee.services.payments.service.dispute_course import DisputeCourse

FEE = 15_00
SOLD = 20_00 - 88


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path).open()
    yield shop
    await shop.close()


async def go_on(shop):
    await shop.service.course.go_on()


async def disputes(shop, **wanted):
    return (await shop.service.list_disputes(ListDisputes(SHOP, **wanted))).items


async def dispute(shop, card="createDispute"):
    """A payment that was disputed, and the dispute with its money withdrawn."""
    payment = await shop.pay(card)
    await go_on(shop)
    (found,) = await disputes(shop, payment=payment.id)
    return payment, found


async def answer(shop, found, text, key=None):
    command = UpdateDispute(origin(key), found.id, Evidence(uncategorized_text=text), submit=True)
    return await shop.service.update_dispute(command)


async def current(shop, found):
    return await shop.service.get_dispute(DisputeQuery(SHOP, found.id))


def of_disputes(shop):
    return [type.removeprefix("charge.dispute.") for type in shop.types() if "dispute" in type]


@pytest.mark.parametrize(
    ("card", "reason"),
    [("createDispute", "fraudulent"), ("createDisputeProductNotReceived", "product_not_received")],
)
async def test_a_dispute_withdraws_the_amount_and_a_fee(shop, card, reason):
    payment, found = await dispute(shop, card)
    assert (found.reason, found.status) == (reason, DisputeStatus.NEEDS_RESPONSE)
    assert found.amount == payment.amount
    (withdrawn,) = found.balance_transactions
    assert (withdrawn.amount.minor, withdrawn.fee_minor) == (-20_00, FEE)
    assert (withdrawn.type, withdrawn.reporting_category) == ("adjustment", "dispute")
    assert await shop.balance() == (0, SOLD - 20_00 - FEE)
    assert of_disputes(shop) == ["created", "funds_withdrawn"]
    charge = await shop.charge(payment.latest_charge)
    assert charge.disputed
    assert await shop.verify() == ()


async def test_a_captured_authorization_is_disputed_as_well(shop):
    held = await shop.hold("createDispute")
    await go_on(shop)
    assert await disputes(shop) == ()
    await shop.capture(held.id, 15_00)
    await go_on(shop)
    (found,) = await disputes(shop)
    assert found.amount.minor == 15_00
    assert await shop.verify() == ()


async def test_a_dispute_that_is_won_gives_the_amount_back(shop):
    payment, found = await dispute(shop)
    assert (await answer(shop, found, "winning_evidence")).status is DisputeStatus.UNDER_REVIEW
    await go_on(shop)
    await go_on(shop)
    won = await current(shop, found)
    assert won.status is DisputeStatus.WON
    assert [each.amount.minor for each in won.balance_transactions] == [-20_00, 20_00]
    assert won.balance_transactions[1].reporting_category == "dispute_reversal"
    assert await shop.balance() == (20_00, SOLD - 20_00 - FEE)
    assert of_disputes(shop)[2:] == ["updated", "closed", "funds_reinstated"]
    assert await shop.verify() == ()
    assert (await shop.refund(payment.id)).amount.minor == 20_00


async def test_a_dispute_that_is_lost_takes_the_amount_for_good(shop):
    payment, found = await dispute(shop)
    await answer(shop, found, "losing_evidence")
    await go_on(shop)
    await go_on(shop)
    assert (await current(shop, found)).status is DisputeStatus.LOST
    assert await shop.balance() == (0, SOLD - 20_00 - FEE)
    assert of_disputes(shop)[2:] == ["updated", "closed"]
    with pytest.raises(ChargeDisputed):
        await shop.refund(payment.id)
    assert await shop.verify() == ()


async def test_other_evidence_leaves_the_dispute_under_review(shop):
    _, found = await dispute(shop)
    await answer(shop, found, "We sent it.")
    await go_on(shop)
    await go_on(shop)
    assert (await current(shop, found)).status is DisputeStatus.UNDER_REVIEW
    with pytest.raises(DisputeStateInvalid):
        await answer(shop, found, "winning_evidence")


async def test_evidence_can_be_staged_before_it_is_submitted(shop):
    _, found = await dispute(shop)
    command = UpdateDispute(
        origin(), found.id, Evidence(customer_name="Ada"), metadata={"case": "7"}
    )
    staged = await shop.service.update_dispute(command)
    assert (staged.status, staged.submissions) == (DisputeStatus.NEEDS_RESPONSE, 0)
    done = await answer(shop, found, "winning_evidence")
    assert (done.evidence.customer_name, done.metadata) == ("Ada", {"case": "7"})
    assert done.submissions == 1


async def test_metadata_can_be_changed_after_the_end(shop):
    _, found = await dispute(shop)
    await shop.service.close_dispute(CloseDispute(origin(), found.id))
    command = UpdateDispute(origin(), found.id, metadata={"a": "b"})
    assert (await shop.service.update_dispute(command)).metadata == {"a": "b"}
    with pytest.raises(DisputeStateInvalid):
        await shop.service.close_dispute(CloseDispute(origin(), found.id))


async def test_closing_twice_under_one_key_closes_once(shop):
    _, found = await dispute(shop)
    close = CloseDispute(origin("close"), found.id)
    first, second = [await shop.service.close_dispute(close) for _ in range(2)]
    assert first == second
    assert first.status is DisputeStatus.LOST
    await go_on(shop)
    assert of_disputes(shop).count("closed") == 1
    assert await shop.verify() == ()


async def test_a_dispute_that_nobody_answers_is_lost(shop):
    _, found = await dispute(shop)
    shop.host.clock.pass_s(shop.settings.dispute_due_after_s - 1)
    await go_on(shop)
    assert (await current(shop, found)).status is DisputeStatus.NEEDS_RESPONSE
    shop.host.clock.pass_s(1)
    with pytest.raises(DisputeStateInvalid):
        await answer(shop, found, "winning_evidence")
    await go_on(shop)
    lost = await current(shop, found)
    assert (lost.status, lost.is_past_due) == (DisputeStatus.LOST, True)
    assert await shop.verify() == ()


async def test_an_inquiry_takes_no_money_and_leaves_the_charge_refundable(shop):
    payment, found = await dispute(shop, "createDisputeInquiry")
    assert found.status is DisputeStatus.WARNING_NEEDS_RESPONSE
    assert await shop.balance() == (0, SOLD)
    await answer(shop, found, "winning_evidence")
    await go_on(shop)
    await go_on(shop)
    assert (await current(shop, found)).status is DisputeStatus.WARNING_CLOSED
    assert (await shop.refund(payment.id)).status == "succeeded"
    assert await shop.verify() == ()


async def test_only_what_is_not_refunded_can_be_disputed(shop):
    payment = await shop.pay()
    await shop.refund(payment.id, 5_00)
    charge = payment.latest_charge
    found = await shop.service.open_dispute(OpenDispute(origin("one"), charge, 8_00))
    again = await shop.service.open_dispute(OpenDispute(origin("one"), charge, 8_00))
    assert (found, found.amount.minor) == (again, 8_00)
    with pytest.raises(RefundTooLarge):
        await shop.refund(payment.id, 7_01)
    rest = await shop.service.open_dispute(OpenDispute(origin(), charge))
    assert rest.amount.minor == 7_00
    with pytest.raises(ChargeDisputed):
        await shop.refund(payment.id, 1)
    with pytest.raises(ChargeNotRefundable):
        await shop.service.open_dispute(OpenDispute(origin(), charge))
    await go_on(shop)
    assert await shop.verify() == ()


async def test_a_charge_that_was_not_captured_cannot_be_disputed(shop):
    held = await shop.hold()
    with pytest.raises(ChargeNotRefundable):
        await shop.service.open_dispute(OpenDispute(origin(), held.latest_charge))


async def test_disputes_are_opened_by_hand_in_test_mode_only(shop):
    payment = await shop.pay()
    with pytest.raises(OnlyInTestMode):
        command = OpenDispute(Origin(SHOP, livemode=True), payment.latest_charge)
        await shop.service.open_dispute(command)


async def test_what_has_become_available_is_withdrawn_from_there(shop):
    payment = await shop.pay()
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    await shop.service.open_dispute(OpenDispute(origin(), payment.latest_charge))
    await go_on(shop)
    assert await shop.balance() == (SOLD - 20_00 - FEE, 0)
    assert await shop.verify() == ()


async def test_money_withdrawn_from_pending_matures_with_its_charge(shop):
    await dispute(shop)
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await shop.balance() == (SOLD - 20_00 - FEE, 0)
    assert await shop.verify() == ()


async def test_disputes_are_found_by_charge_and_belong_to_their_merchant(shop):
    payment, found = await dispute(shop)
    await dispute(shop, "createDisputeInquiry")
    assert await disputes(shop, charge=payment.latest_charge) == (found,)
    assert len(await disputes(shop, page=Page(limit=1))) == 1
    with pytest.raises(NotFound):
        await shop.service.get_dispute(DisputeQuery(OTHER, found.id))


async def test_a_refund_and_a_dispute_at_once_take_no_more_than_was_captured(shop):
    payment = await shop.pay()
    command = OpenDispute(origin(), payment.latest_charge)
    results = await asyncio.gather(
        *(shop.refund(payment.id) for _ in range(2)),
        *(shop.service.open_dispute(command) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(not isinstance(each, Exception) for each in results) == 1
    await go_on(shop)
    assert await shop.verify() == ()


class Cut:
    """Forwards to a part, and fails after so many calls of a method."""

    def __init__(self, part, method, healthy):
        self._part, self._method, self.healthy = part, method, healthy

    def __getattr__(self, name):
        found = getattr(self._part, name)
        if name != self._method:
            return found

        async def cut(*given):
            if self.healthy <= 0:
                raise Unavailable("cut before")
            self.healthy -= 1
            result = await found(*given)
            if self.healthy == 0:
                raise Unavailable("cut after")
            return result

        return cut


@pytest.mark.parametrize("healthy", range(1, 9))
async def test_a_crash_after_any_unit_of_the_course_loses_and_repeats_nothing(shop, healthy):
    payment = await shop.pay("createDispute")
    with contextlib.suppress(Unavailable):
        database = Cut(shop.parts.database, "write", healthy)
        parts = msgspec.structs.replace(shop.parts, database=database)
        course = DisputeCourse(parts, shop.service.books)
        await course.go_on()
        for found in await disputes(shop):
            await answer(shop, found, "winning_evidence")
        await course.go_on()
        await course.go_on()
    await go_on(shop)
    for found in await disputes(shop):
        if found.status is DisputeStatus.NEEDS_RESPONSE:
            await answer(shop, found, "winning_evidence")
    for _ in range(2):
        await go_on(shop)
    (found,) = await disputes(shop, payment=payment.id)
    assert found.status is DisputeStatus.WON
    assert await shop.balance() == (20_00, SOLD - 20_00 - FEE)
    told = ["created", "funds_withdrawn", "updated", "closed", "funds_reinstated"]
    assert sorted(of_disputes(shop)) == sorted(told)
    assert await shop.verify() == ()


@pytest.mark.parametrize("healthy", [0, 1])
async def test_a_ledger_that_is_away_makes_the_money_wait(tmp_path, healthy):
    cuts = {}

    def wrap(part, name):
        if name == "ledger":
            cuts[name] = part = Cut(part, "create_transfers", 10**9)
        return part

    shop = await Shop(tmp_path, wrap=wrap).open()
    await shop.pay("createDispute")
    cuts["ledger"].healthy = healthy
    await go_on(shop)
    (found,) = await disputes(shop)
    assert found.balance_transactions == ()
    assert await shop.verify() == ()
    cuts["ledger"].healthy = 10**9
    await go_on(shop)
    assert await shop.balance() == (0, SOLD - 20_00 - FEE)
    assert await shop.verify() == ()
    await shop.close()


async def test_a_notice_that_is_told_again_opens_no_second_dispute(shop):
    await dispute(shop)
    database = shop.host.databases["testcard"]
    await database.write(lambda session: session.run("UPDATE notices SET is_acknowledged = 0"))
    await go_on(shop)
    assert len(await disputes(shop)) == 1


async def test_a_notice_that_comes_before_its_payment_is_known_waits(shop):
    heard = []
    perform = shop.rail.perform

    async def early(order):
        answer = await perform(order)
        await go_on(shop)
        heard.append(await disputes(shop))
        return answer

    shop.rail.perform = early
    payment = await shop.pay("createDispute")
    assert heard == [()]
    await go_on(shop)
    assert [each.payment for each in await disputes(shop)] == [payment.id]


@pytest.mark.parametrize("seed", range(6))
async def test_balance_bookings_and_books_agree_after_any_operations(tmp_path, seed):
    """The balance is the sum of the balance transactions and of the ledger, to the cent."""
    shop = await Shop(tmp_path).open()
    chance, paid = random.Random(seed), []
    cards = ("visa", "createDispute", "createDisputeInquiry", "refundFail", "pendingRefund")
    for _ in range(30):
        deed = chance.choice(("pay", "refund", "open", "answer", "close", "course", "time"))
        with contextlib.suppress(
            DisputeStateInvalid, ChargeNotRefundable, ChargeDisputed, RefundTooLarge
        ):
            await act(shop, chance, deed, paid, cards)
    for _ in range(3):
        await shop.sweep()
        await go_on(shop)
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await shop.verify() == ()
    transactions = await all_transactions(shop)
    for currency in ("USD", "EUR"):
        net = sum(
            each.amount.minor - each.fee_minor
            for each in transactions
            if each.amount.currency == currency
        )
        assert await shop.balance(currency) == (net, 0)
    await shop.close()


async def all_transactions(shop):
    rows = await shop.parts.database.read(
        lambda session: session.rows("SELECT id FROM balance_transactions")
    )
    return [
        await shop.service.get_balance_transaction(BalanceTransactionQuery(SHOP, id))
        for (id,) in rows
    ]


async def act(shop, chance, deed, paid, cards):
    if deed == "pay" or not paid:
        amount = Money(chance.randrange(50, 90_00), chance.choice(("USD", "EUR")))
        paid.append(await shop.pay(chance.choice(cards), amount=amount))
        return
    payment = chance.choice(paid)
    found = await disputes(shop)
    if deed == "refund":
        await shop.refund(payment.id, chance.randrange(1, payment.amount.minor))
    elif deed == "open":
        minor = chance.randrange(1, payment.amount.minor)
        await shop.service.open_dispute(OpenDispute(origin(), payment.latest_charge, minor))
    elif deed == "answer" and found:
        texts = ("winning_evidence", "losing_evidence", "other")
        await answer(shop, chance.choice(found), chance.choice(texts))
    elif deed == "close" and found:
        await shop.service.close_dispute(CloseDispute(origin(), chance.choice(found).id))
    elif deed == "time":
        shop.host.clock.pass_s(chance.choice((3600, CALM.available_after_s)))
        await shop.mature()
    else:
        await go_on(shop)
        await shop.sweep()


async def test_money_that_the_books_refuse_keeps_back_its_own_dispute_alone(shop):
    """The end of a dispute never overtakes its withdrawal, not even with another's money."""
    books = shop.service.books
    hold, held = books.hold, []

    async def refusing(move):
        held.append(move.id)
        if move.dispute == first.id:
            raise WrongBooks(move.id)
        await hold(move)

    first, second = [
        await shop.service.open_dispute(OpenDispute(origin(), payment.latest_charge))
        for payment in [await shop.pay(), await shop.pay(amount=Money(30_00, "USD"))]
    ]
    await shop.service.close_dispute(CloseDispute(origin(), first.id))
    books.hold = refusing
    await go_on(shop)
    assert held == [f"{first.id}.1", f"{second.id}.1"]
    books.hold = hold
    await go_on(shop)
    assert await shop.verify() == ()


async def test_a_rail_that_is_away_makes_notices_wait_and_not_the_deadline(tmp_path):
    cuts = {}

    def wrap(part, name):
        if name == "rail":
            cuts[name] = part = Cut(part, "notices", 10**9)
        return part

    shop = await Shop(tmp_path, wrap=wrap).open()
    _, first = await dispute(shop)
    await shop.pay("createDispute")
    cuts["rail"].healthy = 0
    shop.host.clock.pass_s(shop.settings.dispute_due_after_s)
    await go_on(shop)
    assert (await current(shop, first)).status is DisputeStatus.LOST
    cuts["rail"].healthy = 10**9
    await go_on(shop)
    assert len(await disputes(shop)) == 2
    assert await shop.verify() == ()
    await shop.close()


async def test_a_notice_about_an_order_that_nobody_gave_is_heard_and_forgotten(shop):
    token = (await shop.pay("createDispute")).id
    order = Order("att_x", Operation.PAY, f"createDispute.{token}", Money(1, "USD"))
    await shop.rail.perform(order)
    await go_on(shop)
    assert len(await disputes(shop)) == 1
    assert await shop.rail.notices("", 10) == []
