"""The rules of fraud, as tables and against a plain model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.money import Money
from sycee.services.fraud import domain
from sycee.services.fraud.contract import (
    BlockValueInvalid,
    Decision,
    JudgePayment,
    ListKind,
    Reason,
)
from sycee.services.fraud.domain import Thresholds, VelocityRule, VelocityRules, Window

THRESHOLDS = Thresholds(challenge=500, review=700, decline=900)
RULE = VelocityRule("velocity_card", 10, 500, "attempts of this card")
OFF = VelocityRule("off", 0, 500, "")


def reason(points, rule="r"):
    return Reason(rule, points, "")


@pytest.mark.parametrize(
    ("points", "score", "decision"),
    [
        ([], 0, Decision.APPROVE),
        ([499], 499, Decision.APPROVE),
        ([500], 500, Decision.CHALLENGE),
        ([300, 399], 699, Decision.CHALLENGE),
        ([700], 700, Decision.REVIEW),
        ([899], 899, Decision.REVIEW),
        ([900], 900, Decision.DECLINE),
        ([1000, 1000], 1000, Decision.DECLINE),
    ],
)
def test_points_add_up_to_a_decision(points, score, decision):
    judgement = domain.judgement([reason(p) for p in points], THRESHOLDS)
    assert (judgement.score, judgement.decision) == (score, decision)


def test_the_strongest_reason_comes_first():
    reasons = [reason(100, "weak"), reason(500, "strong"), reason(100, "also weak")]
    judgement = domain.judgement(reasons, THRESHOLDS)
    assert [r.rule for r in judgement.reasons] == ["strong", "weak", "also weak"]


@pytest.mark.parametrize(
    ("total", "points"), [(1, 0), (10, 0), (11, 500), (20, 500), (21, 1000), (999, 1000)]
)
def test_each_full_limit_adds_points(total, points):
    found = domain.velocity_reason(RULE, total)
    assert (found.points if found else 0) == points


PAYMENT = JudgePayment(
    attempt="att_1",
    merchant="acct_1",
    amount=Money(20_00, "USD"),
    card_fingerprint="FingerPrint",
    card_bin="424242",
    customer="cus_A",
    email="Eve@Bad.example",
    ip="2001:DB8::1",
)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ListKind.CARD_FINGERPRINT, "fingerPRINT"),
        (ListKind.CARD_BIN, "424242"),
        (ListKind.EMAIL, " eve@BAD.example "),
        (ListKind.EMAIL_DOMAIN, "bad.EXAMPLE"),
        (ListKind.IP, "2001:db8:0::1"),
        (ListKind.CUSTOMER, "CUS_a"),
    ],
)
def test_a_block_matches_in_any_case(kind, value):
    blocked = {(kind, domain.block_value(kind, value))}
    (found,) = domain.block_reasons(PAYMENT, blocked)
    assert (found.rule, found.points) == (f"blocked_{kind.value}", 1000)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ListKind.CARD_FINGERPRINT, " "),
        (ListKind.CUSTOMER, "x" * 321),
        (ListKind.CARD_BIN, "42424"),
        (ListKind.CARD_BIN, "42424x"),
        (ListKind.EMAIL, "eve"),
        (ListKind.EMAIL, "@bad.example"),
        (ListKind.EMAIL_DOMAIN, "eve@bad.example"),
        (ListKind.EMAIL_DOMAIN, "localhost."),
        (ListKind.IP, "10.0.0.256"),
    ],
)
def test_a_value_that_could_never_match_is_refused(kind, value):
    with pytest.raises(BlockValueInvalid) as refused:
        domain.block_value(kind, value)
    assert refused.value.param == "value"


def test_a_payment_without_details_matches_no_block():
    bare = JudgePayment("att_1", "acct_1", Money(1, "USD"), "f", "424242")
    blocked = {(kind, "x") for kind in ListKind}
    assert domain.block_reasons(bare, blocked) == []


def test_a_rule_that_is_off_counts_nothing():
    velocity = domain.Velocity(VelocityRules(OFF, OFF, OFF, OFF))
    assert not velocity.is_on


def test_what_a_payment_does_not_say_is_not_counted():
    velocity = domain.Velocity(VelocityRules(OFF, RULE, RULE, OFF))
    tried = domain.Tried(0, "acct_1", "f", None, None, "USD", 99, 0)
    assert velocity.is_on
    assert velocity.count(tried) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 5), st.integers(0, 2000)),
        max_size=60,
    )
)
def test_a_window_agrees_with_a_plain_sum(events):
    window, seen, now_s = Window(3600), [], 1_000_000
    for key, amount, passed_s in events:
        now_s += passed_s
        seen.append((now_s // 30, key, amount))
        expected = sum(a for b, k, a in seen if k == key and b > now_s // 30 - 120)
        assert window.add(key, amount, now_s) == expected


def test_a_window_stands_when_the_clock_steps_back():
    """MS10."""
    window = Window(3600)
    window.add("k", 1, 10_000)
    assert window.add("k", 1, 5_000) == 2


def test_a_window_forgets_keys_it_need_not_know():
    window = Window(3600)
    window.add("k", 1, 0)
    window.add("other", 1, 3600)
    assert len(window) == 1


def test_a_window_that_is_full_gives_up_its_oldest_counts():
    window = Window(3600, keys_max=2)
    for place, key in enumerate("abc"):
        window.add(key, 1, place * 60)
    assert len(window) == 2
    assert window.add("b", 1, 180) == 2
