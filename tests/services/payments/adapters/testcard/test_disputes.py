"""What the simulated banks tell of disputes."""

import pytest
from tests.services.floor import FakeHost
from tests.services.payments.adapters.testcard.test_rail import LUNCH, pay, rail_on, token_of

from sycee.services.payments.adapters.rail import News, Operation, Order, RailDown, Verdict


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def rail(host):
    return await rail_on(host)


async def told(rail):
    return [(each.case, each.news) for each in await rail.notices("", 10)]


async def test_a_payment_is_disputed_once_however_often_it_is_ordered(rail):
    for _ in range(2):
        await pay(rail, "createDispute")
    (notice,) = await rail.notices("", 10)
    assert (notice.order, notice.amount, notice.reason) == ("att_1", LUNCH, "fraudulent")
    assert (notice.news, notice.network_reason_code) == (News.DISPUTED, "10.4")


@pytest.mark.parametrize("card", ["visa", "chargeDeclined"])
async def test_other_cards_are_not_disputed(rail, card):
    await pay(rail, card)
    assert await told(rail) == []


async def test_an_authorization_is_disputed_when_it_is_captured(rail):
    await pay(rail, "createDisputeInquiry", operation=Operation.AUTHORIZE)
    assert await told(rail) == []
    token = await token_of(rail, "createDisputeInquiry")
    for id in ("att_2", "att_2"):
        await rail.perform(Order(id, Operation.CAPTURE, token, LUNCH, original="att_1"))
    (notice,) = await rail.notices("", 10)
    assert (notice.order, notice.is_inquiry) == ("att_1", True)


async def test_an_order_that_was_taken_back_is_not_disputed(rail):
    token = await token_of(rail, "createDispute")
    await rail.perform(Order("att_2", Operation.VOID, token, LUNCH, original="att_1"))
    assert (await pay(rail, "createDispute")).verdict is Verdict.DECLINED
    assert await told(rail) == []


async def test_what_is_acknowledged_is_told_no_more(rail):
    for id in ("att_1", "att_2", "att_3"):
        await pay(rail, "createDispute", id)
    first, second = await rail.notices("", 2)
    await rail.acknowledge([second.id])
    assert [each.order for each in await rail.notices("", 10)] == ["att_1", "att_3"]
    assert [each.order for each in await rail.notices(first.id, 10)] == ["att_3"]


@pytest.mark.parametrize(
    ("statement", "news"),
    [
        ("winning_evidence", [("case.x", News.WON)]),
        (" losing_evidence\n", [("case.x", News.LOST)]),
        ("We sent it.", []),
        (None, []),
    ],
)
async def test_the_bank_decides_by_the_documented_texts_once(rail, statement, news):
    for _ in range(2):
        await rail.contest("case.x", statement)
    assert await told(rail) == news


async def test_an_acquirer_that_is_away_hears_and_tells_nothing(host):
    away = await rail_on(host, outage=True)
    for ask in (away.notices("", 1), away.acknowledge(["x"]), away.contest("x", None)):
        with pytest.raises(RailDown):
            await ask
