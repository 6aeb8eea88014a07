"""Searches at the doors, asked by Stripe's SDK and by hand."""

from __future__ import annotations

import asyncio

import pytest
import stripe

from sycee.services.payments.contract.searches import (
    ChargesFound,
    CustomersFound,
    PaymentsFound,
    QueryUnanswerable,
    QueryUnreadable,
    Search,
)
from tests.gateway import objects as o
from tests.gateway.door import opened


def _two_pages(query: Search) -> PaymentsFound:
    return PaymentsFound((o.PAYMENT,), None if query.page else "next", 2)


ANSWERS = {
    "search_payments": _two_pages,
    "search_charges": ChargesFound((o.CHARGE,)),
    "search_customers": CustomersFound((o.CUSTOMER,)),
    "get_charge": o.CHARGE,
}


async def test_the_sdk_searches_from_page_to_page():
    async with opened(**ANSWERS) as door:

        def talk() -> list[str]:
            client = stripe.StripeClient(
                "sk_test_1", base_addresses={"api": f"http://127.0.0.1:{door.port}"}
            )
            found = client.v1.payment_intents.search({"query": "amount>0", "limit": 1})
            ids = [each.id for each in found.auto_paging_iter()]
            ids += [each.id for each in client.v1.charges.search({"query": "amount>0"}).data]
            ids += [each.id for each in client.v1.customers.search({"query": "name:'a'"}).data]
            return ids

        shown = await asyncio.to_thread(talk)
        assert shown == [o.PAYMENT.id, o.PAYMENT.id, o.CHARGE.id, o.CUSTOMER.id]


async def test_a_total_is_told_when_it_is_expanded_and_objects_are_shown_within():
    async with opened(**ANSWERS) as door:
        path = "/v1/payment_intents/search"
        paths = ["total_count", "data.latest_charge"]
        query = {"query": "amount>0", "expand[]": paths}
        shown = (await door.client.get(path, params=query)).json()
        assert shown["object"] == "search_result"
        assert shown["total_count"] == 2
        assert (shown["has_more"], shown["next_page"], shown["url"]) == (True, "next", path)
        assert shown["data"][0]["latest_charge"]["object"] == "charge"
        assert door.payments.asked[0][1].is_counted is True
        plain = (await door.client.get("/v1/charges/search", params={"query": "amount>0"})).json()
        assert "total_count" not in plain
        assert (plain["has_more"], plain["next_page"]) == (False, None)


@pytest.mark.parametrize("refusal", [QueryUnreadable, QueryUnanswerable])
async def test_a_query_that_cannot_be_answered_is_refused_with_its_reason(refusal):
    no = refusal("What is wrong.", param="query")
    async with opened(search_charges=no) as door:
        answer = await door.client.get("/v1/charges/search", params={"query": "x"})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["type"], error["param"]) == ("invalid_request_error", "query")
        assert error["message"] == "What is wrong."


async def test_a_search_needs_a_query():
    async with opened() as door:
        answer = await door.client.get("/v1/customers/search")
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "query"
