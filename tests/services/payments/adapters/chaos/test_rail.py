"""The misbehaving rail over the simulated acquirer: each fault, phases, and what repeats."""

import asyncio

import msgspec
import pytest
from tests.services.floor import FakeHost
from tests.services.payments.counter import SHOP, vault_on

from sycee.kernel.money import Money
from sycee.services.payments.adapters.chaos.rail import ChaosRail
from sycee.services.payments.adapters.chaos.script import Asked, Fault, Phase, Rule, Script
from sycee.services.payments.adapters.rail import (
    NewCard,
    NoAnswer,
    Operation,
    Order,
    RailDown,
    Verdict,
)
from sycee.services.payments.adapters.testcard.app import build
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.vault.contract import Tokenize

LUNCH = Money(20_00, "USD")


class Pauses:
    """Time that passes when the test says so."""

    def __init__(self):
        self.seconds = []
        self.has_begun = asyncio.Event()
        self.is_over = asyncio.Event()

    async def __call__(self, seconds):
        self.seconds.append(seconds)
        self.has_begun.set()
        await self.is_over.wait()


class Counted:
    """A rail that counts what it is ordered."""

    def __init__(self, rail):
        self._rail = rail
        self.orders = []

    def __getattr__(self, name):
        return getattr(self._rail, name)

    async def perform(self, order):
        self.orders.append(order.id)
        return await self._rail.perform(order)


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def below(host):
    return Counted(await build(host, await vault_on(host), Behaviour()))


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
def chaos(below, host, pauses):
    def over(*phases, seed="s"):
        return ChaosRail(below, Script(phases, seed), host.clock, pauses)

    return over


def pay(id, operation=Operation.PAY, **more):
    return Order(id, operation, "visa.card_1", LUNCH, **more)


async def outcome(rail, id):
    try:
        return (await rail.perform(pay(id))).verdict.value
    except (NoAnswer, RailDown) as trouble:
        return type(trouble).__name__


@pytest.mark.parametrize(
    ("fault", "told", "arrivals"),
    [
        (Fault.DOWN, "RailDown", 0),
        (Fault.LOST_ORDER, "NoAnswer", 0),
        (Fault.LOST_ANSWER, "NoAnswer", 1),
        (Fault.TWICE, "approved", 2),
    ],
)
async def test_each_fault_does_what_its_name_says(chaos, below, fault, told, arrivals):
    rail = chaos(Phase((Rule(fault),)))
    assert await outcome(rail, "att_1") == told
    assert below.orders == ["att_1"] * arrivals
    assert (await rail.query("att_1") is not None) == (arrivals > 0)


@pytest.mark.parametrize(("fault", "is_done"), [(Fault.SLOW_ORDER, 0), (Fault.SLOW_ANSWER, 1)])
async def test_slowness_lies_before_or_behind_what_is_done(chaos, below, pauses, fault, is_done):
    rail = chaos(Phase((Rule(fault, delay_s=2.5),)))
    asked = asyncio.ensure_future(rail.perform(pay("att_1")))
    async with asyncio.timeout(5):
        await pauses.has_begun.wait()
    assert (pauses.seconds, len(below.orders), asked.done()) == ([2.5], is_done, False)
    pauses.is_over.set()
    assert (await asked).verdict is Verdict.APPROVED


async def test_a_void_that_overtakes_its_order_holds(chaos, below, pauses):
    """MS9."""
    rail = chaos(Phase((Rule(Fault.LATE_ORDER, asked=(Asked.AUTHORIZE,), delay_s=2),)))
    with pytest.raises(NoAnswer):
        await rail.perform(pay("att_1", Operation.AUTHORIZE))
    voided = await rail.perform(pay("att_1.1", Operation.VOID, original="att_1"))
    assert voided.verdict is Verdict.APPROVED
    pauses.is_over.set()
    await asyncio.gather(*rail._under_way)
    assert below.orders == ["att_1.1", "att_1"]
    assert (await rail.query("att_1")).verdict is Verdict.DECLINED


async def test_what_is_on_its_way_at_the_end_is_lost(chaos, below):
    rail = chaos(Phase((Rule(Fault.LATE_ORDER, delay_s=2),)))
    assert await outcome(rail, "att_1") == "NoAnswer"
    await rail.close()
    assert (below.orders, rail._under_way) == ([], set())


async def test_phases_follow_each_other_by_orders_and_by_time(chaos, host):
    rail = chaos(Phase((Rule(Fault.DOWN),), for_orders=2), Phase((Rule(Fault.LOST_ORDER),), 10.0))
    told = [await outcome(rail, f"att_{number}") for number in range(3)]
    host.clock.pass_s(9.9)
    told.append(await outcome(rail, "att_3"))
    host.clock.pass_s(0.1)
    told.append(await outcome(rail, "att_4"))
    assert told == ["RailDown", "RailDown", "NoAnswer", "NoAnswer", "approved"]


async def test_every_third_order_is_hit(chaos):
    rail = chaos(Phase((Rule(Fault.DOWN, every=3),)))
    told = [await outcome(rail, f"att_{number}") for number in range(6)]
    assert told == ["approved", "approved", "RailDown"] * 2


async def test_a_seed_repeats_itself_and_another_does_not(chaos):
    phase = Phase((Rule(Fault.DOWN, 500),))
    runs = [chaos(phase, seed=seed) for seed in ("one", "one", "other")]
    one, again, other = [[await outcome(rail, f"a{n}") for n in range(40)] for rail in runs]
    assert one == again != other
    assert 8 < one.count("RailDown") < 32


async def test_an_order_that_comes_again_has_another_lot(chaos):
    rail = chaos(Phase((Rule(Fault.DOWN, 500),)))
    assert len({await outcome(rail, "att_1") for _ in range(40)}) == 2


@pytest.mark.parametrize(
    ("asked", "ask"),
    [
        (Asked.QUERY, lambda rail: rail.query("att_1")),
        (Asked.NOTICES, lambda rail: rail.notices("", 10)),
        (Asked.ACKNOWLEDGE, lambda rail: rail.acknowledge(["n_1"])),
        (Asked.CONTEST, lambda rail: rail.contest("case_1", None)),
    ],
)
async def test_the_rest_of_the_contract_can_be_away_too(chaos, host, asked, ask):
    rail = chaos(Phase((Rule(Fault.DOWN, asked=(asked,)),), for_s=5.0))
    with pytest.raises(RailDown):
        await ask(rail)
    assert await outcome(rail, "att_1") == "approved"
    host.clock.pass_s(5.0)
    if asked is not Asked.CONTEST:
        await ask(rail)


async def test_cards_are_kept_as_below(chaos, below, host):
    rail = chaos()
    number = rail.test_card("pm_card_visa", 0)
    assert number == below.test_card("pm_card_visa", 0)
    vault = await vault_on(host)
    (vaulted,) = (await vault.tokenize(Tokenize(SHOP, (number.number,)))).cards
    card = NewCard(SHOP, vaulted.token, number.cvc)
    kept = await rail.keep_card(card)
    assert kept.funding == (await below.keep_card(card)).funding
    assert msgspec.structs.asdict(kept)["token"].startswith("visa.")


async def test_a_script_in_the_configuration_spoils_the_acquirer(host):
    rail = await build(host, await vault_on(host), Behaviour(script="outage"))
    assert await outcome(rail, "att_1") == "RailDown"
    await host.close()
