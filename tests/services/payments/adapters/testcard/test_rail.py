"""The simulated acquirer over a real database: idempotent, truthful, and badly behaved on order."""

import re

import msgspec
import pytest
from tests.services.floor import FakeHost
from tests.services.payments.counter import SHOP, vault_on

from sycee.kernel.money import Money
from sycee.services.payments.adapters.rail import (
    NewCard,
    NoAnswer,
    Operation,
    Order,
    RailDown,
    Verdict,
)
from sycee.services.payments.adapters.testcard.app import build
from sycee.services.payments.adapters.testcard.rail import Behaviour, SimulatedAcquirer
from sycee.services.validation.contract import CardNumber
from sycee.services.vault.contract import StatusQuery, Tokenize

LUNCH = Money(20_00, "USD")
VISA = CardNumber("4242424242424242", 12, 2030, "123")


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


class Pauses:
    def __init__(self):
        self.seconds = []

    async def __call__(self, seconds):
        self.seconds.append(seconds)


async def rail_on(host, pause=None, **behaviour):
    return SimulatedAcquirer(
        await host.database("testcard"),
        host.clock,
        host.ids,
        await vault_on(host),
        Behaviour(**behaviour),
        pause or Pauses(),
    )


@pytest.fixture
async def rail(host):
    return await build(host, await vault_on(host), Behaviour())


async def in_vault(host, card):
    return await in_keeping(await vault_on(host), card)


async def in_keeping(vault, card):
    (kept,) = (await vault.tokenize(Tokenize(SHOP, (card.number,)))).cards
    return NewCard(SHOP, kept.token, card.cvc)


async def token_of(rail, name):
    number = rail.test_card(f"pm_card_{name}", 1_798_718_400_000_000_000)
    return (await rail.keep_card(await in_keeping(rail._vault, number))).token


async def pay(rail, name="visa", id="att_1", operation=Operation.PAY, **more):
    return await rail.perform(Order(id, operation, await token_of(rail, name), LUNCH, **more))


async def test_a_kept_card_tells_facts_and_never_its_number(rail, host):
    """SE4."""
    kept = await rail.keep_card(await in_vault(host, VISA))
    assert re.fullmatch(r"visa\.card_\w+", kept.token)
    assert (kept.funding, kept.country, kept.cvc_check) == ("credit", "US", "pass")


async def test_the_same_card_again_has_another_token(rail, host):
    card = await in_vault(host, VISA)
    one, other = await rail.keep_card(card), await rail.keep_card(card)
    assert one.token != other.token


async def test_a_card_is_asked_for_once_in_a_while(rail, host):
    """SE5."""
    card = await in_vault(host, VISA)
    await rail.keep_card(card)
    await rail.keep_card(card)
    vault = await vault_on(host)
    assert (await vault.status(StatusQuery())).detokenized == 1


def test_a_new_card_shows_no_cvc():
    """SE6."""
    assert "123" not in repr(NewCard(SHOP, "9", "123"))


async def test_an_ordinary_number_pays(rail, host):
    card = await in_vault(host, CardNumber("4111111111111111", 12, 2030))
    kept = await rail.keep_card(card)
    assert (kept.funding, kept.country, kept.cvc_check) == ("unknown", None, None)
    answer = await rail.perform(Order("att_1", Operation.PAY, kept.token, LUNCH))
    assert answer.verdict is Verdict.APPROVED


async def test_a_card_whose_cvc_is_wrong_says_so(rail, host):
    number = rail.test_card("pm_card_cvcCheckFail", 0)
    assert (await rail.keep_card(await in_vault(host, number))).cvc_check == "fail"


async def test_a_test_card_is_valid_for_years(rail, host):
    assert rail.test_card("pm_card_amex", host.clock.now()) == CardNumber(
        "378282246310005", 12, 2034, "1234"
    )
    assert rail.test_card("pm_card_nobody", host.clock.now()) is None


async def test_the_same_order_again_answers_the_same(rail):
    first = await pay(rail)
    again = await pay(rail, "chargeDeclined")
    assert again == first


async def test_no_card_number_reaches_the_book(rail, host):
    """SE4."""
    await pay(rail)
    rows = host.databases["testcard"].connection.execute("SELECT * FROM orders")
    assert len(rows) == 1
    assert "4242424242424242" not in repr(rows)


async def test_an_authorization_is_captured_voided_refunded(rail):
    await pay(rail, operation=Operation.AUTHORIZE)
    for operation in (Operation.CAPTURE, Operation.VOID, Operation.REFUND):
        answer = await pay(rail, id=operation.value, operation=operation, original="att_1")
        assert answer.verdict is Verdict.APPROVED


async def test_nothing_follows_on_an_order_that_never_arrived(rail):
    answer = await pay(rail, operation=Operation.CAPTURE, original="att_none")
    assert answer.verdict is Verdict.DECLINED


async def test_a_lost_answer_was_done_and_can_be_asked_for(rail):
    """MS9."""
    with pytest.raises(NoAnswer):
        await pay(rail, "visa_sycee_lost_answer")
    answer = await rail.query("att_1")
    assert answer.verdict is Verdict.APPROVED


async def test_a_lost_request_was_not_done(rail):
    """MS9."""
    with pytest.raises(NoAnswer):
        await pay(rail, "visa_sycee_lost_request")
    assert await rail.query("att_1") is None


async def test_in_an_outage_nothing_is_done(rail, host):
    with pytest.raises(RailDown):
        await pay(rail, "visa_sycee_outage")
    assert await rail.query("att_1") is None
    away = await rail_on(host, outage=True)
    with pytest.raises(RailDown):
        await pay(away)
    with pytest.raises(RailDown):
        await away.query("att_1")


async def test_after_a_restart_the_acquirer_tells_what_arrived(rail, tmp_path):
    """MS9."""
    done = await pay(rail)
    later = await rail_on(FakeHost(tmp_path))
    assert await later.query("att_1") == done
    assert await later.query("att_2") is None


async def test_a_challenge_is_answered_under_the_same_order(rail):
    kept = await token_of(rail, "authenticationRequired")
    order = Order("att_1", Operation.PAY, kept, LUNCH)
    assert (await rail.perform(order)).verdict is Verdict.CHALLENGED
    assert await rail.query("att_1") is None
    proved = msgspec.structs.replace(order, authenticated=True)
    assert (await rail.perform(proved)).verdict is Verdict.APPROVED


async def test_a_card_that_was_set_up_pays_while_its_holder_is_away(rail):
    token = await token_of(rail, "authenticationRequiredOnSetup")
    away = Order("att_1", Operation.PAY, token, LUNCH, off_session=True)
    assert (await rail.perform(away)).decline_code == "authentication_required"
    proved = Order("seti_1", Operation.VERIFY, token, Money(0, "USD"), authenticated=True)
    assert (await rail.perform(proved)).verdict is Verdict.APPROVED
    again = msgspec.structs.replace(away, id="att_2")
    assert (await rail.perform(again)).verdict is Verdict.APPROVED


@pytest.mark.parametrize(
    ("name", "verdict"), [("pendingRefund", Verdict.APPROVED), ("refundFail", Verdict.DECLINED)]
)
async def test_a_refund_that_waits_ends_when_it_is_asked_for(rail, name, verdict):
    await pay(rail, name)
    refund = await pay(rail, name, id="re_1", operation=Operation.REFUND, original="att_1")
    assert refund.verdict is Verdict.PENDING
    assert (await rail.query("re_1")).verdict is verdict


async def test_answers_take_the_time_that_is_set(host):
    pauses = Pauses()
    rail = await rail_on(host, pauses, latency_s=0.2, slow_s=3.0)
    await pay(rail, id="att_1")
    await pay(rail, "visa_sycee_slow", id="att_2")
    assert pauses.seconds == [0.2, 3.0]


async def outcomes(rail):
    seen = []
    for n in range(200):
        try:
            await pay(rail, id=f"att_{n}")
            seen.append("answered")
        except NoAnswer:
            seen.append("done" if await rail.query(f"att_{n}") else "lost")
    return seen


async def test_what_is_lost_depends_on_the_seed_alone(host, tmp_path):
    behaviour = {"lost_requests_per_mille": 200, "lost_answers_per_mille": 200}
    seen = await outcomes(await rail_on(host, **behaviour))
    other = tmp_path / "other"
    other.mkdir()
    assert await outcomes(await rail_on(FakeHost(other), **behaviour)) == seen
    assert {seen.count(kind) > 10 for kind in ("answered", "done", "lost")} == {True}


async def test_an_order_that_was_taken_back_before_it_arrived_is_refused_when_it_does(rail):
    """MS9."""
    token = await token_of(rail, "visa_sycee_lost_request")
    lost = Order("att_1", Operation.PAY, token, LUNCH)
    with pytest.raises(NoAnswer):
        await rail.perform(lost)
    back = Order("att_1.1", Operation.VOID, token, LUNCH, original="att_1")
    assert (await rail.perform(back)).verdict is Verdict.APPROVED
    assert (await rail.perform(back)).verdict is Verdict.APPROVED
    late = await pay(rail, "visa", id="att_1")
    assert (late.verdict, late.code) == (Verdict.DECLINED, "processing_error")
    assert (await rail.query("att_1")) == late
