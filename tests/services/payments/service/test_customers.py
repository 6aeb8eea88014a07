"""Customers over a real database."""

import asyncio

import msgspec
import pytest
from tests.services.payments.counter import (
    ELSEWHERE,
    HERE,
    OTHER,
    SHOP,
    keyed,
    refused,
    told,
    types,
)

from sycee.kernel.refusal import NotFound
from sycee.services.payments.contract.customers import (
    CreateCustomer,
    CreateMethod,
    CustomerFields,
    CustomerQuery,
    DeleteCustomer,
    EmailInvalid,
    ListCustomers,
    ListMethods,
    MethodQuery,
    MethodUnusable,
    NewMethod,
    UpdateCustomer,
)
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    MetadataInvalid,
    Page,
    TextTooLong,
)

ANNA = CustomerFields(name="Anna", email="anna@example.org", metadata={"a": "1"})


async def anna(service, origin=HERE, method=None, **fields):
    said = msgspec.structs.replace(ANNA, **fields)
    return await service.create_customer(CreateCustomer(origin, said, method))


async def get(service, id, merchant=SHOP):
    return await service.get_customer(CustomerQuery(merchant, id))


async def test_a_customer_is_remembered_as_described(host, service):
    created = await anna(service)
    assert await get(service, created.id) == created
    assert (created.name, created.email, created.metadata) == ("Anna", ANNA.email, {"a": "1"})
    assert created.created == host.clock.now() and not created.livemode
    assert told(host) == [("customer.created", created, {})]


async def test_a_customer_may_come_with_a_method(host, service):
    created = await anna(service, method="pm_card_visa", default_method="pm_card_visa")
    page = await service.list_methods(ListMethods(SHOP, created.id))
    assert [method.id for method in page.items] == [created.default_method]
    assert types(host) == ["customer.created", "payment_method.attached"]
    assert told(host)[0][1] == created


async def test_a_stored_method_may_come_along_and_be_the_default(service):
    method = await service.create_method(CreateMethod(HERE, NewMethod(token="tok_visa")))
    created = await anna(service, method=method.id, default_method=method.id)
    assert created.default_method == method.id
    kept = await service.get_method(MethodQuery(SHOP, method.id))
    assert kept.customer == created.id


@pytest.mark.parametrize(
    ("fields", "no"),
    [
        ({"email": "anna"}, EmailInvalid),
        ({"name": "n" * 257}, TextTooLong),
        ({"metadata": {"k" * 41: "v"}}, MetadataInvalid),
        ({"default_method": "pm_unknown"}, NotFound),
        ({"default_method": "pm_card_visa"}, NotFound),
    ],
)
async def test_what_is_refused_leaves_nothing(host, service, fields, no):
    with pytest.raises(no):
        await anna(service, **fields)
    assert (await service.list_customers(ListCustomers(SHOP))).items == ()
    assert told(host) == []


async def test_a_method_of_another_cannot_come_along(host, service):
    first = await anna(service, method="pm_card_visa", default_method="pm_card_visa")
    with pytest.raises(MethodUnusable):
        await anna(service, method=first.default_method)
    with pytest.raises(NotFound):
        await anna(service, ELSEWHERE, first.default_method)
    assert len((await service.list_customers(ListCustomers(SHOP))).items) == 1


async def test_an_update_tells_what_was_before(host, service):
    created = await anna(service)
    fields = CustomerFields(name="Bea", metadata={"b": "2"})
    updated = await service.update_customer(UpdateCustomer(HERE, created.id, fields))
    assert updated == msgspec.structs.replace(created, name="Bea", metadata={"a": "1", "b": "2"})
    assert await get(service, created.id) == updated
    assert told(host)[1:] == [
        ("customer.updated", updated, {"name": "Anna", "metadata": {"b": None}})
    ]


async def test_an_update_that_changes_nothing_is_not_told(host, service):
    created = await anna(service)
    assert await service.update_customer(UpdateCustomer(HERE, created.id, ANNA)) == created
    assert types(host) == ["customer.created"]


async def test_the_default_method_is_ones_own(service):
    created, other = await anna(service), await anna(service, method="pm_card_visa")
    theirs = (await service.list_methods(ListMethods(SHOP, other.id))).items[0].id
    for wanted in (theirs, "pm_unknown"):
        with pytest.raises(NotFound):
            fields = CustomerFields(default_method=wanted)
            await service.update_customer(UpdateCustomer(HERE, created.id, fields))
    fields = CustomerFields(default_method=theirs)
    updated = await service.update_customer(UpdateCustomer(HERE, other.id, fields))
    assert updated.default_method == theirs


async def test_a_deleted_customer_is_known_as_deleted_and_its_methods_are_gone(host, service):
    created = await anna(service, method="pm_card_visa")
    method = (await service.list_methods(ListMethods(SHOP, created.id))).items[0]
    deleted = await service.delete_customer(DeleteCustomer(HERE, created.id))
    assert deleted.deleted and deleted.name is None and deleted.email is None
    assert await get(service, created.id) == deleted
    assert (await service.get_method(MethodQuery(SHOP, method.id))).customer is None
    assert told(host)[2:] == [
        (
            "payment_method.detached",
            msgspec.structs.replace(method, customer=None),
            {"customer": created.id},
        ),
        ("customer.deleted", deleted, {}),
    ]
    with pytest.raises(MethodUnusable):
        await anna(service, method=method.id)
    for act in (
        lambda: service.delete_customer(DeleteCustomer(HERE, created.id)),
        lambda: service.update_customer(UpdateCustomer(HERE, created.id, ANNA)),
        lambda: service.list_methods(ListMethods(SHOP, created.id)),
    ):
        with pytest.raises(NotFound):
            await act()


async def test_a_foreign_customer_answers_as_an_unknown_one_does(service):
    """IA1."""
    created = await anna(service)
    for act in (
        lambda id: get(service, id, OTHER),
        lambda id: service.update_customer(UpdateCustomer(ELSEWHERE, id, ANNA)),
        lambda id: service.delete_customer(DeleteCustomer(ELSEWHERE, id)),
        lambda id: service.list_methods(ListMethods(OTHER, id)),
        lambda id: service.list_customers(ListCustomers(OTHER, Page(starting_after=id))),
    ):
        noes = []
        for id in (created.id, "cus_unknown"):
            with pytest.raises(NotFound) as refusal:
                await act(id)
            noes.append((refusal.value.detail.replace(id, "…"), refusal.value.param))
        assert noes[0] == noes[1]
    assert await get(service, created.id) == created
    assert (await service.list_customers(ListCustomers(OTHER))).items == ()


async def seven(host, service):
    """Seven customers, a second apart, newest first."""
    made = []
    for n in range(7):
        made.append(await anna(service, name=f"{n}", email=f"{n % 2}@example.org"))
        host.clock.pass_s(1)
    await anna(service, ELSEWHERE)
    return made[::-1]


@pytest.mark.parametrize(
    ("page", "places", "has_more"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6], False),
        ({"limit": 3}, [0, 1, 2], True),
        ({"limit": 7}, [0, 1, 2, 3, 4, 5, 6], False),
        ({"limit": 0}, [0], True),
        ({"limit": 10**9}, [0, 1, 2, 3, 4, 5, 6], False),
        ({"limit": 3, "starting_after": 2}, [3, 4, 5], True),
        ({"limit": 3, "starting_after": 3}, [4, 5, 6], False),
        ({"starting_after": 6}, [], False),
        ({"limit": 3, "ending_before": 4}, [1, 2, 3], True),
        ({"limit": 3, "ending_before": 3}, [0, 1, 2], False),
        ({"ending_before": 0}, [], False),
        ({"created_from": 2}, [0, 1, 2], False),
        ({"created_to": 2}, [3, 4, 5, 6], False),
        ({"created_from": 4, "created_to": 1, "limit": 2}, [2, 3], True),
        ({"created_from": 4, "created_to": 1, "starting_after": 3}, [4], False),
    ],
)
async def test_lists_are_pages_newest_first(host, service, page, places, has_more):
    customers = await seven(host, service)
    for name, value in {
        "starting_after": "id",
        "ending_before": "id",
        "created_from": "created",
        "created_to": "created",
    }.items():
        if name in page:
            page = {**page, name: getattr(customers[page[name]], value)}
    found = await service.list_customers(ListCustomers(SHOP, Page(**page)))
    assert found.items == tuple(customers[place] for place in places)
    assert found.has_more is has_more


async def test_a_list_can_be_of_one_address_and_is_without_the_deleted(host, service):
    customers = await seven(host, service)
    await service.delete_customer(DeleteCustomer(HERE, customers[0].id))
    found = await service.list_customers(ListCustomers(SHOP, email="0@example.org"))
    assert found.items == tuple(customers[2::2])
    page = Page(starting_after=customers[0].id)
    assert len((await service.list_customers(ListCustomers(SHOP, page))).items) == 6


@pytest.mark.parametrize("way", ["starting_after", "ending_before"])
async def test_an_unknown_cursor_is_not_found(service, way):
    with pytest.raises(NotFound) as refusal:
        await service.list_customers(ListCustomers(SHOP, Page(**{way: "cus_unknown"})))
    assert refusal.value.param == way


async def test_a_repeated_request_gets_the_first_answer_and_does_nothing(host, service):
    """MS2."""
    first = await anna(service, keyed("k"), "pm_card_visa")
    fields = CustomerFields(name="Bea")
    await service.update_customer(UpdateCustomer(HERE, first.id, fields))
    again = await anna(service, keyed("k"), "pm_card_visa")
    assert msgspec.msgpack.encode(again) == msgspec.msgpack.encode(first)
    assert types(host) == ["customer.created", "payment_method.attached", "customer.updated"]


async def test_twins_make_one_customer(host, service):
    """MS2."""
    answers = await asyncio.gather(*(anna(service, keyed("k"), "pm_card_visa") for _ in range(20)))
    assert len(set(map(msgspec.msgpack.encode, answers))) == 1
    assert types(host) == ["customer.created", "payment_method.attached"]


async def test_a_key_belongs_to_its_merchant_and_its_parameters(service):
    """MS2."""
    first = await anna(service, keyed("k"))
    with pytest.raises(IdempotencyConflict):
        await anna(service, keyed("k", b"other"))
    assert (await anna(service, keyed("k", merchant=OTHER))).id != first.id


async def test_a_repeated_refusal_is_the_same_refusal(service):
    """MS2: also when the request would be possible by now."""
    first = await anna(service)
    query = UpdateCustomer(keyed("k"), first.id, CustomerFields(default_method="pm_unknown"))
    noes = []
    for _ in range(2):
        with pytest.raises(NotFound) as refusal:
            await service.update_customer(query)
        noes.append((refusal.value.detail, refusal.value.param, refusal.value.facts))
    assert noes[0] == noes[1]


async def test_deleting_again_with_the_same_key_is_the_same(service):
    """MS2."""
    created = await anna(service)
    command = DeleteCustomer(keyed("k"), created.id)
    assert await service.delete_customer(command) == await service.delete_customer(command)
    with refused(NotFound):
        await service.delete_customer(DeleteCustomer(keyed("l"), created.id))
