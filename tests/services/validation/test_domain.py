"""The rules of validation: one row, one rule, in order of precedence."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.kernel.clock import Instant, after
from sycee.kernel.currencies import BY_CODE
from sycee.kernel.money import Money
from sycee.services.identity.contract import Limits, Merchant, MerchantStatus
from sycee.services.validation import contract as v
from sycee.services.validation import domain

NOW = Instant(1_798_718_400_000_000_000)
"""2026-12-31 12:00 UTC."""
VISA = "4242424242424242"


def with_check_digit(digits):
    """Append the digit that makes the number pass Luhn."""
    return next(digits + str(n) for n in range(10) if domain.passes_luhn(digits + str(n)))


def card(number=VISA, exp_month=12, exp_year=2026, cvc="123"):
    return v.CardNumber(number, exp_month, exp_year, cvc)


BRANDS = [
    ("4242424242424242", "visa"),
    (with_check_digit("400000000000"), "visa"),
    (with_check_digit("400000000000000000"), "visa"),
    ("5555555555554444", "mastercard"),
    ("5105105105105100", "mastercard"),
    ("2223003122003222", "mastercard"),
    (with_check_digit("222100000000000"), "mastercard"),
    (with_check_digit("272099999999999"), "mastercard"),
    ("378282246310005", "amex"),
    ("371449635398431", "amex"),
    (with_check_digit("34000000000000"), "amex"),
    ("6011111111111117", "discover"),
    (with_check_digit("644000000000000"), "discover"),
    (with_check_digit("649999999999999"), "discover"),
    (with_check_digit("650000000000000"), "discover"),
    ("3056930009020004", "diners"),
    ("36227206271667", "diners"),
    (with_check_digit("3800000000000"), "diners"),
    (with_check_digit("3900000000000"), "diners"),
    ("3566002020360505", "jcb"),
    (with_check_digit("352800000000000"), "jcb"),
    (with_check_digit("358999999999999"), "jcb"),
    ("6200000000000005", "unionpay"),
    ("6205500000000000004", "unionpay"),
    (with_check_digit("810000000000000"), "unionpay"),
]


@pytest.mark.parametrize(("number", "brand"), BRANDS)
def test_the_first_digits_tell_the_brand(number, brand):
    cvc = "1234" if brand == "amex" else "123"
    facts = domain.check_card(card(number, cvc=cvc), NOW)
    assert facts == v.CardFacts(brand, number[-4:], number[:6], 12, 2026)


CARD_REFUSALS = [
    # Everything is wrong: the number speaks first, then each rule in its turn.
    (card("", 0, 0, ""), v.CardNumberInvalid, "number"),
    (card("42424242424", 0, 0, ""), v.CardNumberInvalid, "number"),
    (card("4" * 20, 0, 0, ""), v.CardNumberInvalid, "number"),
    (card("424242424242424x", 0, 0, ""), v.CardNumberInvalid, "number"),
    (card("٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢", 0, 0, ""), v.CardNumberInvalid, "number"),
    (card("4242424242424241", 0, 0, ""), v.CardNumberInvalid, "number"),
    (card(with_check_digit("900000000000000"), 0, 0, ""), v.CardBrandUnknown, "number"),
    (card(with_check_digit("272100000000000"), 0, 0, ""), v.CardBrandUnknown, "number"),
    (card(with_check_digit("222099999999999"), 0, 0, ""), v.CardBrandUnknown, "number"),
    (card(with_check_digit("40000000000000"), 0, 0, ""), v.CardNumberInvalid, "number"),
    (card(VISA, 0, 0, ""), v.CardExpiryMonthInvalid, "exp_month"),
    (card(VISA, 13, 0, ""), v.CardExpiryMonthInvalid, "exp_month"),
    (card(VISA, 12, 2025, ""), v.CardExpiryYearInvalid, "exp_year"),
    (card(VISA, 12, 26, ""), v.CardExpiryYearInvalid, "exp_year"),
    (card(VISA, 12, 2077, ""), v.CardExpiryYearInvalid, "exp_year"),
    (card(VISA, 11, 2026, ""), v.CardExpired, "exp_month"),
    (card(cvc=""), v.CardCvcInvalid, "cvc"),
    (card(cvc="12"), v.CardCvcInvalid, "cvc"),
    (card(cvc="1234"), v.CardCvcInvalid, "cvc"),
    (card(cvc="12x"), v.CardCvcInvalid, "cvc"),
    (card("378282246310005", cvc="123"), v.CardCvcInvalid, "cvc"),
]


@pytest.mark.parametrize(("brought", "refusal", "param"), CARD_REFUSALS)
def test_a_card_is_refused_by_the_first_rule_it_breaks(brought, refusal, param):
    with pytest.raises(refusal) as refused:
        domain.check_card(brought, NOW)
    assert refused.value.param == param


def test_a_card_without_cvc_passes():
    assert domain.check_card(card(cvc=None, exp_year=2076), NOW).brand == "visa"


def test_brand_ranges_are_in_order_and_apart():
    edges = [edge for start, end, _, _ in domain.BRANDS for edge in (start, end)]
    assert edges == sorted(edges)


@given(st.text("0123456789", min_size=11, max_size=18), st.data())
def test_one_wrong_digit_never_passes_luhn(digits, data):
    number = with_check_digit(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not domain.passes_luhn(number[:place] + wrong + number[place + 1 :])


@given(st.integers(0, 12_000_000_000))
def test_months_agree_with_the_calendar(unix_s):
    moment = datetime.fromtimestamp(unix_s, UTC)
    assert divmod(domain.month_of(Instant(unix_s * 10**9)), 12) == (moment.year, moment.month - 1)


def merchant(status=MerchantStatus.ACTIVE, **limits):
    return Merchant("acct_1", "Shop", "US", "USD", status, Limits(**limits), NOW)


def payment(minor=20_00, currency="USD", method="card", exp=(12, 2026), twin_s=None):
    return v.CheckPayment(
        merchant="acct_1",
        amount=Money(minor, currency),
        method=method,
        card=v.CardFacts("visa", "4242", "424242", *exp),
        twin_at=None if twin_s is None else after(NOW, -twin_s),
    )


WINDOW = merchant(duplicate_window_s=60, currencies=("USD", "JPY"))
# Each bad payment breaks its own rule and all that come after it.
PAYMENT_REFUSALS = [
    (payment(0, "EUR", "cash", (1, 2020), 1), None, v.MerchantNotActive, "merchant"),
    (
        payment(0, "EUR", "cash", (1, 2020), 1),
        merchant(MerchantStatus.SUSPENDED),
        v.MerchantNotActive,
        "merchant",
    ),
    (payment(0, "EUR", "cash", (1, 2020), 1), WINDOW, v.MethodNotAccepted, "method"),
    (payment(0, "EUR", "card", (1, 2020), 1), WINDOW, v.CurrencyNotAccepted, "currency"),
    (payment(0, "USD", "card", (1, 2020), 1), WINDOW, v.AmountNotPositive, "amount"),
    (payment(-5, "USD", "card", (1, 2020), 1), WINDOW, v.AmountNotPositive, "amount"),
    (payment(49, "USD", "card", (1, 2020), 1), WINDOW, v.AmountTooSmall, "amount"),
    (payment(49, "JPY", "card", (1, 2020), 1), WINDOW, v.AmountTooSmall, "amount"),
    (payment(100_000_000, "USD", "card", (1, 2020), 1), WINDOW, v.AmountTooLarge, "amount"),
    (payment(exp=(11, 2026), twin_s=1), WINDOW, v.CardExpired, "exp_month"),
    (payment(exp=(12, 2025), twin_s=1), WINDOW, v.CardExpired, "exp_month"),
    (payment(twin_s=1), WINDOW, v.DuplicatePayment, "amount"),
    (payment(twin_s=59), WINDOW, v.DuplicatePayment, "amount"),
]


@pytest.mark.parametrize(("query", "facts", "refusal", "param"), PAYMENT_REFUSALS)
def test_a_payment_is_refused_by_the_first_rule_it_breaks(query, facts, refusal, param):
    with pytest.raises(refusal) as refused:
        domain.check_payment(query, facts, NOW)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("query", "facts"),
    [
        (payment(50), WINDOW),
        (payment(50, "JPY"), WINDOW),
        (payment(99_999_999), WINDOW),
        (payment(1, "KWD"), merchant()),
        (payment(twin_s=60), WINDOW),
        (payment(twin_s=0), merchant()),
        (v.CheckPayment("acct_1", Money(50, "USD"), "card"), merchant()),
    ],
)
def test_an_ordinary_payment_passes(query, facts):
    domain.check_payment(query, facts, NOW)


def test_a_smallest_amount_is_told_in_its_currency():
    with pytest.raises(v.AmountTooSmall) as refused:
        domain.check_payment(payment(1, "JPY"), merchant(), NOW)
    assert refused.value.detail == "The amount must be at least 50 JPY."


def test_smallest_amounts_are_of_known_currencies():
    assert domain.SMALLEST.keys() <= BY_CODE.keys()
