"""What the contract of payments lets through, whatever the door."""

import msgspec
import pytest

from sycee.runtime import wire
from sycee.services.payments.contract.customers import (
    CancelSetup,
    NewMethod,
    SetupFields,
    UpdateMethod,
)
from sycee.services.payments.contract.intents import (
    CancelPayment,
    CreatePayment,
    CreateRefund,
    PaymentFields,
)
from sycee.services.payments.contract.shared import Origin

HERE = Origin("acct_shop")
SETUP_REASONS = ("abandoned", "duplicate", "requested_by_customer")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
LUNCH = {"origin": HERE, "amount": None}
ONE = {"origin": HERE, "id": "x_1"}


@pytest.mark.parametrize(
    ("command", "said", "field", "texts"),
    [
        (CreatePayment, LUNCH, "confirmation_method", ("automatic", "manual")),
        (CreatePayment, LUNCH, "automatic_methods", ("always", "never", None)),
        (PaymentFields, {}, "setup_future_usage", ("off_session", "on_session", "", None)),
        (CancelPayment, ONE, "reason", (*REFUND_REASONS, "abandoned", None)),
        (CreateRefund, {"origin": HERE}, "reason", (*REFUND_REASONS, None)),
        (CancelSetup, ONE, "reason", (*SETUP_REASONS, None)),
        (SetupFields, {}, "usage", ("off_session", "on_session", None)),
        (NewMethod, {}, "allow_redisplay", ("always", "limited", "unspecified")),
        (UpdateMethod, ONE, "allow_redisplay", ("always", "limited", "unspecified", None)),
    ],
)
def test_a_text_of_a_few_is_one_of_them_when_it_is_read(command, said, field, texts):
    said = {**said, "amount": {"minor": 1, "currency": "USD"}} if "amount" in said else said
    decode = wire.decoder(command).decode
    for text in texts:
        octets = wire.encode({**said, field: text})
        assert getattr(decode(octets), field) == text
    with pytest.raises(msgspec.ValidationError, match=field):
        decode(wire.encode({**said, field: "nonsense"}))
