"""Set-ups over a real database and a simulated acquirer."""

import asyncio
import base64
import re

import msgspec
import pytest
from tests.services.payments.counter import (
    ELSEWHERE,
    HERE,
    OTHER,
    SHOP,
    Crash,
    crash,
    keyed,
    told,
    types,
)

from sycee.kernel.money import Money
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.payments.adapters.rail import Operation, Order, Verdict
from sycee.services.payments.contract.customers import (
    AttachMethod,
    CancelSetup,
    ConfirmSetup,
    CreateCustomer,
    CreateMethod,
    CreateSetup,
    DeleteCustomer,
    DetachMethod,
    ListMethods,
    ListSetups,
    MethodQuery,
    MethodUnusable,
    NewMethod,
    Setup,
    SetupDeclined,
    SetupFields,
    SetupQuery,
    SetupStateInvalid,
    SetupStatus,
    UpdateSetup,
)
from sycee.services.payments.contract.shared import (
    IdempotencyConflict,
    MetadataInvalid,
    Page,
    TextTooLong,
)
from sycee.services.payments.service.prepared import ROUNDS_MAX
from sycee.services.validation.contract import CardNumber, CardNumberInvalid

S = SetupStatus
VISA = NewMethod(card=CardNumber("4242424242424242", 12, 2030, "123"))
BAD = NewMethod(card=CardNumber("4242424242424241", 12, 2030, "123"))
DECLINED, ASKING = "pm_card_chargeDeclined", "pm_card_authenticationRequiredOnSetup"


async def begin(service, origin=HERE, confirm=False, **fields):
    return await service.create_setup(CreateSetup(origin, SetupFields(**fields), confirm))


async def update(service, id, origin=HERE, **fields):
    return await service.update_setup(UpdateSetup(origin, id, SetupFields(**fields)))


async def confirm(service, id, origin=HERE, authenticated=None, **fields):
    return await service.confirm_setup(
        ConfirmSetup(origin, id, SetupFields(**fields), authenticated)
    )


async def get(service, id, merchant=SHOP):
    return await service.get_setup(SetupQuery(merchant, id))


async def everyone(service, merchant=SHOP):
    return (await service.list_setups(ListSetups(merchant))).items


async def someone(service, origin=HERE):
    return (await service.create_customer(CreateCustomer(origin))).id


async def methods_of(service, customer):
    return (await service.list_methods(ListMethods(SHOP, customer))).items


async def test_a_setup_goes_from_nothing_to_a_method_of_the_customer(host, service):
    customer = await someone(service)
    made = await begin(service, customer=customer, metadata={"a": "1"}, usage="on_session")
    assert (made.status, made.usage) == (S.REQUIRES_PAYMENT_METHOD, "on_session")
    ready = await update(service, made.id, new_method=VISA, description="later")
    assert (ready.status, ready.description) == (S.REQUIRES_CONFIRMATION, "later")
    assert await methods_of(service, customer) == ()
    done = await confirm(service, made.id)
    assert done == msgspec.structs.replace(ready, status=S.SUCCEEDED)
    assert await get(service, made.id) == done
    assert [method.id for method in await methods_of(service, customer)] == [done.method]
    assert types(host)[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]
    assert told(host)[-1][1] == done


async def test_a_setup_can_be_done_in_one_request(host, service):
    done = await begin(service, confirm=True, method="pm_card_visa")
    assert done.status is S.SUCCEEDED
    assert (await service.get_method(MethodQuery(SHOP, done.method))).customer is None
    assert [(type, setup.status) for type, setup, _ in told(host)] == [
        ("setup_intent.created", S.REQUIRES_CONFIRMATION),
        ("setup_intent.succeeded", S.SUCCEEDED),
    ]


async def test_a_client_secret_is_not_to_be_guessed(service):
    first, second = await begin(service), await begin(service)
    assert re.fullmatch(rf"{first.id}_secret_[0-9a-f]{{32}}", first.client_secret)
    assert first.client_secret.split("_secret_")[1] != second.client_secret.split("_secret_")[1]


@pytest.mark.parametrize(
    ("fields", "confirms", "no"),
    [
        ({"customer": "cus_unknown"}, False, NotFound),
        ({"customer": ""}, False, NotFound),
        ({"method": "pm_unknown"}, False, NotFound),
        ({"method": "pm_unknown"}, True, NotFound),
        ({"method": "pm_card_nothing"}, False, NotFound),
        ({"new_method": BAD}, False, CardNumberInvalid),
        ({"metadata": {"k" * 41: "v"}}, False, MetadataInvalid),
        ({"description": "d" * 5001}, False, TextTooLong),
        ({}, True, SetupStateInvalid),
    ],
)
async def test_what_is_refused_leaves_nothing(host, service, fields, confirms, no):
    with pytest.raises(no):
        await begin(service, confirm=confirms, **fields)
    assert await everyone(service) == () and told(host) == []


async def test_a_decline_wants_another_method_and_says_why(host, service):
    customer = await someone(service)
    with pytest.raises(SetupDeclined) as refusal:
        await begin(service, confirm=True, method=DECLINED, customer=customer)
    failed = (await everyone(service))[0]
    snapshot = base64.b64decode(refusal.value.facts.pop("setup_snapshot"))
    assert msgspec.msgpack.decode(snapshot, type=Setup) == failed
    assert refusal.value.facts == {
        "setup": failed.id,
        "error_code": "card_declined",
        "decline_code": "generic_decline",
    }
    assert (failed.status, failed.method) == (S.REQUIRES_PAYMENT_METHOD, None)
    assert (failed.error_code, failed.error_message) == ("card_declined", refusal.value.detail)
    assert types(host)[1:] == ["setup_intent.created", "setup_intent.setup_failed"]
    assert await methods_of(service, customer) == ()
    done = await confirm(service, failed.id, new_method=VISA)
    assert (done.status, done.error_code) == (S.SUCCEEDED, None)


async def test_a_decline_on_confirmation_is_kept_with_its_key(host, service):
    """MS2: the refusal is the outcome, and the set-up failed once."""
    made = await begin(service, method=DECLINED)
    noes = []
    for _ in range(2):
        with pytest.raises(SetupDeclined) as refusal:
            await confirm(service, made.id, keyed("k"))
        noes.append((refusal.value.detail, refusal.value.facts))
    assert noes[0] == noes[1] and noes[0][1]["setup"] == made.id
    assert types(host) == ["setup_intent.created", "setup_intent.setup_failed"]


@pytest.mark.parametrize(
    "method",
    ["pm_card_visa_sycee_outage", "pm_card_visa_sycee_lost_request", "tok_sycee_lost_answer"],
)
async def test_without_an_answer_nothing_moved_and_the_setup_goes_back(host, service, method):
    with pytest.raises(SetupDeclined) as refusal:
        await begin(service, confirm=True, method=method)
    failed = (await everyone(service))[0]
    assert refusal.value.facts["error_code"] == "processing_error"
    assert (failed.status, failed.error_code) == (S.REQUIRES_PAYMENT_METHOD, "processing_error")
    assert types(host)[-1] == "setup_intent.setup_failed"


async def test_a_challenge_is_answered_and_the_card_may_pay_later_without_the_payer(
    host, service, rail
):
    customer = await someone(service)
    waiting = await begin(service, confirm=True, method=ASKING, customer=customer)
    assert waiting.status is S.REQUIRES_ACTION
    assert waiting.next_action_url.endswith(f"?client_secret={waiting.client_secret}")
    assert types(host)[1:] == ["setup_intent.created", "setup_intent.requires_action"]
    assert await methods_of(service, customer) == ()
    done = await confirm(service, waiting.id, authenticated=True)
    assert (done.status, done.method) == (S.SUCCEEDED, waiting.method)
    assert done.next_action_url is None
    method = (await methods_of(service, customer))[0]
    order = Order(
        "att_1", Operation.PAY, method.card.rail_token, Money(500, "USD"), off_session=True
    )
    assert (await rail.perform(order)).verdict is Verdict.APPROVED


async def test_a_failed_challenge_wants_another_method(host, service, rail):
    waiting = await begin(service, confirm=True, method=ASKING)
    rail.orders.clear()
    with pytest.raises(SetupDeclined):
        await confirm(service, waiting.id, authenticated=False)
    failed = await get(service, waiting.id)
    assert failed.error_code == "setup_intent_authentication_failure"
    assert (failed.status, failed.method) == (S.REQUIRES_PAYMENT_METHOD, None)
    assert rail.orders == [] and types(host)[-1] == "setup_intent.setup_failed"


async def test_a_card_may_be_declined_after_its_challenge(service):
    waiting = await begin(
        service, confirm=True, method="pm_card_threeDSecureRequiredChargeDeclined"
    )
    with pytest.raises(SetupDeclined):
        await confirm(service, waiting.id, authenticated=True)
    assert (await get(service, waiting.id)).status is S.REQUIRES_PAYMENT_METHOD


async def test_an_answer_cannot_exchange_the_card_that_was_challenged(service):
    waiting = await begin(service, confirm=True, method=ASKING)
    done = await confirm(service, waiting.id, authenticated=True, method="pm_card_visa")
    assert done.method == waiting.method


async def test_nobody_answers_a_challenge_that_was_not_asked(service, rail):
    made = await begin(service, method=ASKING)
    for authenticated in (True, False):
        with pytest.raises(SetupStateInvalid):
            await confirm(service, made.id, authenticated=authenticated)
    assert rail.orders == []


async def test_confirming_instead_of_answering_asks_again(service):
    waiting = await begin(service, confirm=True, method=ASKING)
    assert (await confirm(service, waiting.id)).status is S.REQUIRES_ACTION
    assert (await confirm(service, waiting.id, method="tok_visa")).status is S.SUCCEEDED


async def test_a_finished_setup_stays_as_it_is(host, service):
    done = await begin(service, confirm=True, method="pm_card_visa")
    given_up = await service.cancel_setup(CancelSetup(HERE, (await begin(service)).id, "abandoned"))
    assert (given_up.status, given_up.cancellation_reason) == (S.CANCELED, "abandoned")
    assert told(host)[-1] == ("setup_intent.canceled", given_up, {})
    count = len(told(host))
    for setup in (done, given_up):
        for act in (
            lambda id=setup.id: update(service, id, description="x"),
            lambda id=setup.id: confirm(service, id),
            lambda id=setup.id: confirm(service, id, authenticated=True),
            lambda id=setup.id: service.cancel_setup(CancelSetup(HERE, id)),
        ):
            with pytest.raises(SetupStateInvalid):
                await act()
        assert await get(service, setup.id) == setup
    assert len(told(host)) == count


async def test_method_and_customer_must_go_together(service):
    first, second = await someone(service), await someone(service)
    method = await service.attach_method(AttachMethod(HERE, "pm_card_visa", first))
    for customer in (None, second):
        with pytest.raises(MethodUnusable):
            await begin(service, method=method.id, customer=customer)
        with pytest.raises(MethodUnusable):
            await begin(service, confirm=True, method=method.id, customer=customer)
    made = await begin(service, method=method.id, customer=first)
    with pytest.raises(MethodUnusable):
        await update(service, made.id, customer=second)
    done = await confirm(service, made.id)
    assert await methods_of(service, first) == (method,) and done.method == method.id


async def test_the_customer_may_come_after_the_method(service):
    customer = await someone(service)
    made = await begin(service, method="pm_card_visa")
    await update(service, made.id, customer=customer)
    done = await confirm(service, made.id)
    assert [method.id for method in await methods_of(service, customer)] == [done.method]


async def test_a_method_that_was_detached_meanwhile_is_not_set_up(service, rail):
    customer = await someone(service)
    method = await service.attach_method(AttachMethod(HERE, "pm_card_visa", customer))
    made = await begin(service, method=method.id, customer=customer)

    async def detach():
        await service.detach_method(DetachMethod(HERE, method.id))

    rail.meanwhile = detach
    with pytest.raises(MethodUnusable):
        await confirm(service, made.id)
    assert await get(service, made.id) == made


async def test_a_customer_that_was_deleted_meanwhile_owns_nothing(service, rail):
    customer = await someone(service)
    made = await begin(service, method="pm_card_visa", customer=customer)

    async def delete():
        await service.delete_customer(DeleteCustomer(HERE, customer))

    rail.meanwhile = delete
    with pytest.raises(NotFound):
        await confirm(service, made.id)
    assert (await service.get_method(MethodQuery(SHOP, made.method))).customer is None


async def test_what_was_updated_while_the_rail_was_asked_is_asked_anew(service, rail):
    made = await begin(service, method="pm_card_visa")

    async def exchange():
        await update(service, made.id, method="pm_card_mastercard")

    rail.meanwhile = exchange
    done = await confirm(service, made.id)
    method = await service.get_method(MethodQuery(SHOP, done.method))
    assert method.card.brand == "mastercard"
    assert len(rail.orders) == 2


async def test_who_is_never_fast_enough_is_told_to_come_again(service, rail):
    """MS2: that is no outcome, so the same key may come again."""
    made = await begin(service, method="pm_card_visa")
    turns = []

    async def disturb():
        turns.append(len(turns))
        await update(service, made.id, description=f"{turns[-1]}")
        rail.meanwhile = disturb

    rail.meanwhile = disturb
    with pytest.raises(Unavailable):
        await confirm(service, made.id, keyed("k"))
    assert len(turns) == ROUNDS_MAX
    rail.meanwhile = None
    assert (await confirm(service, made.id, keyed("k"))).status is S.SUCCEEDED


async def test_two_confirmations_at_once_succeed_once(host, service, rail):
    customer = await someone(service)
    made = await begin(service, method="pm_card_visa", customer=customer)
    rail.gather(2)
    results = await asyncio.gather(
        confirm(service, made.id), confirm(service, made.id), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in results) == ["Setup", "SetupStateInvalid"]
    assert types(host).count("setup_intent.succeeded") == 1
    assert types(host).count("payment_method.attached") == 1


async def test_a_setup_canceled_meanwhile_stays_canceled(service, rail):
    made = await begin(service, method="pm_card_visa")

    async def cancel():
        await service.cancel_setup(CancelSetup(HERE, made.id))

    rail.meanwhile = cancel
    with pytest.raises(SetupStateInvalid):
        await confirm(service, made.id)
    assert (await get(service, made.id)).status is S.CANCELED


@pytest.mark.parametrize("method", ["pm_card_visa", DECLINED])
async def test_twins_make_one_setup(host, service, rail, method):
    """MS2."""
    rail.gather(5)
    results = await asyncio.gather(
        *(begin(service, keyed("k"), True, method=method) for _ in range(5)),
        return_exceptions=True,
    )
    made = await everyone(service)
    assert len(made) == 1
    if method is DECLINED:
        assert {each.facts["setup"] for each in results} == {made[0].id}
    else:
        assert len(set(map(msgspec.msgpack.encode, results))) == 1
    assert types(host).count("setup_intent.created") == 1
    assert len(types(host)) == 2


async def test_after_a_crash_the_same_key_makes_one_setup(host, service, rail):
    """MS2: the process ends when the rail has answered and nothing is written yet."""
    customer = await someone(service)
    rail.meanwhile = crash
    with pytest.raises(Crash):
        await begin(service, keyed("k"), True, method="pm_card_visa", customer=customer)
    assert await everyone(service) == ()
    done = await begin(service, keyed("k"), True, method="pm_card_visa", customer=customer)
    again = await begin(service, keyed("k"), True, method="pm_card_visa", customer=customer)
    assert done == again and await everyone(service) == (done,)
    assert [method.id for method in await methods_of(service, customer)] == [done.method]
    assert types(host)[1:] == [
        "setup_intent.created",
        "payment_method.attached",
        "setup_intent.succeeded",
    ]


async def test_after_a_crash_a_confirmation_starts_afresh(service, rail):
    """MS2."""
    made = await begin(service, method="pm_card_visa")
    rail.meanwhile = crash
    with pytest.raises(Crash):
        await confirm(service, made.id, keyed("k"))
    assert await get(service, made.id) == made
    assert (await confirm(service, made.id, keyed("k"))).status is S.SUCCEEDED


async def test_a_key_is_for_one_request(service):
    """MS2."""
    made = await begin(service, keyed("k"))
    assert await begin(service, keyed("k")) == made
    for act in (
        lambda origin: begin(service, origin),
        lambda origin: update(service, made.id, origin),
        lambda origin: confirm(service, made.id, origin),
        lambda origin: service.cancel_setup(CancelSetup(origin, made.id)),
    ):
        with pytest.raises(IdempotencyConflict):
            await act(keyed("k", b"other"))


async def test_of_two_requests_that_share_a_key_at_once_one_is_refused(service, rail):
    """MS2: the conflict is not the outcome of the key."""
    rail.gather(2)
    hashes = (b"first", b"other")
    requests = [lambda h=h: begin(service, keyed("k", h), True, method="tok_visa") for h in hashes]
    results = await asyncio.gather(*(ask() for ask in requests), return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["IdempotencyConflict", "Setup"]
    winner = [isinstance(each, Setup) for each in results].index(True)
    assert await everyone(service) == (results[winner],)
    assert await requests[winner]() == results[winner]


async def test_repeating_a_cancellation_is_the_same(host, service):
    """MS2."""
    made = await begin(service)
    command = CancelSetup(keyed("k"), made.id, "duplicate")
    assert await service.cancel_setup(command) == await service.cancel_setup(command)
    assert types(host).count("setup_intent.canceled") == 1


async def test_a_foreign_setup_answers_as_an_unknown_one_does(service):
    """IA1."""
    made = await begin(service, method="pm_card_visa")
    for act in (
        lambda id: get(service, id, OTHER),
        lambda id: update(service, id, ELSEWHERE, description="x"),
        lambda id: confirm(service, id, ELSEWHERE),
        lambda id: confirm(service, id, ELSEWHERE, authenticated=True),
        lambda id: service.cancel_setup(CancelSetup(ELSEWHERE, id)),
        lambda id: service.list_setups(ListSetups(OTHER, Page(ending_before=id))),
    ):
        noes = []
        for id in (made.id, "seti_unknown"):
            with pytest.raises(NotFound) as refusal:
                await act(id)
            noes.append((refusal.value.detail.replace(id, "…"), refusal.value.param))
        assert noes[0] == noes[1]
    assert await get(service, made.id) == made
    assert await everyone(service, OTHER) == ()


async def test_foreign_methods_and_customers_cannot_be_named(service):
    """IA1."""
    method = await service.create_method(CreateMethod(ELSEWHERE, VISA))
    customer = await someone(service, ELSEWHERE)
    for fields in ({"method": method.id}, {"customer": customer}):
        with pytest.raises(NotFound):
            await begin(service, **fields)


async def test_setups_are_a_list(host, service):
    customer = await someone(service)
    made = []
    for owner in (customer, None, customer):
        made.append(await begin(service, customer=owner))
        host.clock.pass_s(1)
    assert await everyone(service) == tuple(made[::-1])
    found = await service.list_setups(ListSetups(SHOP, Page(limit=1), customer))
    assert (found.items, found.has_more) == ((made[2],), True)
