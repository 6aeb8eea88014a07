"""What is remembered of a request tells nothing that must not be kept of a card (SE4)."""

from __future__ import annotations

import pytest

from sycee.gateway.card_blanks import blanked
from sycee.gateway.request import Request
from sycee.services.identity.contract import ApiKeyId, Caller, Role
from tests.gateway.fakes import MERCHANT

CARD = {"number": "4242424242424242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"amount": "5"}, {"amount": "5"}),
        ({"number": 7}, {"number": 7}),
        (
            {"card": CARD},
            {"card": {"number": "424242…4242", "exp_month": "12", "exp_year": "2034"}},
        ),
        ({"a": [{"cvc": "123", "x": "y"}]}, {"a": [{"x": "y"}]}),
        ({"card": {"number": "4242", "exp_month": 1}}, {"card": {"number": "", "exp_month": 1}}),
    ],
)
def test_cards_lose_what_must_not_be_kept(given: object, kept: object) -> None:
    assert blanked(given) == kept


def hash_of(**card: str) -> bytes:
    request = Request("req_1", "POST", "/v1/payment_methods", {}, {"card": {**CARD, **card}})
    request.caller = Caller(ApiKeyId("key_1"), MERCHANT, Role.SECRET, False)
    request.idempotency_key = "k"
    return request.origin().request_hash


def test_a_hash_does_not_follow_from_what_is_secret() -> None:
    assert hash_of(cvc="999") == hash_of()
    assert hash_of(number="4242420000004242") == hash_of()


def test_other_cards_are_other_requests() -> None:
    assert hash_of(number="4000000000000002") != hash_of()
    assert hash_of(exp_month="11") != hash_of()
