"""Every card the simulated acquirer knows, as one table.

Numbers, token names and behaviours are those that Stripe documents for testing
(docs.stripe.com/testing), so that a shop's own tests keep working. A card is asked for by number,
as ``pm_card_<name>``, or as ``tok_<name>``. Names that begin with ``sycee_`` are our own: they make
the acquirer misbehave.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class Challenge(Enum):
    """When the card's bank asks the payer to prove who they are."""

    NEVER = "never"
    ALWAYS = "always"
    UNLESS_SET_UP = "unless_set_up"
    """Not once a set-up of this card has succeeded and the payer is away."""
    ON_SESSION = "on_session"
    """The card counts as set up already: only a payer who is present is asked."""


class Fault(Enum):
    """How the acquirer misbehaves."""

    NONE = "none"
    LOST_REQUEST = "lost_request"
    """The order never arrives."""
    LOST_ANSWER = "lost_answer"
    """The order is done, and its answer never arrives."""
    OUTAGE = "outage"
    """The acquirer says at once that it cannot work now; nothing is done."""
    SLOW = "slow"
    """The order is done, and its answer takes its time."""


class Decline(msgspec.Struct, frozen=True):
    """A bank's no: public error code, decline code, and words for the payer."""

    code: str
    decline_code: str
    message: str


class TestCard(msgspec.Struct, frozen=True):
    """One row: what the card is, and how its bank behaves."""

    name: str
    number: str
    brand: str = "visa"
    country: str | None = "US"
    funding: str = "credit"
    decline: Decline | None = None
    challenge: Challenge = Challenge.NEVER
    risk: str = "normal"
    cvc_check: str = "pass"
    refund: str = "succeeded"
    fault: Fault = Fault.NONE
    declines_payments_only: bool = False
    """Its bank agrees that the card is remembered, and declines when it is to pay."""
    aliases: tuple[str, ...] = ()
    dispute: str | None = None
    """Why the payer disputes whatever the card has paid."""
    is_inquiry: bool = False
    """The payer's bank only asks."""


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
NO_FUNDS = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.")
STOLEN = Decline("card_declined", "stolen_card", "Your card was declined.")
VELOCITY = Decline(
    "card_declined",
    "card_velocity_exceeded",
    "Your card was declined for making repeated attempts too frequently"
    " or exceeding its amount limit.",
)
FRAUDULENT = Decline("card_declined", "fraudulent", "Your card was declined.")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
TROUBLE = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)

_ALWAYS, _UNLESS_SET_UP, _ON_SESSION = (
    Challenge.ALWAYS,
    Challenge.UNLESS_SET_UP,
    Challenge.ON_SESSION,
)

CARDS: tuple[TestCard, ...] = (
    # Cards that pay, by brand.
    TestCard("visa", "4242424242424242", aliases=("us",)),
    TestCard("visa_debit", "4000056655665556", funding="debit"),
    TestCard("mastercard", "5555555555554444", "mastercard"),
    TestCard("mastercard_2series", "2223003122003222", "mastercard"),
    TestCard("mastercard_debit", "5200828282828210", "mastercard", funding="debit"),
    TestCard("mastercard_prepaid", "5105105105105100", "mastercard", funding="prepaid"),
    TestCard("amex", "378282246310005", "amex", aliases=("amex_threeDSecureNotSupported",)),
    TestCard("amex_second", "371449635398431", "amex"),
    TestCard("discover", "6011111111111117", "discover"),
    TestCard("discover_second", "6011000990139424", "discover"),
    TestCard("discover_debit", "6011981111111113", "discover", funding="debit"),
    TestCard("diners", "3056930009020004", "diners"),
    TestCard("diners_14digits", "36227206271667", "diners"),
    TestCard("bccard", "6555900000604105", "discover", "KR"),
    TestCard("jcb", "3566002020360505", "jcb", "JP"),
    TestCard("unionpay", "6200000000000005", "unionpay", "CN"),
    TestCard("unionpay_debit", "6200000000000047", "unionpay", "CN", "debit"),
    TestCard("unionpay_19digits", "6205500000000000004", "unionpay", "CN"),
    # Cards that pay, by country.
    TestCard("ae", "4000007840000001", country="AE"),
    TestCard("ae_mastercard", "5200007840000022", "mastercard", "AE"),
    TestCard("ar", "4000000320000021", country="AR"),
    TestCard("at", "4000000400000008", country="AT"),
    TestCard("au", "4000000360000006", country="AU"),
    TestCard("be", "4000000560000004", country="BE"),
    TestCard("bg", "4000001000000000", country="BG"),
    TestCard("br", "4000000760000002", country="BR"),
    TestCard("by", "4000001120000005", country="BY"),
    TestCard("ca", "4000001240000000", country="CA"),
    TestCard("ch", "4000007560000009", country="CH"),
    TestCard("cl", "4000001520000001", country="CL"),
    TestCard("cn", "4000001560000002", country="CN"),
    TestCard("co", "4000001700000003", country="CO"),
    TestCard("cr", "4000001880000005", country="CR"),
    TestCard("cy", "4000001960000008", country="CY"),
    TestCard("cz", "4000002030000002", country="CZ"),
    TestCard("de", "4000002760000016", country="DE"),
    TestCard("dk", "4000002080000001", country="DK"),
    TestCard("ec", "4000002180000000", country="EC"),
    TestCard("ee", "4000002330000009", country="EE"),
    TestCard("es", "4000007240000007", country="ES"),
    TestCard("fi", "4000002460000001", country="FI"),
    TestCard("fr", "4000002500000003", country="FR"),
    TestCard("gb", "4000008260000000", country="GB"),
    TestCard("gb_debit", "4000058260000005", country="GB", funding="debit"),
    TestCard("gb_mastercard", "5555558265554449", "mastercard", "GB"),
    TestCard("gi", "4000002920000005", country="GI"),
    TestCard("gr", "4000003000000030", country="GR"),
    TestCard("hk", "4000003440000004", country="HK"),
    TestCard("hr", "4000001910000009", country="HR"),
    TestCard("hu", "4000003480000005", country="HU"),
    TestCard("ie", "4000003720000005", country="IE"),
    TestCard("in", "4000003560000008", country="IN"),
    TestCard("it", "4000003800000008", country="IT"),
    TestCard("jp", "4000003920000003", country="JP"),
    TestCard("li", "4000004380000004", country="LI"),
    TestCard("lt", "4000004400000000", country="LT"),
    TestCard("lu", "4000004420000006", country="LU"),
    TestCard("lv", "4000004280000005", country="LV"),
    TestCard("mt", "4000004700000007", country="MT"),
    TestCard("mx", "4000004840008001", country="MX"),
    TestCard("my", "4000004580000002", country="MY"),
    TestCard("nl", "4000005280000002", country="NL"),
    TestCard("no", "4000005780000007", country="NO"),
    TestCard("nz", "4000005540000008", country="NZ"),
    TestCard("pa", "4000005910000000", country="PA"),
    TestCard("pe", "4000006040000068", country="PE"),
    TestCard("pl", "4000006160000005", country="PL"),
    TestCard("pt", "4000006200000007", country="PT"),
    TestCard("py", "4000006000000066", country="PY"),
    TestCard("ro", "4000006420000001", country="RO"),
    TestCard("sa", "4000006820000007", country="SA"),
    TestCard("se", "4000007520000008", country="SE"),
    TestCard("sg", "4000007020000003", country="SG"),
    TestCard("si", "4000007050000006", country="SI"),
    TestCard("sk", "4000007030000001", country="SK"),
    TestCard("th_credit", "4000007640000003", country="TH"),
    TestCard("th_debit", "4000057640000008", country="TH", funding="debit"),
    TestCard("tw", "4000001580000008", country="TW"),
    TestCard("uy", "4000008580000003", country="UY"),
    # Cards that their bank declines.
    TestCard(
        "visa_chargeDeclined",
        "4000000000000002",
        decline=DECLINED,
        aliases=("chargeDeclined",),
    ),
    TestCard(
        "visa_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        decline=NO_FUNDS,
        aliases=("chargeDeclinedInsufficientFunds",),
    ),
    TestCard(
        "visa_chargeDeclinedLostCard",
        "4000000000009987",
        decline=LOST,
        aliases=("chargeDeclinedLostCard",),
    ),
    TestCard(
        "visa_chargeDeclinedStolenCard",
        "4000000000009979",
        decline=STOLEN,
        aliases=("chargeDeclinedStolenCard",),
    ),
    TestCard(
        "chargeDeclinedExpiredCard",
        "4000000000000069",
        decline=EXPIRED,
        aliases=("visa_chargeDeclinedExpiredCard",),
    ),
    TestCard(
        "chargeDeclinedIncorrectCvc",
        "4000000000000127",
        decline=WRONG_CVC,
        cvc_check="fail",
        aliases=("visa_chargeDeclinedIncorrectCvc",),
    ),
    TestCard(
        "chargeDeclinedProcessingError",
        "4000000000000119",
        decline=TROUBLE,
        aliases=("visa_chargeDeclinedProcessingError",),
    ),
    TestCard(
        "visa_chargeDeclinedVelocityLimitExceeded",
        "4000000000006975",
        decline=VELOCITY,
        aliases=("chargeDeclinedVelocityLimitExceeded",),
    ),
    TestCard(
        "chargeCustomerFail",
        "4000000000000341",
        decline=DECLINED,
        declines_payments_only=True,
        aliases=("visa_chargeCustomerFail",),
    ),
    # Cards that look suspicious.
    TestCard(
        "radarBlock",
        "4100000000000019",
        decline=FRAUDULENT,
        risk="highest",
        declines_payments_only=True,
    ),
    TestCard(
        "riskLevelHighest",
        "4000000000004954",
        decline=FRAUDULENT,
        risk="highest",
        declines_payments_only=True,
    ),
    TestCard("riskLevelElevated", "4000000000009235", risk="elevated"),
    TestCard("cvcCheckFail", "4000000000000101", cvc_check="fail"),
    TestCard("avsZipFail", "4000000000000036"),
    TestCard("avsLine1Fail", "4000000000000028"),
    TestCard("avsFail", "4000000000000010"),
    TestCard("avsUnchecked", "4000000000000044"),
    # Cards whose bank asks the payer (3-D Secure).
    TestCard("authenticationRequiredOnSetup", "4000002500003155", challenge=_UNLESS_SET_UP),
    TestCard("authenticationRequired", "4000002760003184", challenge=_ALWAYS),
    TestCard("authenticationRequiredSetupForOffSession", "4000003800000446", challenge=_ON_SESSION),
    TestCard(
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        challenge=_ALWAYS,
        decline=NO_FUNDS,
        declines_payments_only=True,
    ),
    TestCard("threeDSecure2Required", "4000000000003220", challenge=_ALWAYS),
    TestCard("threeDSecureRequired", "4000000000003063", challenge=_ALWAYS),
    TestCard(
        "threeDSecureRequiredChargeDeclined",
        "4000008400001629",
        challenge=_ALWAYS,
        decline=DECLINED,
    ),
    TestCard("threeDSecureRequiredProcessingError", "4000008400001280", decline=TROUBLE),
    TestCard("threeDSecureOptional", "4000000000003055"),
    TestCard("threeDSecureOptionalProcessingError", "4000000000003097"),
    # Cards that pay, with an aftermath.
    TestCard("bypassPending", "4000000000000077"),
    TestCard("bypassPendingInternational", "4000003720000278", country="IE"),
    TestCard("pendingRefund", "4000000000007726", refund="pending"),
    TestCard("refundFail", "4000000000005126", refund="failed"),
    TestCard("createDispute", "4000000000000259", dispute="fraudulent"),
    TestCard(
        "createDisputeProductNotReceived",
        "4000000000002685",
        dispute="product_not_received",
    ),
    TestCard(
        "createDisputeInquiry",
        "4000000000001976",
        dispute="fraudulent",
        is_inquiry=True,
    ),
    TestCard("createIssuerFraudRecord", "4000000000005423"),
    TestCard("createMultipleDisputes", "4000000404000079", country="AT"),
    # Cards that make the acquirer misbehave.
    TestCard(
        "visa_sycee_lost_request",
        "4000009990000013",
        fault=Fault.LOST_REQUEST,
        aliases=("sycee_lost_request",),
    ),
    TestCard(
        "visa_sycee_lost_answer",
        "4000009990000021",
        fault=Fault.LOST_ANSWER,
        aliases=("sycee_lost_answer",),
    ),
    TestCard(
        "visa_sycee_outage",
        "4000009990000039",
        fault=Fault.OUTAGE,
        aliases=("sycee_outage",),
    ),
    TestCard(
        "visa_sycee_slow",
        "4000009990000047",
        fault=Fault.SLOW,
        aliases=("sycee_slow",),
    ),
)

ORDINARY = TestCard("ordinary", "", country=None, funding="unknown")
"""How a valid number that is not in the table behaves: it pays."""

BY_NUMBER = {card.number: card for card in CARDS}
BY_NAME = {name: card for card in CARDS for name in (card.name, *card.aliases)}


def by_token(token: str) -> TestCard | None:
    """The card behind ``pm_card_<name>`` or ``tok_<name>``, or None."""
    for prefix in ("pm_card_", "tok_"):
        if token.startswith(prefix):
            return BY_NAME.get(token[len(prefix) :])
    return None
