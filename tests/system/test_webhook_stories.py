"""Webhooks reach the shop: signed, repeated until they are taken, through a crash."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest
import standardwebhooks
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.system.platform import Platform, running
from tests.system.receiver import Received, Receiver, receiving
from tests.system.shops import Shop, bearer, lunch, open_shop, seen

AFTER_A_CRASH_S = 90
"""What was under way at the crash is sent again when its lease has ended."""
OF_A_REFUNDED_PAYMENT = {
    "payment_intent.created",
    "payment_intent.succeeded",
    "charge.succeeded",
    "charge.refunded",
    "refund.created",
}


@pytest.fixture
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


def endpoint(shop: Shop, receiver: Receiver, *types: str) -> stripe.WebhookEndpoint:
    wanted = list(types) or ["*"]
    return shop.client.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": wanted, "description": "orders"}
    )


def deliveries(shop: Shop, **query: str) -> list[dict[str, object]]:
    with bearer(shop.platform, shop.secret_key) as desk:
        listed = desk.get("/api/deliveries", params={**query, "limit": 100})
    assert listed.status_code == 200, listed.text
    return listed.json()["data"]


def replay(shop: Shop, **wanted: object) -> int:
    with bearer(shop.platform, shop.secret_key) as desk:
        queued = desk.post("/api/replays", json=wanted)
    assert queued.status_code == 200, queued.text
    return queued.json()["count"]


def subject(received: Received) -> dict[str, object]:
    return received.event["data"]["object"]


def test_every_event_of_a_payment_arrives_and_proves_its_sender(shop: Shop) -> None:
    """WH1."""
    with receiving() as receiver:
        hook = endpoint(shop, receiver)
        assert hook.secret.startswith("whsec_") and hook.status == "enabled"
        paid = shop.client.v1.payment_intents.create(lunch(metadata={"order": "7"}))
        shop.client.v1.refunds.create({"payment_intent": paid.id})
        seen(lambda: {each.type for each in receiver.kept} >= OF_A_REFUNDED_PAYMENT)
        for received in receiver.kept:
            event = stripe.Webhook.construct_event(
                received.body, received.headers["stripe-signature"], hook.secret
            )
            verified = standardwebhooks.Webhook(hook.secret).verify(received.body, received.headers)
            assert event.id == verified["id"] == received.event["id"]
            assert received.headers["content-type"].startswith("application/json")
        (succeeded,) = receiver.of_type("payment_intent.succeeded")
        assert subject(succeeded)["id"] == paid.id
        assert subject(succeeded)["metadata"] == {"order": "7"}
        kept = shop.client.v1.events.retrieve(str(succeeded.event["id"]))
        assert kept.data.object.to_dict() == subject(succeeded)


def test_a_changed_body_or_another_secret_proves_nothing(shop: Shop) -> None:
    """WH1."""
    with receiving() as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        shop.client.v1.customers.create({"name": "Jenny"})
        received = seen(lambda: receiver.kept)[0]
        signature = received.headers["stripe-signature"]
        for body, secret in (
            (received.body.replace(b"Jenny", b"Johny"), hook.secret),
            (received.body, "whsec_" + "A" * 43 + "="),
        ):
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(body, signature, secret)
            with pytest.raises(standardwebhooks.WebhookVerificationError):
                standardwebhooks.Webhook(secret).verify(body, received.headers)


def rotate(shop: Shop, hook: str, key: str, **wanted: object) -> dict[str, object]:
    return rotated(shop.platform, shop.secret_key, hook, key, **wanted)


def rotated(
    platform: Platform, secret_key: str, hook: str, key: str, **wanted: object
) -> dict[str, object]:
    with bearer(platform, secret_key) as desk:
        path, headers = f"/api/webhook_endpoints/{hook}/rotate_secret", {"idempotency-key": key}
        told = desk.post(path, json=wanted, headers=headers)
    assert told.status_code == 200, told.text
    return told.json()


def is_taken(received: Received, secret: str) -> bool:
    """Whether both official verifiers take it; they agree."""
    try:
        stripe.Webhook.construct_event(
            received.body, received.headers["stripe-signature"], secret, api_key="sk_test_x"
        )
    except stripe.SignatureVerificationError:
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(secret).verify(received.body, received.headers)
        return False
    standardwebhooks.Webhook(secret).verify(received.body, received.headers)
    return True


def is_proven(received: Received, public_key: object) -> bool:
    """Whether one of the Ed25519 signatures is by this key."""
    raw = base64.b64decode(str(public_key).removeprefix("whpk_"))
    head = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}."
    parts = [each.split(",") for each in received.headers["webhook-signature"].split(" ")]
    for signature in (text for version, text in parts if version == "v1a"):
        with contextlib.suppress(InvalidSignature):
            Ed25519PublicKey.from_public_bytes(raw).verify(
                base64.b64decode(signature), head.encode() + received.body
            )
            return True
    return False


def test_a_shop_exchanges_its_secret_without_missing_a_webhook(shop: Shop) -> None:
    """WH1, MS2: each side changes when it likes; a leaked secret ends at once."""
    with receiving() as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        old, first = hook.secret, rotate(shop, hook.id, "monday")
        assert rotate(shop, hook.id, "monday") == first
        with bearer(shop.platform, shop.secret_key) as desk:
            shown = desk.get(f"/api/webhook_endpoints/{hook.id}/signing_keys").json()
        assert shown == {name: told for name, told in first.items() if name != "secret"}
        assert shown["generation"] == 2
        shop.client.v1.customers.create({})
        received = seen(lambda: receiver.kept)[0]
        assert is_taken(received, old) and is_taken(received, str(first["secret"]))
        assert is_proven(received, shown["public_key"])
        assert is_proven(received, shown["previous_public_key"])
        leaked = rotate(shop, hook.id, "tuesday", overlap_s=0)
        shop.client.v1.customers.create({})
        received = seen(lambda: len(receiver.kept) == 2 and receiver.kept)[1]
        assert is_taken(received, str(leaked["secret"]))
        assert not is_taken(received, old) and not is_taken(received, str(first["secret"]))
        assert is_proven(received, leaked["public_key"])
        assert not is_proven(received, first["public_key"])


def test_only_the_wanted_events_come(shop: Shop) -> None:
    with receiving() as receiver:
        endpoint(shop, receiver, "refund.*", "customer.created")
        paid = shop.client.v1.payment_intents.create(lunch())
        shop.client.v1.refunds.create({"payment_intent": paid.id})
        shop.client.v1.customers.create({})
        seen(lambda: len(receiver.kept) >= 2)
        seen(lambda: len(deliveries(shop, status="delivered")) == 2)
        assert {each.type for each in receiver.kept} == {"refund.created", "customer.created"}


def test_a_failing_receiver_is_tried_again_with_the_same_id(shop: Shop) -> None:
    """WH3, WH4."""
    with receiving(500) as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        shop.client.v1.customers.create({})
        (waiting,) = seen(lambda: [each for each in deliveries(shop) if each["attempts"] == 1])
        assert (waiting["status"], waiting["last_status"]) == ("pending", 500)
        assert waiting["next_at"] is not None
        first, again = seen(lambda: len(receiver.kept) == 2 and receiver.kept)
        assert first.id == again.id == waiting["event"]
        ids = {each.headers["sycee-delivery"] for each in (first, again)}
        assert ids == {waiting["id"]}
        assert first.body == again.body
        stripe.Webhook.construct_event(again.body, again.headers["stripe-signature"], hook.secret)
        (done,) = seen(lambda: deliveries(shop, status="delivered"))
        assert (done["attempts"], done["last_status"]) == (2, 200)


def test_a_receiver_that_is_gone_is_left_in_peace(shop: Shop) -> None:
    """WH3: 410 ends the endpoint; what is dead can be sent again."""
    with receiving(410) as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        shop.client.v1.customers.create({})
        (dead,) = seen(lambda: deliveries(shop, status="dead"))
        assert dead["last_status"] == 410
        assert shop.client.v1.webhook_endpoints.retrieve(hook.id).status == "disabled"
        shop.client.v1.webhook_endpoints.update(hook.id, {"disabled": False})
        assert replay(shop, endpoint=hook.id, event=dead["event"]) == 1
        seen(lambda: deliveries(shop, status="delivered"))
        assert len(receiver.kept) == 2


def test_one_event_or_a_span_is_sent_again(shop: Shop) -> None:
    """WH3."""
    with receiving() as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        began = shop.client.v1.customers.create({"name": "0"}).created
        for number in range(2):
            shop.client.v1.customers.create({"name": f"{number + 1}"})
        seen(lambda: len(receiver.kept) == 3)
        seen(lambda: len(deliveries(shop, status="delivered")) == 3)
        event = receiver.kept[0].event["id"]
        assert replay(shop, endpoint=hook.id, event=event) == 1
        seen(lambda: len(receiver.kept) == 4)
        assert receiver.kept[3].event["id"] == event
        seen(lambda: len(deliveries(shop, status="delivered")) >= 3)
        assert replay(shop, endpoint=hook.id, since=began) == 3
        seen(lambda: len(receiver.kept) == 7)


def test_an_endpoint_is_changed_listed_and_deleted(shop: Shop) -> None:
    with receiving() as receiver:
        hook = endpoint(shop, receiver, "customer.created")
        client = shop.client
        changed = client.v1.webhook_endpoints.update(
            hook.id, {"enabled_events": ["refund.created"], "metadata": {"a": "b"}}
        )
        assert (changed.enabled_events, changed.metadata.to_dict()) == (
            ["refund.created"],
            {"a": "b"},
        )
        (listed,) = client.v1.webhook_endpoints.list().data
        assert listed.id == hook.id and "secret" not in listed
        assert client.v1.webhook_endpoints.delete(hook.id).deleted is True
        assert client.v1.webhook_endpoints.list().data == []
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.webhook_endpoints.retrieve(hook.id)


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("ftp://shop.example/", ["*"]),
        ("http://shop.example/", ["*"]),
        ("https://10.0.0.1/", ["*"]),
        ("https://169.254.169.254/latest/", ["*"]),
        ("https://user:secret@shop.example/", ["*"]),
        ("https://shop.example/", ["payment.happened"]),
        ("https://shop.example/", []),
    ],
)
def test_an_endpoint_that_makes_no_sense_is_refused(
    shop: Shop, url: str, events: list[str]
) -> None:
    """WH2."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.client.v1.webhook_endpoints.create({"url": url, "enabled_events": events})
    assert caught.value.http_status == 400


def test_a_shop_hears_nothing_of_another(platform: Platform, shop: Shop) -> None:
    """IA1."""
    with receiving() as ours, receiving() as theirs:
        endpoint(shop, ours, "customer.created")
        other = open_shop(platform)
        endpoint(other, theirs, "customer.created")
        made = other.client.v1.customers.create({})
        assert subject(seen(lambda: theirs.kept)[0])["id"] == made.id
        own = shop.client.v1.customers.create({})
        seen(lambda: ours.kept)
        assert [subject(each)["id"] for each in ours.kept] == [own.id]


@pytest.mark.parametrize("topology", ["one", "processes"])
def test_what_was_under_way_at_a_kill_is_sent_at_once_after_the_restart(
    tmp_path: Path, topology: str
) -> None:
    """WH4: long before the lease would have ended."""
    patient = ("notify.total_timeout_s=300",)
    with receiving() as receiver, running(tmp_path, topology, *patient) as platform:
        platform.client().v1.webhook_endpoints.create(
            {"url": receiver.url, "enabled_events": ["payment_intent.succeeded"]}
        )
        with receiver.silence():
            paid = platform.client().v1.payment_intents.create(lunch()).id
            seen(lambda: receiver.kept)
            platform.kill()
        platform.start()
        seen(lambda: len(receiver.kept) > 1)
        assert {subject(each)["id"] for each in receiver.kept} == {paid}
        assert len({each.headers["sycee-delivery"] for each in receiver.kept}) == 1


@pytest.mark.parametrize("topology", ["one", "processes"])
def test_what_was_paid_is_told_through_a_crash(tmp_path: Path, topology: str) -> None:
    """WH4, MS8: killed right after the answer, and again while the receiver fails."""
    brief = ("notify.connect_timeout_s=1", "notify.total_timeout_s=1")
    with receiving() as receiver, running(tmp_path, topology, *brief) as platform:
        client = platform.client()
        client.v1.webhook_endpoints.create(
            {"url": receiver.url, "enabled_events": ["payment_intent.succeeded"]}
        )
        paid = {client.v1.payment_intents.create(lunch()).id}
        platform.kill()
        platform.start()
        receiver.answers(*[500] * 3)
        paid.add(platform.client().v1.payment_intents.create(lunch()).id)
        before = len(receiver.kept)
        seen(lambda: len(receiver.kept) > before)
        platform.kill()
        receiver.answers()
        platform.start()
        seen(lambda: paid <= {subject(each)["id"] for each in receiver.kept}, AFTER_A_CRASH_S)
        of_event: dict[str, set[str]] = {}
        for received in receiver.kept:
            of_event.setdefault(received.id, set()).add(received.headers["sycee-delivery"])
        assert all(len(ids) == 1 for ids in of_event.values())


@pytest.mark.parametrize("topology", ["one", "processes"])
def test_rotated_keys_outlive_a_crash(tmp_path: Path, topology: str) -> None:
    """WH1, MS2: killed right after the answer, and asked for again."""
    with receiving() as receiver, running(tmp_path, topology) as platform:
        hook = platform.client().v1.webhook_endpoints.create(
            {"url": receiver.url, "enabled_events": ["customer.created"]}
        )
        assert platform.ready is not None
        secret_key = platform.ready.secret_key
        told = rotated(platform, secret_key, hook.id, "k")
        platform.kill()
        platform.start()
        assert rotated(platform, secret_key, hook.id, "k") == told
        platform.client().v1.customers.create({})
        received = seen(lambda: receiver.kept)[0]
        assert is_taken(received, hook.secret) and is_taken(received, str(told["secret"]))
        assert is_proven(received, told["public_key"])
        assert is_proven(received, told["previous_public_key"])
