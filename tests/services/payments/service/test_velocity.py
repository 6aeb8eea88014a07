"""Limits of velocity on the whole payments service: exact under races, given back on failure."""

import asyncio
import itertools

import pytest
from tests.services.floor import FakeClock
from tests.services.payments.service.test_crashes import (
    cut,
    decline,
    lost_answer,
    lost_order,
    outage,
    pay,
    started_again,
)
from tests.services.payments.shop import OTHER, SHOP, Shop

from sycee.kernel.money import Money
from sycee.services.fraud.contract import Block, ListKind
from sycee.services.payments import jobs
from sycee.services.payments.contract.intents import (
    AnswerChallenge,
    CardDeclined,
    ListPayments,
    Payment,
    PaymentStatus,
)
from sycee.services.payments.contract.velocity import (
    ListVelocityVersions,
    PaymentAboveLimit,
    SetVelocityLimits,
    VelocityLimit,
    VelocityLimitExceeded,
    VelocityLimitInvalid,
    VelocityLimits,
    VelocityLimitsChanged,
    VelocityLimitsQuery,
    VelocityUseQuery,
)
from sycee.services.payments.store import velocity as rows

SUM = VelocityLimit("day", currency="USD", amount_minor_max=100_00)
TWICE = VelocityLimit("day", "card", count_max=2)
DAY_S = 86_400


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path, FakeClock()).open()
    yield shop
    await shop.close()


async def limit(shop, *limits, **more):
    return await shop.service.set_velocity_limits(SetVelocityLimits(SHOP, limits, **more))


async def use(shop, **whose):
    found = await shop.service.get_velocity_use(VelocityUseQuery(SHOP, **whose))
    return [(each.count, each.amount_minor) for each in found.uses]


async def outcomes(tries):
    return await asyncio.gather(*tries, return_exceptions=True)


async def test_sixty_four_racing_payments_never_pass_a_limit(shop):
    await limit(shop, SUM, TWICE)
    cards = ("visa", "mastercard", "visa_debit", "amex")
    done = await outcomes(shop.pay(cards[n % 4]) for n in range(64))
    paid = [each for each in done if isinstance(each, Payment)]
    assert len(paid) == 5
    assert all(isinstance(each, (Payment, VelocityLimitExceeded)) for each in done)
    assert (await use(shop))[0] == (5, 100_00)
    assert await shop.verify() == ()


async def test_a_declined_payment_gives_its_place_back(shop):
    await limit(shop, SUM)
    for _ in range(6):
        with pytest.raises(CardDeclined):
            await shop.pay("chargeDeclined")
    assert await use(shop) == [(0, 0)]
    assert (await shop.pay()).status is PaymentStatus.SUCCEEDED
    assert await use(shop) == [(1, 20_00)]


async def test_a_payment_that_risk_control_ends_does_not_count(shop):
    await limit(shop, SUM)
    await shop.fraud.block(Block(SHOP, ListKind.CARD_BIN, "424242"))
    with pytest.raises(CardDeclined):
        await shop.pay()
    assert await use(shop) == [(0, 0)]


async def test_a_payment_whose_outcome_is_open_counts_until_it_fails(shop):
    await limit(shop, SUM)
    open_one = await shop.pay("sycee_lost_request")
    assert open_one.status is PaymentStatus.PROCESSING
    assert await use(shop) == [(1, 20_00)]
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()
    assert (await shop.payment(open_one.id)).status is PaymentStatus.REQUIRES_PAYMENT_METHOD
    assert await use(shop) == [(0, 0)]


async def test_an_authorization_counts_once_and_stays_counted(shop):
    await limit(shop, SUM)
    held, released = await shop.hold(), await shop.hold()
    assert await use(shop) == [(2, 40_00)]
    paid = await shop.capture(held.id, 5_00)
    await shop.refund(paid.id)
    await shop.cancel(released.id)
    assert await use(shop) == [(2, 40_00)]


@pytest.mark.parametrize(
    "flow", [pay, decline, lost_answer, lost_order, outage], ids=lambda flow: flow.__name__
)
async def test_a_crash_anywhere_leaves_exactly_what_succeeded_counted(tmp_path, flow):
    """MS9."""
    for steps in itertools.count(1):
        folder, clock = tmp_path / str(steps), FakeClock()
        folder.mkdir()
        calm = await Shop(folder, clock).open()
        await limit(calm, VelocityLimit("month", currency="USD", count_max=9))
        await calm.close()
        was_cut = await cut(folder, clock, flow, steps)
        shop = await started_again(folder, clock)
        made = (await shop.service.list_payments(ListPayments(SHOP))).items
        paid = sum(each.status is PaymentStatus.SUCCEEDED for each in made)
        assert await use(shop) == [(paid, 20_00 * paid)]
        await shop.close()
        if not was_cut:
            break
    assert steps > 2, "a flow has several durable steps"


async def test_a_challenged_payment_counts_when_its_payer_has_proved_who_they_are(shop):
    await limit(shop, SUM)
    asked = await shop.pay("authenticationRequired")
    assert asked.status is PaymentStatus.REQUIRES_ACTION
    assert await use(shop) == [(0, 0)]
    answer = AnswerChallenge(asked.id, asked.client_secret, True)
    await limit(shop, VelocityLimit("day", currency="USD", amount_minor_max=1_00))
    with pytest.raises(VelocityLimitExceeded):
        await shop.service.answer_challenge(answer)
    await limit(shop, SUM)
    assert (await shop.service.answer_challenge(answer)).status is PaymentStatus.SUCCEEDED
    assert await use(shop) == [(1, 20_00)]


async def test_a_refused_payment_is_not_made_and_repeating_it_is_refused_alike(shop):
    await limit(shop, SUM)
    before = len(shop.events())
    for _ in range(2):
        with pytest.raises(VelocityLimitExceeded) as told:
            await shop.pay(amount=Money(100_01, "USD"), key="lunch")
        assert told.value.facts["amount_left"] == "10000"
    assert len(shop.events()) == before
    assert await use(shop) == [(0, 0)]


async def test_when_one_of_two_limits_refuses_neither_counts(shop):
    await limit(shop, VelocityLimit("week", count_max=9), SUM)
    with pytest.raises(VelocityLimitExceeded):
        await shop.pay(amount=Money(100_01, "USD"))
    assert [count for count, _ in await use(shop)] == [0, 0]


async def test_a_payment_that_was_refused_may_be_confirmed_when_the_day_is_over(shop):
    await limit(shop, VelocityLimit("day", count_max=1))
    await shop.pay()
    waiting = await shop.create()
    with pytest.raises(VelocityLimitExceeded):
        await shop.confirm(waiting.id)
    shop.host.clock.pass_s(DAY_S)
    assert (await shop.confirm(waiting.id)).status is PaymentStatus.SUCCEEDED


async def test_the_most_of_a_single_payment_binds_confirmations(shop):
    await limit(shop, VelocityLimit("payment", currency="USD", amount_minor_max=10_00))
    waiting = await shop.create()
    with pytest.raises(PaymentAboveLimit):
        await shop.confirm(waiting.id)


async def test_repeating_a_payment_counts_once(shop):
    await limit(shop, SUM)
    await outcomes(shop.pay(key="lunch") for _ in range(8))
    await shop.pay(key="lunch")
    assert await use(shop) == [(1, 20_00)]


async def test_each_customer_and_each_card_has_its_own_count(shop):
    await limit(shop, TWICE)
    paid = await shop.pay()
    await shop.pay()
    with pytest.raises(VelocityLimitExceeded) as told:
        await shop.pay()
    assert told.value.param == "method"
    await shop.pay("mastercard")
    charge = await shop.charge(paid.latest_charge)
    assert await use(shop, card=charge.method.card.fingerprint) == [(2, None)]
    assert await use(shop) == [(None, None)]


async def test_every_version_of_limits_stays_with_its_author(shop):
    assert await shop.service.get_velocity_limits(VelocityLimitsQuery(SHOP)) == VelocityLimits(
        SHOP, 0, ()
    )
    first = await limit(shop, SUM, author="key_1")
    assert await limit(shop, SUM, author="key_2") == first
    second = await limit(shop, author="key_2", replaces=1)
    with pytest.raises(VelocityLimitsChanged):
        await limit(shop, TWICE, replaces=1)
    with pytest.raises(VelocityLimitInvalid):
        await limit(shop, VelocityLimit("day"))
    found = await shop.service.list_velocity_versions(ListVelocityVersions(SHOP))
    assert found.versions == (second, first)
    assert [each.author for each in found.versions] == ["key_2", "key_1"]
    other = await shop.service.list_velocity_versions(ListVelocityVersions(OTHER))
    assert other.versions == ()


async def test_changing_a_limit_keeps_what_was_counted_and_acts_at_once(shop):
    await limit(shop, SUM)
    await shop.pay()
    await limit(shop, VelocityLimit("day", currency="USD", amount_minor_max=30_00))
    with pytest.raises(VelocityLimitExceeded) as told:
        await shop.pay()
    assert told.value.facts["amount_left"] == "1000"


async def test_limits_that_another_process_set_act_within_a_second(shop):
    await shop.pay()
    strict = VelocityLimits(SHOP, 1, (VelocityLimit("day", count_max=1),), 0)
    await shop.host.databases["payments"].write(lambda session: rows.add(session, strict))
    shop.host.clock.pass_s(1)
    await shop.pay()
    with pytest.raises(VelocityLimitExceeded):
        await shop.pay()


async def test_counts_of_periods_long_over_are_forgotten(shop):
    await limit(shop, SUM)
    await shop.pay()
    shop.host.clock.pass_s(DAY_S)
    await jobs.forget(shop.parts)
    database = shop.host.databases["payments"]
    count = "SELECT COUNT(*) FROM velocity_counts"
    assert await database.read(lambda session: session.row(count)) == (1,)
    shop.host.clock.pass_s(2 * DAY_S)
    await jobs.forget(shop.parts)
    assert await database.read(lambda session: session.row(count)) == (0,)
