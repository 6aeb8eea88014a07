"""Race many clients for the last cent, and twins for one key, with a kill in the middle."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.faults.lab import campaign, trial, truth
from tests.faults.lab.campaign import Campaign
from tests.faults.lab.crowd import Crowd, patiently
from tests.faults.lab.installation import Installation
from tests.faults.lab.line import Answer, Gone, Line
from tests.faults.lab.stories import CREATE, REFUND, Ask, Plot, Story, asks, stories
from tests.faults.lab.truth import Truth

AMOUNT = 2_000
ROUNDS_PER_PROOF = 50
PROOF_PATIENCE_S = 30.0
LEAD_UP = {
    Plot.PAID: 1,
    Plot.REFUNDED: 2,
    Plot.PARTLY_REFUNDED: 0,
    Plot.CAPTURED: 1,
    Plot.CAPTURED_AND_REFUNDED: 0,
    Plot.CANCELED: 1,
    Plot.DECLINED: 0,
    Plot.IMPATIENT: 2,
}
"""How many of its requests a story has behind it before the storm."""
Form = dict[str, str]


class Race(msgspec.Struct, frozen=True):
    """Many requests for one payment at the same instant, and how many may win."""

    name: str
    start: Form
    contest: Callable[[str, int], tuple[str, Form]]
    """Payment and client number -> path and form."""
    winners: int
    check: Callable[[Sequence[Answer], truth.Payment, int], bool]
    """Winning answers, the payment afterwards and what was refunded -> whether it is right."""


def _refund(minor: int) -> Callable[[str, int], tuple[str, Form]]:
    return lambda payment, _: (REFUND, {"payment_intent": payment, "amount": str(minor)})


def _capture(payment: str, client: int) -> tuple[str, Form]:
    return f"{CREATE}/{payment}/capture", {"amount_to_capture": str(AMOUNT - client)}


def _capture_or_cancel(payment: str, client: int) -> tuple[str, Form]:
    if client % 2:
        return f"{CREATE}/{payment}/cancel", {}
    return _capture(payment, client)


def _confirm(payment: str, _: int) -> tuple[str, Form]:
    return f"{CREATE}/{payment}/confirm", {}


def _is_last_word(winners: Sequence[Answer], payment: truth.Payment, refunded: int) -> bool:
    """The one winner's answer is what is so."""
    told = winners[0].json()
    return (told["status"], told["amount_received"], refunded) == (
        payment.status,
        payment.amount_received,
        0,
    )


def _is_refunded(minor: int) -> Callable[[Sequence[Answer], truth.Payment, int], bool]:
    return lambda winners, payment, refunded: (
        refunded == minor and payment.amount_received == AMOUNT
    )


PAID = {"confirm": "true"}
HELD = {"confirm": "true", "capture_method": "manual"}
RACES = (
    Race("refund of all", PAID, _refund(AMOUNT), 1, _is_refunded(AMOUNT)),
    Race("refund of 600 of 2000", PAID, _refund(600), 3, _is_refunded(1_800)),
    Race("refund of 1999, then 1 is left", PAID, _refund(1_999), 1, _is_refunded(1_999)),
    Race("capture", HELD, _capture, 1, _is_last_word),
    Race("capture or cancel", HELD, _capture_or_cancel, 1, _is_last_word),
    Race("confirm", {}, _confirm, 1, _is_last_word),
)


def main(argv: Sequence[str]) -> int:
    """Run the campaign: the last cent, then the storm of twins."""
    parser = campaign.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=120, help="races per topology")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--keys", type=int, default=100, help="of the storm, per topology")
    parser.add_argument("--twins", type=int, default=50, help="requests with one key")
    parser.add_argument("--topology", choices=["one", "processes"], help="only this one")
    options = campaign.read(parser, argv)
    run = Campaign("races", options)
    for topology in [options.topology] if options.topology else ["one", "processes"]:
        with campaign.scratch("races") as folder:
            platform = Installation(Path(folder) / "data", topology)
            platform.start()
            try:
                last_cents(run, platform, options.rounds, options.clients)
            finally:
                platform.kill()
        with campaign.scratch("races") as folder:
            platform = Installation(Path(folder) / "data", topology)
            storm(run, platform, options.keys, options.twins)
    return run.end()


def last_cents(run: Campaign, platform: Installation, rounds: int, clients: int) -> None:
    """Race ``rounds`` times, and prove the books now and then (MS4)."""
    for number in range(rounds):
        race = RACES[number % len(RACES)]
        where = f"{platform.topology}, round {number}, {race.name}"
        run.found(where, asyncio.run(run_race(run, platform, race, number, clients)))
        if number % ROUNDS_PER_PROOF == ROUNDS_PER_PROOF - 1 or number == rounds - 1:
            run.found(where, platform.check_books())
            run.at(number + 1, rounds, f"{platform.topology} {dict(run.counted)}")


async def run_race(
    run: Campaign, platform: Installation, race: Race, number: int, clients: int
) -> list[str]:
    """One race; what went wrong."""
    lines = [Line(platform.url, platform.key) for _ in range(clients)]
    try:
        await asyncio.gather(*(line.open() for line in lines))
        payment = await _begin(lines[0], race, f"r{run.seed}-{number}")
        answers = await asyncio.gather(
            *(
                line.post(*race.contest(payment, client), f"r{run.seed}-{number}-{client}")
                for client, line in enumerate(lines)
            )
        )
        now, refunded = await _look(lines[0], payment)
    except Gone as gone:
        return [f"a client was cut off: {gone}"]
    finally:
        for line in lines:
            line.close()
    run.counted["races"] += 1
    run.counted["racing_requests"] += clients
    return verdict(race, answers, now, refunded)


def verdict(
    race: Race, answers: Sequence[Answer], payment: truth.Payment, refunded: int
) -> list[str]:
    """What went wrong in a race."""
    winners = [answer for answer in answers if answer.is_good]
    statuses = dict(Counter(answer.status for answer in answers))
    wrong = []
    if len(winners) != race.winners:
        wrong.append(f"{len(winners)} won, {race.winners} should have: {statuses}")
    if any(answer.status >= 500 for answer in answers):
        wrong.append(f"a race is no outage: {statuses}")
    if refunded > payment.amount_received:
        wrong.append(f"refunded {refunded} of {payment.amount_received}")
    if len(winners) == race.winners and not race.check(winners, payment, refunded):
        wrong.append(f"what was answered is not so: {payment}, refunded {refunded}")
    return wrong


async def _begin(line: Line, race: Race, key: str) -> str:
    form = {"amount": str(AMOUNT), "currency": "usd", "payment_method": "pm_card_visa"}
    answer = await line.post(CREATE, {**form, **race.start}, key)
    assert answer.is_good, answer
    return str(answer.json()["id"])


async def _look(line: Line, payment: str) -> tuple[truth.Payment, int]:
    answer = await line.get(f"{CREATE}/{payment}")
    refunds = await truth.page(line, f"{REFUND}?payment_intent={payment}", truth.Refund)
    refunded = sum(refund.amount for refund in refunds if refund.status == "succeeded")
    return msgspec.json.decode(answer.body, type=truth.Payment), refunded


def storm(run: Campaign, platform: Installation, keys: int, twins: int) -> None:
    """Send every key many times at once, kill in the middle, and send all again (MS2)."""
    told = _contested(run.seed, keys)
    crowd = Crowd(8)
    crowd.told = told
    platform.start()
    try:
        asyncio.run(_lead_up(platform, told))
        asyncio.run(_killed_in_the_middle(run, platform, told, twins))
        platform.start()
        where = f"{platform.topology}, storm"
        asyncio.run(_again(run, platform, told, twins, where))
        now = asyncio.run(
            truth.settled(platform.url, platform.key, platform.data, PROOF_PATIENCE_S)
        )
        run.found(where, effects_of(told, now))
        asyncio.run(trial.compare(run, platform, crowd, where))
    finally:
        platform.kill()
    run.counted["storm_keys"] += keys
    run.counted["storm_requests"] += sum(len(ask.answers) + ask.lost for ask in asks(told))


def effects_of(told: Sequence[Story], now: Truth) -> list[str]:
    """Exactly as many effects as keys."""
    if len(now.payments) == len(told):
        return []
    return [f"{len(now.payments)} payments of {len(told)} keys"]


def _contested(seed: int, keys: int) -> list[Story]:
    """One story per key."""
    return list(itertools.islice(stories(seed), keys))


async def _lead_up(platform: Installation, told: Sequence[Story]) -> None:
    """Tell every story up to the request whose key is contested: one of its last."""
    line = Line(platform.url, platform.key)
    for story in told:
        for _ in range(LEAD_UP[story.plot]):
            ask = story.next_ask()
            assert ask is not None
            await patiently(line, ask)
        story.next_ask()
    line.close()


async def _killed_in_the_middle(
    run: Campaign, platform: Installation, told: Sequence[Story], twins: int
) -> None:
    """Die when about half of the keys have their first answer."""
    heard = asyncio.Event()
    half = len(told) // 2

    async def kill() -> None:
        await heard.wait()
        await asyncio.sleep(random.Random(run.seed).uniform(0, 0.05))
        platform.kill()

    async def twins_of(ask: Ask) -> None:
        await asyncio.gather(*(twin(ask) for _ in range(twins)))

    async def twin(ask: Ask) -> None:
        line = Line(platform.url, platform.key)
        try:
            ask.answers.append(await line.post(ask.path, ask.form, ask.key))
        except Gone:
            ask.lost += 1
        finally:
            line.close()
        if sum(each.asks[-1].kept is not None for each in told) >= half:
            heard.set()

    killing = asyncio.create_task(kill())
    for group in range(0, len(told), 8):
        await asyncio.gather(*(twins_of(story.asks[-1]) for story in told[group : group + 8]))
    heard.set()
    await killing


async def _again(
    run: Campaign, platform: Installation, told: Sequence[Story], twins: int, where: str
) -> None:
    """Send all twins again until each has an answer that stays."""

    async def twin(ask: Ask) -> None:
        line = Line(platform.url, platform.key)
        try:
            await patiently(line, ask)
        finally:
            line.close()

    for group in range(0, len(told), 8):
        chosen = [story.asks[-1] for story in told[group : group + 8]]
        outcomes = await asyncio.gather(
            *(twin(ask) for ask in chosen for _ in range(twins)), return_exceptions=True
        )
        run.found(where, [f"stuck: {each}" for each in outcomes if isinstance(each, Exception)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
