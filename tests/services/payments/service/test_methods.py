"""Methods as other verbs use them: brought, settled, attached."""

import pytest
from tests.services.floor import FakeHost
from tests.services.payments.counter import HERE, OTHER, SHOP, parts_on, types

from sycee.kernel.refusal import NotFound
from sycee.runtime.host import Profile
from sycee.services.payments.contract.customers import (
    Customer,
    MethodUnusable,
    NewMethod,
    RawCardsRefused,
)
from sycee.services.payments.contract.shared import MetadataInvalid, Origin
from sycee.services.payments.service.methods import Methods
from sycee.services.payments.store import customers, methods
from sycee.services.validation.contract import CardExpired, CardNumber, CardNumberInvalid

VISA = CardNumber("4242 4242-4242 4242", 12, 2030, "123")


@pytest.fixture
async def desk(parts):
    return Methods(parts)


async def settled(parts, desk, brought, merchant=SHOP, customer=None):
    return await parts.database.write(
        lambda session: desk.settle(session, brought, merchant, customer)
    )


async def someone(parts, id="cus_a", merchant=SHOP):
    customer = Customer(id, merchant, parts.clock.now(), False)
    await parts.database.write(lambda session: customers.add(session, customer))
    return id


async def test_nothing_given_is_nothing_brought(desk):
    assert await desk.bring(HERE, None, None) is None


async def test_a_kept_method_is_only_named(desk):
    brought = await desk.bring(HERE, "pm_1", None)
    assert (brought.wanted, brought.fresh) == ("pm_1", None)


@pytest.mark.parametrize("name", ["pm_card_visa", "tok_visa"])
async def test_a_test_method_is_made_afresh_each_time(parts, desk, name):
    first, second = [await desk.bring(HERE, name, None) for _ in range(2)]
    assert first.wanted != second.wanted
    method = await settled(parts, desk, first)
    assert (method.id, method.card.brand, method.card.last4) == (first.wanted, "visa", "4242")
    assert method.card.fingerprint == second.fresh.card.fingerprint
    assert method.card.rail_token != second.fresh.card.rail_token


@pytest.mark.parametrize("name", ["pm_card_nothing", "tok_nothing"])
async def test_an_unknown_test_method_is_not_found(desk, name):
    with pytest.raises(NotFound):
        await desk.bring(HERE, name, None)


async def test_real_money_takes_no_test_methods(desk):
    live = Origin(SHOP, livemode=True)
    with pytest.raises(NotFound):
        await desk.bring(live, "pm_card_visa", None)
    with pytest.raises(NotFound):
        await desk.bring(live, None, NewMethod(token="tok_visa"))


async def test_a_described_card_goes_before_a_named_method(desk):
    brought = await desk.bring(HERE, "pm_1", NewMethod(card=VISA, metadata={"a": "1", "b": ""}))
    assert brought.fresh.card.bin == "424242"
    assert brought.fresh.metadata == {"a": "1"}


async def test_the_number_is_written_nowhere(host, parts, desk):
    """SE4."""
    method = await settled(parts, desk, await desk.bring(HERE, None, NewMethod(card=VISA)))
    assert "4242424242424242" not in repr(method)
    for file in host.folder.iterdir():
        assert b"4242424242424242" not in file.read_bytes()


@pytest.mark.parametrize(
    ("new", "no"),
    [
        (NewMethod(), CardNumberInvalid),
        (NewMethod(card=CardNumber("4242424242424241", 1, 2030)), CardNumberInvalid),
        (NewMethod(card=CardNumber("4242424242424242", 1, 2026)), CardExpired),
        (NewMethod(card=VISA, metadata={"k" * 41: "v"}), MetadataInvalid),
        (NewMethod(token="tok_visa", metadata={"": "v"}), MetadataInvalid),
    ],
)
async def test_what_cannot_be_a_method_is_refused(desk, new, no):
    with pytest.raises(no):
        await desk.bring(HERE, None, new)


async def test_production_without_a_vault_takes_no_numbers_yet_test_tokens(tmp_path):
    """SE4."""
    desk = Methods(await parts_on(FakeHost(tmp_path, profile=Profile.PRODUCTION)))
    with pytest.raises(RawCardsRefused):
        await desk.bring(HERE, None, NewMethod(card=VISA))
    assert (await desk.bring(HERE, None, NewMethod(token="tok_visa"))).fresh


async def test_a_foreign_method_answers_as_an_unknown_one_does(parts, desk):
    """IA1."""
    brought = await desk.bring(HERE, "pm_card_visa", None)
    method = await settled(parts, desk, brought)
    named = await desk.bring(HERE, method.id, None)
    with pytest.raises(NotFound) as foreign:
        await settled(parts, desk, named, OTHER)
    unknown = await desk.bring(HERE, "pm_unknown", None)
    with pytest.raises(NotFound) as none:
        await settled(parts, desk, unknown, OTHER)
    assert foreign.value.detail.replace(method.id, "pm_unknown") == none.value.detail
    assert foreign.value.facts == none.value.facts


async def test_a_detached_method_cannot_be_used(parts, desk):
    brought = await desk.bring(HERE, "pm_card_visa", None)
    method = await settled(parts, desk, brought)
    await parts.database.write(lambda session: methods.detach(session, method))
    with pytest.raises(MethodUnusable):
        await settled(parts, desk, await desk.bring(HERE, method.id, None))


async def test_attaching_again_is_the_same_and_told_once(host, parts, desk):
    customer = await someone(parts)
    method = await settled(parts, desk, await desk.bring(HERE, "pm_card_visa", None))

    def attach(session):
        kept = desk.usable(session, method.id, SHOP, customer)
        return desk.attach(session, kept, customer, HERE)

    first, second = [await parts.database.write(attach) for _ in range(2)]
    assert first == second and first.customer == customer
    assert types(host) == ["payment_method.attached"]


async def test_a_method_has_one_owner(parts, desk):
    first, second = await someone(parts), await someone(parts, "cus_b")
    method = await settled(parts, desk, await desk.bring(HERE, "pm_card_visa", None))
    owned = await parts.database.write(lambda s: desk.attach(s, method, first, HERE))
    with pytest.raises(MethodUnusable):
        await parts.database.write(lambda s: desk.attach(s, owned, second, HERE))
    with pytest.raises(MethodUnusable):
        await settled(parts, desk, await desk.bring(HERE, owned.id, None), customer=second)
    named = await desk.bring(HERE, owned.id, None)
    assert await settled(parts, desk, named, customer=first) == owned


async def test_nobody_can_own_a_method(parts, desk):
    """IA1: a foreign customer is nobody."""
    await someone(parts, "cus_foreign", OTHER)
    method = await settled(parts, desk, await desk.bring(HERE, "pm_card_visa", None))
    for customer in ("cus_unknown", "cus_foreign"):
        with pytest.raises(NotFound):
            await parts.database.write(lambda s, c=customer: desk.attach(s, method, c, HERE))
