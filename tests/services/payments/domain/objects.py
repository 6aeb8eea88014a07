"""Payments, charges and attempts for rules to work on."""

import msgspec

from sycee.kernel.money import Money
from sycee.services.payments.contract.customers import Card, Method
from sycee.services.payments.contract.intents import (
    Charge,
    CreatePayment,
    Outcome,
    PaymentFields,
    PaymentStatus,
    Refund,
)
from sycee.services.payments.contract.shared import Origin
from sycee.services.payments.domain import payments as rules
from sycee.services.payments.domain.attempts import Attempt, Kind

SHOP = "acct_shop"
NOON = 1_798_718_400_000_000_000
LUNCH = Money(20_00, "USD")
CARD = Card("visa", "4242", "424242", 12, 2034, "fp", "credit", "US", rail_token="t")
METHOD = Method("pm_1", SHOP, NOON, False, "card", CARD)


def payment(status=PaymentStatus.REQUIRES_CONFIRMATION, fields=None, **more):
    """A payment of 20.00 USD with a method, wherever it stands."""
    command = CreatePayment(Origin(SHOP), LUNCH, fields or PaymentFields())
    fresh = rules.fresh(command, "pi_1", 7, NOON, "pi_1_secret_x", METHOD)
    return msgspec.structs.replace(fresh, status=status, **more)


def attempt(kind=Kind.PAY, **more):
    """An attempt on that payment."""
    given = {
        "id": "att_1",
        "kind": kind,
        "merchant": SHOP,
        "livemode": False,
        "payment": "pi_1",
        "number": 7,
        "origin": Origin(SHOP),
        "started": NOON,
        "amount": LUNCH,
        "charge": "ch_1",
        "method": METHOD,
    }
    return Attempt(**{**given, **more})


def charge(captured=2000, refunded=0, **more):
    """A charge of 20.00 USD."""
    given = {
        "id": "ch_1",
        "merchant": SHOP,
        "created": NOON,
        "livemode": False,
        "payment": "pi_1",
        "attempt": "att_1",
        "amount": LUNCH,
        "status": "succeeded",
        "captured": captured > 0,
        "amount_captured_minor": captured,
        "amount_refunded_minor": refunded,
        "outcome": Outcome("approved_by_network", "authorized", "Payment complete.", "normal", 0),
        "method": METHOD,
        "billing": METHOD.billing,
        "balance_transaction": "txn_1",
    }
    return Charge(**{**given, **more})


def refund(amount=500, status="succeeded", **more):
    """A refund of that charge."""
    given = {"balance_transaction": "txn_2", **more}
    return Refund("re_1", SHOP, NOON, False, "ch_1", "pi_1", Money(amount, "USD"), status, **given)
