"""The verbs of payment methods over a real database and a simulated acquirer."""

import asyncio

import msgspec
import pytest
from tests.services.floor import FakeHost
from tests.services.payments.counter import (
    ELSEWHERE,
    HERE,
    OTHER,
    SHOP,
    Crash,
    crash,
    keyed,
    parts_on,
    told,
    types,
    vault_on,
)

from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract.customers import (
    AttachMethod,
    CreateCustomer,
    CreateMethod,
    CustomerFields,
    CustomerQuery,
    DetachMethod,
    ListCustomers,
    ListMethods,
    MethodQuery,
    MethodUnusable,
    NewMethod,
    SetupDeclined,
    UpdateCustomer,
    UpdateMethod,
)
from sycee.services.payments.contract.shared import (
    BillingDetails,
    IdempotencyConflict,
    MetadataInvalid,
    Page,
)
from sycee.services.payments.service.customers import CustomersService
from sycee.services.validation.contract import (
    CardCvcInvalid,
    CardExpired,
    CardExpiryMonthInvalid,
    CardNumber,
)

VISA = CardNumber("4242424242424242", 12, 2030, "123")


async def visa(service, origin=HERE, **details):
    return await service.create_method(CreateMethod(origin, NewMethod(card=VISA, **details)))


async def someone(service, origin=HERE):
    return (await service.create_customer(CreateCustomer(origin))).id


async def attach(service, method, customer, origin=HERE):
    return await service.attach_method(AttachMethod(origin, method, customer))


async def declined(service):
    new = NewMethod(token="tok_chargeDeclined")
    return await service.create_method(CreateMethod(HERE, new))


async def get(service, id, merchant=SHOP):
    return await service.get_method(MethodQuery(merchant, id))


async def test_a_method_is_kept_and_nobodys(host, service):
    created = await visa(service, billing=BillingDetails(name="Anna"), metadata={"a": "1"})
    assert await get(service, created.id) == created
    assert (created.customer, created.billing.name) == (None, "Anna")
    assert told(host) == []


async def test_a_bad_card_is_refused_the_same_way_again(service):
    """MS2."""
    bad = NewMethod(card=CardNumber("4242424242424242", 12, 2030, "12"))
    for _ in range(2):
        with pytest.raises(CardCvcInvalid) as refusal:
            await service.create_method(CreateMethod(keyed("k"), bad))
        assert refusal.value.param == "cvc"
    with pytest.raises(IdempotencyConflict):
        await visa(service, keyed("k", b"other"))


async def test_a_repeated_creation_makes_one_method(service):
    """MS2."""
    answers = await asyncio.gather(*(visa(service, keyed("k")) for _ in range(10)))
    assert len(set(map(msgspec.msgpack.encode, answers))) == 1


async def test_a_test_method_can_be_looked_at_by_its_name(service):
    seen = await get(service, "pm_card_mastercard")
    assert (seen.id, seen.card.brand, seen.customer) == ("pm_card_mastercard", "mastercard", None)
    with pytest.raises(NotFound):
        await get(service, "pm_card_nothing")


async def test_an_update_tells_what_was_before(host, service):
    created = await visa(service, metadata={"a": "1"})
    command = UpdateMethod(
        HERE, created.id, BillingDetails(name="Bea"), 1, 2031, {"a": ""}, "always"
    )
    updated = await service.update_method(command)
    assert await get(service, created.id) == updated
    assert told(host) == [
        (
            "payment_method.updated",
            updated,
            {
                "card": {"exp_month": 12, "exp_year": 2030},
                "billing_details": {"name": None},
                "metadata": {"a": "1"},
                "allow_redisplay": "unspecified",
            },
        )
    ]
    await service.update_method(command)
    assert len(told(host)) == 1


@pytest.mark.parametrize(
    ("change", "no"),
    [
        ({"exp_month": 13}, CardExpiryMonthInvalid),
        ({"exp_month": 11, "exp_year": 2026}, CardExpired),
        ({"metadata": {"k": "v" * 501}}, MetadataInvalid),
    ],
)
async def test_an_impossible_update_is_refused(host, service, change, no):
    created = await visa(service)
    with pytest.raises(no):
        await service.update_method(UpdateMethod(HERE, created.id, **change))
    assert await get(service, created.id) == created


async def test_attaching_asks_the_rail_once_and_is_told_once(host, service, rail):
    customer, method = await someone(service), await visa(service)
    first = await attach(service, method.id, customer)
    assert first == msgspec.structs.replace(method, customer=customer)
    assert await attach(service, method.id, customer) == first
    assert len(rail.orders) == 1 and rail.orders[0].amount.minor == 0
    assert types(host) == ["customer.created", "payment_method.attached"]


async def test_attaching_a_test_method_makes_a_fresh_one(service):
    customer = await someone(service)
    ids = {(await attach(service, "pm_card_visa", customer)).id for _ in range(2)}
    page = await service.list_methods(ListMethods(SHOP, customer))
    assert {method.id for method in page.items} == ids and len(ids) == 2


@pytest.mark.parametrize(
    ("name", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
async def test_a_card_that_its_bank_declines_is_not_attached(
    host, service, name, code, decline_code
):
    customer = await someone(service)
    with pytest.raises(SetupDeclined) as refusal:
        await attach(service, name, customer)
    assert refusal.value.facts == {"error_code": code, "decline_code": decline_code}
    assert (await service.list_methods(ListMethods(SHOP, customer))).items == ()
    assert types(host) == ["customer.created"]


async def test_a_card_that_its_bank_declines_does_not_come_with_a_new_customer(host, service, rail):
    for name in ("pm_card_chargeDeclined", (await declined(service)).id):
        command = CreateCustomer(keyed(name), method=name)
        for _ in range(2):
            with pytest.raises(SetupDeclined) as refusal:
                await service.create_customer(command)
            assert refusal.value.facts["decline_code"] == "generic_decline"
    assert len(rail.orders) == 2
    assert (await service.list_customers(ListCustomers(SHOP))).items == ()
    assert types(host) == []


async def test_a_new_customer_is_not_made_while_the_rail_is_silent(service):
    """MS2: an outage is no outcome."""
    with pytest.raises(Unavailable):
        await service.create_customer(
            CreateCustomer(keyed("k"), method="pm_card_visa_sycee_lost_answer")
        )
    made = await service.create_customer(CreateCustomer(keyed("k"), method="pm_card_visa"))
    assert (await service.list_customers(ListCustomers(SHOP))).items == (made,)


async def test_the_rail_is_not_asked_about_a_method_that_is_not_free(service, rail):
    owner, method = await someone(service), await visa(service)
    await attach(service, method.id, owner)
    rail.orders.clear()
    for wanted, no in ((method.id, MethodUnusable), ("pm_unknown", NotFound)):
        with pytest.raises(no):
            await service.create_customer(CreateCustomer(HERE, method=wanted))
    assert rail.orders == []


@pytest.mark.parametrize("name", ["pm_card_chargeCustomerFail", "pm_card_threeDSecure2Required"])
async def test_a_card_that_fails_or_asks_only_when_it_pays_is_attached(service, name):
    customer = await someone(service)
    assert (await attach(service, name, customer)).customer == customer


@pytest.mark.parametrize("name", ["pm_card_visa_sycee_outage", "pm_card_visa_sycee_lost_answer"])
async def test_a_silent_rail_can_be_asked_again(host, service, name):
    """MS2: an outage is no outcome."""
    customer = await someone(service)
    with pytest.raises(Unavailable):
        await attach(service, name, customer, keyed("k"))
    method = await attach(service, "pm_card_visa", customer, keyed("k"))
    assert method.customer == customer


async def test_only_what_is_free_can_be_attached(service, rail):
    first, second, method = await someone(service), await someone(service), await visa(service)
    await attach(service, method.id, first)
    rail.orders.clear()
    with pytest.raises(MethodUnusable):
        await attach(service, method.id, second)
    for wanted, customer in ((method.id, "cus_unknown"), ("pm_unknown", first)):
        with pytest.raises(NotFound):
            await attach(service, wanted, customer)
    assert rail.orders == []


async def test_two_customers_cannot_win_the_same_method(host, service, rail):
    first, second, method = await someone(service), await someone(service), await visa(service)
    rail.gather(2)
    results = await asyncio.gather(
        attach(service, method.id, first),
        attach(service, method.id, second),
        return_exceptions=True,
    )
    owner = (await get(service, method.id)).customer
    assert sorted(type(each).__name__ for each in results) == ["Method", "MethodUnusable"]
    assert owner in (first, second)
    assert types(host).count("payment_method.attached") == 1


async def test_twins_attach_one_method(host, service, rail):
    """MS2."""
    customer = await someone(service)
    rail.gather(5)
    answers = await asyncio.gather(
        *(attach(service, "pm_card_visa", customer, keyed("k")) for _ in range(5))
    )
    assert len(set(map(msgspec.msgpack.encode, answers))) == 1
    assert len((await service.list_methods(ListMethods(SHOP, customer))).items) == 1
    assert types(host).count("payment_method.attached") == 1


async def test_after_a_crash_the_same_key_attaches_one_method(host, service, rail):
    """MS2: the process ends when the rail has answered and nothing is written yet."""
    customer = await someone(service)
    rail.meanwhile = crash
    with pytest.raises(Crash):
        await attach(service, "pm_card_visa", customer, keyed("k"))
    method = await attach(service, "pm_card_visa", customer, keyed("k"))
    page = await service.list_methods(ListMethods(SHOP, customer))
    assert page.items == (method,)


async def test_a_detached_method_is_detached_for_good(host, service):
    customer, method = await someone(service), await visa(service)
    await attach(service, method.id, customer)
    detached = await service.detach_method(DetachMethod(HERE, method.id))
    assert detached == method
    assert told(host)[-1] == ("payment_method.detached", method, {"customer": customer})
    assert (await service.list_methods(ListMethods(SHOP, customer))).items == ()
    for act in (
        lambda: attach(service, method.id, customer),
        lambda: service.detach_method(DetachMethod(HERE, method.id)),
    ):
        with pytest.raises(MethodUnusable):
            await act()
    await service.update_method(UpdateMethod(HERE, method.id, metadata={"a": "1"}))
    with pytest.raises(MethodUnusable):
        await attach(service, method.id, customer)


async def test_a_free_method_cannot_be_detached(service):
    method = await visa(service)
    with pytest.raises(MethodUnusable):
        await service.detach_method(DetachMethod(HERE, method.id))


async def test_a_default_method_that_leaves_is_the_default_no_longer(host, service):
    customer, method = await someone(service), await visa(service)
    await attach(service, method.id, customer)
    fields = CustomerFields(default_method=method.id)
    await service.update_customer(UpdateCustomer(HERE, customer, fields))
    await service.detach_method(DetachMethod(keyed("k"), method.id))
    await service.detach_method(DetachMethod(keyed("k"), method.id))
    now = await service.get_customer(CustomerQuery(SHOP, customer))
    assert now.default_method is None
    previous = {"invoice_settings": {"default_payment_method": method.id}}
    assert told(host)[-1] == ("customer.updated", now, previous)
    assert types(host).count("payment_method.detached") == 1


async def test_a_foreign_method_answers_as_an_unknown_one_does(service):
    """IA1."""
    method, theirs = await visa(service), await someone(service, ELSEWHERE)
    for act in (
        lambda id: get(service, id, OTHER),
        lambda id: service.update_method(UpdateMethod(ELSEWHERE, id, metadata={"a": "1"})),
        lambda id: attach(service, id, theirs, ELSEWHERE),
        lambda id: service.detach_method(DetachMethod(ELSEWHERE, id)),
        lambda id: service.list_methods(ListMethods(OTHER, theirs, page=Page(starting_after=id))),
    ):
        noes = []
        for id in (method.id, "pm_unknown"):
            with pytest.raises(NotFound) as refusal:
                await act(id)
            noes.append((refusal.value.detail.replace(id, "…"), refusal.value.param))
        assert noes[0] == noes[1]
    assert await get(service, method.id) == method


async def test_a_foreign_customer_cannot_be_given_a_method(service):
    """IA1."""
    method, theirs = await visa(service), await someone(service, ELSEWHERE)
    with pytest.raises(NotFound):
        await attach(service, method.id, theirs)
    with pytest.raises(NotFound):
        await service.list_methods(ListMethods(SHOP, theirs))


async def test_a_customers_methods_are_a_list(host, service):
    customer, other = await someone(service), await someone(service)
    made = []
    for _ in range(3):
        made.append(await attach(service, "pm_card_visa", customer))
        host.clock.pass_s(1)
    await attach(service, "pm_card_visa", other)

    async def listed(type=None, **page):
        return await service.list_methods(ListMethods(SHOP, customer, type, Page(**page)))

    assert (await listed()).items == tuple(made[::-1])
    assert (await listed("card", limit=2)).has_more
    assert (await listed("sepa_debit")).items == ()
    assert (await listed(ending_before=made[0].id)).items == tuple(made[:0:-1])


async def test_a_rail_that_takes_too_long_has_not_answered(tmp_path):
    host = FakeHost(tmp_path)
    parts = await parts_on(
        host, await testcard.build(host, await vault_on(host), Behaviour(slow_s=60.0))
    )
    settings = msgspec.structs.replace(parts.settings, rail_timeout_s=0.01)
    service = CustomersService(msgspec.structs.replace(parts, settings=settings))
    customer = await someone(service)
    with pytest.raises(Unavailable):
        await attach(service, "pm_card_visa_sycee_slow", customer)
