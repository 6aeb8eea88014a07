"""Which limits a payment counts toward, over which time, and when it does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sycee.kernel.clock import SECOND_NS, Instant, seconds
from sycee.kernel.money import Money, currency
from sycee.kernel.refusal import Refusal
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.shared import CustomerId
from sycee.services.payments.contract.velocity import (
    PaymentAboveLimit,
    PaymentBelowLimit,
    Period,
    VelocityLimit,
    VelocityLimitExceeded,
    VelocityLimitInvalid,
)
from sycee.services.payments.domain.attempts import Attempt, Counted

LIMITS_MAX = 50
"""Limits of one merchant; each that fits is counted in every payment's unit."""
METHODS = frozenset({"card"})
"""Types of payment methods that can be limited."""
UNLIMITED = 2**62
"""More than any count or sum."""
PARAMS = {"merchant": "amount", "customer": "customer", "card": "method"}
"""The field at fault when a count is used up, by whose it is."""


class Window(NamedTuple):
    """A calendar period."""

    begins: Instant
    ends: Instant


class Counter(NamedTuple):
    """What one payment adds to one limit's count, and how far that may go."""

    counted: Counted
    ends: Instant
    count_max: int
    minor_max: int
    param: str


def check_limits(limits: tuple[VelocityLimit, ...]) -> None:
    """Refuse limits that contradict themselves or each other."""
    if len(limits) > LIMITS_MAX:
        raise VelocityLimitInvalid(f"There may be at most {LIMITS_MAX} limits.", param="limits")
    seen = set()
    for limit in limits:
        _check_limit(limit)
        subject = (limit.period, limit.per, limit.method, limit.currency)
        if subject in seen:
            raise VelocityLimitInvalid(
                "Two limits are of the same period, per, method and currency: make them one.",
                param="limits",
            )
        seen.add(subject)


def _check_limit(limit: VelocityLimit) -> None:
    least, most, count = limit.amount_minor_min, limit.amount_minor_max, limit.count_max
    given = [each for each in (least, most, count) if each is not None]
    if not given:
        raise VelocityLimitInvalid("The limit limits nothing.", param="amount_max")
    if any(not 0 < each < UNLIMITED for each in given):
        raise VelocityLimitInvalid("Limits must be greater than zero.", param="amount_max")
    if limit.method is not None and limit.method not in METHODS:
        raise VelocityLimitInvalid(f"There is no method {limit.method!r}.", param="method")
    if limit.currency is None and (least is not None or most is not None):
        raise VelocityLimitInvalid("A limit of amounts needs a currency.", param="currency")
    if limit.currency is not None:
        currency(limit.currency)
    if limit.period == "payment":
        _check_single(limit)
    elif least is not None:
        raise VelocityLimitInvalid(
            "Only a single payment has a smallest amount: its period is 'payment'.",
            param="amount_min",
        )


def _check_single(limit: VelocityLimit) -> None:
    if limit.count_max is not None:
        raise VelocityLimitInvalid("A single payment is not counted.", param="count_max")
    if limit.per != "merchant":
        raise VelocityLimitInvalid("A limit of single payments is per merchant.", param="per")
    least, most = limit.amount_minor_min, limit.amount_minor_max
    if least is not None and most is not None and least > most:
        raise VelocityLimitInvalid("The smallest amount is above the largest.", param="amount_min")


def counters(
    limits: tuple[VelocityLimit, ...], attempt: Attempt, customer: CustomerId | None
) -> list[Counter]:
    """Where a try counts, once each payment by itself is within its limits."""
    found = []
    for limit in limits:
        if not _fits(limit, attempt):
            continue
        if limit.period == "payment":
            _check_payment(limit, attempt.amount)
            continue
        subject = subject_of(limit, customer, attempt.method.card.fingerprint)
        if subject is not None:
            found.append(_counter(limit, attempt, subject))
    return found


def subject_of(limit: VelocityLimit, customer: CustomerId | None, card: str | None) -> str | None:
    """Whose payments a limit counts together; None when nobody's."""
    return {"merchant": "", "customer": customer, "card": card}[limit.per]


def key_of(
    merchant: MerchantId, livemode: bool, limit: VelocityLimit, subject: str, window: Window
) -> str:
    """The name of a count. The limit's numbers are not in it: changing them keeps the count."""
    mode = "live" if livemode else "test"
    parts = (merchant, mode, limit.period, seconds(window.begins), limit.per, subject)
    return "|".join(map(str, (*parts, limit.method or "", limit.currency or "")))


def window(period: Period, now: Instant) -> Window:
    """The calendar period that is on, in UTC; weeks begin on Monday (ISO 8601)."""
    today = datetime.fromtimestamp(seconds(now), UTC).date()
    if period == "month":
        first = today.replace(day=1)
        return Window(_midnight(first), _midnight((first + timedelta(days=31)).replace(day=1)))
    days = today.weekday() if period == "week" else 0
    first = today - timedelta(days=days)
    length = timedelta(days=7 if period == "week" else 1)
    return Window(_midnight(first), _midnight(first + length))


def exceeded(counter: Counter, amount: Money, count: int, minor: int) -> Refusal:
    """The refusal of a payment that does not fit, saying what is left."""
    until = datetime.fromtimestamp(seconds(counter.ends), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = {"resets_at": until}
    if count >= counter.count_max:
        return VelocityLimitExceeded(
            f"The limit of {counter.count_max} payments is used up until {until}.",
            param=counter.param,
            facts={**facts, "count_left": "0"},
        )
    left = Money(max(counter.minor_max - minor, 0), amount.currency)
    return VelocityLimitExceeded(
        f"The amount is above what the limit leaves until {until}: {left}.",
        param="amount",
        facts={**facts, "amount_left": str(left.minor)},
    )


def _fits(limit: VelocityLimit, attempt: Attempt) -> bool:
    return limit.method in (None, attempt.method.type) and limit.currency in (
        None,
        attempt.amount.currency,
    )


def _check_payment(limit: VelocityLimit, amount: Money) -> None:
    least, most = limit.amount_minor_min, limit.amount_minor_max
    if least is not None and amount.minor < least:
        shown = Money(least, amount.currency)
        raise PaymentBelowLimit(f"A payment must be at least {shown}.", param="amount")
    if most is not None and amount.minor > most:
        shown = Money(most, amount.currency)
        raise PaymentAboveLimit(f"A payment must be no more than {shown}.", param="amount")


def _counter(limit: VelocityLimit, attempt: Attempt, subject: str) -> Counter:
    on = window(limit.period, attempt.started)
    key = key_of(attempt.merchant, attempt.livemode, limit, subject, on)
    return Counter(
        Counted(key, 0 if limit.currency is None else attempt.amount.minor),
        on.ends,
        UNLIMITED if limit.count_max is None else limit.count_max,
        UNLIMITED if limit.amount_minor_max is None else limit.amount_minor_max,
        PARAMS[limit.per],
    )


def _midnight(day: date) -> Instant:
    return Instant(int(datetime.combine(day, time(), UTC).timestamp()) * SECOND_NS)
