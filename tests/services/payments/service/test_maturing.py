"""Money whose waiting is ended by hand."""

import pytest
from tests.services.payments.service.test_disputes import FEE, SOLD, dispute
from tests.services.payments.shop import SHOP, Shop, origin

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.disputes import OnlyInTestMode
from sycee.services.payments.contract.intents import ChargeNotRefundable
from sycee.services.payments.contract.maturing import MakeAvailable
from sycee.services.payments.contract.shared import Origin


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path).open()
    yield shop
    await shop.close()


async def make_available(shop, charge, by=None):
    await shop.service.make_available(MakeAvailable(by or origin(), charge))
    await shop.mature()


async def test_only_the_charge_that_is_named_becomes_available(shop):
    first, second = [await shop.pay() for _ in range(2)]
    await shop.refund(second.id, 5_00)
    await make_available(shop, second.latest_charge)
    assert await shop.balance() == (SOLD - 5_00, SOLD)
    for each in await shop.transactions():
        is_first = each.source == first.latest_charge
        assert each.status == ("pending" if is_first else "available")
        assert (each.available_on > shop.host.clock.now()) is is_first
    assert await shop.verify() == ()


async def test_a_dispute_goes_with_its_charge_and_a_refund_follows(shop):
    payment, _ = await dispute(shop)
    await make_available(shop, payment.latest_charge)
    await make_available(shop, payment.latest_charge)
    assert await shop.balance() == (SOLD - 20_00 - FEE, 0)
    assert await shop.verify() == ()


async def test_a_charge_without_money_is_refused(shop):
    held = await shop.hold()
    with pytest.raises(ChargeNotRefundable):
        await make_available(shop, held.latest_charge)
    with pytest.raises(NotFound):
        await make_available(shop, "ch_x")


async def test_live_money_waits(shop):
    payment = await shop.pay()
    with pytest.raises(OnlyInTestMode):
        await make_available(shop, payment.latest_charge, Origin(SHOP, livemode=True))
