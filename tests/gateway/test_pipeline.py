"""Routing, rights, header fields, faults and load, through a real door."""

from __future__ import annotations

import asyncio
import base64

import msgspec
import pytest

from sycee.gateway.edge.limits import Limits
from sycee.kernel.refusal import Unavailable
from sycee.services.payments.contract.intents import CardDeclined, PaymentStateInvalid
from tests.gateway.door import opened
from tests.gateway.edge.wire import status, talk
from tests.gateway.objects import PAYMENT

PAY = {"amount": "2000", "currency": "usd"}


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


async def test_an_unknown_path_is_404_in_the_dialect_of_its_door():
    async with opened() as door:
        stripe = await door.client.get("/v1/nothing")
        assert stripe.status_code == 404
        assert stripe.json()["error"]["type"] == "invalid_request_error"
        other = await door.client.get("/nothing")
        assert other.status_code == 404 and other.json()["code"] == "url_unknown"
        assert other.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "DELETE", "OPTIONS"])
async def test_other_methods_are_405_with_those_allowed(method):
    """AE5."""
    async with opened() as door:
        answer = await door.client.request(method, "/v1/payment_intents")
        assert answer.status_code == 405 and answer.headers["allow"] == "GET, POST"


async def test_head_is_get_without_a_body():
    async with opened() as door:
        answer = await door.client.head("/health")
        assert answer.status_code == 200 and answer.content == b""


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("text/html, application/*;q=0.5", 200),
        ("text/html", 406),
        ("application/json;q=0", 406),
    ],
)
async def test_answers_are_json_or_406(accept, status):
    """AE5."""
    async with opened() as door:
        answer = await door.client.get("/health", headers={"accept": accept})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml"]
)
async def test_other_media_types_are_415(kind):
    """AE5."""
    async with opened() as door:
        answer = await door.client.post(
            "/v1/payment_intents", content=b"amount=1", headers={"content-type": kind}
        )
        assert answer.status_code == 415


RIGHTS = [
    ("POST", "/v1/payment_intents", {"sk_test_1": 200, "pk_test_1": 403, "rk_test_1": 403}),
    ("GET", "/v1/payment_intents/pi_1", {"sk_test_1": 200, "pk_test_1": 403, "rk_test_1": 200}),
    ("POST", "/v1/payment_intents/pi_1/confirm", {"pk_test_1": 403, "rk_test_1": 403}),
    ("POST", "/v1/refunds", {"pk_test_1": 403, "rk_test_1": 403, "op_test_1": 403}),
    ("GET", "/v1/payment_intents/pi_1", {"op_test_1": 403, "sk_test_narrow": 200}),
    ("POST", "/v1/payment_intents", {"sk_test_narrow": 403, "sk_test_other": 401}),
]


@pytest.mark.parametrize(("method", "path", "expected"), RIGHTS)
async def test_rights_are_the_keys(method, path, expected):
    """IA1."""
    async with opened(create_payment=PAYMENT, get_payment=PAYMENT) as door:
        for key, status in expected.items():
            form = PAY if path.endswith("intents") else None
            answer = await door.client.request(method, path, data=form, headers=bearer(key))
            assert answer.status_code == status, key


async def test_a_browser_with_the_client_secret_sees_its_part():
    """IA2."""
    async with opened(get_payment=PAYMENT) as door:
        answer = await door.client.get(
            "/v1/payment_intents/pi_1",
            params={"client_secret": "pi_1_secret_x"},
            headers=bearer("pk_test_1"),
        )
        assert answer.status_code == 200
        assert "metadata" not in answer.json() and answer.json()["status"] == "succeeded"
        assert door.payments.last.client_secret == "pi_1_secret_x"


SNAPSHOT = {
    "payment": "pi_1",
    "snapshot": base64.b64encode(msgspec.msgpack.encode(PAYMENT)).decode(),
}


@pytest.mark.parametrize(
    ("refusal", "key", "sees"),
    [
        (CardDeclined("Declined.", facts=SNAPSHOT), "sk_test_1", {"status", "metadata"}),
        (CardDeclined("Declined.", facts=SNAPSHOT), "pk_test_1", {"status"}),
        (PaymentStateInvalid("No.", facts=SNAPSHOT), "sk_test_1", {"status", "metadata"}),
        (PaymentStateInvalid("No.", facts=SNAPSHOT), "pk_test_1", set()),
    ],
)
async def test_a_refusal_shows_a_browser_no_more_than_an_answer_does(refusal, key, sees):
    """IA2: and nothing of a payment whose client secret it may not know."""
    async with opened(confirm_payment=refusal) as door:
        answer = await door.client.post(
            "/v1/payment_intents/pi_1/confirm",
            data={"client_secret": "guessed"},
            headers=bearer(key),
        )
        shown = answer.json()["error"].get("payment_intent", {})
        assert shown.keys() & {"status", "metadata"} == sees


async def test_the_key_may_come_as_a_user_name():
    async with opened(get_payment=PAYMENT) as door:
        answer = await door.client.get("/v1/payment_intents/pi_1", auth=("sk_test_1", ""))
        assert answer.status_code == 200


@pytest.mark.parametrize("field", ["", "Bearer", "Basic ???", "Digest x", "Bearer é"])
async def test_what_is_no_key_is_401(field):
    async with opened() as door:
        answer = await door.client.get(
            "/v1/payment_intents/pi_1", headers={"authorization": field.encode("latin-1")}
        )
        assert answer.status_code == 401 and "www-authenticate" in answer.headers


async def test_every_answer_has_a_request_id_and_our_version():
    async with opened() as door:
        ids = set()
        for path in ("/health", "/v1/charges/ch_1", "/nothing"):
            answer = await door.client.get(path)
            assert answer.headers["stripe-version"] == "2026-10-28.endive"
            ids.add(answer.headers["request-id"])
        assert len(ids) == 3 and all(each.startswith("req_") for each in ids)


@pytest.mark.parametrize(
    ("version", "status"), [("2024-06-20", 200), ("2026-10-28.endive", 200), ("latest", 400)]
)
async def test_any_dated_version_is_taken(version, status):
    async with opened() as door:
        answer = await door.client.get("/health", headers={"stripe-version": version})
        assert answer.status_code == status


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_bad_idempotency_key_is_refused(key):
    async with opened(create_payment=PAYMENT) as door:
        answer = await door.client.post(
            "/v1/payment_intents", data=PAY, headers={"idempotency-key": key}
        )
        assert answer.status_code == 400 and not door.payments.asked


async def test_a_target_that_is_no_path_is_not_there():
    async with opened() as door:
        for target in (b"*", b"x"):
            octets = b"GET %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % target
            assert status(await talk(door.port, octets)) in (400, 404)


@pytest.mark.parametrize("path", ["/v1/payment_intents/pi_1", "/payment/query?id=7"])
async def test_a_fault_is_500_with_nothing_of_its_inside(path):
    """AE5."""
    async with opened(get_payment=RuntimeError("secret /etc/passwd SELECT")) as door:
        answer = await door.client.get(path)
        assert answer.status_code == 500
        assert answer.headers["request-id"] in answer.text
        assert "passwd" not in answer.text and "Traceback" not in answer.text


async def test_a_service_that_is_away_is_503():
    async with opened(get_payment=Unavailable("The ledger is away.")) as door:
        answer = await door.client.get("/v1/payment_intents/pi_1")
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"


async def test_under_load_reads_are_refused_before_captures():
    """RE4."""
    release, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_):
        entered.release()
        await release.wait()
        return PAYMENT

    async with opened(
        Limits(in_flight_max=5), create_payment=slow, capture_payment=PAYMENT
    ) as door:
        busy = [
            asyncio.ensure_future(door.client.post("/v1/payment_intents", data=PAY))
            for _ in range(4)
        ]
        for _ in busy:
            await entered.acquire()
        refused = await door.client.get("/v1/payment_intents/pi_1")
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
        assert (await door.client.get("/health")).status_code == 200
        taken = await door.client.post("/v1/payment_intents/pi_1/capture")
        assert taken.status_code == 200
        release.set()
        assert [each.status_code for each in await asyncio.gather(*busy)] == [200] * 4


async def test_identity_is_asked_once_a_second():
    """IA8."""
    async with opened(get_payment=PAYMENT) as door:
        for _ in range(5):
            await door.client.get("/v1/payment_intents/pi_1")
        assert door.identity.authenticated == 1
        door.clock.pass_s(1)
        await door.client.get("/v1/payment_intents/pi_1")
        assert door.identity.authenticated == 2


async def test_the_operators_door_has_metrics_and_the_public_one_has_not():
    """PH5."""
    async with opened() as door:
        await door.client.get("/health")
        assert (await door.client.get("/metrics")).status_code == 404
        server = await door.gateway.serve_internal("127.0.0.1", 0)
        page = await door.client.get(f"http://127.0.0.1:{server.port}/metrics")
        assert 'operation="get_health"' in page.text
        ready = await door.client.get(f"http://127.0.0.1:{server.port}/ready")
        assert ready.json() == {"ready": True, "checks": {}}
        await server.drain()
