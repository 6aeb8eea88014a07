"""Searches over what happened: the index follows the events, and finds what was there before."""

import pytest
from tests.services.payments.shop import OTHER, SHOP, Shop, origin

from sycee.kernel.money import Money
from sycee.runtime.host import Message
from sycee.services.notify.contract import EVENTS_TOPIC
from sycee.services.payments.contract.customers import (
    CreateCustomer,
    CustomerFields,
    DeleteCustomer,
    UpdateCustomer,
)
from sycee.services.payments.contract.intents import PaymentFields, UpdatePayment
from sycee.services.payments.contract.searches import PageUnknown, QueryUnanswerable, Search
from sycee.services.payments.service.searching import Indexer


@pytest.fixture
async def shop(tmp_path):
    shop = await Shop(tmp_path).open()
    yield shop
    await shop.close()


async def index(shop, again=1):
    """Hand over what was published, as the queue does."""
    handle = shop.host.handlers[EVENTS_TOPIC, "payments_search"]
    published = shop.host.databases["payments"].published
    for _ in range(again):
        await handle([Message(*each) for each in published])


async def payments(shop, query, merchant=SHOP):
    found = await shop.service.search_payments(Search(merchant, query, 100))
    return [each.id for each in found.items]


async def charges(shop, query):
    found = await shop.service.search_charges(Search(SHOP, query, 100))
    return [each.id for each in found.items]


async def customers(shop, query):
    found = await shop.service.search_customers(Search(SHOP, query, 100))
    return [each.id for each in found.items]


async def customer(shop, **fields):
    command = CreateCustomer(origin(), CustomerFields(**fields))
    return await shop.service.create_customer(command)


async def test_payments_are_found_by_what_they_are(shop):
    ada = await customer(shop, name="Ada")
    small = await shop.create(amount=Money(10_00, "USD"), metadata={"order": "A-7", "x": "1"})
    large = await shop.pay(amount=Money(90_00, "EUR"), customer=ada.id)
    await index(shop)
    for query, found in {
        "amount>1000": [large],
        "amount>=1000": [large, small],
        "amount<9000": [small],
        "amount<=9000": [large, small],
        "amount:1000": [small],
        'amount:"1000"': [small],
        "-amount:1000": [large],
        'status:"succeeded"': [large],
        'currency:"EUR"': [large],
        'currency:"eur" AND amount>100': [large],
        'currency:"eur" OR amount:1000': [large, small],
        f'customer:"{ada.id}"': [large],
        "customer:null": [small],
        "-customer:null": [large],
        f'-customer:"{ada.id}"': [small],
        'metadata["order"]:"a-7"': [small],
        '-metadata["order"]:"a-7"': [large],
        'metadata["order"]:null': [large],
        '-metadata["order"]:null': [small],
        'metadata["order"]:"a"': [],
        "created>1798718399": [large, small],
        "created<1798718400": [],
    }.items():
        assert await payments(shop, query) == [each.id for each in found], query


async def test_charges_are_found_by_their_cards_and_what_became_of_them(shop):
    good = await shop.pay(card="visa")
    other = await shop.pay(card="mastercard")
    await shop.refund(good.id)
    await index(shop)
    card = "payment_method_details.card."
    for query, found in {
        f'{card}brand:"visa"': [good],
        f'{card}last4:"4444"': [other],
        f"{card}exp_year>2000": [other, good],
        'refunded:"true"': [good],
        'refunded:"false" AND disputed:"false"': [other],
        'status:"succeeded"': [other, good],
    }.items():
        assert await charges(shop, query) == [each.latest_charge for each in found], query


async def test_customers_are_found_by_parts_of_what_they_are_called(shop):
    ada = await customer(shop, name="Ada Lovelace", email="ada@x.com", phone="+44 20")
    odd = await customer(shop, name="100%_!", email="Odd@Y.com")
    await index(shop)
    for query, found in {
        'name~"LOVE"': [ada],
        'name~"00%"': [odd],
        'name~"a%e"': [],
        'name~"%_!"': [odd],
        '-name~"love"': [odd],
        'email:"odd@y.com"': [odd],
        '-phone:"+44 20"': [odd],
        "phone:null": [odd],
    }.items():
        assert await customers(shop, query) == [each.id for each in found], query


async def test_nobody_finds_what_belongs_to_another(shop):
    await shop.pay()
    await index(shop)
    for query in ("amount>0", "amount:1 OR amount>0", "-amount:1", 'metadata["a"]:null'):
        assert len(await payments(shop, query)) == 1
        assert await payments(shop, query, OTHER) == []


async def test_the_index_holds_the_latest_however_often_events_come(shop):
    held = await shop.hold(metadata={"a": "b"})
    await shop.capture(held.id)
    someone = await customer(shop, email="a@x.com", metadata={"a": "1", "b": "2"})
    changed = CustomerFields(email="b@x.com", metadata={"a": ""})
    await shop.service.update_customer(UpdateCustomer(origin(), someone.id, changed))
    await index(shop, again=2)
    assert await payments(shop, 'status:"succeeded" metadata["a"]:"b"') == [held.id]
    assert await customers(shop, 'email:"b@x.com" metadata["b"]:"2"') == [someone.id]
    assert await customers(shop, 'email:"a@x.com" OR metadata["a"]:"1"') == []
    await shop.service.delete_customer(DeleteCustomer(origin(), someone.id))
    await index(shop)
    assert await customers(shop, "created>0") == []
    assert await customers(shop, 'metadata["b"]:"2"') == []


async def test_an_update_that_no_event_tells_of_is_found(shop):
    payment = await shop.create()
    fields = PaymentFields(metadata={"order": "9"})
    await shop.service.update_payment(UpdatePayment(origin(), payment.id, fields))
    assert await payments(shop, 'metadata["order"]:"9"') == [payment.id]


async def test_what_was_there_before_is_looked_through_once(shop):
    made = [await shop.create() for _ in range(51)]
    assert await payments(shop, "amount>0") == []
    indexer = Indexer(shop.parts)
    await indexer.look_through()
    assert await payments(shop, "amount>0") == [each.id for each in reversed(made)]
    await shop.create()
    await indexer.look_through()
    assert len(await payments(shop, "amount>0")) == 51


async def test_pages_follow_each_other_to_the_end(shop):
    made = [(await shop.create()).id for _ in range(5)]
    await index(shop)
    seen, page = [], None
    for size in (2, 2, 1):
        found = await shop.service.search_payments(Search(SHOP, "amount>0", 2, page, True))
        assert len(found.items) == size
        assert found.total_count == 5
        seen += [each.id for each in found.items]
        page = found.next_page
    assert page is None
    assert seen == made[::-1]


@pytest.mark.parametrize("page", ["§", "a", "a_b!", "gICA", "cGlfMQ", "MSBwaV8xIHg"])
async def test_a_page_that_was_made_up_is_refused(shop, page):
    with pytest.raises(PageUnknown):
        await shop.service.search_payments(Search(SHOP, "amount>0", 10, page))


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ('shoe:"9"', "shoe cannot be searched here; what can is amount,"),
        ('amount["x"]:1', "amount cannot be searched here"),
        ('amount~"100"', "amount takes : > < >= <= and not ~"),
        ("status>1", "status takes : and not >"),
        ('metadata:"x"', "metadata needs a key"),
        ('metadata["x"]~"abc"', "metadata takes : and not ~"),
        ('amount:"ten"', "amount is a number and cannot be 'ten'"),
    ],
)
async def test_what_cannot_be_searched_is_refused_by_name(shop, query, says):
    with pytest.raises(QueryUnanswerable) as refused:
        await payments(shop, query)
    assert says in refused.value.detail


async def test_events_about_other_things_and_broken_ones_are_passed_over(shop):
    handle = shop.host.handlers[EVENTS_TOPIC, "payments_search"]
    await handle([Message(EVENTS_TOPIC, "evt_x", b"\xc1")])
    assert await payments(shop, "amount>0") == []
