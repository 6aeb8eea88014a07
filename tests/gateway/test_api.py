"""What has no Stripe equivalent: merchants and keys, deliveries, block lists."""

from __future__ import annotations

import msgspec
import pytest

from sycee.services.fraud.contract import BlockEntry, Blocks, ListKind, Unblocked
from sycee.services.identity.contract import (
    ApiKey,
    ApiKeyId,
    ApiKeys,
    IssuedKey,
    MerchantStatus,
    Revoked,
    Role,
)
from sycee.services.notify.contract import (
    AttemptId,
    Deliveries,
    Delivery,
    DeliveryAttempt,
    DeliveryAttempts,
    DeliveryId,
    DeliveryStatus,
    EndpointId,
    EventId,
    Replayed,
    SigningKeys,
)
from sycee.services.payments.contract.velocity import (
    LimitUse,
    VelocityLimit,
    VelocityLimitExceeded,
    VelocityLimits,
    VelocityUse,
    VelocityVersions,
)
from tests.gateway.door import opened
from tests.gateway.fakes import MERCHANT
from tests.gateway.objects import NOON, SHOP

OPERATOR = {"authorization": "Bearer op_test_1"}


async def test_an_operator_makes_a_merchant_and_its_key():
    key = IssuedKey(ApiKeyId("key_9"), "sk_test_9")
    async with opened(create_merchant=MERCHANT, issue_key=key) as door:
        merchant = await door.client.post(
            "/api/merchants", json={"id": "acct_SHOP", "name": "Shop"}, headers=OPERATOR
        )
        assert merchant.json()["status"] == "active"
        issued = await door.client.post(
            "/api/merchants/acct_SHOP/keys", json={"role": "read_only"}, headers=OPERATOR
        )
        assert issued.json()["secret"] == "sk_test_9"
        assert door.identity.last.role is Role.READ_ONLY


async def test_an_operators_key_is_not_made_over_the_network():
    async with opened() as door:
        answer = await door.client.post(
            "/api/merchants/acct_SHOP/keys", json={"role": "operator"}, headers=OPERATOR
        )
        assert answer.status_code == 400 and answer.json()["param"] == "role"


async def test_an_operator_suspends_a_merchant_and_ends_a_key():
    revoked = Revoked(ApiKeyId("key_9"), NOON)
    async with opened(update_merchant=MERCHANT, revoke_key=revoked) as door:
        await door.client.post(
            "/api/merchants/acct_SHOP", json={"status": "suspended"}, headers=OPERATOR
        )
        assert door.identity.last.status is MerchantStatus.SUSPENDED
        ended = await door.client.delete("/api/merchants/acct_SHOP/keys/key_9", headers=OPERATOR)
        assert ended.json()["revoked"] == NOON // 10**9


async def test_keys_are_listed_without_secrets():
    key = ApiKey(ApiKeyId("key_9"), SHOP, Role.SECRET, False, NOON)
    async with opened(list_keys=ApiKeys((key,))) as door:
        answer = await door.client.get("/api/merchants/acct_SHOP/keys", headers=OPERATOR)
        assert answer.json()["data"][0]["role"] == "secret" and "sk_" not in answer.text


@pytest.mark.parametrize("key", ["sk_test_1", "pk_test_1", "rk_test_1"])
async def test_nobody_else_is_an_operator(key):
    """IA1."""
    async with opened(get_merchant=MERCHANT) as door:
        answer = await door.client.get(
            "/api/merchants/acct_SHOP", headers={"authorization": f"Bearer {key}"}
        )
        assert answer.status_code == 403


async def test_dead_letters_are_listed_and_sent_again():
    dead = Delivery(
        DeliveryId("wd_1"),
        EventId("evt_1"),
        EndpointId("we_1"),
        DeliveryStatus.DEAD,
        10,
        None,
        410,
        None,
    )
    async with opened(list_deliveries=Deliveries((dead,), False), replay=Replayed(1)) as door:
        listed = await door.client.get("/api/deliveries", params={"status": "dead"})
        assert listed.json()["data"][0]["last_status"] == 410
        assert door.notify.last.status is DeliveryStatus.DEAD
        again = await door.client.post("/api/replays", json={"endpoint": "we_1", "since": 5})
        assert again.json()["count"] == 1 and door.notify.last.since == 5 * 10**9


async def test_a_range_of_events_is_sent_again():
    async with opened(replay=Replayed(1)) as door:
        wanted = {"endpoint": "we_1", "since": 5, "until": 6, "status": "dead"}
        await door.client.post("/api/replays", json={**wanted, "types": ["refund.failed"]})
        asked = door.notify.last
        assert (asked.since, asked.until) == (5 * 10**9, 7 * 10**9 - 1)
        assert (asked.types, asked.status) == (("refund.failed",), DeliveryStatus.DEAD)


async def test_the_attempts_of_a_delivery_are_listed():
    made = DeliveryAttempt(AttemptId("wa_1"), NOON, 12, 500, "out of tea", None, 2)
    async with opened(list_attempts=DeliveryAttempts((made,), False)) as door:
        listed = await door.client.get("/api/deliveries/wd_1/attempts", params={"limit": 3})
        assert (door.notify.last.delivery, door.notify.last.page.limit) == ("wd_1", 3)
        assert listed.json()["data"] == [
            {
                "id": "wa_1",
                "object": "delivery_attempt",
                "created": NOON // 10**9,
                "duration_ms": 12,
                "status": 500,
                "answer": "out of tea",
                "error": None,
                "key_generation": 2,
            }
        ]


KEYS = SigningKeys(EndpointId("we_1"), 2, "whpk_new", "whpk_old", NOON)


async def test_an_endpoint_shows_its_public_keys_and_until_when_the_old_ones_sign():
    """WH1."""
    async with opened(get_signing_keys=KEYS) as door:
        shown = await door.client.get("/api/webhook_endpoints/we_1/signing_keys")
        assert shown.json() == {
            "object": "signing_keys",
            "endpoint": "we_1",
            "generation": 2,
            "public_key": "whpk_new",
            "previous_public_key": "whpk_old",
            "previous_until": NOON // 10**9,
        }
        assert (door.notify.last.merchant, door.notify.last.id) == (SHOP, "we_1")


async def test_a_secret_is_rotated_with_the_callers_overlap_and_idempotency_key():
    """WH1, MS2."""
    told = msgspec.structs.replace(KEYS, secret="whsec_new")
    url = "/api/webhook_endpoints/we_1/rotate_secret"
    async with opened(rotate_secret=told) as door:
        for given in ({}, {"overlap_s": 60}, {"overlap_s": 0}):
            answer = await door.client.post(url, json=given, headers={"idempotency-key": "k"})
            assert answer.json()["secret"] == "whsec_new"
        asked = [command for _, command in door.notify.asked]
        assert [command.overlap_s for command in asked] == [86_400, 60, 0]
        assert {command.idempotency_key for command in asked} == {"k"}
        assert len({command.request_hash for command in asked}) == 3


@pytest.mark.parametrize("wrong", [-1, 604_801, "a day", 1.5, True, []])
async def test_an_overlap_that_is_no_number_of_seconds_is_refused(wrong):
    async with opened(rotate_secret=KEYS) as door:
        url = "/api/webhook_endpoints/we_1/rotate_secret"
        answer = await door.client.post(url, json={"overlap_s": wrong})
        assert (answer.status_code, answer.json()["param"]) == (400, "overlap_s")
        assert door.notify.asked == []


async def test_a_value_is_blocked_and_let_go():
    entry = BlockEntry(SHOP, ListKind.EMAIL, "eve@example.com", NOON)
    answers = {"block": entry, "list_blocks": Blocks((entry,)), "unblock": Unblocked("x")}
    async with opened(**answers) as door:
        given = {"kind": "email", "value": "eve@example.com"}
        assert (await door.client.post("/api/blocks", json=given)).json()["kind"] == "email"
        assert len((await door.client.get("/api/blocks")).json()["data"]) == 1
        assert (await door.client.delete("/api/blocks", params=given)).status_code == 200
        assert door.fraud.last.kind is ListKind.EMAIL


async def test_an_operator_sets_limits_and_sees_their_versions():
    limit = VelocityLimit("day", "card", "card", "USD", None, 100_00, 3)
    kept = VelocityLimits(SHOP, 2, (limit,), NOON, "key_1")
    given = {"period": "day", "per": "card", "method": "card", "currency": "usd"}
    given |= {"amount_max": 100_00, "count_max": 3}
    async with opened(
        get_merchant=MERCHANT,
        set_velocity_limits=kept,
        get_velocity_limits=kept,
        list_velocity_versions=VelocityVersions((kept,)),
    ) as door:
        path = "/api/merchants/acct_SHOP/limits"
        answer = await door.client.post(
            path, json={"limits": [given], "replaces": 1}, headers=OPERATOR
        )
        asked = door.payments.last
        assert (asked.limits, asked.author, asked.replaces) == ((limit,), "key_1", 1)
        assert answer.json()["version"] == 2
        shown = {**given, "currency": "USD", "amount_min": None}
        assert answer.json()["limits"] == [shown]
        assert (await door.client.get(path, headers=OPERATOR)).json() == answer.json()
        listed = await door.client.get(path + "/versions", headers=OPERATOR)
        assert listed.json()["data"] == [answer.json()]


async def test_limits_of_a_merchant_that_is_not_there_cannot_be_set():
    async with opened() as door:
        path = "/api/merchants/acct_none/limits"
        answer = await door.client.post(path, json={"limits": []}, headers=OPERATOR)
        assert answer.status_code == 404 and door.payments.asked == []


async def test_a_merchant_sees_its_limits_and_cannot_set_them():
    used = LimitUse(VelocityLimit("day", count_max=3), NOON, NOON, 2, None)
    async with opened(get_velocity_use=VelocityUse(SHOP, 1, (used,))) as door:
        answer = await door.client.get("/api/limits", params={"customer": "cus_1"})
        (shown,) = answer.json()["limits"]
        assert (shown["count"], shown["count_max"]) == (2, 3)
        assert door.payments.last.customer == "cus_1"
        path = "/api/merchants/acct_SHOP/limits"
        assert (await door.client.post(path, json={"limits": []})).status_code == 403


async def test_what_a_limit_leaves_is_told():
    no = VelocityLimitExceeded("Too much.", param="amount", facts={"amount_left": "500"})
    async with opened(create_payment=no, get_velocity_use=no) as door:
        told = await door.client.get("/api/limits")
        assert (told.status_code, told.json()["amount_left"]) == (422, "500")
        stripes = await door.client.post(
            "/v1/payment_intents", json={"amount": 9, "currency": "usd"}
        )
        error = stripes.json()["error"]
        assert (stripes.status_code, error["type"]) == (400, "invalid_request_error")
        assert (error["code"], error["param"]) == ("charge_exceeds_source_limit", "amount")
