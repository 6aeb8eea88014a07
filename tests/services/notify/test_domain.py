"""The rules of webhooks, as tables."""

import base64
import json
import time
from ipaddress import ip_address

import msgspec
import pytest
import stripe
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from tests.services.floor import NOON
from tests.services.notify.urls import ALLOWED_URLS, REFUSED_URLS

from sycee.kernel.clock import Instant, after
from sycee.runtime import signatures
from sycee.services.notify.contract import (
    DeliveryStatus,
    Endpoint,
    EndpointStatus,
    Event,
    EventTypeUnknown,
    UpdateEndpoint,
    UrlNotAllowed,
)
from sycee.services.notify.domain import addresses, endpoints, retries, types, urls
from sycee.services.notify.domain.retries import Attempt, Breaker, Verdict
from sycee.services.notify.domain.seals import Seal
from sycee.services.notify.domain.types import Wanted
from sycee.services.notify.domain.urls import Rules

SHOP, ENDPOINT = "acct_shop", "we_1"
SECRET = signatures.secret_text(bytes(range(32)))
HOME = Endpoint(
    id=ENDPOINT,
    merchant=SHOP,
    url="https://shop.example/in",
    enabled_events=("*",),
    status=EndpointStatus.ENABLED,
    created=NOON,
    livemode=False,
    description="orders",
    metadata={"team": "a", "tier": "1"},
)


def event(kind, livemode=False):
    return Event("evt_1", SHOP, kind, NOON, livemode, b"", "payment")


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_may_lead_inside_is_refused(url):
    """WH2: the corpus."""
    with pytest.raises(UrlNotAllowed) as refused:
        urls.target(url, Rules())
    assert refused.value.param == "url"


def test_the_corpus_is_large_enough():
    """WH2."""
    assert len(set(REFUSED_URLS)) >= 150


@pytest.mark.parametrize("url", ALLOWED_URLS)
def test_a_url_on_the_internet_is_allowed(url):
    urls.target(url, Rules())


def test_a_url_may_be_long_but_not_endless():
    url = "https://shop.example/"
    urls.target(url.ljust(urls.LENGTH_MAX, "x"), Rules())
    with pytest.raises(UrlNotAllowed):
        urls.target(url.ljust(urls.LENGTH_MAX + 1, "x"), Rules())


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://Shop.example", "shop.example", "/"),
        ("https://shop.example:443/a?b=c", "shop.example", "/a?b=c"),
        ("https://shop.example:80?q", "shop.example:80", "/?q"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "/"),
        ("https://[2606:4700::1111]:80/", "[2606:4700::1111]:80", "/"),
    ],
)
def test_a_url_is_taken_apart(url, authority, path):
    found = urls.target(url, Rules())
    assert (found.authority, found.path) == (authority, path)


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("http://localhost:3000/in", True),
        ("http://127.0.0.1:3000/in", True),
        ("https://127.1.2.3:3000/in", True),
        ("http://[::1]:3000/in", True),
        ("http://0.0.0.0:3000/in", False),
        ("http://2130706433:3000/in", False),
        ("http://10.0.0.1/in", False),
        ("http://shop.example/in", False),
        ("https://shop.example:3000/in", False),
        ("https://169.254.169.254/", False),
        ("http://user@localhost/in", False),
    ],
)
def test_in_development_receivers_may_be_on_this_machine(url, passes):
    rules = Rules(loopback=True)
    if passes:
        urls.target(url, rules)
        return
    with pytest.raises(UrlNotAllowed):
        urls.target(url, rules)


def test_an_operator_may_vouch_for_hosts_and_ports():
    rules = Rules(ports=frozenset({443, 8443}), hosts=frozenset({"receiver", "10.1.2.3"}))
    for url in ("http://receiver:9000/in", "http://10.1.2.3:1/", "https://shop.example:8443/"):
        urls.target(url, rules)
    for url in ("http://receivers/", "https://10.1.2.4/", "https://shop.example:80/"):
        with pytest.raises(UrlNotAllowed):
            urls.target(url, rules)


@pytest.mark.parametrize(
    ("url", "address", "passes"),
    [
        ("https://shop.example/", "93.184.215.14", True),
        ("https://shop.example/", "2606:4700::1111", True),
        ("https://shop.example/", "127.0.0.1", False),
        ("https://shop.example/", "10.0.0.1", False),
        ("https://shop.example/", "::ffff:93.184.215.14", False),
        ("https://shop.example/", "fe80::1%eth0", False),
        ("http://localhost/", "127.0.0.1", True),
        ("http://localhost/", "::1", True),
        ("http://localhost/", "93.184.215.14", False),
        ("http://localhost/", "10.0.0.1", False),
        ("http://receiver/", "10.0.0.1", True),
        ("http://receiver/", "127.0.0.1", True),
        ("http://receiver/", "169.254.169.254", False),
        ("http://receiver/", "fe80::1", False),
        ("http://receiver/", "224.0.0.1", False),
    ],
)
def test_the_address_behind_a_name_is_checked_too(url, address, passes):
    """WH2."""
    rules = Rules(loopback=True, hosts=frozenset({"receiver"}))
    found = urls.target(url, rules)
    if passes:
        urls.check_address(found, ip_address(address), rules)
        return
    with pytest.raises(UrlNotAllowed):
        urls.check_address(found, ip_address(address), rules)


@given(st.ip_addresses(v=4))
def test_what_python_calls_private_is_never_public(address):
    """WH2: a second opinion on the table of networks."""
    if address.is_private or address.is_multicast or address.is_reserved:
        assert not addresses.is_public(address)


@given(st.ip_addresses(v=6))
def test_no_address_of_version_6_that_carries_one_of_version_4_is_public(address):
    """WH2."""
    if address.ipv4_mapped or address.sixtofour or address.teredo or address.is_private:
        assert not addresses.is_public(address)


@pytest.mark.parametrize(
    "pattern", ["*", "payment_intent.*", "charge.*", "charge.refund.*", *sorted(types.TYPES)]
)
def test_types_that_are_sent_can_be_wanted(pattern):
    types.check_wanted([pattern])


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        [""],
        ["**"],
        [".*"],
        ["payment_intent"],
        ["payment_intent*"],
        ["payment_intent.succeede*"],
        ["payment_intent.SUCCEEDED"],
        ["payment_intents.*"],
        ["charge.succeeded", "charge.sold"],
        ["*.succeeded"],
    ],
)
def test_types_that_are_never_sent_are_refused(patterns):
    with pytest.raises(EventTypeUnknown) as refused:
        types.check_wanted(patterns)
    assert refused.value.param == "enabled_events"


@pytest.mark.parametrize(
    ("patterns", "kind", "matches"),
    [
        (["*"], "charge.failed", True),
        (["*"], "some.later.type", True),
        (["charge.*"], "charge.failed", True),
        (["charge.*"], "charge.refund.updated", True),
        (["charge.*"], "charges.failed", False),
        (["charge.failed"], "charge.failed", True),
        (["charge.failed"], "charge.failed.again", False),
        (["refund.*", "charge.failed"], "charge.failed", True),
        (["refund.*", "charge.failed"], "charge.captured", False),
    ],
)
def test_an_endpoint_gets_the_types_that_it_wants(patterns, kind, matches):
    endpoint = msgspec.structs.replace(HOME, enabled_events=tuple(patterns))
    assert Wanted(endpoint).matches(event(kind)) is matches


def test_test_events_do_not_reach_live_endpoints():
    live = Wanted(msgspec.structs.replace(HOME, livemode=True))
    assert live.matches(event("charge.failed", livemode=True))
    assert not live.matches(event("charge.failed"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"url": "https://new.example/"}, {"url": "https://new.example/"}),
        ({"enabled_events": ("charge.*",)}, {"enabled_events": ("charge.*",)}),
        ({"disabled": True}, {"status": EndpointStatus.DISABLED}),
        ({"disabled": False}, {"status": EndpointStatus.ENABLED}),
        ({"description": "new"}, {"description": "new"}),
        ({"description": ""}, {"description": None}),
        ({"metadata": {"team": "", "new": "b"}}, {"metadata": {"tier": "1", "new": "b"}}),
    ],
)
def test_an_update_changes_what_it_names(changes, expected):
    command = UpdateEndpoint(SHOP, ENDPOINT, **changes)
    assert endpoints.changed(HOME, command) == msgspec.structs.replace(HOME, **expected)


PENDING, DELIVERED, DEAD = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DEAD


@pytest.mark.parametrize(
    ("status", "before", "verdict", "becomes", "pause_s"),
    [
        (200, 0, Verdict.WELL, DELIVERED, None),
        (204, 9, Verdict.WELL, DELIVERED, None),
        (299, 0, Verdict.WELL, DELIVERED, None),
        (199, 0, Verdict.FAILED, PENDING, 5),
        (301, 0, Verdict.FAILED, PENDING, 5),
        (400, 1, Verdict.FAILED, PENDING, 300),
        (500, 2, Verdict.FAILED, PENDING, 1800),
        (None, 3, Verdict.FAILED, PENDING, 7200),
        (503, 8, Verdict.FAILED, PENDING, 86400),
        (503, 9, Verdict.FAILED, DEAD, None),
        (410, 0, Verdict.GONE, DEAD, None),
    ],
)
def test_what_follows_from_an_answer(status, before, verdict, becomes, pause_s):
    """WH3."""
    attempt = Attempt(status)
    outcome = retries.outcome(attempt, before, NOON, 0.5)
    assert retries.verdict(attempt) is verdict
    assert (outcome.status, outcome.attempts, outcome.last_status) == (becomes, before + 1, status)
    assert outcome.next_at == (None if pause_s is None else after(NOON, pause_s))
    assert (outcome.last_error is None) is (verdict is Verdict.WELL)


def test_ten_attempts_take_about_75_hours():
    """WH3."""
    assert retries.ATTEMPTS_MAX == 10
    assert sum(retries.PAUSES_S) / retries.HOUR_S == pytest.approx(75, abs=1)


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_pauses_are_jittered_around_the_schedule(attempts, jitter):
    """WH3."""
    base = retries.PAUSES_S[attempts - 1]
    assert base / 2 <= retries.pause_after(attempts, jitter) <= base * 1.5


def test_a_delivery_is_not_given_up_for_its_age_while_attempts_are_left():
    longest = sum(retries.pause_after(attempts, 1.0) for attempts in range(1, 10))
    assert longest < retries.GIVE_UP_AFTER_S


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("٣", 0),
        ("0", 0),
        (" 120 ", 120),
        ("86400", 86400),
        ("86401", 86400),
        ("9" * 400, 86400),
        ("Thu, 31 Dec 2026 12:02:00 GMT", 120),
        ("Thu, 31 Dec 2026 12:02:00", 120),
        ("Thu, 31 Dec 2026 14:02:00 +0200", 120),
        ("Thu, 31 Dec 2026 11:00:00 GMT", 0),
        ("Sat, 31 Dec 2039 12:00:00 GMT", 86400),
        ("Thu, 99 Dec 2026 12:02:00 GMT", 0),
        ("Thu, 31 Dec 2026 99:02:00 GMT", 0),
    ],
)
def test_retry_after_is_honoured_within_bounds(header, pause_s):
    """WH3."""
    assert retries.asked_pause_s(header, NOON) == pause_s


@given(st.text())
def test_any_retry_after_can_be_read(header):
    assert 0 <= retries.asked_pause_s(header, NOON) <= retries.RETRY_AFTER_MAX_S


def test_the_longer_of_schedule_and_retry_after_counts():
    """WH3."""
    for asked, pause_s in (("1", 5), ("60", 60)):
        outcome = retries.outcome(Attempt(503, None, asked), 0, NOON, 0.5)
        assert outcome.next_at == after(NOON, pause_s)


def test_an_error_is_kept_and_bounded():
    outcome = retries.outcome(Attempt(500, "x" * 1000), 0, NOON, 0.5)
    assert outcome.last_error == "x" * retries.ERROR_LENGTH_MAX


def test_a_breaker_opens_after_failures_in_a_row_and_closes_after_one_success():
    """WH3."""
    breaker, now = Breaker(), NOON
    for _ in range(Breaker.FAILURES_MAX - 1):
        breaker.note(False, now)
    breaker.note(True, now)
    for _ in range(Breaker.FAILURES_MAX - 1):
        breaker.note(False, now)
    assert breaker.width(now, 8) == 8
    breaker.note(False, now)
    assert breaker.width(now, 8) == 0
    assert breaker.width(after(now, Breaker.REST_S), 8) == 1
    breaker.note(True, now)
    assert breaker.width(now, 8) == 8


def test_a_breaker_rests_longer_after_each_failure_up_to_a_bound():
    breaker, now = Breaker(), NOON
    rests = []
    for _ in range(Breaker.FAILURES_MAX + 7):
        breaker.note(False, now)
        rests.append((breaker.rests_until - now) // 10**9)
    assert rests[Breaker.FAILURES_MAX - 1 :] == [15, 30, 60, 120, 240, 300, 300, 300]


def test_a_clock_set_back_does_not_prolong_a_rest():
    """MS10."""
    breaker = Breaker()
    for _ in range(Breaker.FAILURES_MAX):
        breaker.note(False, NOON)
    assert breaker.width(Instant(NOON - 86_400 * 10**9), 8) == 1


BODY = json.dumps({"id": "evt_1", "object": "event", "note": "茶"}).encode()


def test_signatures_are_accepted_by_both_official_verifiers():
    """WH1."""
    now = int(time.time())
    headers = dict(signatures.signed("evt_1", now, BODY, (SECRET,)))
    parsed = stripe.Webhook.construct_event(
        BODY, headers["Stripe-Signature"], SECRET, api_key="sk_test_x"
    )
    assert parsed.id == "evt_1"
    assert Webhook(SECRET).verify(BODY, headers)["id"] == "evt_1"


@pytest.mark.parametrize("spoil", [lambda b: b + b" ", lambda b: b.replace(b"1", b"2")])
def test_a_changed_body_is_not_accepted(spoil):
    """WH1."""
    headers = dict(signatures.signed("evt_1", int(time.time()), BODY, (SECRET,)))
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(spoil(BODY), headers["Stripe-Signature"], SECRET)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(spoil(BODY), headers)


def test_a_secret_tells_its_kind_in_its_prefix_and_keeps_its_entropy():
    assert SECRET.startswith("whsec_")
    assert base64.b64decode(SECRET.removeprefix("whsec_")) == bytes(range(32))


def test_a_sealed_secret_opens_for_its_endpoint_alone():
    """SE1, SE2."""
    seal = Seal(b"k" * 32)
    sealed = seal.close(b"n" * 12, SECRET, SHOP, ENDPOINT)
    assert SECRET.encode() not in sealed
    assert seal.open(sealed, SHOP, ENDPOINT) == SECRET
    for other, merchant, endpoint, text in [
        (seal, "acct_other", ENDPOINT, sealed),
        (seal, SHOP, "we_2", sealed),
        (seal, SHOP, ENDPOINT, sealed[:-1]),
        (seal, SHOP, ENDPOINT, bytes([sealed[0] ^ 1]) + sealed[1:]),
        (Seal(b"x" * 32), SHOP, ENDPOINT, sealed),
    ]:
        with pytest.raises(InvalidTag):
            other.open(text, merchant, endpoint)
