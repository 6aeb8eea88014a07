"""Rates of keys and merchants: how many pass, what is told, and what a restart forgets."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sycee.gateway import rates
from sycee.gateway.rates import Rates, Turnstile
from sycee.gateway.refusals import RateLimited
from sycee.gateway.routes import Priority
from sycee.gateway.settings import Settings
from sycee.services.identity.contract import ApiKeyId, Caller, Limits, Role
from tests.gateway.door import opened
from tests.gateway.fakes import MERCHANT
from tests.gateway.objects import PAYMENT

ONE = "/v1/payment_intents/pi_1"


class Gauge:
    """A turnstile, the time at it, and callers of one merchant."""

    def __init__(self, per_key: Rates, limits: Limits | None = None) -> None:
        self.now_s = 1_000.0
        self.merchant = msgspec.structs.replace(MERCHANT, limits=limits or Limits())
        self.per_key = per_key
        self.restart()

    def restart(self) -> None:
        self.turnstile = Turnstile(lambda: self.now_s, self.per_key)

    def ask(self, priority: Priority = Priority.READ, key: str = "key_1") -> dict[bytes, bytes]:
        caller = Caller(ApiKeyId(key), self.merchant, Role.SECRET, False)
        return dict(self.turnstile.pass_through(caller, priority))

    def passes(self, priority: Priority = Priority.READ, key: str = "key_1") -> bool:
        try:
            self.ask(priority, key)
        except RateLimited:
            return False
        return True


def filled(per_key: Rates, limits: Limits | None = None) -> Gauge:
    gauge = Gauge(per_key, limits)
    gauge.now_s += 1
    return gauge


@pytest.mark.parametrize("per_s", [1, 7, 100, 1_000])
@pytest.mark.parametrize("times", [1, 2, 10])
def test_at_any_load_as_many_pass_as_are_allowed_within_two_percent(per_s: int, times: int) -> None:
    """AE7."""
    gauge, seconds = filled(Rates(reads_per_s=per_s)), 100
    passed = 0
    for _ in range(per_s * times * seconds):
        gauge.now_s += 1 / (per_s * times)
        passed += gauge.passes()
    burst = per_s if times > 1 else 0
    assert passed == pytest.approx(per_s * seconds + burst, rel=0.02)


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 60)), max_size=20),
    st.sets(st.integers(0, 19)),
)
def test_never_more_pass_than_the_rate_and_one_burst_whatever_is_restarted(
    per_s: int, waves: list[tuple[float, int]], restarts: set[int]
) -> None:
    """AE7: a restart gives one request at most."""
    gauge = filled(Rates(reads_per_s=per_s))
    began, passed, restarted = gauge.now_s, 0, 0
    for number, (pause_s, requests) in enumerate(waves):
        gauge.now_s += pause_s
        if number in restarts:
            gauge.restart()
            restarted += 1
        passed += sum(gauge.passes() for _ in range(requests))
        assert passed <= per_s * (1 + gauge.now_s - began) + restarted + 1e-6


def test_a_fresh_process_gives_no_burst() -> None:
    """AE7."""
    gauge = Gauge(Rates(reads_per_s=10))
    assert [gauge.passes() for _ in range(10)] == [True] + [False] * 9


def test_keys_and_classes_have_buckets_of_their_own() -> None:
    gauge = filled(Rates(reads_per_s=1, writes_per_s=1))
    assert gauge.passes(Priority.READ) and not gauge.passes(Priority.READ)
    assert gauge.passes(Priority.CREATE) and not gauge.passes(Priority.CREATE)
    assert gauge.passes(Priority.SETTLE) and not gauge.passes(Priority.SETTLE)
    assert gauge.passes(Priority.READ, "key_2")


def test_a_merchants_rate_holds_for_all_its_keys_together() -> None:
    gauge = filled(Rates(), Limits(reads_per_s=4, writes_per_s=2))
    assert sum(gauge.passes(key=f"key_{each}") for each in range(9)) == 4
    assert sum(gauge.passes(Priority.CREATE, f"key_{each}") for each in range(9)) == 2


def test_what_the_merchants_bucket_refuses_is_not_taken_from_the_keys() -> None:
    gauge = filled(Rates(reads_per_s=2), Limits(reads_per_s=1))
    assert gauge.passes() and not gauge.passes()
    gauge.merchant = msgspec.structs.replace(gauge.merchant, limits=Limits())
    assert gauge.passes() and not gauge.passes()


def test_health_is_never_counted_and_no_limit_tells_nothing() -> None:
    gauge = Gauge(Rates(reads_per_s=1))
    assert all(gauge.ask(Priority.ALWAYS) == {} for _ in range(5))
    assert gauge.ask(Priority.CREATE) == {}


def test_the_fields_tell_the_narrowest_bucket() -> None:
    gauge = filled(Rates(reads_per_s=10), Limits(reads_per_s=4))
    told = gauge.ask()
    assert told == {
        b"ratelimit-limit": b"4",
        b"ratelimit-remaining": b"3",
        b"ratelimit-reset": b"1",
    }


def test_buckets_that_are_full_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """RE4: and those that are not full are remembered."""
    monkeypatch.setattr(rates, "BUCKETS_MAX", 3)
    gauge = filled(Rates(reads_per_s=1))
    for each in range(3):
        assert gauge.passes(key=f"key_{each}")
    gauge.now_s += 0.5
    assert gauge.passes(key="key_3") and not gauge.passes(key="key_0")
    gauge.now_s += 0.5
    assert gauge.passes(key="key_4") and not gauge.passes(key="key_3")
    assert len(gauge.turnstile._full_at) == 2


def test_buckets_of_the_first_second_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "BUCKETS_MAX", 1)
    gauge = Gauge(Rates(reads_per_s=2))
    assert gauge.passes(key="key_1") and gauge.passes(key="key_2")
    assert not gauge.passes(key="key_1") and not gauge.passes(key="key_2")


def test_a_rate_below_zero_is_not_configured() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Rates(writes_per_s=-1)


async def test_too_many_requests_are_429_as_stripe_words_it() -> None:
    """AE7."""
    settings = Settings(rates=Rates(reads_per_s=2))
    async with opened(settings=settings, get_payment=PAYMENT) as door:
        first = await door.client.get(ONE)
        assert first.status_code == 200 and first.headers["ratelimit-remaining"] == "0"
        refused = await door.client.get(ONE)
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "rate_limit")
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["stripe-should-retry"] == "true"
        assert refused.headers["ratelimit-limit"] == "2"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert refused.headers["ratelimit-reset"] == "1"
        assert len(door.payments.asked) == 1
        door.clock.pass_s(1)
        assert (await door.client.get(ONE)).status_code == 200


async def test_other_doors_word_it_as_a_problem() -> None:
    async with opened(settings=Settings(rates=Rates(reads_per_s=1)), get_payment=PAYMENT) as door:
        await door.client.get("/payment/query?id=7")
        refused = await door.client.get("/payment/query?id=7")
        assert refused.status_code == 429 and refused.json()["code"] == "rate_limit"
        assert refused.headers["retry-after"] == "1"
