"""The table of test cards holds together, and each bank answers as its row says."""

import pytest

from sycee.kernel.clock import Instant
from sycee.kernel.money import Money
from sycee.services.payments.adapters.rail import Answer, Operation, Order, Verdict
from sycee.services.payments.adapters.testcard import bank, cards
from sycee.services.validation import domain as validation
from sycee.services.validation.contract import CardNumber

NOW = Instant(1_798_718_400_000_000_000)
LUNCH = Money(20_00, "USD")


@pytest.mark.parametrize("card", cards.CARDS, ids=lambda card: card.name)
def test_every_number_is_valid_and_of_its_brand(card):
    cvc = "1234" if card.brand == "amex" else "123"
    facts = validation.check_card(CardNumber(card.number, 12, 2030, cvc), NOW)
    assert facts.brand == card.brand


def test_numbers_and_names_are_unique():
    names = [name for card in cards.CARDS for name in (card.name, *card.aliases)]
    assert len(cards.BY_NUMBER) == len(cards.CARDS)
    assert len(cards.BY_NAME) == len(names)
    assert not any("." in name for name in names)


@pytest.mark.parametrize(
    ("token", "number"),
    [
        ("pm_card_visa", "4242424242424242"),
        ("tok_visa", "4242424242424242"),
        ("pm_card_us", "4242424242424242"),
        ("pm_card_chargeDeclined", "4000000000000002"),
        ("pm_card_visa_chargeDeclined", "4000000000000002"),
        ("tok_chargeDeclinedInsufficientFunds", "4000000000009995"),
        ("pm_card_authenticationRequired", "4000002760003184"),
        ("pm_card_visa_sycee_lost_answer", "4000009990000021"),
    ],
)
def test_a_token_names_a_card(token, number):
    assert cards.by_token(token).number == number


@pytest.mark.parametrize(
    "token", ["pm_1", "pm_card_", "pm_card_nobody", "visa", "4242424242424242"]
)
def test_another_text_names_no_card(token):
    assert cards.by_token(token) is None


def order(operation=Operation.PAY, away=False, proved=False):
    return Order("att_1", operation, "t", LUNCH, off_session=away, authenticated=proved)


YES, NO, ASK = Verdict.APPROVED, Verdict.DECLINED, Verdict.CHALLENGED
VERIFY = Operation.VERIFY


@pytest.mark.parametrize(
    ("name", "asked", "is_set_up", "verdict", "decline_code"),
    [
        ("visa", order(), False, YES, None),
        ("visa", order(Operation.AUTHORIZE), False, YES, None),
        ("visa", order(VERIFY), False, YES, None),
        ("chargeDeclined", order(), False, NO, "generic_decline"),
        ("chargeDeclined", order(VERIFY), False, NO, "generic_decline"),
        ("chargeDeclinedInsufficientFunds", order(), False, NO, "insufficient_funds"),
        ("chargeDeclinedLostCard", order(), False, NO, "lost_card"),
        ("chargeDeclinedStolenCard", order(), False, NO, "stolen_card"),
        ("chargeDeclinedExpiredCard", order(), False, NO, "expired_card"),
        ("chargeDeclinedIncorrectCvc", order(), False, NO, "incorrect_cvc"),
        ("chargeDeclinedProcessingError", order(), False, NO, "processing_error"),
        ("chargeDeclinedVelocityLimitExceeded", order(), False, NO, "card_velocity_exceeded"),
        ("chargeCustomerFail", order(VERIFY), False, YES, None),
        ("chargeCustomerFail", order(), False, NO, "generic_decline"),
        ("radarBlock", order(), False, NO, "fraudulent"),
        ("authenticationRequired", order(), False, ASK, None),
        ("authenticationRequired", order(proved=True), False, YES, None),
        ("authenticationRequired", order(away=True), True, NO, "authentication_required"),
        ("authenticationRequiredOnSetup", order(VERIFY), False, ASK, None),
        ("authenticationRequiredOnSetup", order(), True, ASK, None),
        ("authenticationRequiredOnSetup", order(away=True), False, NO, "authentication_required"),
        ("authenticationRequiredOnSetup", order(away=True), True, YES, None),
        ("authenticationRequiredSetupForOffSession", order(), False, ASK, None),
        ("authenticationRequiredSetupForOffSession", order(away=True), False, YES, None),
        (
            "authenticationRequiredChargeDeclinedInsufficientFunds",
            order(proved=True),
            False,
            NO,
            "insufficient_funds",
        ),
        ("threeDSecureOptional", order(), False, YES, None),
    ],
)
def test_a_bank_answers_as_documented(name, asked, is_set_up, verdict, decline_code):
    answer = bank.begin(cards.BY_NAME[name], asked, is_set_up)
    assert (answer.verdict, answer.decline_code) == (verdict, decline_code)


def test_a_suspicious_card_is_called_so():
    assert bank.begin(cards.BY_NAME["radarBlock"], order(), False).risk == "highest"
    assert bank.begin(cards.BY_NAME["riskLevelElevated"], order(), False).risk == "elevated"


@pytest.mark.parametrize(
    ("name", "operation", "original", "verdict", "later"),
    [
        ("visa", Operation.CAPTURE, bank.APPROVED, YES, YES),
        ("visa", Operation.VOID, bank.APPROVED, YES, YES),
        ("visa", Operation.REFUND, bank.APPROVED, YES, YES),
        ("visa", Operation.CAPTURE, None, NO, NO),
        ("visa", Operation.CAPTURE, Answer(Verdict.DECLINED), NO, NO),
        ("pendingRefund", Operation.CAPTURE, bank.APPROVED, YES, YES),
        ("pendingRefund", Operation.REFUND, bank.APPROVED, Verdict.PENDING, YES),
        ("refundFail", Operation.REFUND, bank.APPROVED, Verdict.PENDING, NO),
    ],
)
def test_what_follows_depends_on_the_original(name, operation, original, verdict, later):
    card = cards.BY_NAME[name]
    answer = bank.go_on(card, order(operation), original)
    assert (answer.verdict, bank.final(card, answer).verdict) == (verdict, later)


def test_an_unknown_token_behaves_as_an_ordinary_card():
    assert bank.card_of("gone.card_1") is cards.ORDINARY
