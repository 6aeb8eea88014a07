"""An endpoint's keys and their replacement, up to what receivers accept."""

import asyncio
import base64
import contextlib
import json

import msgspec
import pytest
import standardwebhooks
import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.services.floor import FakeClock
from tests.services.notify.conftest import OTHER, SHOP, NotifyHost, endpoint, render, start
from tests.services.notify.receiver import Receiver

from sycee.kernel.clock import after
from sycee.kernel.refusal import NotFound, Unavailable
from sycee.services.notify.app import Settings, build
from sycee.services.notify.contract import (
    CreateEndpoint,
    EndpointIdempotencyConflict,
    EndpointQuery,
    OverlapNotAllowed,
    RotateSecret,
    UpdateEndpoint,
)

URL = "https://shop.example/in"
DAY_S = 86_400


async def rotate(notify, endpoint, **options):
    return await notify.rotate_secret(RotateSecret(SHOP, endpoint, **options))


async def keys(notify, endpoint, merchant=SHOP):
    return await notify.get_signing_keys(EndpointQuery(merchant, endpoint))


async def sent(host, notify, receiver):
    """What the receiver gets for an event of now."""
    await host.happen()
    await notify.deliver_due()
    return receiver.got[-1]


def taken_by_standard_webhooks(got, secret, monkeypatch):
    """Whether the library takes it, by the clock of the sender."""
    at_s = int(got.headers["webhook-timestamp"])
    frozen = type("Then", (standardwebhooks.webhooks.datetime,), {})
    frozen.now = classmethod(lambda cls, tz=None: cls.fromtimestamp(at_s, tz))
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", frozen)
    try:
        verified = standardwebhooks.Webhook(secret).verify(got.body, got.headers)
    except standardwebhooks.WebhookVerificationError as failure:
        assert "No matching signature" in str(failure)
        return False
    return verified == json.loads(got.body)


def taken_by_stripe(got, secret, monkeypatch):
    at_s = int(got.headers["webhook-timestamp"])
    monkeypatch.setattr("stripe._webhook.time.time", lambda: at_s)
    try:
        event = stripe.Webhook.construct_event(
            got.body, got.headers["stripe-signature"], secret, api_key="sk_test_x"
        )
    except stripe.SignatureVerificationError as failure:
        assert "No signatures found matching" in str(failure)
        return False
    return event.id == got.headers["webhook-id"]


def taken_by_public_key(got, public_key):
    """Verified by ``cryptography`` alone, from the words of the standard."""
    raw = base64.b64decode(public_key.removeprefix("whpk_"), validate=True)
    content = b"%b.%b.%b" % (
        got.headers["webhook-id"].encode(),
        got.headers["webhook-timestamp"].encode(),
        got.body,
    )
    shown = [each.split(",") for each in got.headers["webhook-signature"].split(" ")]
    for signature in (text for version, text in shown if version == "v1a"):
        try:
            Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(signature), content)
        except InvalidSignature:
            continue
        return True
    return False


def versions(got):
    return [each.partition(",")[0] for each in got.headers["webhook-signature"].split(" ")]


@pytest.fixture
def taken(monkeypatch):
    """Whether each official verifier takes a webhook by this secret; they must agree."""

    def ask(got, secret):
        told = {
            ask_one(got, secret, monkeypatch)
            for ask_one in (taken_by_standard_webhooks, taken_by_stripe)
        }
        (only,) = told
        return only

    return ask


async def test_a_webhook_is_signed_by_the_secret_and_by_the_endpoints_own_key(host, notify, taken):
    """WH1."""
    async with Receiver() as receiver:
        made, other = await endpoint(notify, receiver.url), await endpoint(notify, URL, "refund.*")
        got = await sent(host, notify, receiver)
    public = await keys(notify, made.id)
    assert versions(got) == ["v1", "v1a"]
    assert taken(got, made.secret) and not taken(got, other.secret)
    assert taken_by_public_key(got, public.public_key)
    assert not taken_by_public_key(got, (await keys(notify, other.id)).public_key)
    assert (public.generation, public.previous_public_key, public.previous_until) == (1, None, None)
    assert public.secret is None


async def test_one_wrong_bit_is_refused_by_every_verifier(host, notify, taken):
    """WH1: of the body, of each signature, and of each key."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        got = await sent(host, notify, receiver)
    public = (await keys(notify, made.id)).public_key
    body, headers = got.body, dict(got.headers)
    got.body = body.replace(b"event", b"evens")
    assert not taken(got, made.secret) and not taken_by_public_key(got, public)
    got.body = body
    hmac, ed25519 = (each.split(",")[1] for each in headers["webhook-signature"].split(" "))
    got.headers["webhook-signature"] = f"v1,{flipped(hmac)} v1a,{flipped(ed25519)}"
    got.headers["stripe-signature"] = flipped_hex(headers["stripe-signature"])
    assert not taken(got, made.secret) and not taken_by_public_key(got, public)
    got.headers.update(headers)
    assert not taken(got, "whsec_" + flipped(made.secret.removeprefix("whsec_")))
    assert taken(got, made.secret) and taken_by_public_key(got, public)


def flipped(text):
    """Base64 with its last bit changed."""
    octets = base64.b64decode(text)
    return base64.b64encode(octets[:-1] + bytes([octets[-1] ^ 1])).decode()


def flipped_hex(text):
    return f"{text[:-1]}{int(text[-1], 16) ^ 1:x}"


async def test_during_the_overlap_old_and_new_keys_are_taken_and_then_the_new_ones_only(
    host, notify, taken
):
    """WH1: by a virtual clock, to the nanosecond."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        old = await keys(notify, made.id)
        new = await rotate(notify, made.id, overlap_s=3600)
        assert new.previous_until == after(host.clock.now(), 3600)
        got = await sent(host, notify, receiver)
        assert versions(got) == ["v1", "v1", "v1a", "v1a"]
        assert got.headers["stripe-signature"].count(",v1=") == 2
        assert taken(got, made.secret) and taken(got, new.secret)
        assert taken_by_public_key(got, old.public_key)
        assert taken_by_public_key(got, new.public_key)
        await host.happen()
        host.pass_to(new.previous_until - 1)
        await notify.deliver_due()
        assert taken(receiver.got[-1], made.secret)
        assert await keys(notify, made.id) == msgspec.structs.replace(new, secret=None)
        await host.publish(host.event())
        host.pass_to(new.previous_until)
        await notify.deliver_due()
        got = receiver.got[-1]
    assert len(receiver.got) == 3
    assert versions(got) == ["v1", "v1a"]
    assert taken(got, new.secret) and not taken(got, made.secret)
    assert taken_by_public_key(got, new.public_key)
    assert not taken_by_public_key(got, old.public_key)
    shown = await keys(notify, made.id)
    assert (shown.generation, shown.public_key) == (2, new.public_key)
    assert (shown.previous_public_key, shown.previous_until) == (None, None)


async def test_an_overlap_of_nothing_stops_the_old_keys_at_once(host, notify, taken, tmp_path):
    """WH1: they leaked."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        old = await keys(notify, made.id)
        new = await rotate(notify, made.id, overlap_s=0)
        assert (new.previous_public_key, new.previous_until) == (None, None)
        got = await sent(host, notify, receiver)
    assert versions(got) == ["v1", "v1a"]
    assert taken(got, new.secret) and not taken(got, made.secret)
    assert not taken_by_public_key(got, old.public_key)
    rows = host.databases["notify"].connection.execute("SELECT previous_secret FROM rotations")
    assert rows.fetchall() == [(None,)]


async def test_a_second_rotation_within_the_overlap_stops_the_oldest(host, notify, taken):
    """WH1."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        first = await keys(notify, made.id)
        second = await rotate(notify, made.id)
        third = await rotate(notify, made.id, overlap_s=60)
        got = await sent(host, notify, receiver)
    assert (second.generation, third.generation) == (2, 3)
    assert third.previous_public_key == second.public_key
    assert [taken(got, s) for s in (made.secret, second.secret, third.secret)] == [
        False,
        True,
        True,
    ]
    shown = [first.public_key, second.public_key, third.public_key]
    assert [taken_by_public_key(got, key) for key in shown] == [False, True, True]


async def test_a_retry_is_signed_by_the_keys_of_its_own_instant(host, notify, taken):
    async with Receiver(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n") as receiver:
        made = await endpoint(notify, receiver.url)
        await host.happen()
        due = await notify.deliver_due()
        new = await rotate(notify, made.id, overlap_s=0)
        host.pass_to(due)
        await notify.deliver_due()
    first, second = receiver.got
    assert taken(first, made.secret) and not taken(first, new.secret)
    assert taken(second, new.secret) and not taken(second, made.secret)


async def test_the_overlap_is_a_day_unless_said_and_a_week_at_most(host, notify):
    made = await endpoint(notify, URL)
    for wrong in (-1, 7 * DAY_S + 1, 10**18):
        with pytest.raises(OverlapNotAllowed) as refused:
            await rotate(notify, made.id, overlap_s=wrong)
        assert refused.value.param == "overlap_s"
    assert (await keys(notify, made.id)).generation == 1
    told = await rotate(notify, made.id)
    assert told.previous_until == after(host.clock.now(), DAY_S)
    told = await rotate(notify, made.id, overlap_s=7 * DAY_S)
    assert told.previous_until == after(host.clock.now(), 7 * DAY_S)


async def test_rotated_keys_are_the_same_after_a_restart(host, notify, taken, tmp_path):
    """WH4: another process signs alike."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        new = await rotate(notify, made.id)
        later, again = await start(tmp_path, host.clock)
        got = await sent(later, again, receiver)
    assert taken(got, made.secret) and taken(got, new.secret)
    assert taken_by_public_key(got, new.public_key)
    assert await keys(again, made.id) == msgspec.structs.replace(new, secret=None)


async def test_an_endpoint_from_before_there_were_rotations_has_its_first_keys(
    host, notify, taken, tmp_path
):
    """A database of an earlier release is taken up as it is."""
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        host.databases["notify"].connection.execute("DROP TABLE rotations")
        later, again = await start(tmp_path, host.clock)
        assert taken(await sent(later, again, receiver), made.secret)
        assert (await rotate(again, made.id)).generation == 2


async def test_a_rotation_that_comes_again_happens_once(host, notify, tmp_path):
    """MS2: the same answer, also after the overlap, a rotation, a deletion and a restart."""
    made = await endpoint(notify, URL)
    again = {"overlap_s": 60, "idempotency_key": "k", "request_hash": b"h"}
    told = await rotate(notify, made.id, **again)
    assert await rotate(notify, made.id, **again) == told
    assert (await keys(notify, made.id)).generation == 2
    host.clock.pass_s(61)
    await rotate(notify, made.id)
    assert await rotate(notify, made.id, **again) == told
    assert (await keys(notify, made.id)).generation == 3
    await notify.delete_endpoint(EndpointQuery(SHOP, made.id))
    _, later = await start(tmp_path, host.clock)
    assert await rotate(later, made.id, **again) == told
    with pytest.raises(NotFound):
        await keys(later, made.id)


async def test_twins_in_flight_rotate_once(notify):
    """MS2."""
    made = await endpoint(notify, URL)
    again = {"idempotency_key": "k", "request_hash": b"h"}
    told = await asyncio.gather(*(rotate(notify, made.id, **again) for _ in range(50)))
    assert len(set(map(repr, told))) == 1
    assert (await keys(notify, made.id)).generation == 2


async def test_an_idempotency_key_is_of_one_rotation(notify):
    """MS2: not of another body, another endpoint or a creation, whose key is its own too."""
    create = CreateEndpoint(SHOP, URL, ("*",), idempotency_key="c", request_hash=b"h")
    made, other = await notify.create_endpoint(create), await endpoint(notify, URL)
    again = {"idempotency_key": "k", "request_hash": b"h"}
    await rotate(notify, made.id, **again)
    for wrong in (
        rotate(notify, made.id, **again | {"request_hash": b"x"}),
        rotate(notify, other.id, **again),
        rotate(notify, made.id, **again | {"idempotency_key": "c"}),
        notify.create_endpoint(msgspec.structs.replace(create, idempotency_key="k")),
    ):
        with pytest.raises(EndpointIdempotencyConflict):
            await wrong
    assert (await keys(notify, made.id)).generation == 2
    assert (await keys(notify, other.id)).generation == 1


async def test_a_refused_rotation_uses_up_no_idempotency_key(notify):
    again = {"idempotency_key": "k", "request_hash": b"h"}
    with pytest.raises(NotFound):
        await rotate(notify, "we_none", **again)
    made = await endpoint(notify, URL)
    assert (await rotate(notify, made.id, **again)).generation == 2


async def test_keys_of_a_foreign_endpoint_are_as_those_of_an_unknown_one(notify):
    """IA1."""
    made = await endpoint(notify, URL)
    details = set()
    for merchant, named in ((OTHER, made.id), (SHOP, "we_none")):
        for call in (
            notify.rotate_secret(RotateSecret(merchant, named)),
            keys(notify, named, merchant),
        ):
            with pytest.raises(NotFound) as refused:
                await call
            details.add((refused.value.detail.replace(named, "we"), refused.value.param))
    assert len(details) == 1
    assert (await keys(notify, made.id)).generation == 1


async def test_no_rotated_secret_is_kept_in_the_clear(notify, tmp_path):
    """SE6."""
    made = await endpoint(notify, URL)
    told = await rotate(notify, made.id, idempotency_key="k", request_hash=b"h")
    assert told.secret not in (None, made.secret)
    for file in tmp_path.iterdir():
        kept = file.read_bytes()
        for secret in (made.secret, told.secret):
            text = secret.removeprefix("whsec_")
            assert text.encode() not in kept and base64.b64decode(text) not in kept


async def test_a_rotation_leaves_the_rest_of_the_endpoint_alone(host, notify, taken):
    async with Receiver() as receiver:
        made = await endpoint(notify, URL, metadata={"a": "b"})
        new = await rotate(notify, made.id)
        assert await notify.get_endpoint(EndpointQuery(SHOP, made.id)) == (
            msgspec.structs.replace(made, secret=None)
        )
        await notify.update_endpoint(UpdateEndpoint(SHOP, made.id, url=receiver.url))
        got = await sent(host, notify, receiver)
    assert taken(got, new.secret) and taken(got, made.secret)


async def test_a_disabled_endpoint_has_its_new_keys_when_it_comes_back(host, notify, taken):
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        await notify.update_endpoint(UpdateEndpoint(SHOP, made.id, disabled=True))
        new = await rotate(notify, made.id, overlap_s=0)
        await notify.update_endpoint(UpdateEndpoint(SHOP, made.id, disabled=False))
        got = await sent(host, notify, receiver)
    assert taken(got, new.secret) and not taken(got, made.secret)


async def test_a_rotation_that_fails_before_its_commit_changes_nothing(host, notify, taken):
    """MS8: it may be asked for again under the same key."""
    again = {"overlap_s": 0, "idempotency_key": "k", "request_hash": b"h"}
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        connection = host.databases["notify"].connection
        connection.execute("ALTER TABLE rotations RENAME TO away")
        with pytest.raises(Exception, match="rotations"):
            await rotate(notify, made.id, **again)
        connection.execute("ALTER TABLE away RENAME TO rotations")
        assert taken(await sent(host, notify, receiver), made.secret)
        told = await rotate(notify, made.id, **again)
        assert told.generation == 2
        assert taken(await sent(host, notify, receiver), told.secret)


@contextlib.contextmanager
def unheard(database):
    """Commits happen, and nobody hears of them."""
    write = database.write

    async def unheard_write(unit):
        await write(unit)
        raise Unavailable("The database server of notify is away.")

    database.write = unheard_write
    with pytest.raises(Unavailable):
        yield
    database.write = write


@pytest.mark.parametrize("is_asked_again", [True, False])
async def test_a_rotation_whose_commit_nobody_heard_of_is_followed_all_the_same(
    host, notify, taken, is_asked_again
):
    """MS2, RE5: leaked keys must not go on signing, not even what was queued before."""
    again = {"overlap_s": 0, "idempotency_key": "k", "request_hash": b"h"}
    async with Receiver() as receiver:
        made = await endpoint(notify, receiver.url)
        await host.happen()
        with unheard(host.databases["notify"]):
            await rotate(notify, made.id, **again)
        if is_asked_again:
            assert (await rotate(notify, made.id, **again)).generation == 2
        await notify.deliver_due()
    (got,) = receiver.got
    told = await rotate(notify, made.id, **again)
    assert told.generation == (await keys(notify, made.id)).generation == 2
    assert taken(got, told.secret) and not taken(got, made.secret)


async def test_an_endpoint_whose_creation_nobody_heard_of_gets_events(host, notify):
    """MS8."""
    async with Receiver() as receiver:
        with unheard(host.databases["notify"]):
            await endpoint(notify, receiver.url)
        await sent(host, notify, receiver)
    assert len(receiver.got) == 1


async def test_nothing_is_left_of_the_keys_of_a_deleted_endpoint(host, notify):
    made = await endpoint(notify, URL)
    await rotate(notify, made.id)
    await notify.delete_endpoint(EndpointQuery(SHOP, made.id))
    look = host.databases["notify"].connection.execute
    for table in ("endpoints", "rotations", "creations"):
        assert look(f"SELECT COUNT(*) FROM {table}").fetchone()[0] == 0


async def test_keys_depend_on_the_secret_of_the_installation(tmp_path):
    """SE8: nobody derives them from ids alone."""

    class Elsewhere(NotifyHost):
        def secret(self, name, size=32):
            return b"another".ljust(size, b"\1")

    clock, public = FakeClock(), set()
    for kind in (NotifyHost, Elsewhere):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        host = kind(folder, clock)
        notify = await build(host, Settings(), render)
        made = await endpoint(notify, URL)
        public.add((made.id, (await keys(notify, made.id)).public_key))
    assert len({id for id, _ in public}) == 1 and len(public) == 2
