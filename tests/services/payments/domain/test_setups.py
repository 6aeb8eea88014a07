"""How a set-up goes from one status to the next."""

import msgspec
import pytest
from tests.services.payments.counter import refused

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import (
    Setup,
    SetupDeclined,
    SetupFields,
    SetupStateInvalid,
    SetupStatus,
)
from sycee.services.payments.contract.shared import TextTooLong
from sycee.services.payments.domain import setups as rules
from sycee.services.payments.domain.setups import Act

S = SetupStatus
NEW = Setup("seti_1", "acct_shop", 1, False, S.REQUIRES_PAYMENT_METHOD, "seti_1_secret_x")
READY = msgspec.structs.replace(NEW, status=S.REQUIRES_CONFIRMATION, method="pm_1")
WAITING = rules.challenged(READY)
FAILED = rules.declined(READY, "card_declined", "lost_card", "No.")

OPEN = {S.REQUIRES_PAYMENT_METHOD, S.REQUIRES_CONFIRMATION, S.REQUIRES_ACTION}
TABLE = {
    Act.UPDATE: OPEN,
    Act.CONFIRM: OPEN,
    Act.CANCEL: OPEN,
    Act.ANSWER: {S.REQUIRES_ACTION},
}


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("act", Act)
def test_every_act_has_its_statuses(act, status):
    setup = msgspec.structs.replace(READY, status=status)
    no = None if status in TABLE[act] else SetupStateInvalid
    with refused(no) as refusal:
        rules.check(setup, act)
    assert no is None or refusal.value.facts == {"setup": "seti_1", "status": status.value}


def test_a_setup_that_is_not_there_is_not_found():
    assert rules.existing(NEW, "seti_1") is NEW
    with pytest.raises(NotFound):
        rules.existing(None, "seti_1")


def test_texts_have_limits():
    rules.check_fields(SetupFields(description="d" * 5000, return_url="u" * 5000))
    for fields in (SetupFields(description="d" * 5001), SetupFields(return_url="u" * 5001)):
        with pytest.raises(TextTooLong):
            rules.check_fields(fields)


def test_without_a_method_there_is_nothing_to_confirm():
    assert rules.method_of(READY) == "pm_1"
    with pytest.raises(SetupStateInvalid):
        rules.method_of(NEW)


@pytest.mark.parametrize(
    ("before", "fields", "method", "changes"),
    [
        (NEW, SetupFields(), None, {}),
        (
            NEW,
            SetupFields(
                customer="cus_a",
                description="d",
                metadata={"a": "1"},
                usage="on_session",
                return_url="https://shop.example/",
            ),
            None,
            {
                "customer": "cus_a",
                "description": "d",
                "metadata": {"a": "1"},
                "usage": "on_session",
                "return_url": "https://shop.example/",
            },
        ),
        (NEW, SetupFields(), "pm_1", {"status": S.REQUIRES_CONFIRMATION, "method": "pm_1"}),
        (WAITING, SetupFields(description="d"), None, {"description": "d"}),
        (
            WAITING,
            SetupFields(),
            "pm_2",
            {"status": S.REQUIRES_CONFIRMATION, "method": "pm_2", "next_action_url": None},
        ),
        (FAILED, SetupFields(), "pm_2", {"status": S.REQUIRES_CONFIRMATION, "method": "pm_2"}),
    ],
)
def test_a_method_that_is_brought_wants_confirmation(before, fields, method, changes):
    after = rules.changed(before, fields, method)
    assert after == msgspec.structs.replace(before, **changes)


def test_a_success_clears_what_was_wrong():
    again = rules.changed(FAILED, SetupFields(), "pm_2")
    done = rules.succeeded(again)
    assert done == msgspec.structs.replace(READY, status=S.SUCCEEDED, method="pm_2")
    assert rules.refusal(done) is None


def test_a_challenge_has_a_page_for_whoever_knows_the_secret():
    assert WAITING.status is S.REQUIRES_ACTION
    assert WAITING.next_action_url == (
        "/testcard/3ds/setups/acct_shop/seti_1?client_secret=seti_1_secret_x"
    )
    assert rules.succeeded(WAITING).next_action_url is None


@pytest.mark.parametrize(
    ("setup", "facts", "message"),
    [
        (
            FAILED,
            {"setup": "seti_1", "error_code": "card_declined", "decline_code": "lost_card"},
            "No.",
        ),
        (
            rules.declined(READY, "expired_card", None, None),
            {"setup": "seti_1", "error_code": "expired_card"},
            "The payment method was declined.",
        ),
        (
            rules.unauthenticated(WAITING),
            {"setup": "seti_1", "error_code": "setup_intent_authentication_failure"},
            "The payment method's owner could not be authenticated. Try another payment method.",
        ),
    ],
)
def test_a_no_wants_another_method_and_says_why(setup, facts, message):
    assert (setup.status, setup.method) == (S.REQUIRES_PAYMENT_METHOD, None)
    assert setup.next_action_url is None
    refusal = rules.refusal(setup)
    assert isinstance(refusal, SetupDeclined)
    assert (refusal.facts, refusal.detail) == (facts, message)


def test_what_is_given_up_waits_for_nothing():
    after = rules.canceled(WAITING, "abandoned")
    assert (after.status, after.cancellation_reason) == (S.CANCELED, "abandoned")
    assert after.next_action_url is None
