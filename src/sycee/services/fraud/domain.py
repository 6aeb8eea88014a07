"""The rules that score a payment: block lists, velocity, thresholds."""

from __future__ import annotations

from collections.abc import Container, Hashable, Sequence
from ipaddress import ip_address

import msgspec

from sycee.services.fraud.contract import (
    BlockValueInvalid,
    Decision,
    Judgement,
    JudgePayment,
    ListKind,
    Reason,
)
from sycee.services.identity.contract import MerchantId

SCORE_MAX = 1000
VALUE_LENGTH_MAX = 320
"""The longest e-mail address (RFC 5321: 64 + 1 + 255)."""
WINDOW_S = 3600
BUCKETS = 120
KEYS_MAX = 200_000
"""Keys counted in one window; beyond that the oldest counts go early."""


class Thresholds(msgspec.Struct, frozen=True):
    """From which score on a payment is challenged, reviewed, declined."""

    challenge: int
    review: int
    decline: int


class VelocityRule(msgspec.Struct, frozen=True):
    """More than ``limit`` within the window adds ``points``, and again for each further limit.

    A limit of 0 switches the rule off.
    """

    name: str
    limit: int
    points: int
    subject: str
    """What is counted, in words."""


class VelocityRules(msgspec.Struct, frozen=True):
    """One rule per thing that is counted."""

    card: VelocityRule
    customer: VelocityRule
    ip: VelocityRule
    merchant: VelocityRule


class Tried(msgspec.Struct, frozen=True):
    """Attempts that are alike in all that velocity counts."""

    at_s: int
    merchant: MerchantId
    card: str
    customer: str | None
    ip: str | None
    currency: str
    attempts: int
    amount_minor: int


class Window:
    """Sums per key over the last ``span_s`` seconds, as a ring of buckets.

    A sum is exact to one bucket: it reaches back between 119 and 120 of 120 buckets.
    """

    def __init__(self, span_s: int, keys_max: int = KEYS_MAX) -> None:
        self._keys_max = keys_max
        self._bucket_s = max(1, span_s // BUCKETS)
        self._ring: list[dict[Hashable, int]] = [{} for _ in range(BUCKETS)]
        self._sums: dict[Hashable, int] = {}
        self._newest = 0

    def add(self, key: Hashable, amount: int, now_s: int) -> int:
        """Count ``amount`` for the key; its sum over the window, this one included.

        A time before the newest counts as the newest: clocks may step back, windows do not.
        """
        bucket = now_s // self._bucket_s
        if bucket > self._newest:
            self._advance(bucket)
        counts = self._ring[self._newest % BUCKETS]
        counts[key] = counts.get(key, 0) + amount
        total = self._sums[key] = self._sums.get(key, 0) + amount
        if len(self._sums) > self._keys_max:
            self._drop_oldest()
        return total

    def __len__(self) -> int:
        return len(self._sums)

    def _advance(self, bucket: int) -> None:
        first = max(self._newest + 1, bucket - BUCKETS + 1)
        for passed in range(first, bucket + 1):
            self._drop(passed)
        self._newest = bucket

    def _drop_oldest(self) -> None:
        oldest_first = range(self._newest + 1, self._newest + BUCKETS + 1)
        filled = [bucket for bucket in oldest_first if self._ring[bucket % BUCKETS]]
        self._drop(filled[0])

    def _drop(self, bucket: int) -> None:
        sums = self._sums
        for key, amount in self._ring[bucket % BUCKETS].items():
            left = sums[key] - amount
            if left:
                sums[key] = left
            else:
                del sums[key]
        self._ring[bucket % BUCKETS] = {}


class Velocity:
    """Counts attempts per card, customer, address, and the amount per merchant and currency."""

    def __init__(self, rules: VelocityRules) -> None:
        self._card = _Meter(rules.card)
        self._customer = _Meter(rules.customer)
        self._ip = _Meter(rules.ip)
        self._merchant = _Meter(rules.merchant)
        meters = (self._card, self._customer, self._ip, self._merchant)
        self.is_on = any(meter.rule.limit for meter in meters)

    def count(self, tried: Tried) -> list[Reason]:
        """Count, and tell which rules fire."""
        reasons = [
            self._card.count(tried.merchant, tried.card, tried.attempts, tried.at_s),
            self._customer.count(tried.merchant, tried.customer, tried.attempts, tried.at_s),
            self._ip.count(tried.merchant, tried.ip, tried.attempts, tried.at_s),
            self._merchant.count(tried.merchant, tried.currency, tried.amount_minor, tried.at_s),
        ]
        return [reason for reason in reasons if reason is not None]


class _Meter:
    def __init__(self, rule: VelocityRule) -> None:
        self.rule = rule
        self._window = Window(WINDOW_S)

    def count(self, merchant: MerchantId, key: str | None, amount: int, at_s: int) -> Reason | None:
        if not self.rule.limit or key is None:
            return None
        return velocity_reason(self.rule, self._window.add((merchant, key), amount, at_s))


def judgement(reasons: Sequence[Reason], thresholds: Thresholds) -> Judgement:
    """Add up the reasons and decide; the strongest reason comes first."""
    if not reasons:
        return CLEAR
    score = min(SCORE_MAX, sum(reason.points for reason in reasons))
    ordered = tuple(sorted(reasons, key=lambda reason: -reason.points))
    return Judgement(_decision(score, thresholds), score, ordered)


def block_reasons(query: JudgePayment, blocked: Container[tuple[ListKind, str]]) -> list[Reason]:
    """One reason for each of the payment's values that is on the block list."""
    email = query.email.lower() if query.email else ""
    values = (
        (ListKind.CARD_FINGERPRINT, query.card_fingerprint.lower()),
        (ListKind.CARD_BIN, query.card_bin),
        (ListKind.EMAIL, email),
        (ListKind.EMAIL_DOMAIN, email.rpartition("@")[2]),
        (ListKind.IP, (query.ip or "").lower()),
        (ListKind.CUSTOMER, (query.customer or "").lower()),
    )
    return [
        Reason(f"blocked_{kind.value}", SCORE_MAX, f"The {kind.value} is on the block list.")
        for kind, value in values
        if (kind, value) in blocked
    ]


def velocity_reason(rule: VelocityRule, total: int) -> Reason | None:
    """The reason when the window's sum is above the rule's limit."""
    if total <= rule.limit:
        return None
    times = (total - 1) // rule.limit
    points = min(SCORE_MAX, rule.points * times)
    return Reason(
        rule.name, points, f"{total} {rule.subject} within the hour; {rule.limit} is usual."
    )


def block_value(kind: ListKind, value: str) -> str:
    """The form in which a value is kept and compared, or a refusal."""
    plain = value.strip().lower()
    if not 0 < len(plain) <= VALUE_LENGTH_MAX or not _has_form(kind, plain):
        raise BlockValueInvalid(f"This is not a usable {kind.value}.", param="value")
    return str(ip_address(plain)) if kind is ListKind.IP else plain


def _decision(score: int, thresholds: Thresholds) -> Decision:
    if score >= thresholds.decline:
        return Decision.DECLINE
    if score >= thresholds.review:
        return Decision.REVIEW
    if score >= thresholds.challenge:
        return Decision.CHALLENGE
    return Decision.APPROVE


def _has_form(kind: ListKind, value: str) -> bool:
    if kind is ListKind.CARD_BIN:
        return len(value) == 6 and value.isascii() and value.isdigit()
    if kind is ListKind.EMAIL:
        name, at, domain = value.rpartition("@")
        return bool(name and at and domain)
    if kind is ListKind.EMAIL_DOMAIN:
        return "@" not in value and "." in value.strip(".")
    if kind is ListKind.IP:
        return _is_address(value)
    return True


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


CLEAR = Judgement(Decision.APPROVE, 0, ())
"""Nothing speaks against the payment."""
