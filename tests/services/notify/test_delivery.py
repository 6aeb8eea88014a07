"""Webhooks on their way to real receivers, by a clock that the test sets."""

import asyncio
import contextlib
import json
import time

import pytest
import stripe
from standardwebhooks import Webhook
from tests.services.floor import FakeClock
from tests.services.notify.conftest import OTHER, SHOP, endpoint, render, start
from tests.services.notify.receiver import OK, Receiver, answer

from sycee.kernel.clock import Instant, after
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.notify.app import Settings
from sycee.services.notify.contract import (
    DeliveryId,
    DeliveryStatus,
    EndpointQuery,
    EndpointStatus,
    ListAttempts,
    ListDeliveries,
    ListEvents,
    Page,
    Replay,
    UpdateEndpoint,
)
from sycee.services.notify.domain.retries import HOUR_S, PAUSES_S
from sycee.services.notify.jobs import forget

PENDING, DELIVERED, DEAD = DeliveryStatus.PENDING, DeliveryStatus.DELIVERED, DeliveryStatus.DEAD
LEASE_S = 30


async def deliveries(notify, merchant=SHOP, **options):
    query = ListDeliveries(merchant, page=Page(limit=100), **options)
    return list((await notify.list_deliveries(query)).deliveries)


async def delivery(notify, **options):
    (only,) = await deliveries(notify, **options)
    return only


async def attempts(notify, id, **options):
    return list((await notify.list_attempts(ListAttempts(SHOP, id, **options))).attempts)


async def test_an_event_reaches_its_endpoint_signed_for_both_verifiers(tmp_path):
    """WH1."""
    clock = FakeClock()
    clock.instant = Instant(time.time_ns())
    host, notify = await start(tmp_path, clock)
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url)
        (event,) = await host.happen()
        await notify.deliver_due()
    (got,) = receiver.got
    assert (got.target, got.body) == (b"/in?shop=1", render(event))
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.headers["user-agent"].startswith("Sycee/")
    parsed = stripe.Webhook.construct_event(
        got.body, got.headers["stripe-signature"], created.secret, api_key="sk_test_x"
    )
    assert parsed.id == event.id
    assert Webhook(created.secret).verify(got.body, got.headers) == json.loads(got.body)
    done = await delivery(notify)
    assert got.headers["webhook-id"] == event.id
    assert got.headers["sycee-delivery"] == done.id
    assert (done.status, done.attempts, done.next_at) == (DELIVERED, 1, None)
    assert (done.last_status, done.last_error) == (200, None)


async def test_events_are_told_apart_by_whether_all_their_deliveries_succeeded(host, notify):
    async def found(delivered, merchant=SHOP):
        page = await notify.list_events(ListEvents(merchant, delivered=delivered))
        return [event.id for event in page.events]

    async with Receiver() as good, Receiver(answer(410)) as gone:
        await endpoint(notify, good.url)
        await endpoint(notify, gone.url, "refund.created")
        charge, refund = await host.happen("charge.succeeded", "refund.created")
        (unwanted,) = await host.happen("charge.failed", merchant=OTHER)
        assert await found(False) == [refund.id, charge.id]
        assert await found(True) == []
        await notify.deliver_due()
    assert {each.status for each in await deliveries(notify)} == {DELIVERED, DEAD}
    assert await found(False) == [refund.id]
    assert await found(True) == [charge.id]
    assert await found(None) == [refund.id, charge.id]
    assert (await found(True, OTHER), await found(False, OTHER)) == ([unwanted.id], [])


async def test_a_failed_delivery_comes_again_with_the_same_ids(host, notify):
    """WH3, WH4."""
    async with Receiver(answer(500, b"out of tea")) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        due = await notify.deliver_due()
        failed = await delivery(notify)
        assert (failed.status, failed.attempts, failed.next_at) == (PENDING, 1, due)
        assert (failed.last_status, failed.last_error) == (500, "HTTP 500 out of tea")
        assert 2.5 <= (due - host.clock.now()) / 10**9 <= 7.5
        await notify.deliver_due()
        assert len(receiver.got) == 1
        host.pass_to(due)
        assert await notify.deliver_due() is None
    first, second = receiver.got
    for name in ("webhook-id", "sycee-delivery"):
        assert first.headers[name] == second.headers[name]
    assert second.headers["webhook-timestamp"] > first.headers["webhook-timestamp"]
    assert (await delivery(notify)).status is DELIVERED


async def test_every_attempt_is_told_with_what_came_back(tmp_path):
    host, notify = await start(tmp_path)
    async with Receiver(answer(500, b"out of\n tea"), answer(200, b"well")) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        began = host.clock.now()
        host.pass_to(await notify.deliver_due())
        again = host.clock.now()
        await notify.deliver_due()
    id = (await delivery(notify)).id
    second, first = await attempts(notify, id)
    assert (first.began, first.status, first.answer, first.error) == (
        began,
        500,
        "out of tea",
        None,
    )
    assert (second.began, second.status, second.answer) == (again, 200, "well")
    assert (first.duration_ms, first.key_generation) == (0, 1)
    assert await attempts(notify, id, page=Page(1, starting_after=second.id)) == [first]
    for query in (ListAttempts(OTHER, id), ListAttempts(SHOP, DeliveryId("wd_nobody"))):
        with pytest.raises(NotFound):
            await notify.list_attempts(query)


async def test_an_attempt_without_an_answer_says_why(host, notify):
    async with Receiver() as closed:
        url = closed.url
    await endpoint(notify, url)
    await host.happen()
    await notify.deliver_due()
    (only,) = await attempts(notify, (await delivery(notify)).id)
    assert (only.status, only.answer, only.error) == (None, "", "The connection was refused.")


async def test_attempts_are_forgotten_when_their_time_is_over(host, notify):
    async with Receiver(answer(500)) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        host.pass_to(await notify.deliver_due())
        again = host.clock.now()
        await notify.deliver_due()
    id = (await delivery(notify)).id
    assert len(await attempts(notify, id)) == 2
    await forget(await host.database("notify"), again)
    assert [each.began for each in await attempts(notify, id)] == [again]


async def test_a_replay_is_narrowed_down_by_time_type_and_status(host, notify):
    async with Receiver(answer(500)) as receiver:
        target = await endpoint(notify, receiver.url)
        first, refund, last = await host.happen(
            "charge.succeeded", "refund.created", "charge.succeeded"
        )
        await notify.deliver_due()

        async def replayed(**options):
            command = Replay(SHOP, target.id, since=first.created, **options)
            return (await notify.replay(command)).count

        assert await replayed(until=refund.created) == 2
        assert await replayed(until=after(first.created, 0.5)) == 1
        assert await replayed(types=("charge.succeeded",)) == 2
        assert await replayed(types=("refund.created",), until=first.created) == 0
        assert await replayed(status=DEAD) == 0
        assert await replayed(status=PENDING) == 3
        await notify.deliver_due()
        assert await replayed(status=DELIVERED, until=refund.created) == 2
        assert {each.event: each.status for each in await deliveries(notify)} == {
            first.id: PENDING,
            refund.id: PENDING,
            last.id: DELIVERED,
        }


async def test_a_delivery_is_dead_after_ten_attempts_over_three_days(host, notify):
    """WH3: by a virtual clock."""
    async with Receiver(last=answer(500)) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        begin, due, pauses = host.clock.now(), host.clock.now(), []
        while due is not None:
            host.pass_to(due)
            before, due = host.clock.now(), await notify.deliver_due()
            if due is not None and (await delivery(notify)).next_at == due:
                pauses.append((due - before) / 10**9)
            assert len(receiver.got) <= 10
    assert len(receiver.got) == 10
    assert len(pauses) == 9
    for pause, base in zip(pauses, PAUSES_S, strict=True):
        assert base * 0.5 <= pause <= base * 1.5
    assert 37 * HOUR_S < (host.clock.now() - begin) / 10**9 < 114 * HOUR_S
    letter = await delivery(notify, status=DEAD)
    assert (letter.attempts, letter.last_status) == (10, 500)


async def test_retry_after_is_honoured(host, notify):
    """WH3."""
    async with Receiver(answer(429, Retry_After="900")) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        due = await notify.deliver_due()
    assert due == after(host.clock.now(), 900)


async def test_gone_disables_the_endpoint_and_ends_its_queue(host, notify):
    """WH3."""
    async with Receiver(answer(500), answer(410)) as receiver:
        created = await endpoint(notify, receiver.url)
        await host.happen("charge.failed")
        await notify.deliver_due()
        await host.happen("refund.created")
        await notify.deliver_due()
        assert {d.status for d in await deliveries(notify)} == {DEAD}
        kept = await notify.get_endpoint(EndpointQuery(SHOP, created.id))
        assert kept.status is EndpointStatus.DISABLED
        count = len(receiver.got)
        await host.happen()
        host.clock.pass_s(HOUR_S)
        assert await notify.deliver_due() is None
        assert len(receiver.got) == count


async def test_an_endpoint_that_moved_meanwhile_is_not_disabled_for_where_it_was(host, notify):
    async with Receiver(answer(410)) as old, Receiver() as new:
        created = await endpoint(notify, old.url)
        await host.happen()
        old.gate.clear()
        sending = asyncio.create_task(notify.deliver_due())
        await old.arrived.wait()
        await notify.update_endpoint(UpdateEndpoint(SHOP, created.id, url=new.url))
        old.gate.set()
        await sending
        kept = await notify.get_endpoint(EndpointQuery(SHOP, created.id))
        assert kept.status is EndpointStatus.ENABLED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(host, notify, status):
    """WH2."""
    async with Receiver() as inner:
        moved = answer(status, Location=inner.url)
        async with Receiver(last=moved) as receiver:
            await endpoint(notify, receiver.url)
            await host.happen()
            await notify.deliver_due()
        assert inner.connections == 0
    assert (await delivery(notify)).last_status == status


async def test_a_slow_endpoint_does_not_delay_another(tmp_path):
    """WH3: with every send of the slow one hanging, the other is served as if alone."""
    settings = Settings(sends_max=8, sends_per_endpoint_max=4)
    host, notify = await start(tmp_path, settings=settings)
    async with Receiver() as slow, Receiver() as quick:
        slow.gate.clear()
        await endpoint(notify, slow.url, "refund.*")
        await endpoint(notify, quick.url, "charge.*")
        await host.happen(*["refund.created"] * 20)
        job = asyncio.create_task(host.jobs["notify.deliver"]())
        await slow.arrived.wait()
        await host.happen(*["charge.failed"] * 50)
        await until_delivered(host, notify, 50)
        assert (len(quick.got), len(slow.got)) == (50, 4)
        slow.gate.set()
        job.cancel()
        await asyncio.wait([job])


async def test_a_dead_endpoint_is_asked_by_one_attempt_at_a_time(host, notify):
    """WH3: the breaker."""
    async with Receiver(last=answer(500)) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen(*["charge.failed"] * 40)
        due = await notify.deliver_due()
        tried = len(receiver.got)
        assert 8 <= tried <= 16
        rested = await deliveries(notify)
        host.pass_to(due)
        host.clock.pass_s(20)
        await notify.deliver_due()
        assert len(receiver.got) == tried + 1
        untouched = [d for d in await deliveries(notify) if d.attempts == 0]
        assert len(untouched) >= len([d for d in rested if d.attempts == 0]) - 1
        receiver.last = OK
        host.clock.pass_s(HOUR_S)
        await notify.deliver_due()
        assert [d.status for d in await deliveries(notify)] == [DELIVERED] * 40


async def test_what_a_resting_endpoint_never_took_is_given_up_in_the_end(host, notify):
    """WH3."""
    async with Receiver(last=answer(500)) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen(*["charge.failed"] * 20)
        await notify.deliver_due()
        host.clock.pass_s(121 * HOUR_S)
        assert await notify.deliver_due() is None
        assert len(await deliveries(notify, status=DEAD)) == 20
        assert {d.status for d in await deliveries(notify)} == {DEAD}


async def test_a_crash_between_send_and_record_sends_again_with_the_same_ids(tmp_path):
    """WH4: at least once."""
    host, notify = await start(tmp_path)
    async with Receiver() as receiver:
        receiver.gate.clear()
        await endpoint(notify, receiver.url)
        await host.happen()
        sending = asyncio.create_task(notify.deliver_due())
        await receiver.arrived.wait()
        crash(host)
        receiver.gate.set()
        with pytest.raises(Unavailable):
            await sending
        later, notify = await start(tmp_path, host.clock)
        job = asyncio.create_task(later.jobs["notify.deliver"]())
        later.clock.pass_s(LEASE_S + 1)
        await until_delivered(later, notify, 1)
        job.cancel()
        await asyncio.wait([job])
    first, second = receiver.got
    for name in ("webhook-id", "sycee-delivery"):
        assert first.headers[name] == second.headers[name]
    assert (await delivery(notify)).attempts == 1


async def killed_while_sending(folder):
    """A process that ended in the middle of a delivery, and when its lease ends."""
    host, notify = await start(folder)
    receiver = Receiver()
    async with receiver:
        receiver.gate.clear()
        await endpoint(notify, receiver.url)
        await host.happen()
        sending = asyncio.create_task(notify.deliver_due())
        await receiver.arrived.wait()
        crash(host)
        receiver.gate.set()
        with pytest.raises(Unavailable):
            await sending
        yield host, receiver


async def test_who_alone_writes_sends_at_once_what_a_killed_process_was_sending(tmp_path):
    """WH4: nobody else can be sending it."""
    async with contextlib.aclosing(killed_while_sending(tmp_path)) as killed:
        host, receiver = await anext(killed)
        later, notify = await start(tmp_path, host.clock)
        later.databases["notify"].is_exclusive = True
        job = asyncio.create_task(later.jobs["notify.deliver"]())
        await until_delivered(later, notify, 1)
        job.cancel()
        await asyncio.wait([job])
        first, second = receiver.got
    for name in ("webhook-id", "sycee-delivery"):
        assert first.headers[name] == second.headers[name]


async def test_one_of_several_deliverers_leaves_the_leases_of_others_alone(tmp_path):
    """RE5: whose lease it is may be alive."""
    async with contextlib.aclosing(killed_while_sending(tmp_path)) as killed:
        host, receiver = await anext(killed)
        later, notify = await start(tmp_path, host.clock)
        later.databases["notify"].is_exclusive = False
        await notify._courier.begin()
        assert (await delivery(notify)).next_at == after(host.clock.now(), LEASE_S)
        assert await notify.deliver_due() == after(host.clock.now(), LEASE_S)
        assert len(receiver.got) == 1


async def test_a_restart_hurries_no_retry_and_takes_nothing_from_itself(tmp_path):
    """WH3."""
    host, notify = await start(tmp_path)
    host.databases["notify"].is_exclusive = True
    async with Receiver(answer(500)) as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        due = await notify.deliver_due()
        later, notify = await start(tmp_path, host.clock)
        later.databases["notify"].is_exclusive = True
        await notify._courier.begin()
        assert await notify.deliver_due() == due
        receiver.gate.clear()
        receiver.arrived.clear()
        later.pass_to(due)
        sending = asyncio.create_task(notify.deliver_due())
        await receiver.arrived.wait()
        await notify._courier.begin()
        assert (await delivery(notify)).next_at == after(later.clock.now(), LEASE_S)
        receiver.gate.set()
        await sending
        assert len(receiver.got) == 2


async def test_leases_that_ended_are_not_kept(host, notify):
    async with Receiver() as receiver:
        await endpoint(notify, receiver.url)
        for _ in range(3):
            await host.happen()
            await notify.deliver_due()
            host.clock.pass_s(LEASE_S)
    kept = host.databases["notify"].connection.execute("SELECT until FROM leases")
    assert len(kept) == 1


async def test_a_late_record_does_not_undo_what_happened_since(tmp_path):
    """RE5: the end of the lease is its fencing token."""
    host, notify = await start(tmp_path)
    async with Receiver(answer(500)) as receiver:
        receiver.gate.clear()
        created = await endpoint(notify, receiver.url)
        (event,) = await host.happen()
        frozen = asyncio.create_task(notify.deliver_due())
        await receiver.arrived.wait()
        host.clock.pass_s(LEASE_S + 1)
        _, other = await start(tmp_path, host.clock)
        receiver.gate.set()
        await other.replay(Replay(SHOP, created.id, event=event.id))
        await other.deliver_due()
        await frozen
    assert (await delivery(other)).status is DELIVERED


async def test_the_job_hands_back_at_drain_what_does_not_finish(tmp_path):
    """RE2."""
    host, notify = await start(tmp_path, settings=Settings(drain_s=0.05))
    async with Receiver() as receiver:
        receiver.gate.clear()
        await endpoint(notify, receiver.url)
        await host.happen()
        job = asyncio.create_task(host.jobs["notify.deliver"]())
        await receiver.arrived.wait()
        job.cancel()
        await asyncio.wait([job])
        back = await delivery(notify)
        assert (back.status, back.attempts, back.next_at) == (PENDING, 0, host.clock.now())


async def test_the_job_lets_what_is_under_way_finish_at_drain(host, notify):
    """RE2."""
    async with Receiver() as receiver:
        receiver.gate.clear()
        await endpoint(notify, receiver.url)
        await host.happen()
        job = asyncio.create_task(host.jobs["notify.deliver"]())
        await receiver.arrived.wait()
        job.cancel()
        await asyncio.sleep(0)
        receiver.gate.set()
        await asyncio.wait([job])
        assert (await delivery(notify)).status is DELIVERED
        assert len(receiver.got) == 1


async def test_the_job_goes_on_after_its_database_was_away(host, notify):
    database = host.databases["notify"]
    async with Receiver() as receiver:
        await endpoint(notify, receiver.url)
        await host.happen()
        write = database.write
        crash(host)
        with pytest.raises(Unavailable):
            await host.jobs["notify.deliver"]()
        database.write = write
        job = asyncio.create_task(host.jobs["notify.deliver"]())
        await until_delivered(host, notify, 1)
        await host.happen()
        await until_delivered(host, notify, 2)
        job.cancel()
        await asyncio.wait([job])


async def test_a_disabled_endpoint_gets_nothing_and_its_queue_is_dead(host, notify):
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url)
        await host.happen(*["charge.failed"] * 3)
        await notify.update_endpoint(UpdateEndpoint(SHOP, created.id, disabled=True))
        await notify.deliver_due()
        assert receiver.connections == 0
        assert [d.status for d in await deliveries(notify)] == [DEAD] * 3
        replayed = await notify.replay(Replay(SHOP, created.id, since=Instant(0)))
        assert replayed.count == 0


async def test_deleting_an_endpoint_drops_its_queue_and_keeps_its_history(host, notify):
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url)
        (first,) = await host.happen()
        await notify.deliver_due()
        await host.happen(*["charge.failed"] * 3)
        await notify.delete_endpoint(EndpointQuery(SHOP, created.id))
        await notify.deliver_due()
        assert [d.event for d in await deliveries(notify)] == [first.id]
        assert len(receiver.got) == 1


async def test_a_crash_before_a_queue_was_dropped_sends_nothing_after_the_restart(tmp_path):
    host, notify = await start(tmp_path)
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url)
        await host.happen(*["charge.failed"] * 3)
        await notify.delete_endpoint(EndpointQuery(SHOP, created.id))
        later, notify = await start(tmp_path, host.clock)
        job = asyncio.create_task(later.jobs["notify.deliver"]())

        async def is_empty():
            return not await deliveries(notify)

        await later.until(is_empty)
        job.cancel()
        await asyncio.wait([job])
        assert receiver.connections == 0


async def test_replaying_one_event_sends_it_again_under_the_same_ids(host, notify):
    """WH3."""
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url, "refund.*")
        wanted, other = await host.happen("refund.created", "charge.failed")
        await notify.deliver_due()
        before = await delivery(notify)
        assert (await notify.replay(Replay(SHOP, created.id, event=wanted.id))).count == 1
        pending = await delivery(notify)
        assert (pending.id, pending.status, pending.attempts) == (before.id, PENDING, 0)
        await notify.deliver_due()
        assert (await delivery(notify)).status is DELIVERED
        assert (await notify.replay(Replay(SHOP, created.id, event=other.id))).count == 1
        await notify.deliver_due()
    assert [got.headers["webhook-id"] for got in receiver.got] == [wanted.id, wanted.id, other.id]


async def test_replaying_since_an_instant_revives_dead_letters_in_slices(host, notify):
    """WH3."""
    async with Receiver() as receiver:
        created = await endpoint(notify, receiver.url, "charge.*")
        await host.happen(*["charge.failed"] * 5)
        since = after(host.clock.now(), 1)
        await host.happen(*["charge.failed"] * 450, *["refund.created"] * 5)
        await host.happen("charge.failed", merchant=OTHER)
        await notify.update_endpoint(UpdateEndpoint(SHOP, created.id, disabled=True))
        await notify.deliver_due()
        await notify.update_endpoint(UpdateEndpoint(SHOP, created.id, disabled=False))
        assert (await notify.replay(Replay(SHOP, created.id, since=since))).count == 450
        await notify.deliver_due()
        assert len({got.headers["webhook-id"] for got in receiver.got}) == 450
        assert len(receiver.got) == 450


async def test_a_replay_of_nothing_named_queues_nothing(host, notify):
    created = await endpoint(notify, "https://shop.example/")
    await host.happen()
    assert (await notify.replay(Replay(SHOP, created.id))).count == 0
    with pytest.raises(NotFound):
        await notify.replay(Replay(SHOP, created.id, event="evt_none"))


async def test_an_event_that_cannot_be_written_does_not_stop_the_others(tmp_path):
    host, notify = await start(tmp_path)
    async with Receiver() as receiver:
        await endpoint(notify, receiver.url)
        await host.happen("refund.created", "charge.failed")
        notify._courier._render = lambda event: (
            1 / 0 if event.type == "refund.created" else render(event)
        )
        await notify.deliver_due()
        errors = {d.last_error: d.status for d in await deliveries(notify)}
    assert errors == {None: DELIVERED, "The event could not be written.": PENDING}


async def test_an_idle_job_asks_the_database_nothing(host, notify):
    await endpoint(notify, "https://shop.example/")
    job = asyncio.create_task(host.jobs["notify.deliver"]())
    await asyncio.wait([job], timeout=0.2)
    before = host.databases["notify"].units
    await asyncio.wait([job], timeout=0.2)
    assert host.databases["notify"].units == before
    job.cancel()
    await asyncio.wait([job])


def crash(host):
    """From now on nothing that this process writes arrives."""

    async def write(unit):
        raise Unavailable("The disk is gone.")

    host.databases["notify"].write = write


async def until_delivered(host, notify, count):
    """Wait until so many deliveries are written down as delivered."""

    async def is_so():
        return len(await deliveries(notify, status=DELIVERED)) == count

    await host.until(is_so)
