"""Payments over real neighbours: what happens, what is told, what is in the books."""

import asyncio

import msgspec
import pytest
from tests.services.payments.shop import CALM, LUNCH, OTHER, SHOP, Shop, origin

from sycee.kernel.clock import after
from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.fraud.contract import Block, ListKind
from sycee.services.identity.contract import Limits, MerchantStatus, UpdateMerchant
from sycee.services.payments.adapters.rail import Answer, Operation, Verdict
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract.customers import (
    CreateCustomer,
    CreateMethod,
    DeleteCustomer,
    ListMethods,
    MethodUnusable,
    NewMethod,
)
from sycee.services.payments.contract.intents import (
    AnswerChallenge,
    BalanceQuery,
    BalanceTransactionQuery,
    CancelRefund,
    CaptureMethod,
    CapturePayment,
    CaptureTooLarge,
    CardDeclined,
    ChargeAlreadyRefunded,
    ChargeExpiredForCapture,
    ChargeNotRefundable,
    ClientSecretInvalid,
    CreatePayment,
    CreateRefund,
    ListBalanceTransactions,
    ListCharges,
    ListPayments,
    ListRefunds,
    PaymentFields,
    PaymentMethodMissing,
    PaymentQuery,
    PaymentStateInvalid,
    RefundStateInvalid,
    RefundTooLarge,
    UpdateCharge,
    UpdatePayment,
    UpdateRefund,
)
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    IdempotencyInFlight,
    Page,
)
from sycee.services.validation.contract import (
    AmountNotPositive,
    DuplicatePayment,
    MerchantNotActive,
    MethodNotAccepted,
)


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path).open()
    yield shop
    assert await shop.verify() == ()
    await shop.close()


def status(payment):
    return payment.status.value


async def test_a_payment_is_created_and_waits_for_what_it_lacks(shop):
    bare = await shop.create(card=None)
    assert (status(bare), bare.number) == ("requires_payment_method", 1)
    ready = await shop.create()
    assert (status(ready), ready.number) == ("requires_confirmation", 2)
    assert shop.types() == ["payment_intent.created"] * 2
    assert await shop.payment(ready.id) == ready


async def test_a_payment_is_paid_at_once_and_the_fee_is_taken(shop):
    paid = await shop.pay()
    assert (status(paid), paid.amount_received_minor) == ("succeeded", 2000)
    assert await shop.balance() == (0, 1912)
    charge = await shop.charge(paid.latest_charge)
    assert (charge.status, charge.captured, charge.amount_captured_minor) == (
        "succeeded",
        True,
        2000,
    )
    assert charge.outcome.type == "authorized"
    (sale,) = await shop.transactions()
    assert (sale.type, sale.fee_minor, sale.status) == ("charge", 88, "pending")
    assert charge.balance_transaction == sale.id
    assert shop.types() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


async def test_a_payment_is_confirmed_with_a_method_named_then(shop):
    bare = await shop.create(card=None)
    with pytest.raises(PaymentMethodMissing):
        await shop.confirm(bare.id)
    paid = await shop.confirm(bare.id, method="pm_card_mastercard", receipt_email="a@b.example")
    assert (status(paid), paid.receipt_email) == ("succeeded", "a@b.example")
    with pytest.raises(PaymentStateInvalid) as caught:
        await shop.confirm(bare.id)
    assert caught.value.facts == {"payment": bare.id, "status": "succeeded"}


async def test_a_stored_method_pays(shop):
    method = await shop.service.create_method(CreateMethod(origin(), NewMethod(token="tok_visa")))
    paid = await shop.pay(None, method=method.id)
    assert (status(paid), paid.method) == ("succeeded", method.id)
    held = await shop.create(None, method=method.id)
    assert status(await shop.confirm(held.id)) == "succeeded"


async def test_a_method_is_kept_with_its_customer_when_that_was_agreed(shop):
    customer = await shop.service.create_customer(CreateCustomer(origin()))
    await shop.pay(customer=customer.id, setup_future_usage="off_session")
    kept = await shop.service.list_methods(ListMethods(SHOP, customer.id))
    assert len(kept.items) == 1
    assert "payment_method.attached" in shop.types()
    with pytest.raises(MethodUnusable):
        await shop.pay(None, method=kept.items[0].id)
    again = await shop.pay(None, method=kept.items[0].id, customer=customer.id)
    assert status(again) == "succeeded"


async def test_a_decline_raises_and_leaves_a_failed_charge(shop):
    with pytest.raises(CardDeclined) as caught:
        await shop.pay("visa_chargeDeclinedInsufficientFunds")
    facts = caught.value.facts
    assert (facts["error_code"], facts["decline_code"]) == ("card_declined", "insufficient_funds")
    payment = await shop.payment(facts["payment"])
    assert (status(payment), payment.method) == ("requires_payment_method", None)
    assert payment.last_error.decline_code == "insufficient_funds"
    charge = await shop.charge(facts["charge"])
    assert (charge.status, charge.outcome.type) == ("failed", "issuer_declined")
    assert shop.types()[-2:] == ["charge.failed", "payment_intent.payment_failed"]
    assert await shop.balance() == (0, 0)
    again = await shop.confirm(payment.id, method="pm_card_visa")
    assert (status(again), again.last_error) == ("succeeded", None)


async def test_an_authorization_is_captured_in_part_once(shop):
    held = await shop.hold()
    assert (status(held), held.amount_capturable_minor) == ("requires_capture", 2000)
    assert shop.types()[-1] == "payment_intent.amount_capturable_updated"
    with pytest.raises(AmountNotPositive):
        await shop.capture(held.id, 0)
    with pytest.raises(CaptureTooLarge):
        await shop.capture(held.id, 2001)
    taken = await shop.service.capture_payment(
        CapturePayment(origin(), held.id, 1500, {"order": "7"})
    )
    assert (status(taken), taken.amount_received_minor) == ("succeeded", 1500)
    assert (taken.amount_capturable_minor, taken.metadata) == (0, {"order": "7"})
    assert shop.types()[-2:] == ["charge.captured", "payment_intent.succeeded"]
    assert await shop.balance() == (0, 1500 - 74)
    with pytest.raises(PaymentStateInvalid):
        await shop.capture(held.id)


async def test_a_payment_is_given_up_at_any_time_before_it_is_paid(shop):
    created = await shop.create()
    gone = await shop.cancel(created.id, reason="abandoned")
    assert (status(gone), gone.cancellation_reason) == ("canceled", "abandoned")
    held = await shop.hold()
    assert status(await shop.cancel(held.id)) == "canceled"
    for payment in (created, held, await shop.pay()):
        with pytest.raises(PaymentStateInvalid):
            await shop.cancel(payment.id)


async def test_an_authorization_lapses(shop):
    held = await shop.hold()
    shop.host.clock.pass_s(shop.settings.authorization_s)
    with pytest.raises(ChargeExpiredForCapture):
        await shop.capture(held.id)
    await shop.lapse()
    gone = await shop.payment(held.id)
    assert (status(gone), gone.cancellation_reason) == ("canceled", "automatic")
    assert shop.types()[-2:] == ["charge.expired", "payment_intent.canceled"]
    await shop.lapse()
    assert shop.types().count("charge.expired") == 1


async def test_what_was_captured_or_released_does_not_lapse(shop):
    taken, gone = await shop.hold(), await shop.hold()
    await shop.capture(taken.id)
    await shop.cancel(gone.id)
    shop.host.clock.pass_s(shop.settings.authorization_s)
    before = shop.types()
    await shop.lapse()
    assert shop.types() == before


async def test_a_challenge_is_passed_on_and_answered(shop):
    asked = await shop.pay("authenticationRequired", return_url="https://shop.example/")
    assert status(asked) == "requires_action"
    assert asked.next_action.url.startswith(f"/testcard/3ds/{asked.id}?client_secret=")
    assert asked.next_action.return_url == "https://shop.example/"
    assert shop.types()[-1] == "payment_intent.requires_action"
    with pytest.raises(ClientSecretInvalid):
        await shop.service.answer_challenge(AnswerChallenge(asked.id, "wrong", True))
    answer = AnswerChallenge(asked.id, asked.client_secret, True)
    paid = await shop.service.answer_challenge(answer)
    assert (status(paid), paid.next_action) == ("succeeded", None)
    with pytest.raises(PaymentStateInvalid):
        await shop.service.answer_challenge(answer)
    with pytest.raises(ClientSecretInvalid):
        await shop.service.answer_challenge(AnswerChallenge("pi_none", "x", True))


async def test_with_manual_confirmation_the_server_confirms_what_the_payer_has_proved(shop):
    asked = await shop.pay("authenticationRequired", confirmation_method="manual")
    proved = await shop.service.answer_challenge(
        AnswerChallenge(asked.id, asked.client_secret, True)
    )
    assert (status(proved), proved.next_action) == ("requires_confirmation", None)
    with pytest.raises(PaymentStateInvalid):
        await shop.confirm(asked.id, client_secret=asked.client_secret)
    assert status(await shop.confirm(asked.id)) == "succeeded"
    assert await shop.verify() == ()


@pytest.mark.parametrize("change", [{"amount": Money(20_01, "USD")}, {"method": True}])
async def test_a_proof_counts_for_what_was_asked_and_nothing_else(shop, change):
    asked = await shop.pay("authenticationRequired", confirmation_method="manual")
    await shop.service.answer_challenge(AnswerChallenge(asked.id, asked.client_secret, True))
    if "amount" in change:
        await shop.service.update_payment(
            UpdatePayment(origin(), asked.id, amount=change["amount"])
        )
        again = await shop.confirm(asked.id)
    else:
        again = await shop.confirm(asked.id, method="pm_card_authenticationRequired")
    assert status(again) == "requires_action"


async def test_a_challenge_that_fails_fails_the_payment_without_raising(shop):
    asked = await shop.pay("authenticationRequired")
    failed = await shop.service.answer_challenge(
        AnswerChallenge(asked.id, asked.client_secret, False)
    )
    assert status(failed) == "requires_payment_method"
    assert failed.last_error.code == "payment_intent_authentication_failure"
    assert shop.types()[-1] == "payment_intent.payment_failed"
    with pytest.raises(PaymentStateInvalid):
        await shop.service.answer_challenge(AnswerChallenge(asked.id, asked.client_secret, False))


async def test_a_card_may_be_declined_after_its_challenge(shop):
    asked = await shop.pay("threeDSecureRequiredChargeDeclined")
    answered = await shop.service.answer_challenge(
        AnswerChallenge(asked.id, asked.client_secret, True)
    )
    assert (status(answered), answered.last_error.code) == (
        "requires_payment_method",
        "card_declined",
    )


async def test_confirming_again_asks_again(shop):
    asked = await shop.pay("authenticationRequired")
    again = await shop.confirm(asked.id)
    assert status(again) == "requires_action"


@pytest.mark.parametrize("how", [{"off_session": True}, {"error_on_requires_action": True}])
async def test_where_nobody_can_be_asked_a_challenge_is_a_decline(shop, how):
    with pytest.raises(CardDeclined) as caught:
        await shop.pay("authenticationRequired", **how)
    assert caught.value.facts["error_code"] == "authentication_required"


async def test_what_risk_control_blocks_never_reaches_the_rail(shop):
    await shop.fraud.block(Block(SHOP, ListKind.CARD_BIN, "424242"))
    with pytest.raises(CardDeclined) as caught:
        await shop.pay(key="blocked")
    assert caught.value.facts["decline_code"] == "fraudulent"
    charge = await shop.charge(caught.value.facts["charge"])
    assert (charge.outcome.network_status, charge.outcome.type) == (
        "not_sent_to_network",
        "blocked",
    )
    assert charge.outcome.risk_level == "highest"
    assert await shop.rail.query(charge.attempt) is None
    with pytest.raises(CardDeclined) as again:
        await shop.pay(key="blocked")
    assert again.value.facts == caught.value.facts


async def test_refunds_come_from_the_charge_and_never_beyond(shop):
    paid = await shop.pay()
    first = await shop.refund(paid.id, 1200)
    assert (first.status, first.amount) == ("succeeded", Money(1200, "USD"))
    with pytest.raises(RefundTooLarge) as caught:
        await shop.refund(paid.id, 801)
    assert caught.value.facts["left_minor"] == "800"
    with pytest.raises(AmountNotPositive):
        await shop.refund(paid.id, 0)
    rest = await shop.service.create_refund(CreateRefund(origin(), charge=paid.latest_charge))
    assert rest.amount.minor == 800
    with pytest.raises(ChargeAlreadyRefunded):
        await shop.refund(paid.id)
    assert await shop.balance() == (0, -88)
    assert shop.types()[-4:] == ["refund.created", "charge.refunded"] * 2


async def test_what_was_not_captured_is_not_refunded(shop):
    held, created = await shop.hold(), await shop.create()
    for payment in (held, created):
        with pytest.raises(ChargeNotRefundable):
            await shop.refund(payment.id)
    with pytest.raises(NotFound):
        await shop.refund("pi_none")
    with pytest.raises(NotFound):
        await shop.service.create_refund(
            CreateRefund(origin(), (await shop.pay()).id, held.latest_charge)
        )


async def test_money_matures_with_its_refunds(shop):
    first = await shop.pay()
    await shop.refund(first.id, 500)
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await shop.balance() == (1412, 0)
    assert {each.status for each in await shop.transactions()} == {"available"}
    await shop.refund(first.id, 500)
    assert await shop.balance() == (912, 0)
    await shop.mature()
    assert await shop.balance() == (912, 0)


async def test_a_debt_matures_as_well(shop):
    paid = await shop.pay()
    await shop.refund(paid.id)
    shop.host.clock.pass_s(shop.settings.available_after_s)
    await shop.mature()
    assert await shop.balance() == (-88, 0)


async def test_a_refund_that_waits_is_booked_and_ends_when_the_rail_tells(shop):
    paid = await shop.pay("pendingRefund")
    waits = await shop.refund(paid.id, 500)
    assert (waits.status, await shop.balance()) == ("pending", (0, 1412))
    await shop.sweep()
    assert (await shop.refunded(waits.id)).status == "succeeded"
    assert shop.types()[-4:] == [
        "refund.created",
        "charge.refunded",
        "refund.updated",
        "charge.refund.updated",
    ]


@pytest.mark.parametrize("matured", [False, True])
async def test_a_refund_that_fails_later_is_given_back(shop, matured):
    paid = await shop.pay("refundFail")
    if matured:
        shop.host.clock.pass_s(shop.settings.available_after_s)
        await shop.mature()
    before = await shop.balance()
    waits = await shop.refund(paid.id, 500)
    await shop.sweep()
    failed = await shop.refunded(waits.id)
    assert (failed.status, failed.failure_reason) == ("failed", "generic_decline")
    assert failed.failure_balance_transaction is not None
    assert await shop.balance() == before
    assert (await shop.charge(paid.latest_charge)).amount_refunded_minor == 0
    assert "refund.failed" in shop.types()
    assert (await shop.refund(paid.id)).amount.minor == 2000


async def test_retrying_with_the_same_key_gives_the_same_answer_once(shop):
    """MS2."""
    first = await shop.pay(key="a")
    assert await shop.pay(key="a") == first
    assert len((await shop.service.list_payments(ListPayments(SHOP))).items) == 1
    with pytest.raises(IdempotencyConflict):
        await shop.service.create_payment(_other_request("a"))
    with pytest.raises(CardDeclined) as refused:
        await shop.pay("chargeDeclined", key="b")
    await shop.confirm(refused.value.facts["payment"], method="pm_card_visa")
    with pytest.raises(CardDeclined) as again:
        await shop.pay("chargeDeclined", key="b")
    assert (again.value.facts, again.value.detail) == (refused.value.facts, refused.value.detail)
    refund = await shop.refund(first.id, 500, key="c")
    assert await shop.refund(first.id, 500, key="c") == refund
    created = await shop.create(key="d")
    assert await shop.create(key="d") == created


def _other_request(key):
    return CreatePayment(origin(key, parameters=b"other"), LUNCH)


async def test_refusals_that_changed_nothing_are_kept_too(shop):
    """MS2."""
    with pytest.raises(PaymentMethodMissing):
        await shop.pay(None, key="a")
    with pytest.raises(PaymentMethodMissing):
        await shop.pay("visa", key="a")


async def test_a_refusal_shows_the_payment_as_it_was(shop):
    """MS2."""
    payment = await shop.create()
    with pytest.raises(PaymentStateInvalid) as refused:
        await shop.capture(payment.id, key="early")
    await shop.confirm(payment.id)
    with pytest.raises(PaymentStateInvalid) as again:
        await shop.capture(payment.id, key="early")
    assert "snapshot" in refused.value.facts
    assert (again.value.facts, again.value.detail) == (refused.value.facts, refused.value.detail)


@pytest.mark.parametrize("verb", ["confirm", "capture", "cancel", "refund"])
async def test_no_twin_is_refused_for_what_its_twin_did(shop, verb):
    """MS2: also not one that came in time to read what the first had changed already."""
    made = {"confirm": shop.create, "refund": shop.pay}.get(verb, shop.hold)
    payment = await made()
    do = getattr(shop, verb)

    async def later(turns):
        for _ in range(turns):
            await asyncio.sleep(0)
        return await do(payment.id, key="storm")

    answers = await asyncio.gather(*map(later, range(200)), return_exceptions=True)
    done = [answer for answer in answers if not isinstance(answer, Exception)]
    assert done
    assert {type(answer) for answer in answers} <= {type(done[0]), IdempotencyInFlight}
    assert set(map(repr, done)) == {repr(await do(payment.id, key="storm"))}


async def test_a_storm_of_twins_has_one_effect(shop):
    """MS2: a twin is answered alike, or told to ask again."""
    answers = await asyncio.gather(
        *(shop.pay(key="storm") for _ in range(64)), return_exceptions=True
    )
    paid = [answer for answer in answers if not isinstance(answer, Exception)]
    assert {type(answer) for answer in answers} <= {type(paid[0]), IdempotencyInFlight}
    assert set(map(repr, paid)) == {repr(await shop.pay(key="storm"))}
    assert await shop.balance() == (0, 1912)


async def test_simultaneous_refunds_never_exceed_what_was_captured(shop):
    """MS4."""
    paid = await shop.pay()
    answers = await asyncio.gather(
        *(shop.refund(paid.id, 600) for _ in range(64)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, RefundTooLarge)]
    assert len(refused) == 61
    assert (await shop.charge(paid.latest_charge)).amount_refunded_minor == 1800


async def test_simultaneous_captures_and_releases_have_one_effect(shop):
    """MS4."""
    held = await shop.hold()
    answers = await asyncio.gather(
        *(shop.capture(held.id, 1500) for _ in range(32)),
        *(shop.cancel(held.id) for _ in range(32)),
        return_exceptions=True,
    )
    done = [answer for answer in answers if not isinstance(answer, PaymentStateInvalid)]
    assert len(done) == 1
    assert status(await shop.payment(held.id)) == status(done[0])


async def test_simultaneous_confirmations_take_the_money_once(shop):
    """MS4."""
    created = await shop.create()
    answers = await asyncio.gather(
        *(shop.confirm(created.id) for _ in range(64)), return_exceptions=True
    )
    assert sum(not isinstance(answer, PaymentStateInvalid) for answer in answers) == 1
    assert await shop.balance() == (0, 1912)


async def test_a_lost_answer_is_found_out(shop):
    """MS9."""
    open_one = await shop.pay("sycee_lost_answer", key="lost")
    assert status(open_one) == "processing"
    assert shop.types()[-1] == "payment_intent.processing"
    with pytest.raises(PaymentStateInvalid):
        await shop.confirm(open_one.id, method="pm_card_visa")
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "succeeded"
    assert await shop.pay("sycee_lost_answer", key="lost") == open_one
    assert await shop.balance() == (0, 1912)


async def test_a_lost_order_is_taken_back_and_fails(shop):
    """MS9."""
    open_one = await shop.pay("sycee_lost_request")
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "processing"
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()
    failed = await shop.payment(open_one.id)
    assert (status(failed), failed.last_error.code) == (
        "requires_payment_method",
        "processing_error",
    )
    attempt = (await shop.charge(failed.latest_charge)).attempt
    assert (await shop.rail.query(attempt)).decline_code == "processing_error"
    assert await shop.balance() == (0, 0)


async def test_while_the_acquirer_is_away_a_payment_fails_certainly(shop):
    with pytest.raises(CardDeclined) as caught:
        await shop.pay("sycee_outage")
    assert caught.value.facts["error_code"] == "processing_error"


async def away(shop, is_away):
    """The acquirer goes away, or comes back."""
    shop.rail._behaviour = Behaviour(outage=is_away)


async def test_what_an_outage_prevented_may_be_asked_again_under_its_key(shop):
    held, paid = await shop.hold(), await shop.pay()
    await away(shop, True)
    for ask in (
        lambda: shop.capture(held.id, key="c"),
        lambda: shop.cancel(held.id, key="v"),
        lambda: shop.refund(paid.id, key="r"),
    ):
        with pytest.raises(Unavailable):
            await ask()
    assert status(await shop.payment(held.id)) == "requires_capture"
    assert (await shop.charge(paid.latest_charge)).amount_refunded_minor == 0
    assert (await shop.service.list_refunds(ListRefunds(SHOP))).items == ()
    await away(shop, False)
    assert (await shop.refund(paid.id, key="r")).status == "succeeded"
    assert status(await shop.capture(held.id, key="c")) == "succeeded"


async def test_later_steps_whose_orders_are_lost_end_as_if_never_asked(shop):
    """MS9."""
    held, gone, paid = await shop.hold(), await shop.hold(), await shop.pay()
    shop.rail._behaviour = Behaviour(lost_requests_per_mille=1000)
    assert status(await shop.capture(held.id)) == "processing"
    assert status(await shop.cancel(gone.id)) == "processing"
    refund = await shop.refund(paid.id, 500)
    assert refund.status == "pending"
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    await shop.sweep()
    assert status(await shop.payment(held.id)) == "processing"
    shop.rail._behaviour = Behaviour()
    await shop.sweep()
    assert status(await shop.payment(held.id)) == "requires_capture"
    assert status(await shop.payment(gone.id)) == "canceled"
    assert (await shop.refunded(refund.id)).status == "failed"
    assert await shop.balance() == (0, 1912)
    assert status(await shop.capture(held.id)) == "succeeded"


async def test_later_steps_whose_answers_are_lost_are_found_out(shop):
    """MS9."""
    held, gone, paid = await shop.hold(), await shop.hold(), await shop.pay()
    shop.rail._behaviour = Behaviour(lost_answers_per_mille=1000)
    await shop.capture(held.id)
    await shop.cancel(gone.id)
    refund = await shop.refund(paid.id, 500)
    shop.rail._behaviour = Behaviour()
    await shop.sweep()
    assert status(await shop.payment(held.id)) == "succeeded"
    assert status(await shop.payment(gone.id)) == "canceled"
    assert (await shop.refunded(refund.id)).status == "succeeded"


async def test_a_takeback_that_is_lost_is_sent_again_under_another_id(shop):
    """MS9."""
    open_one = await shop.pay("sycee_lost_request")
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    shop.rail._behaviour = Behaviour(lost_requests_per_mille=1000)
    await shop.sweep()
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "processing"
    shop.rail._behaviour = Behaviour(lost_answers_per_mille=1000)
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "processing"
    shop.rail._behaviour = Behaviour()
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "requires_payment_method"


async def test_an_order_that_arrives_before_it_is_taken_back_is_reversed_not_paid(shop):
    """MS9: the takeback decides, whichever of the two arrives first."""
    open_one = await shop.pay("sycee_lost_request")
    shop.host.clock.pass_s(shop.settings.lost_after_s)
    shop.rail._behaviour = Behaviour(lost_requests_per_mille=1000)
    await shop.sweep()
    shop.rail._behaviour = Behaviour()
    await shop.sweep()
    failed = await shop.payment(open_one.id)
    assert status(failed) == "requires_payment_method"
    assert await shop.balance() == (0, 0)


async def test_changing_a_payment_before_it_is_confirmed(shop):
    bare = await shop.create(card=None, metadata={"a": "1"}, description="x")
    change = PaymentFields(method="pm_card_visa", metadata={"a": "", "b": "2"}, description="")
    changed = await shop.service.update_payment(
        UpdatePayment(origin(), bare.id, change, Money(3000, "EUR"))
    )
    assert (status(changed), changed.amount) == ("requires_confirmation", Money(3000, "EUR"))
    assert (changed.metadata, changed.description) == ({"b": "2"}, None)
    await shop.confirm(bare.id)
    assert await shop.balance("EUR") == (0, 3000 - 117)
    with pytest.raises(PaymentStateInvalid):
        await shop.service.update_payment(UpdatePayment(origin(), bare.id, PaymentFields()))


async def test_another_amount_after_a_challenge_must_be_confirmed_again(shop):
    asked = await shop.pay("authenticationRequired")
    changed = await shop.service.update_payment(
        UpdatePayment(origin(), asked.id, amount=Money(1, "USD") + LUNCH)
    )
    assert (status(changed), changed.next_action) == ("requires_confirmation", None)


async def test_only_the_payment_s_own_secret_opens_it(shop):
    created = await shop.create()
    with pytest.raises(ClientSecretInvalid):
        await shop.confirm(created.id, client_secret="pi_secret_é")
    with pytest.raises(ClientSecretInvalid):
        await shop.service.get_payment(PaymentQuery(SHOP, created.id, client_secret="x"))
    assert status(await shop.confirm(created.id, client_secret=created.client_secret)) == (
        "succeeded"
    )


async def test_payments_of_others_answer_as_unknown_ones_do(shop):
    """IA1."""
    paid = await shop.pay()
    refund = await shop.refund(paid.id, 1)
    (transaction, *_) = await shop.transactions()
    theirs = origin(merchant=OTHER)
    for ask in (
        lambda id: shop.service.get_payment(PaymentQuery(OTHER, id("pi", paid.id))),
        lambda id: shop.service.capture_payment(CapturePayment(theirs, id("pi", paid.id))),
        lambda id: shop.service.create_refund(CreateRefund(theirs, id("pi", paid.id))),
        lambda id: shop.service.create_refund(
            CreateRefund(theirs, charge=id("ch", paid.latest_charge))
        ),
        lambda id: shop.service.update_charge(UpdateCharge(theirs, id("ch", paid.latest_charge))),
        lambda id: shop.service.update_refund(UpdateRefund(theirs, id("re", refund.id), {})),
        lambda id: shop.service.get_balance_transaction(
            BalanceTransactionQuery(OTHER, id("txn", transaction.id))
        ),
        lambda id: shop.service.list_payments(
            ListPayments(OTHER, Page(starting_after=id("pi", paid.id)))
        ),
    ):
        with pytest.raises(NotFound) as foreign:
            await ask(lambda _, own: own)
        with pytest.raises(NotFound) as unknown:
            await ask(lambda prefix, _: f"{prefix}_none")
        assert _shape(foreign.value) == _shape(unknown.value)


def _shape(refusal):
    return refusal.detail.partition("'")[0], refusal.param, refusal.facts


async def test_lists_go_both_ways_and_filter(shop):
    payments = [await shop.pay() for _ in range(3)]
    shop.host.clock.pass_s(10)
    late = await shop.pay()
    newest = [each.id for each in (late, *reversed(payments))]
    page = await shop.service.list_payments(ListPayments(SHOP, Page(limit=2)))
    assert ([each.id for each in page.items], page.has_more) == (newest[:2], True)
    after_it = Page(limit=2, starting_after=newest[1])
    page = await shop.service.list_payments(ListPayments(SHOP, after_it))
    assert ([each.id for each in page.items], page.has_more) == (newest[2:], False)
    before_it = Page(limit=2, ending_before=newest[3])
    page = await shop.service.list_payments(ListPayments(SHOP, before_it))
    assert ([each.id for each in page.items], page.has_more) == (newest[1:3], True)
    since = Page(created_from=after(payments[0].created, 1))
    page = await shop.service.list_payments(ListPayments(SHOP, since))
    assert [each.id for each in page.items] == [late.id]
    charges = await shop.service.list_charges(ListCharges(SHOP, payment=late.id))
    assert [each.id for each in charges.items] == [late.latest_charge]
    refund = await shop.refund(late.id, 5)
    for query in (ListRefunds(SHOP, payment=late.id), ListRefunds(SHOP, charge=late.latest_charge)):
        assert (await shop.service.list_refunds(query)).items == (refund,)
    for query, count in (
        (ListBalanceTransactions(SHOP, type="charge"), 4),
        (ListBalanceTransactions(SHOP, source=refund.id), 1),
        (ListBalanceTransactions(SHOP, currency="usd"), 5),
        (ListBalanceTransactions(SHOP, currency="eur"), 0),
    ):
        assert len((await shop.service.list_balance_transactions(query)).items) == count
    assert (await shop.service.get_payment(PaymentQuery(SHOP, number=late.number))).id == late.id
    found = await shop.service.get_balance_transaction(
        BalanceTransactionQuery(SHOP, refund.balance_transaction)
    )
    assert found.amount.minor == -5


async def test_notes_on_charges_and_refunds(shop):
    paid = await shop.pay(metadata={"a": "1"})
    charge = await shop.service.update_charge(
        UpdateCharge(
            origin(), paid.latest_charge, "noted", metadata={"b": "2"}, fraud_details={"x": "y"}
        )
    )
    assert (charge.description, charge.metadata) == ("noted", {"a": "1", "b": "2"})
    assert shop.types()[-1] == "charge.updated"
    before = shop.types()
    await shop.service.update_charge(UpdateCharge(origin(), paid.latest_charge, "noted"))
    assert shop.types() == before
    refund = await shop.refund(paid.id, 1, metadata={"why": "cold"})
    changed = await shop.service.update_refund(UpdateRefund(origin(), refund.id, {"why": "late"}))
    assert changed.metadata == {"why": "late"}
    assert shop.types()[-1] == "charge.refund.updated"
    assert await shop.service.update_refund(UpdateRefund(origin(), refund.id, {})) == changed
    with pytest.raises(RefundStateInvalid):
        await shop.service.cancel_refund(CancelRefund(origin(), refund.id))
    with pytest.raises(NotFound):
        await shop.service.update_charge(
            UpdateCharge(origin(), paid.latest_charge, customer="cus_none")
        )


async def test_validation_speaks_first(shop):
    with pytest.raises(AmountNotPositive):
        await shop.pay(amount=Money(0, "USD"))
    with pytest.raises(MethodNotAccepted):
        await shop.pay(method_types=("card", "sepa_debit"))
    with pytest.raises(NotFound):
        await shop.pay(customer="cus_none")
    await shop.identity.update_merchant(UpdateMerchant(SHOP, MerchantStatus.SUSPENDED))
    shop.host.clock.pass_s(1)
    with pytest.raises(MerchantNotActive):
        await shop.pay()


async def test_a_twin_payment_is_refused_within_the_merchant_s_window(shop):
    await shop.identity.update_merchant(UpdateMerchant(SHOP, limits=Limits(duplicate_window_s=60)))
    shop.host.clock.pass_s(1)
    await shop.pay(key="a")
    with pytest.raises(DuplicatePayment):
        await shop.pay()
    assert status(await shop.pay(key="a")) == "succeeded"
    await shop.pay("mastercard")
    await shop.pay(amount=Money(20_01, "USD"))
    shop.host.clock.pass_s(60)
    await shop.pay()


async def test_live_and_test_money_are_kept_apart(shop):
    await shop.pay()
    live = await shop.service.get_balance(BalanceQuery(SHOP, livemode=True))
    assert live.funds == ()


async def test_a_caller_is_answered_in_time_while_the_rail_takes_its_own(tmp_path):
    """MS9."""
    shop = await Shop(tmp_path, settings=CALM_BUT_QUICK).open()
    gate, at_gate = asyncio.Event(), asyncio.Event()

    async def pause(_):
        at_gate.set()
        await gate.wait()

    shop.rail._pause = pause
    slow = await shop.pay("sycee_slow", key="slow")
    assert status(slow) == "processing"
    async with asyncio.timeout(10):
        await at_gate.wait()
    await shop.sweep()
    assert status(await shop.payment(slow.id)) == "processing"
    gate.set()
    await asyncio.gather(*shop.service.attempts._tasks)
    assert status(await shop.payment(slow.id)) == "succeeded"
    assert await shop.pay("sycee_slow", key="slow") == slow
    assert await shop.verify() == ()


CALM_BUT_QUICK = type(CALM)(answer_within_s=0.01)


async def test_who_leaves_before_the_answer_is_paid_for_all_the_same(shop):
    gate, at_gate = asyncio.Event(), asyncio.Event()

    async def pause(_):
        at_gate.set()
        await gate.wait()

    shop.rail._pause = pause
    asking = asyncio.create_task(shop.pay("sycee_slow"))
    await at_gate.wait()
    asking.cancel()
    gate.set()
    await asyncio.gather(*shop.service.attempts._tasks)
    assert await shop.balance() == (0, 1912)


async def test_manual_capture_is_a_field_of_the_payment(shop):
    created = await shop.create()
    held = await shop.confirm(created.id, capture_method=CaptureMethod.MANUAL)
    assert status(held) == "requires_capture"


async def test_a_customer_who_left_in_between_is_given_no_method(shop):
    customer = await shop.service.create_customer(CreateCustomer(origin()))
    open_one = await shop.pay(
        "sycee_lost_answer", customer=customer.id, setup_future_usage="off_session"
    )
    await shop.service.delete_customer(DeleteCustomer(origin(), customer.id))
    await shop.sweep()
    assert status(await shop.payment(open_one.id)) == "succeeded"
    assert "payment_method.attached" not in shop.types()


class Refusing:
    """A rail whose bank refuses one kind of order."""

    def __init__(self, rail, operation):
        self._rail, self._operation = rail, operation

    def __getattr__(self, name):
        return getattr(self._rail, name)

    async def perform(self, order):
        if order.operation is self._operation:
            return Answer(Verdict.DECLINED, "card_declined", "expired", "It has lapsed.")
        return await self._rail.perform(order)


async def refusing(tmp_path, operation):
    return await Shop(
        tmp_path, wrap=lambda part, name: Refusing(part, operation) if name == "rail" else part
    ).open()


async def test_a_capture_that_the_bank_refuses_leaves_the_payment_held(tmp_path):
    shop = await refusing(tmp_path, Operation.CAPTURE)
    held = await shop.hold()
    for _ in range(2):
        with pytest.raises(ChargeExpiredForCapture, match="It has lapsed"):
            await shop.capture(held.id, key="c")
    assert status(await shop.payment(held.id)) == "requires_capture"
    assert await shop.verify() == ()


async def test_a_release_that_the_bank_refuses_leaves_the_payment_held_until_it_lapses(tmp_path):
    shop = await refusing(tmp_path, Operation.VOID)
    held = await shop.hold()
    with pytest.raises(PaymentStateInvalid, match="It has lapsed"):
        await shop.cancel(held.id)
    assert status(await shop.payment(held.id)) == "requires_capture"
    shop.host.clock.pass_s(shop.settings.authorization_s)
    await shop.lapse()
    assert status(await shop.payment(held.id)) == "canceled"
    assert await shop.verify() == ()


async def test_a_refund_that_the_bank_refuses_fails_and_is_given_back(tmp_path):
    shop = await refusing(tmp_path, Operation.REFUND)
    paid = await shop.pay()
    refund = await shop.refund(paid.id, 500)
    assert (refund.status, refund.failure_reason) == ("failed", "expired")
    assert refund.balance_transaction is None
    assert shop.types()[-4:] == [
        "refund.created",
        "refund.failed",
        "refund.updated",
        "charge.refund.updated",
    ]
    assert await shop.balance() == (0, 1912)
    assert (await shop.refund(paid.id, 2000)).amount.minor == 2000
    assert await shop.verify() == ()


class Meddling:
    """Fraud that lets something happen while it thinks."""

    def __init__(self, fraud):
        self._fraud = fraud
        self.meanwhile = None

    async def judge(self, query):
        if self.meanwhile is not None:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        return await self._fraud.judge(query)


async def test_what_changed_while_it_was_weighed_is_weighed_again(shop):
    created = await shop.create()
    meddling = shop.service._trying._parts = msgspec.structs.replace(
        shop.parts, fraud=Meddling(shop.fraud)
    )

    async def dearer():
        await shop.service.update_payment(
            UpdatePayment(origin(), created.id, amount=Money(30_00, "USD"))
        )

    meddling.fraud.meanwhile = dearer
    paid = await shop.confirm(created.id)
    assert paid.amount_received_minor == 3000
    charge = await shop.charge(paid.latest_charge)
    assert charge.amount == Money(30_00, "USD")


async def test_a_payment_canceled_while_it_was_weighed_is_not_paid(shop):
    created = await shop.create()
    meddling = shop.service._trying._parts = msgspec.structs.replace(
        shop.parts, fraud=Meddling(shop.fraud)
    )
    meddling.fraud.meanwhile = lambda: shop.cancel(created.id)
    with pytest.raises(PaymentStateInvalid):
        await shop.confirm(created.id)
    assert await shop.balance() == (0, 0)


async def test_who_keeps_changing_a_payment_is_told_to_wait(shop):
    created = await shop.create()
    meddling = shop.service._trying._parts = msgspec.structs.replace(
        shop.parts, fraud=Meddling(shop.fraud)
    )

    async def dearer():
        payment = await shop.payment(created.id)
        await shop.service.update_payment(
            UpdatePayment(origin(), created.id, amount=payment.amount + Money(1, "USD"))
        )
        meddling.fraud.meanwhile = dearer

    meddling.fraud.meanwhile = dearer
    with pytest.raises(Unavailable):
        await shop.confirm(created.id)
    assert await shop.balance() == (0, 0)


async def test_a_key_that_was_settled_while_its_twin_was_weighed_answers_alike(shop):
    """MS2."""
    meddling = shop.service._trying._parts = msgspec.structs.replace(
        shop.parts, fraud=Meddling(shop.fraud)
    )
    first = []

    async def twin():
        first.append(await shop.pay(key="twin"))

    meddling.fraud.meanwhile = twin
    second = await shop.pay(key="twin")
    assert first == [second]
    assert await shop.balance() == (0, 1912)


async def test_an_attempt_that_ends_just_as_its_caller_is_answered_tells_its_end(tmp_path):
    """MS2: caller and key are told the same."""
    shop = await Shop(tmp_path, settings=CALM_BUT_QUICK).open()
    gate = asyncio.Event()

    async def pause(_):
        await gate.wait()

    shop.rail._pause = pause
    stay = shop.service._endings.stay

    async def stayed(attempt):
        """The caller's unit comes after the task's."""
        gate.set()
        await asyncio.wait(shop.service.attempts._tasks)
        return await shop.parts.database.write(lambda session: stay(session, attempt.id))

    shop.service.attempts._stayed = stayed
    paid = await shop.pay("sycee_slow", key="slow")
    assert status(paid) == "succeeded"
    assert await shop.pay("sycee_slow", key="slow") == paid
    await shop.close()
