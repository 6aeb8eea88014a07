"""Whatever a rail does to orders, every payment ends, once, and the books agree with the rail."""

import asyncio
import random

import msgspec
import pytest
from tests.services.payments.shop import CALM, SHOP, Shop

from sycee.kernel.refusal import Refusal
from sycee.services.payments.adapters.chaos.rail import ChaosRail
from sycee.services.payments.adapters.chaos.script import BUILT_IN, Script
from sycee.services.payments.contract.intents import ListCharges
from sycee.services.payments.contract.shared import Page
from sycee.services.payments.store import attempts

ROUNDS = 12
SWEEPS_MAX = 60


async def in_no_time(seconds):
    """Lets others go on for a while that grows with the seconds."""
    for _ in range(int(seconds * 40)):
        await asyncio.sleep(0)


class Spoiler:
    """Puts the chaos between payments and its rail, until it is told to stop."""

    def __init__(self, name, seed):
        self.script = Script(BUILT_IN[name].phases, f"seed {seed}")
        self.chaos = None

    def wrap(self, part, name):
        if name != "rail":
            return part
        self.chaos = ChaosRail(part, self.script, self.clock, in_no_time)
        return self.chaos


async def trade(shop, dice, number):
    """One customer's payment, and perhaps what follows it; a no is an answer too."""
    try:
        begin = shop.hold if dice.random() < 0.5 else shop.pay
        made = await begin(key=f"k{number}")
        again = await begin(key=f"k{number}")
        assert made.id == again.id
        for step in dice.sample([shop.capture, shop.cancel, shop.refund], 2):
            await step(made.id, key=f"{number} {step.__name__}")
    except Refusal:
        return


async def settled(shop):
    """Sweep until no attempt is open."""
    for _ in range(SWEEPS_MAX):
        shop.host.clock.pass_s(shop.settings.lost_after_s)
        await shop.sweep()
        if not await shop.parts.database.read(lambda session: attempts.open_ones(session, "", 1)):
            return
    raise AssertionError("an attempt stays open for ever")


async def kept_by_the_rail(shop):
    """What the rail's own book says was taken from payers and not given back."""
    rows = await shop.host.databases["testcard"].read(
        lambda session: session.rows("SELECT id, operation, original, amount, answer FROM orders")
    )
    done = [row for row in rows if msgspec.msgpack.decode(row[4])["verdict"] == "approved"]
    voided = {row[2] for row in done if row[1] == "void"}
    counted = {"pay": 1, "capture": 1, "refund": -1}
    return sum(counted.get(row[1], 0) * row[3] for row in done if row[0] not in voided)


async def kept_by_us(shop):
    """The same, as the merchant is told."""
    listed = await shop.service.list_charges(ListCharges(SHOP, Page(100)))
    return sum(each.amount_captured_minor - each.amount_refunded_minor for each in listed.items)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("seed", range(2))
async def test_money_is_right_whatever_the_script_does(tmp_path, name, seed):
    """MS2, MS9."""
    spoiler = Spoiler(name, seed)
    shop = Shop(tmp_path, settings=CALM, wrap=spoiler.wrap)
    spoiler.clock = shop.host.clock
    await shop.open()
    dice = random.Random(seed)
    try:
        await asyncio.gather(*(trade(shop, dice, number) for number in range(ROUNDS)))
        await settled(shop)
        await asyncio.gather(*spoiler.chaos._under_way)
        await shop.sweep()
        assert await shop.verify() == ()
        assert await kept_by_us(shop) == await kept_by_the_rail(shop)
    finally:
        await shop.close()
