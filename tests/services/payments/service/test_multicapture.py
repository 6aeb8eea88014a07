"""Several captures of one authorization: what is taken, what stays held, and the books."""

import pytest
from tests.services.payments.shop import Shop

from sycee.services.payments.contract.intents import (
    CaptureTooLarge,
    ChargeNotRefundable,
    MulticaptureUnavailable,
    PaymentStateInvalid,
    PaymentStatus,
    RefundTooLarge,
)
from sycee.services.payments.domain import charges as rules


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path).open()
    yield shop
    assert await shop.verify() == ()
    await shop.close()


async def hold(shop, card="visa"):
    return await shop.hold(card, multicapture="if_available")


async def test_parts_add_up_and_the_final_one_releases_the_rest(shop):
    held = await hold(shop)
    first = await shop.capture(held.id, 700, is_final=False)
    assert first.status is PaymentStatus.REQUIRES_CAPTURE
    assert (first.amount_capturable_minor, first.amount_received_minor) == (1300, 700)
    assert await shop.verify() == ()
    second = await shop.capture(held.id, 300, is_final=False)
    assert (second.amount_capturable_minor, second.amount_received_minor) == (1000, 1000)
    last = await shop.capture(held.id, 400)
    assert last.status is PaymentStatus.SUCCEEDED
    assert (last.amount_capturable_minor, last.amount_received_minor) == (0, 1400)
    charge = await shop.charge(held.latest_charge)
    assert (charge.amount_captured_minor, charge.captures) == (1400, 3)
    booked = [each for each in await shop.transactions() if each.source == charge.id]
    assert sorted(each.amount.minor for each in booked) == [300, 400, 700]
    assert shop.types()[-6:] == [
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.amount_capturable_updated",
        "charge.captured",
        "payment_intent.succeeded",
    ]


async def test_a_capture_that_takes_all_is_the_final_one_whatever_is_said(shop):
    held = await hold(shop)
    await shop.capture(held.id, 1999, is_final=False)
    assert (await shop.capture(held.id, is_final=False)).status is PaymentStatus.SUCCEEDED


async def test_no_more_is_taken_than_is_left(shop):
    held = await hold(shop)
    await shop.capture(held.id, 1500, is_final=False)
    with pytest.raises(CaptureTooLarge):
        await shop.capture(held.id, 501)


async def test_a_payment_that_did_not_ask_for_parts_is_captured_once(shop):
    held = await shop.hold(multicapture="never")
    with pytest.raises(MulticaptureUnavailable) as refused:
        await shop.capture(held.id, 700, is_final=False)
    assert refused.value.param == "is_final"
    assert (await shop.capture(held.id, 700)).amount_received_minor == 700


async def test_the_fiftieth_capture_must_be_the_final_one(shop, monkeypatch):
    monkeypatch.setattr(rules, "CAPTURES_MAX", 2)
    held = await hold(shop)
    await shop.capture(held.id, 1, is_final=False)
    with pytest.raises(MulticaptureUnavailable, match="final"):
        await shop.capture(held.id, 1, is_final=False)
    assert (await shop.capture(held.id, 1)).amount_received_minor == 2


async def test_canceling_releases_the_rest_and_what_was_taken_stays_paid(shop):
    held = await hold(shop)
    await shop.capture(held.id, 700, is_final=False)
    done = await shop.cancel(held.id)
    assert done.status is PaymentStatus.SUCCEEDED
    assert (done.amount_capturable_minor, done.amount_received_minor) == (0, 700)
    assert shop.types()[-1] == "payment_intent.succeeded"
    with pytest.raises(PaymentStateInvalid):
        await shop.capture(held.id, 1)


async def test_a_lapse_releases_the_rest_and_what_was_taken_stays_paid(shop):
    held = await hold(shop)
    await shop.capture(held.id, 700, is_final=False)
    shop.host.clock.pass_s(shop.settings.authorization_s)
    await shop.lapse()
    done = await shop.payment(held.id)
    assert (done.status, done.amount_received_minor) == (PaymentStatus.SUCCEEDED, 700)


async def test_what_was_taken_is_refunded_while_the_rest_is_held(shop):
    held = await hold(shop)
    with pytest.raises(ChargeNotRefundable):
        await shop.refund(held.id, 1)
    await shop.capture(held.id, 700, is_final=False)
    await shop.refund(held.id, 500)
    with pytest.raises(RefundTooLarge):
        await shop.refund(held.id, 201)
    await shop.capture(held.id, 300)
    await shop.refund(held.id)
    charge = await shop.charge(held.latest_charge)
    assert (charge.amount_captured_minor, charge.amount_refunded_minor) == (1000, 1000)


async def test_parts_that_mature_apart_are_refunded_from_what_there_is(shop):
    held = await hold(shop)
    await shop.capture(held.id, 700, is_final=False)
    shop.host.clock.pass_s(shop.settings.authorization_s - 1)
    await shop.mature()
    await shop.capture(held.id, 300)
    await shop.refund(held.id)
    assert await shop.verify() == ()
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()


async def test_disputes_of_parts_and_refunds_never_take_more_than_was_captured(shop):
    held = await hold(shop, "createDispute")
    await shop.capture(held.id, 700, is_final=False)
    await shop.service.course.go_on()
    await shop.capture(held.id, 300)
    await shop.service.course.go_on()
    charge = await shop.charge(held.latest_charge)
    assert (charge.amount_captured_minor, charge.amount_disputed_minor) == (1000, 1000)


async def test_a_repeated_part_is_taken_once(shop):
    held = await hold(shop)
    once = await shop.capture(held.id, 700, "key", is_final=False)
    assert await shop.capture(held.id, 700, "key", is_final=False) == once
    assert (await shop.payment(held.id)).amount_received_minor == 700
