"""Pages, expansion, metadata and events: reading what happened."""

from __future__ import annotations

import pytest
import stripe

from tests.system.platform import Platform
from tests.system.shops import Shop, lunch, open_shop, seen


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture
def client(shop: Shop) -> stripe.StripeClient:
    return shop.client


@pytest.fixture(scope="module")
def regulars(platform: Platform) -> tuple[stripe.StripeClient, list[str]]:
    """A shop with 25 customers, newest first."""
    client = open_shop(platform).client
    made = [client.v1.customers.create({"name": f"{number}"}).id for number in range(25)]
    return client, made[::-1]


def test_a_page_holds_ten_and_says_that_there_are_more(
    regulars: tuple[stripe.StripeClient, list[str]],
) -> None:
    client, expected = regulars
    page = client.v1.customers.list()
    assert [each.id for each in page.data] == expected[:10]
    assert (page.has_more, page.url) == (True, "/v1/customers")
    everything = client.v1.customers.list({"limit": 100})
    assert ([each.id for each in everything.data], everything.has_more) == (expected, False)


def test_pages_go_on_by_themselves_in_both_directions(
    regulars: tuple[stripe.StripeClient, list[str]],
) -> None:
    client, expected = regulars
    forwards = client.v1.customers.list({"limit": 7}).auto_paging_iter()
    assert [each.id for each in forwards] == expected
    backwards = client.v1.customers.list({"limit": 7, "ending_before": expected[-1]})
    assert [each.id for each in backwards.auto_paging_iter()] == expected[-2::-1]


def test_pages_meet_without_gap_or_overlap(
    regulars: tuple[stripe.StripeClient, list[str]],
) -> None:
    client, expected = regulars
    after = client.v1.customers.list({"limit": 3, "starting_after": expected[4]})
    assert [each.id for each in after.data] == expected[5:8]
    before = client.v1.customers.list({"limit": 3, "ending_before": expected[5]})
    assert [each.id for each in before.data] == expected[2:5]
    assert before.has_more is True
    last = client.v1.customers.list({"limit": 10, "starting_after": expected[14]})
    assert ([each.id for each in last.data], last.has_more) == (expected[15:], False)
    none = client.v1.customers.list({"starting_after": expected[-1]})
    assert (none.data, none.has_more) == ([], False)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"starting_after": "cus_nobody"}, "starting_after"),
        ({"ending_before": "cus_nobody"}, "ending_before"),
        ({"starting_after": "a", "ending_before": "b"}, "ending_before"),
        ({"created": {"gte": "yesterday"}}, "created[gte]"),
        ({"nonsense": "x"}, "nonsense"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(
    client: stripe.StripeClient, params: dict[str, object], param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.list(params)
    assert caught.value.param == param


def test_lists_are_narrowed_by_time(regulars: tuple[stripe.StripeClient, list[str]]) -> None:
    client, expected = regulars
    first = client.v1.customers.retrieve(expected[-1]).created
    last = client.v1.customers.retrieve(expected[0]).created
    within = client.v1.customers.list({"limit": 100, "created": {"gte": first, "lte": last}})
    assert len(within.data) == 25
    assert client.v1.customers.list({"created": {"lt": first}}).data == []
    assert client.v1.customers.list({"created": {"gt": last}}).data == []
    on_the_second = client.v1.customers.list({"limit": 100, "created": last})
    assert all(each.created == last for each in on_the_second.data) and on_the_second.data


def test_objects_are_shown_in_place_of_their_ids_four_levels_deep(
    client: stripe.StripeClient,
) -> None:
    jenny = client.v1.customers.create({"name": "Jenny"})
    paid = client.v1.payment_intents.create(
        lunch(
            customer=jenny.id,
            expand=["customer", "payment_method", "latest_charge.balance_transaction.source"],
        )
    )
    assert paid.customer.name == "Jenny"
    assert paid.payment_method.card.brand == "visa"
    assert paid.latest_charge.balance_transaction.source.id == paid.latest_charge.id
    refund = client.v1.refunds.create(
        {
            "payment_intent": paid.id,
            "expand": ["charge.payment_intent.customer", "balance_transaction.source"],
        }
    )
    assert refund.charge.payment_intent.customer.id == jenny.id
    assert refund.balance_transaction.source.id == refund.id
    deep = client.v1.refunds.retrieve(
        refund.id, {"expand": ["charge.payment_intent.latest_charge.customer"]}
    )
    assert deep.charge.payment_intent.latest_charge.customer.name == "Jenny"
    listed = client.v1.refunds.list(
        {"payment_intent": paid.id, "expand": ["data.charge.payment_intent.customer"]}
    )
    assert listed.data[0].charge.payment_intent.customer.id == jenny.id


@pytest.mark.parametrize(
    "path",
    [
        "amount",
        "nonsense",
        "latest_charge.nonsense",
        "customer.email",
        "latest_charge.payment_intent.latest_charge.payment_intent.latest_charge",
    ],
)
def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient, path: str) -> None:
    paid = client.v1.payment_intents.create(lunch(customer=client.v1.customers.create({}).id))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.retrieve(paid.id, {"expand": [path]})
    assert caught.value.param == "expand"


def test_metadata_is_added_to_changed_and_unset(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(
        {"amount": 2000, "currency": "usd", "metadata": {"a": "1", "b": "2"}}
    )
    changed = client.v1.payment_intents.update(intent.id, {"metadata": {"b": "", "c": "3"}})
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    cleared = client.v1.payment_intents.update(intent.id, {"metadata": ""})
    assert cleared.metadata.to_dict() == {}


@pytest.mark.parametrize(
    "metadata",
    [
        {f"k{number}": "v" for number in range(51)},
        {"k" * 41: "v"},
        {"k": "v" * 501},
    ],
    ids=["51 keys", "a key of 41", "a value of 501"],
)
def test_metadata_has_limits(client: stripe.StripeClient, metadata: dict[str, str]) -> None:
    for create in (
        lambda: client.v1.customers.create({"metadata": metadata}),
        lambda: client.v1.payment_intents.create(lunch(metadata=metadata)),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            create()
        assert str(caught.value.param).startswith("metadata")


def test_metadata_may_be_filled_to_its_limits(client: stripe.StripeClient) -> None:
    metadata = {f"{number:040d}": "v" * 500 for number in range(50)}
    made = client.v1.customers.create({"metadata": metadata})
    assert client.v1.customers.retrieve(made.id).metadata.to_dict() == metadata


def test_a_payments_events_tell_its_story_in_order(platform: Platform) -> None:
    client = open_shop(platform).client
    paid = client.v1.payment_intents.create(
        lunch(metadata={"order": "7"}), {"idempotency_key": "the-lunch"}
    )
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 500})

    def complete() -> list[stripe.Event] | None:
        events = client.v1.events.list({"limit": 100}).data
        return events if any(event.type == "charge.refunded" for event in events) else None

    events = seen(complete)
    types = [event.type for event in reversed(events)]
    assert types[0] == "payment_intent.created"
    assert set(types) == {
        "payment_intent.created",
        "payment_intent.succeeded",
        "charge.succeeded",
        "charge.refunded",
        "refund.created",
    }
    (succeeded,) = [event for event in events if event.type == "payment_intent.succeeded"]
    shown = succeeded.data.object
    assert (shown.object, shown.id, shown.status) == ("payment_intent", paid.id, "succeeded")
    assert shown.metadata.to_dict() == {"order": "7"}
    assert succeeded.request.id == paid.last_response.request_id
    assert succeeded.request.idempotency_key == "the-lunch"
    assert (succeeded.livemode, succeeded.object) == (False, "event")
    (refunded,) = [event for event in events if event.type == "charge.refunded"]
    assert refunded.data.object.amount_refunded == 500
    assert refunded.data.previous_attributes.to_dict()["amount_refunded"] == 0
    again = client.v1.events.retrieve(succeeded.id)
    assert again.to_dict() == succeeded.to_dict()


def test_events_are_narrowed_by_type(platform: Platform) -> None:
    client = open_shop(platform).client
    client.v1.payment_intents.create(lunch())
    client.v1.customers.create({})
    seen(lambda: client.v1.events.list({"type": "customer.created"}).data)
    charges = client.v1.events.list({"type": "charge.*"}).data
    assert {event.type for event in charges} == {"charge.succeeded"}
    either = client.v1.events.list({"types": ["customer.created", "charge.succeeded"]}).data
    assert {event.type for event in either} == {"customer.created", "charge.succeeded"}
