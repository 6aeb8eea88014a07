"""Rules of payments: texts, updates, and what each move changes."""

import pytest
from tests.services.payments.domain.objects import LUNCH, METHOD, NOON, charge, payment

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.intents import (
    CaptureMethod,
    ClientSecretInvalid,
    NextAction,
    PaymentFields,
    PaymentMethodMissing,
    PaymentStatus,
)
from sycee.services.payments.contract.shared import Shipping, TextTooLong
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import UNDONE, Kind
from sycee.services.payments.domain.states import Move

ASKED = payment(
    PaymentStatus.REQUIRES_ACTION, next_action=NextAction("/testcard/3ds/pi_1?client_secret=x")
)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        (PaymentFields(description="x" * 1000), None),
        (PaymentFields(description="x" * 1001), "description"),
        (PaymentFields(receipt_email="x" * 801), "receipt_email"),
        (PaymentFields(statement_descriptor="x" * 23), "statement_descriptor"),
        (PaymentFields(statement_descriptor_suffix="x" * 23), "statement_descriptor_suffix"),
        (PaymentFields(return_url="x" * 2049), "return_url"),
        (PaymentFields(shipping=Shipping(name="x" * 5000)), None),
        (PaymentFields(shipping=Shipping(name="x" * 5001)), "shipping[name]"),
        (PaymentFields(shipping=Shipping(phone="x" * 5001)), "shipping[phone]"),
    ],
)
def test_texts_have_limits(fields, param):
    if param is None:
        rules.check_fields(fields)
        return
    with pytest.raises(TextTooLong) as caught:
        rules.check_fields(fields)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (PaymentFields(), "description", "lunch"),
        (PaymentFields(description=""), "description", None),
        (PaymentFields(description="tea"), "description", "tea"),
        (PaymentFields(customer="cus_2"), "customer", "cus_2"),
        (PaymentFields(customer=""), "customer", None),
        (PaymentFields(), "customer", "cus_1"),
        (PaymentFields(statement_descriptor="SHOP 1"), "statement_descriptor", "SHOP 1"),
        (
            PaymentFields(capture_method=CaptureMethod.MANUAL),
            "capture_method",
            CaptureMethod.MANUAL,
        ),
        (PaymentFields(metadata={"a": "", "b": "2"}), "metadata", {"b": "2"}),
        (PaymentFields(method_types=("card",)), "method_types", ("card",)),
        (PaymentFields(shipping=Shipping(name="J")), "shipping", Shipping(name="J")),
    ],
)
def test_an_update_changes_what_is_said(change, field, value):
    before = payment(
        fields=PaymentFields(description="lunch", customer="cus_1", metadata={"a": "1"})
    )
    assert getattr(rules.updated(before, change, None), field) == value


def test_another_method_ends_a_question_to_the_payer():
    assert rules.updated(ASKED, PaymentFields(), None).next_action is not None
    named = rules.updated(ASKED, PaymentFields(), "pm_2")
    assert (named.status, named.next_action) == (PaymentStatus.REQUIRES_CONFIRMATION, None)


def test_another_amount_ends_a_question_to_the_payer():
    assert rules.repriced(ASKED, LUNCH) is ASKED
    repriced = rules.repriced(ASKED, Money(1, "USD"))
    assert (repriced.status, repriced.next_action) == (PaymentStatus.REQUIRES_CONFIRMATION, None)
    bare = payment(PaymentStatus.REQUIRES_PAYMENT_METHOD, method=None)
    assert rules.repriced(bare, Money(1, "USD")).status is PaymentStatus.REQUIRES_PAYMENT_METHOD


def test_a_client_secret_must_match_where_one_is_given():
    """SE8."""
    found = payment()
    assert rules.opened(found, "pi_1", None) is found
    assert rules.opened(found, "pi_1", "pi_1_secret_x") is found
    for wrong in ("", "pi_1_secret_y", "pi_1_secret_é"):
        with pytest.raises(ClientSecretInvalid):
            rules.opened(found, "pi_1", wrong)


def test_who_brings_a_secret_does_not_learn_which_payments_there_are():
    """IA1."""
    with pytest.raises(ClientSecretInvalid) as unknown:
        rules.opened(None, "pi_2", "pi_1_secret_x")
    with pytest.raises(ClientSecretInvalid) as wrong:
        rules.opened(payment(), "pi_1", "pi_2_secret_x")
    assert (unknown.value.detail, unknown.value.param) == (wrong.value.detail, wrong.value.param)
    with pytest.raises(NotFound):
        rules.opened(None, "pi_2", None)


def test_the_method_to_try_is_the_named_one_else_the_payment_s_own():
    assert rules.method_to_try(payment(), "pm_2") == "pm_2"
    assert rules.method_to_try(payment(), None) == "pm_1"
    for bare, facts in ((None, {}), (payment(method=None), {"payment": "pi_1"})):
        with pytest.raises(PaymentMethodMissing) as caught:
            rules.method_to_try(bare, None)
        assert caught.value.facts == facts


@pytest.mark.parametrize(
    ("capture_method", "kind"),
    [
        (CaptureMethod.AUTOMATIC, Kind.PAY),
        (CaptureMethod.AUTOMATIC_ASYNC, Kind.PAY),
        (CaptureMethod.MANUAL, Kind.AUTHORIZE),
    ],
)
def test_money_is_taken_at_once_unless_capture_is_manual(capture_method, kind):
    assert rules.first_step(payment(capture_method=capture_method)) is kind


def test_a_life_with_a_challenge_and_a_failure():
    tried = rules.tried(payment(return_url="https://shop.example/"))
    asked = rules.asked(tried)
    assert asked.next_action == NextAction(
        "/testcard/3ds/pi_1?client_secret=pi_1_secret_x", "https://shop.example/"
    )
    failed = rules.failed(rules.tried(asked), UNDONE, "ch_1", METHOD)
    assert (failed.method, failed.latest_charge, failed.next_action) == (None, "ch_1", None)
    assert (failed.last_error.code, failed.last_error.method) == ("processing_error", METHOD)
    assert rules.failed(rules.tried(failed), UNDONE, None, None).latest_charge == "ch_1"


def test_a_life_with_a_hold():
    held = rules.held(rules.tried(payment()), "ch_1")
    assert (held.amount_capturable_minor, held.amount_received_minor) == (2000, 0)
    taking = rules.moved(held, Move.CAPTURE)
    assert rules.moved(taking, Move.HOLD) == held
    part = rules.partly_paid(taking, charge(700), 1300, {"a": "1"})
    assert (part.status, part.metadata) == (held.status, {"a": "1"})
    assert (part.amount_capturable_minor, part.amount_received_minor) == (1300, 700)
    paid = rules.paid(taking, charge(1500), {"a": "1"})
    assert (paid.amount_capturable_minor, paid.amount_received_minor) == (0, 1500)
    assert paid.metadata == {"a": "1"}
    releasing = rules.moved(held, Move.RELEASE)
    gone = rules.canceled(releasing, Move.END_RELEASE, NOON, "abandoned")
    assert (gone.amount_capturable_minor, gone.canceled_at, gone.cancellation_reason) == (
        0,
        NOON,
        "abandoned",
    )


def test_an_unknown_payment_is_not_found():
    assert rules.existing(ASKED, "pi_1") is ASKED
    with pytest.raises(NotFound) as caught:
        rules.existing(None, "pi_2", "payment")
    assert (caught.value.detail, caught.value.param) == (
        "No such payment intent: 'pi_2'",
        "payment",
    )
