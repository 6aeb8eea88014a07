"""Disputes at the doors, asked by Stripe's SDK and by hand."""

from __future__ import annotations

import asyncio

import pytest
import stripe

from sycee.services.payments.contract.disputes import (
    DisputePage,
    DisputeStateInvalid,
    Evidence,
    OnlyInTestMode,
)
from sycee.services.payments.contract.intents import ChargeDisputed
from tests.gateway import objects as o
from tests.gateway.door import opened

ANSWERS = {
    "get_dispute": o.DISPUTE,
    "update_dispute": o.DISPUTE,
    "close_dispute": o.DISPUTE,
    "open_dispute": o.DISPUTE,
    "list_disputes": DisputePage((o.DISPUTE,), False),
    "get_charge": o.CHARGE,
    "get_payment": o.PAYMENT,
    "get_balance_transaction": o.WITHDRAWAL,
}


async def test_the_sdk_works_with_disputes():
    async with opened(**ANSWERS) as door:

        def talk() -> list[stripe.Dispute]:
            client = stripe.StripeClient(
                "sk_test_1", base_addresses={"api": f"http://127.0.0.1:{door.port}"}
            )
            disputes = client.v1.disputes
            expand = {"expand": ["charge", "payment_intent"]}
            evidence = {"evidence": {"customer_name": "Jenny"}, "submit": False}
            return [
                disputes.retrieve("dp_1", expand),
                disputes.update("dp_1", evidence),
                disputes.close("dp_1"),
                *disputes.list({"charge": "ch_1", "payment_intent": "pi_1"}).data,
            ]

        shown = await asyncio.to_thread(talk)
        assert [each.id for each in shown] == ["dp_1"] * 4
        assert shown[0].charge.id == "ch_1"
        assert shown[0].balance_transactions[0].reporting_category == "dispute"
        assert shown[0].balance_transactions[0].fee_details[0].description == "Dispute fee"


@pytest.mark.parametrize(
    ("form", "is_submitted"),
    [
        ({"evidence[uncategorized_text]": "x"}, True),
        ({"evidence[uncategorized_text]": "x", "submit": "false"}, False),
        ({"metadata[a]": "b"}, False),
        ({"submit": "true"}, True),
    ],
)
async def test_evidence_is_submitted_unless_it_is_staged(form, is_submitted):
    async with opened(**ANSWERS) as door:
        answer = await door.client.post("/v1/disputes/dp_1", data=form)
        assert answer.status_code == 200
        assert door.payments.last.submit is is_submitted


async def test_metadata_alone_leave_the_evidence():
    async with opened(**ANSWERS) as door:
        await door.client.post("/v1/disputes/dp_1", data={"metadata": ""})
        assert door.payments.last.evidence == Evidence()
        assert door.payments.last.metadata == {"a": ""}


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"evidence[receipt]": "file_1"}, "parameter_unknown", "evidence[receipt]"),
        (
            {"evidence[uncategorized_text]": "x" * 20_001},
            "parameter_too_long",
            "evidence[uncategorized_text]",
        ),
        ({"evidence[customer_name]": "x" * 5_001}, "parameter_too_long", "evidence[customer_name]"),
    ],
)
async def test_evidence_that_cannot_be_taken_is_named(form, code, param):
    async with opened(**ANSWERS) as door:
        answer = await door.client.post("/v1/disputes/dp_1", data=form)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, code, param)


@pytest.mark.parametrize(
    ("path", "verb", "refusal", "status", "code"),
    [
        ("/v1/refunds", "create_refund", ChargeDisputed("No."), 400, "charge_disputed"),
        (
            "/v1/disputes/dp_1/close",
            "close_dispute",
            DisputeStateInvalid("No."),
            400,
            "dispute_unexpected_state",
        ),
        (
            "/api/test_helpers/charges/ch_1/dispute",
            "open_dispute",
            OnlyInTestMode("No."),
            403,
            "test_mode_only",
        ),
    ],
)
async def test_a_no_has_its_code(path, verb, refusal, status, code):
    async with opened(**{**ANSWERS, verb: refusal}) as door:
        form = {"charge": "ch_1"} if path == "/v1/refunds" else {}
        answer = await door.client.post(path, data=form)
        body = answer.json()
        assert answer.status_code == status
        assert body.get("error", body)["code"] == code


async def test_a_dispute_is_opened_by_hand():
    async with opened(**ANSWERS) as door:
        form = {"amount": "500", "reason": "duplicate", "case_type": "inquiry"}
        path = "/api/test_helpers/charges/ch_1/dispute"
        answer = await door.client.post(path, data=form)
        assert answer.json()["object"] == "dispute"
        command = door.payments.last
        assert (command.charge, command.amount_minor, command.reason) == ("ch_1", 500, "duplicate")
        assert command.is_inquiry


async def test_the_source_of_a_withdrawal_is_its_dispute():
    async with opened(**ANSWERS) as door:
        path = "/v1/balance_transactions/txn_3?expand[]=source"
        answer = await door.client.get(path)
        assert answer.json()["source"]["object"] == "dispute"


async def test_a_charge_is_made_available_by_hand():
    async with opened(make_available=o.CHARGE) as door:
        path = "/api/test_helpers/charges/ch_1/make_available"
        answer = await door.client.post(path)
        assert (answer.status_code, answer.json()["id"]) == (200, "ch_1")
        assert door.payments.last.charge == "ch_1"
