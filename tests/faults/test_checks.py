"""Every check finds the violation that is planted for it, and nothing where all is well."""

from __future__ import annotations

import msgspec
import pytest

from tests.faults.lab import checks
from tests.faults.lab.line import Answer, Json
from tests.faults.lab.stories import CREATE, REFUND, Ask, Plot, Story, number_of
from tests.faults.lab.truth import (
    Change,
    Charge,
    Event,
    Order,
    Payment,
    Refund,
    Shown,
    Subject,
    Truth,
)

NUMBER = 7
AMOUNT = 10_070
CAPTURED = 10_062
GIVEN_BACK = 1_007


def answer(told: Json, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(told))


def event(type: str, subject: str) -> Event:
    return Event(f"evt_{type}_{subject}", type, Shown(Subject(subject)))


def held_captured_and_refunded() -> Story:
    """A story that went well."""
    story = Story("s1-7", NUMBER, Plot.CAPTURED_AND_REFUNDED)
    replies: list[Json] = [
        {"id": "pi_1", "status": "requires_capture", "amount_received": 0},
        {"id": "pi_1", "status": "succeeded", "amount_received": CAPTURED},
        {"id": "re_1", "status": "succeeded", "amount": GIVEN_BACK},
    ]
    for reply in replies:
        ask = story.next_ask()
        assert ask is not None
        ask.answers.append(answer(reply))
    assert story.next_ask() is None
    return story


def as_it_should_be() -> Truth:
    """The truth that belongs to it."""
    return Truth(
        payments=[Payment("pi_1", "succeeded", AMOUNT, CAPTURED, 0, {"story": "s1-7"})],
        refunds=[Refund("re_1", "succeeded", GIVEN_BACK, "pi_1", {"story": "s1-7.2"})],
        charges=[Charge("ch_1", "pi_1", "succeeded", CAPTURED, GIVEN_BACK)],
        changes=[
            Change("txn_1", "charge", CAPTURED, CAPTURED - 300, "ch_1"),
            Change("txn_2", "refund", -GIVEN_BACK, -GIVEN_BACK, "re_1"),
        ],
        balance_minor=CAPTURED - 300 - GIVEN_BACK,
        book=[
            Order("a1", "authorize", None, AMOUNT, True),
            Order("a2", "capture", "a1", CAPTURED, True),
            Order("a3", "refund", "a2", GIVEN_BACK, True),
        ],
        events=[
            event("payment_intent.created", "pi_1"),
            event("payment_intent.succeeded", "pi_1"),
            event("refund.created", "re_1"),
        ],
    )


@pytest.fixture
def story() -> Story:
    return held_captured_and_refunded()


@pytest.fixture
def truth() -> Truth:
    return as_it_should_be()


def test_nothing_is_found_where_all_is_well(story: Story, truth: Truth) -> None:
    assert checks.all_of([story], truth) == []
    assert list(checks.wrong_events(truth)) == []


def test_a_payment_that_was_acknowledged_and_is_gone_is_found(story: Story, truth: Truth) -> None:
    """MS1."""
    truth.payments.clear()
    assert "lost: pi_1" in next(checks.broken_promises([story], truth))


@pytest.mark.parametrize("status", ["requires_capture", "requires_payment_method", "canceled"])
def test_a_payment_that_fell_back_is_found(story: Story, truth: Truth, status: str) -> None:
    """MS1."""
    truth.payments = [msgspec.structs.replace(truth.payments[0], status=status)]
    assert any("undone: pi_1" in each for each in checks.broken_promises([story], truth))


def test_a_payment_that_shrank_is_found(story: Story, truth: Truth) -> None:
    """MS1."""
    truth.payments = [msgspec.structs.replace(truth.payments[0], amount_received=1)]
    assert any("shrunk: pi_1" in each for each in checks.broken_promises([story], truth))


def test_a_refund_that_was_acknowledged_and_is_gone_is_found(story: Story, truth: Truth) -> None:
    """MS1."""
    truth.refunds.clear()
    assert "lost: re_1" in next(checks.broken_promises([story], truth))


def test_a_second_payment_of_one_key_is_found(story: Story, truth: Truth) -> None:
    """MS2."""
    truth.payments.append(msgspec.structs.replace(truth.payments[0], id="pi_2"))
    assert list(checks.repeated_effects([story], truth)) == [
        f"2 effects of {CREATE} with key s1-7.0"
    ]


def test_a_second_refund_of_one_key_is_found(story: Story, truth: Truth) -> None:
    """MS2."""
    truth.refunds.append(msgspec.structs.replace(truth.refunds[0], id="re_2"))
    assert list(checks.repeated_effects([story], truth)) == [
        f"2 effects of {REFUND} with key s1-7.2"
    ]


def test_a_refund_that_was_refused_and_done_is_found(story: Story, truth: Truth) -> None:
    """MS2."""
    story.asks[-1].answers = [answer({"error": {"code": "refund_exceeds_charge"}}, 400)]
    assert "refused, and done" in next(checks.repeated_effects([story], truth))


def test_an_effect_that_nobody_asked_for_is_found(truth: Truth) -> None:
    """MS2."""
    assert sorted(checks.repeated_effects([], truth)) == [
        "nobody asked for s1-7",
        "nobody asked for s1-7.2",
    ]


def test_an_answer_that_changed_by_one_byte_is_found(story: Story) -> None:
    """MS2."""
    first = story.asks[0].answers[0]
    story.asks[0].answers.append(Answer(first.status, first.body + b" "))
    (found,) = checks.changed_answers([story])
    assert found.startswith(f"another answer to {CREATE} with key s1-7.0: 200 ")


def test_an_answer_that_says_try_later_is_no_change(story: Story) -> None:
    """MS2: twins in flight get a 409, and an outage a 503; neither is the stored answer."""
    story.asks[0].answers += [answer({}, 409), answer({}, 503)]
    assert list(checks.changed_answers([story])) == []


def test_a_balance_that_does_not_add_up_is_found(story: Story, truth: Truth) -> None:
    """MS3."""
    truth.balance_minor += 1
    assert len(list(checks.wrong_sums([story], truth))) == 1


def test_a_missing_balance_transaction_is_found(story: Story, truth: Truth) -> None:
    """MS3."""
    truth.changes.pop()
    assert len(list(checks.wrong_sums([story], truth))) == 2


def test_a_charge_that_gave_back_too_much_is_found(story: Story, truth: Truth) -> None:
    """MS4."""
    charge = msgspec.structs.replace(truth.charges[0], amount_refunded=CAPTURED + 1)
    truth.charges = [charge]
    assert any("gave back more" in each for each in checks.wrong_sums([story], truth))


def test_a_second_capture_in_the_book_is_found(story: Story, truth: Truth) -> None:
    """MS9."""
    truth.book.append(Order("a4", "capture", "a1", CAPTURED, True))
    assert "2 money-taking orders" in next(checks.disagreements([story], truth))


def test_a_second_charge_in_the_book_is_found(story: Story, truth: Truth) -> None:
    """MS9."""
    truth.book.append(Order("a4", "pay", None, AMOUNT, True))
    assert "2 money-taking orders" in next(checks.disagreements([story], truth))


def test_a_second_charge_that_was_voided_is_no_violation(story: Story, truth: Truth) -> None:
    truth.book += [
        Order("a4", "pay", None, AMOUNT, True),
        Order("a5", "void", "a4", AMOUNT, True),
    ]
    assert list(checks.disagreements([story], truth)) == []


def test_a_refund_that_the_acquirer_never_got_is_found(story: Story, truth: Truth) -> None:
    """MS9."""
    truth.book.pop()
    assert list(checks.disagreements([story], truth)) == [
        f"pi_1: given back 0, refunded {GIVEN_BACK}"
    ]


def test_money_that_stays_held_is_found(story: Story, truth: Truth) -> None:
    """MS9."""
    truth.payments = [
        msgspec.structs.replace(truth.payments[0], status="canceled", amount_received=0)
    ]
    truth.book = truth.book[:1]
    truth.refunds = []
    assert list(checks.disagreements([story], truth)) == [
        f"pi_1 canceled: the acquirer holds {AMOUNT}"
    ]


def test_a_payment_whose_outcome_was_never_found_out_is_found(story: Story, truth: Truth) -> None:
    """MS9."""
    truth.payments = [msgspec.structs.replace(truth.payments[0], status="processing")]
    assert list(checks.disagreements([story], truth)) == ["pi_1 is still processing"]


def test_money_taken_for_a_payment_that_is_not_there_is_found(truth: Truth) -> None:
    """MS9."""
    story = held_captured_and_refunded()
    other = Story("s1-8", 8, Plot.PAID)
    truth.book.append(Order("b1", "pay", None, other.amount, True))
    found = list(checks.disagreements([story, other], truth))
    assert found == ["the acquirer's book knows a payment that the platform does not: story 8"]


def test_money_taken_with_a_declined_card_is_found(truth: Truth) -> None:
    """MS9."""
    story = held_captured_and_refunded()
    story.plot = Plot.DECLINED
    found = list(checks.disagreements([story], truth))
    assert found == ["pi_1: the acquirer took money with a card that is declined"]


def test_an_event_that_was_lost_is_found(truth: Truth) -> None:
    """MS8."""
    lost = truth.events.pop()
    assert list(checks.wrong_events(truth)) == [f"never published: {lost.type} of re_1"]


def test_an_event_that_came_twice_is_found(truth: Truth) -> None:
    """MS8."""
    truth.events.append(truth.events[0])
    assert list(checks.wrong_events(truth)) == ["published 2 times: payment_intent.created of pi_1"]


def test_an_event_of_what_did_not_happen_is_found(truth: Truth) -> None:
    """MS8."""
    truth.events.append(event("payment_intent.canceled", "pi_1"))
    assert list(checks.wrong_events(truth)) == [
        "published, and did not happen: payment_intent.canceled of pi_1"
    ]


def test_amounts_name_their_story() -> None:
    for number in (0, 1, 9, 10, 4_711):
        story = Story("s", number, Plot.CAPTURED)
        assert number_of(story.amount) == number
        assert number_of(story.capture) == number


def test_an_unanswered_request_is_the_next_one_again() -> None:
    story = Story("s1-1", 1, Plot.PAID)
    first = story.next_ask()
    assert first is not None
    first.answers.append(answer({}, 503))
    assert story.next_ask() is first
    assert [ask.key for ask in story.asks] == ["s1-1.0"]


def test_asks_of_one_story_have_keys_of_their_own(story: Story) -> None:
    assert len({ask.key for ask in story.asks}) == 3
    assert isinstance(story.asks[0], Ask)
