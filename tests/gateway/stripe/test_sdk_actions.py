"""Actions for Stripe.js are refused by name: a payer is always led to a page."""

from __future__ import annotations

import pytest

from sycee.gateway.refusals import ParameterInvalid
from sycee.gateway.stripe.payment_intents.parameters import (
    Confirming,
    Creating,
    confirm_command,
    create_command,
)
from sycee.gateway.stripe.shapes import refuse_sdk_action


def test_creating_refuses_them():
    given = Creating(amount=100, currency="usd", use_stripe_sdk=True)
    with pytest.raises(ParameterInvalid) as refused:
        create_command(None, given)
    assert refused.value.param == "use_stripe_sdk"


def test_confirming_refuses_them():
    with pytest.raises(ParameterInvalid) as refused:
        confirm_command(None, "pi_1", Confirming(use_stripe_sdk=True))
    assert refused.value.param == "use_stripe_sdk"


def test_without_them_nothing_is_refused():
    assert refuse_sdk_action(False) is None
