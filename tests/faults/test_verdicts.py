"""The verdict over a race finds every wrong outcome that is planted."""

from __future__ import annotations

import msgspec
import pytest

from tests.faults.lab.line import Answer
from tests.faults.lab.truth import Payment, Truth
from tests.faults.races import AMOUNT, RACES, Race, effects_of, verdict

BY_NAME = {race.name: race for race in RACES}
NO = Answer(400, b"{}")


def yes(**told: object) -> Answer:
    return Answer(200, msgspec.json.encode(told))


def paid(received: int = AMOUNT, status: str = "succeeded") -> Payment:
    return Payment("pi_1", status, AMOUNT, received, 0, {})


REFUNDED = [yes(status="succeeded", amount=600)] * 3 + [NO] * 61
CAPTURED = [yes(status="succeeded", amount_received=1_990), *[NO] * 63]


def test_a_race_that_ends_right_is_let_pass() -> None:
    """MS4."""
    assert verdict(BY_NAME["refund of 600 of 2000"], REFUNDED, paid(), 1_800) == []
    assert verdict(BY_NAME["capture"], CAPTURED, paid(1_990), 0) == []
    canceled = [yes(status="canceled", amount_received=0), *[NO] * 63]
    assert verdict(BY_NAME["capture or cancel"], canceled, paid(0, "canceled"), 0) == []


@pytest.mark.parametrize(
    ("race", "answers", "payment", "refunded", "found"),
    [
        ("refund of 600 of 2000", [*REFUNDED, REFUNDED[0]], paid(), 2_400, "4 won"),
        ("refund of 600 of 2000", REFUNDED, paid(), 2_400, "refunded 2400 of 2000"),
        ("refund of 600 of 2000", REFUNDED[1:], paid(), 1_200, "2 won"),
        ("refund of 600 of 2000", REFUNDED, paid(), 1_200, "what was answered is not so"),
        ("capture", [*CAPTURED, CAPTURED[0]], paid(1_990), 0, "2 won"),
        ("capture", CAPTURED, paid(1_989), 0, "what was answered is not so"),
        ("capture", [*CAPTURED, Answer(500, b"{}")], paid(1_990), 0, "no outage"),
        ("capture or cancel", CAPTURED, paid(0, "canceled"), 0, "what was answered is not so"),
    ],
)
def test_a_race_that_ends_wrong_is_found(
    race: str, answers: list[Answer], payment: Payment, refunded: int, found: str
) -> None:
    """MS4."""
    assert any(found in each for each in verdict(BY_NAME[race], answers, payment, refunded))


def test_more_effects_than_keys_are_found() -> None:
    """MS2."""
    truth = Truth([paid(), paid()], [], [], [], 0, [])
    assert effects_of([], truth) == ["2 payments of 0 keys"]


def test_every_race_can_be_judged() -> None:
    assert len(BY_NAME) == len(RACES)
    assert all(isinstance(race, Race) and race.winners for race in RACES)
