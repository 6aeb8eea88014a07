"""Validation beside a fake identity."""

import pytest
from tests.services.floor import NOON, FakeHost

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound
from sycee.services.identity.contract import Limits, Merchant, MerchantId, MerchantStatus
from sycee.services.validation.app import Settings, build
from sycee.services.validation.contract import (
    CardNumber,
    CheckCard,
    CheckPayment,
    MerchantNotActive,
)

LUNCH = CheckPayment(MerchantId("acct_1"), Money(20_00, "USD"), "card")


class FakeIdentity:
    def __init__(self):
        self.status = MerchantStatus.ACTIVE
        self.asked = 0

    async def get_merchant(self, query):
        self.asked += 1
        if query.id != "acct_1":
            raise NotFound("none")
        return Merchant(query.id, "Shop", "US", "USD", self.status, Limits(), NOON)


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
def identity():
    return FakeIdentity()


@pytest.fixture
async def validation(host, identity):
    return await build(host, Settings(), identity)


async def test_a_good_card_answers_its_facts(validation):
    facts = await validation.check_card(CheckCard(CardNumber("4242424242424242", 12, 2030)))
    assert (facts.brand, facts.last4, facts.bin) == ("visa", "4242", "424242")


async def test_a_good_payment_is_checked_now(validation):
    assert (await validation.check_payment(LUNCH)).checked_at == NOON


async def test_an_unknown_merchant_may_not_take_money(validation):
    stranger = CheckPayment(MerchantId("acct_2"), Money(20_00, "USD"), "card")
    with pytest.raises(MerchantNotActive):
        await validation.check_payment(stranger)


async def test_a_merchant_is_remembered_for_less_than_a_second(validation, identity, host):
    """IA8."""
    await validation.check_payment(LUNCH)
    await validation.check_payment(LUNCH)
    assert identity.asked == 1
    identity.status = MerchantStatus.SUSPENDED
    host.clock.pass_s(0.9)
    with pytest.raises(MerchantNotActive):
        await validation.check_payment(LUNCH)
