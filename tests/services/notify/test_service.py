"""Events and endpoints over a real database."""

import asyncio
import base64

import msgspec
import pytest
from tests.services.notify.conftest import OTHER, SHOP, NotifyHost, endpoint, render, start

from sycee.kernel.clock import Instant, after
from sycee.kernel.refusal import NotFound
from sycee.runtime.host import Message, Profile
from sycee.services.notify.app import Settings, build
from sycee.services.notify.contract import (
    EVENTS_TOPIC,
    CreateEndpoint,
    EndpointIdempotencyConflict,
    EndpointQuery,
    EndpointStatus,
    EventTypeUnknown,
    GetEvent,
    ListDeliveries,
    ListEndpoints,
    ListEvents,
    Page,
    Replay,
    UpdateEndpoint,
    UrlNotAllowed,
)

URL = "https://shop.example/in"


async def events(notify, merchant=SHOP, **options):
    page = Page(**{name: options.pop(name) for name in set(options) & set(Page.__struct_fields__)})
    return await notify.list_events(ListEvents(merchant, page, **options))


def ids(page):
    return [event.id for event in page.events]


async def queued(notify, merchant=SHOP):
    return (await notify.list_deliveries(ListDeliveries(merchant))).deliveries


async def test_an_event_is_kept_as_it_was_published(host, notify):
    (event,) = await host.happen(subject=b"\x81\xa1a\x01")
    assert await notify.get_event(GetEvent(SHOP, event.id)) == event


async def test_an_event_that_comes_again_is_kept_and_queued_once(host, notify):
    """MS8."""
    await endpoint(notify, URL)
    event = host.event()
    await host.publish(event, event)
    await host.publish(event)
    assert ids(await events(notify)) == [event.id]
    assert len(await queued(notify)) == 1


async def test_a_batch_is_one_unit_of_work(host, notify):
    await endpoint(notify, URL)
    before = host.databases["notify"].units
    await host.happen(*["charge.succeeded"] * 150)
    assert host.databases["notify"].units == before + 1
    assert len((await events(notify, limit=100)).events) == 100


async def test_a_batch_that_cannot_be_written_leaves_nothing_and_may_come_again(host, notify):
    """MS8: events and deliveries stand or fall together."""
    await endpoint(notify, URL)
    host.databases["notify"].connection.execute("ALTER TABLE deliveries RENAME TO away")
    event = host.event()
    with pytest.raises(Exception, match="deliveries"):
        await host.publish(event)
    assert ids(await events(notify)) == []
    host.databases["notify"].connection.execute("ALTER TABLE away RENAME TO deliveries")
    await host.publish(event)
    assert (ids(await events(notify)), len(await queued(notify))) == ([event.id], 1)


async def test_an_unreadable_event_does_not_hold_up_the_others(host, notify):
    event = host.event()
    handle = host.handlers[EVENTS_TOPIC, "notify"]
    broken = Message(EVENTS_TOPIC, "evt_x", b"\xc1")
    await handle([broken, Message(EVENTS_TOPIC, event.id, msgspec.msgpack.encode(event))])
    assert ids(await events(notify)) == [event.id]


async def test_events_are_listed_newest_first_with_cursors_both_ways(host, notify):
    made = [event.id for event in await host.happen(*["charge.succeeded"] * 5)][::-1]
    first = await events(notify, limit=2)
    assert (ids(first), first.has_more) == (made[:2], True)
    second = await events(notify, limit=2, starting_after=made[1])
    assert (ids(second), second.has_more) == (made[2:4], True)
    last = await events(notify, limit=2, starting_after=made[3])
    assert (ids(last), last.has_more) == (made[4:], False)
    back = await events(notify, limit=2, ending_before=made[3])
    assert (ids(back), back.has_more) == (made[1:3], True)
    front = await events(notify, limit=2, ending_before=made[1])
    assert (ids(front), front.has_more) == (made[:1], False)


@pytest.mark.parametrize("limit", [-1, 0, 101, 10**9])
async def test_a_page_has_between_1_and_100_rows(host, notify, limit):
    """RE4."""
    await host.happen(*["charge.succeeded"] * 102)
    assert len((await events(notify, limit=limit)).events) in (1, 100)


async def test_events_are_filtered_by_type_and_instant(host, notify):
    start_at = host.clock.now()
    kinds = ["charge.failed", "charge.refund.updated", "refund.updated", "payment_intent.created"]
    made = await host.happen(*kinds)
    by_kind = dict(zip(kinds, [event.id for event in made], strict=True))

    async def kinds_of(**options):
        found = ids(await events(notify, **options))
        return [kind for kind in kinds if by_kind[kind] in found]

    assert await kinds_of(types=("charge.failed",)) == kinds[:1]
    assert await kinds_of(types=("charge.*",)) == kinds[:2]
    assert await kinds_of(types=("refund.*", "payment_intent.created")) == kinds[2:]
    assert await kinds_of(types=("payment%",)) == []
    assert await kinds_of(types=("paymentXintent.*",)) == []
    assert await kinds_of(types=("*",)) == kinds
    assert await kinds_of(created_from=after(start_at, 3)) == kinds[2:]
    assert await kinds_of(created_to=after(start_at, 3)) == kinds[:3]
    one = after(start_at, 2)
    assert await kinds_of(created_from=one, created_to=one) == kinds[1:2]
    assert await kinds_of(created_from=Instant(0)) == kinds


async def test_foreign_events_are_as_unknown_ones(host, notify):
    """IA1."""
    (event,) = await host.happen()
    details = set()
    for merchant, wanted in ((OTHER, event.id), (SHOP, "evt_none")):
        with pytest.raises(NotFound) as refused:
            await notify.get_event(GetEvent(merchant, wanted))
        details.add(refused.value.detail.replace(wanted, "evt"))
        with pytest.raises(NotFound) as refused:
            await events(notify, merchant, starting_after=wanted)
        assert refused.value.param == "starting_after"
    assert len(details) == 1
    assert ids(await events(notify, OTHER)) == []
    with pytest.raises(NotFound) as refused:
        await events(notify, ending_before="evt_none")
    assert refused.value.param == "ending_before"


async def test_only_the_answer_to_the_creation_tells_the_secret(notify):
    """SE6."""
    created = await endpoint(notify, URL, description="orders", metadata={"a": "b"})
    assert created.secret.startswith("whsec_")
    known = msgspec.structs.replace(created, secret=None)
    assert await notify.get_endpoint(EndpointQuery(SHOP, created.id)) == known
    assert (await notify.list_endpoints(ListEndpoints(SHOP))).endpoints == (known,)
    update = UpdateEndpoint(SHOP, created.id, description="new")
    assert (await notify.update_endpoint(update)).secret is None


async def test_no_secret_is_kept_in_the_clear(notify, tmp_path):
    """SE6: not as text, not as the bytes it stands for."""
    command = CreateEndpoint(SHOP, URL, ("*",), idempotency_key="k", request_hash=b"h")
    text = (await notify.create_endpoint(command)).secret
    for file in tmp_path.iterdir():
        kept = file.read_bytes()
        assert text.encode() not in kept
        assert text.removeprefix("whsec_").encode() not in kept
        assert base64.b64decode(text.removeprefix("whsec_")) not in kept


async def test_every_endpoint_has_a_secret_of_its_own(notify):
    """SE8."""
    secrets = {(await endpoint(notify, URL)).secret for _ in range(20)}
    assert len(secrets) == 20


async def test_the_same_creation_again_answers_the_same(host, notify, tmp_path):
    """MS2: also after a change of the endpoint, after its deletion, and after a restart."""
    command = CreateEndpoint(SHOP, URL, ("*",), idempotency_key="k", request_hash=b"h")
    first = await notify.create_endpoint(command)
    assert await notify.create_endpoint(command) == first
    assert len((await notify.list_endpoints(ListEndpoints(SHOP))).endpoints) == 1
    await notify.update_endpoint(UpdateEndpoint(SHOP, first.id, url="https://new.example/"))
    assert await notify.create_endpoint(command) == first
    await notify.delete_endpoint(EndpointQuery(SHOP, first.id))
    host.clock.pass_s(86_400)
    _, later = await start(tmp_path, host.clock)
    assert await later.create_endpoint(command) == first
    assert (await later.list_endpoints(ListEndpoints(SHOP))).endpoints == ()


async def test_twins_in_flight_make_one_endpoint(notify):
    """MS2."""
    command = CreateEndpoint(SHOP, URL, ("*",), idempotency_key="k", request_hash=b"h")
    answers = await asyncio.gather(*(notify.create_endpoint(command) for _ in range(50)))
    assert len(set(map(repr, answers))) == 1
    assert len((await notify.list_endpoints(ListEndpoints(SHOP))).endpoints) == 1


async def test_an_idempotency_key_belongs_to_one_request_of_one_merchant(host, notify):
    """MS2."""
    command = CreateEndpoint(SHOP, URL, ("*",), idempotency_key="k", request_hash=b"h")
    first = await notify.create_endpoint(command)
    with pytest.raises(EndpointIdempotencyConflict):
        await notify.create_endpoint(msgspec.structs.replace(command, request_hash=b"other"))
    foreign = await notify.create_endpoint(msgspec.structs.replace(command, merchant=OTHER))
    assert foreign.id != first.id
    host.clock.pass_s(8 * 86_400)
    await notify.create_endpoint(msgspec.structs.replace(command, idempotency_key="k2"))
    later = await notify.create_endpoint(msgspec.structs.replace(command, request_hash=b"other"))
    assert later.id != first.id


async def test_unusable_endpoints_are_refused(notify):
    kept = await endpoint(notify, URL)
    for change in ({"url": "https://10.0.0.1/"}, {"enabled_events": ("charge.sold",)}):
        refusal = UrlNotAllowed if "url" in change else EventTypeUnknown
        good = CreateEndpoint(SHOP, URL, ("*",))
        with pytest.raises(refusal):
            await notify.create_endpoint(msgspec.structs.replace(good, **change))
        with pytest.raises(refusal):
            await notify.update_endpoint(UpdateEndpoint(SHOP, kept.id, **change))
    assert len((await notify.list_endpoints(ListEndpoints(SHOP))).endpoints) == 1


async def test_in_production_no_receiver_is_on_this_machine(tmp_path):
    """WH2."""
    host = NotifyHost(tmp_path, profile=Profile.PRODUCTION)
    notify = await build(host, Settings(), render)
    with pytest.raises(UrlNotAllowed):
        await endpoint(notify, "http://127.0.0.1:3000/")


async def test_a_foreign_endpoint_is_as_an_unknown_one(host, notify):
    """IA1."""
    mine = await endpoint(notify, URL)
    (event,) = await host.happen()
    for merchant, named in ((OTHER, mine.id), (SHOP, "we_none")):
        for call in (
            notify.get_endpoint(EndpointQuery(merchant, named)),
            notify.update_endpoint(UpdateEndpoint(merchant, named, disabled=True)),
            notify.delete_endpoint(EndpointQuery(merchant, named)),
            notify.replay(Replay(merchant, named, event=event.id)),
            notify.list_endpoints(ListEndpoints(merchant, Page(starting_after=named))),
        ):
            with pytest.raises(NotFound) as refused:
                await call
            assert named in refused.value.detail
    assert (await notify.list_endpoints(ListEndpoints(OTHER))).endpoints == ()
    assert await queued(notify, OTHER) == ()
    other = await endpoint(notify, URL, merchant=OTHER)
    with pytest.raises(NotFound):
        await notify.replay(Replay(OTHER, other.id, event=event.id))


async def test_events_are_queued_for_the_endpoints_that_want_them(host, notify):
    everything = await endpoint(notify, URL)
    charges = await endpoint(notify, URL, "charge.*")
    await endpoint(notify, URL, merchant=OTHER)
    await endpoint(notify, URL, livemode=True)
    await host.happen("charge.failed", "refund.created")
    got = [delivery.endpoint for delivery in await queued(notify)]
    assert sorted(got) == sorted([everything.id, everything.id, charges.id])
    assert await queued(notify, OTHER) == ()


async def test_a_changed_disabled_or_deleted_endpoint_is_heeded_at_once(host, notify):
    changed = await endpoint(notify, URL)
    disabled = await endpoint(notify, URL)
    deleted = await endpoint(notify, URL)
    await notify.update_endpoint(
        UpdateEndpoint(SHOP, changed.id, enabled_events=("refund.created",))
    )
    await notify.update_endpoint(UpdateEndpoint(SHOP, disabled.id, disabled=True))
    await notify.delete_endpoint(EndpointQuery(SHOP, deleted.id))
    await host.happen("charge.failed", "refund.created")
    assert [delivery.endpoint for delivery in await queued(notify)] == [changed.id]
    again = await notify.update_endpoint(UpdateEndpoint(SHOP, disabled.id, disabled=False))
    assert again.status is EndpointStatus.ENABLED
    await host.happen("charge.failed")
    assert {delivery.endpoint for delivery in await queued(notify)} == {changed.id, disabled.id}


async def test_endpoints_are_known_after_a_restart(host, notify, tmp_path):
    await endpoint(notify, URL)
    later, notify = await start(tmp_path, host.clock)
    await later.happen()
    assert len(await queued(notify)) == 1


async def test_an_endpoint_deleted_while_its_event_waits_for_the_database_gets_nothing(
    host, notify
):
    """What the memory said at the beginning of a batch may be old when it is written."""
    created = await endpoint(notify, URL)
    database = host.databases["notify"]
    write, go = database.write, asyncio.Event()

    async def slow_write(unit):
        await go.wait()
        return await write(unit)

    database.write = slow_write
    early = asyncio.create_task(host.happen())
    await asyncio.sleep(0)
    database.write = write
    await notify.delete_endpoint(EndpointQuery(SHOP, created.id))
    go.set()
    await early
    assert await queued(notify) == ()


async def test_a_change_is_followed_even_when_its_caller_went_away(host, notify):
    created = await endpoint(notify, URL)
    database = host.databases["notify"]
    write, go = database.write, asyncio.Event()

    async def slow_write(unit):
        result = await write(unit)
        await go.wait()
        return result

    database.write = slow_write
    caller = asyncio.create_task(
        notify.update_endpoint(UpdateEndpoint(SHOP, created.id, enabled_events=("refund.*",)))
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    database.write = write
    go.set()
    await endpoint(notify, URL, merchant=OTHER)
    await host.happen("charge.failed")
    assert await queued(notify) == ()


async def test_deliveries_are_listed_by_endpoint_event_and_cursor(host, notify):
    one, two = await endpoint(notify, URL), await endpoint(notify, URL, "charge.*")
    made = await host.happen("charge.failed", "refund.created")
    everything = await queued(notify)
    assert len(everything) == 3
    assert list(everything) == sorted(everything, key=lambda d: d.id, reverse=True)

    async def found(**options):
        return (await notify.list_deliveries(ListDeliveries(SHOP, **options))).deliveries

    assert {d.event for d in await found(endpoint=one.id)} == {event.id for event in made}
    assert [d.event for d in await found(endpoint=two.id)] == [made[0].id]
    assert {d.endpoint for d in await found(event=made[0].id)} == {one.id, two.id}
    assert await found(endpoint="we_none") == ()
    cursor = Page(limit=2, starting_after=everything[0].id)
    assert await found(page=cursor) == everything[1:]
    with pytest.raises(NotFound):
        await found(page=Page(starting_after="wd_none"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sends_max": 1, "sends_per_endpoint_max": 2},
        {"sends_per_endpoint_max": 0},
        {"connect_timeout_s": 0},
        {"connect_timeout_s": 20.0},
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Settings(**wrong)
