import asyncio
import signal
from argparse import ArgumentTypeError
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import standardwebhooks
import stripe

from sycee.cli import listen
from tests.cli.history import History
from tests.cli.ran import Received, Running, receiver, running
from tests.gateway.door import Door, opened
from tests.system.platform import running as platform_running

READY = "Ready! Your webhook signing secret is "


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
async def door(history: History) -> AsyncIterator[Door]:
    async with opened(list_events=history.list_events) as door:
        yield door


def words(door: Door, *more: str) -> list[str]:
    return ["listen", "--url", f"http://127.0.0.1:{door.port}", "--key", "sk_test_1", *more]


async def ready(command: Running) -> str:
    """Wait until the command listens; its secret."""
    line = await asyncio.to_thread(command.line)
    assert line.startswith(READY), line
    return line.removeprefix(READY)


def check_signatures(webhook: Received, secret: str) -> stripe.Event:
    standardwebhooks.Webhook(secret).verify(
        webhook.body, {name.lower(): value for name, value in webhook.headers.items()}
    )
    return stripe.Webhook.construct_event(webhook.body, webhook.headers["Stripe-Signature"], secret)


async def test_an_event_is_forwarded_with_both_signatures(
    door: Door, history: History, tmp_path: Path
):
    """WH1."""
    with receiver() as shop, running(tmp_path, *words(door, "--forward-to", shop.url)) as command:
        secret = await ready(command)
        history.add("evt_1")
        webhook = await asyncio.to_thread(shop.next)
        event = check_signatures(webhook, secret)
        assert (event.id, event.type) == ("evt_1", "payment_intent.succeeded")
        assert webhook.path == "/webhook"
        assert await asyncio.to_thread(command.line) == "-->  payment_intent.succeeded [evt_1]"
        assert await asyncio.to_thread(command.line) == f"<--  [200] POST {shop.url} [evt_1]"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_order(door: Door, tmp_path: Path, number: int):
    with running(tmp_path, *words(door)) as command:
        await ready(command)
        assert await asyncio.to_thread(command.stop, number) == 0
        assert await asyncio.to_thread(command.line) == ""


async def test_it_ends_by_itself_after_so_many_events(door: Door, history: History, tmp_path: Path):
    history.add("evt_1")
    history.add("evt_2")
    history.add("evt_3")
    with running(tmp_path, *words(door, "--since", "1h", "--count", "2")) as command:
        await ready(command)
        lines = [await asyncio.to_thread(command.line) for _ in range(3)]
        assert lines == [
            "-->  payment_intent.succeeded [evt_1]",
            "-->  payment_intent.succeeded [evt_2]",
            "",
        ]
        assert await asyncio.to_thread(command.process.wait, 30) == 0


async def test_a_target_that_is_away_is_told_and_the_next_event_comes(
    door: Door, history: History, tmp_path: Path
):
    with receiver() as closed:
        url = closed.url
    history.add("evt_1")
    with running(
        tmp_path, *words(door, "--since", "1h", "--count", "1", "--forward-to", url)
    ) as command:
        await ready(command)
        assert await asyncio.to_thread(command.line) == "-->  payment_intent.succeeded [evt_1]"
        line = await asyncio.to_thread(command.line)
        assert line.startswith("<--  [no answer: ")
        assert line.endswith(f"POST {url} [evt_1]")
        assert await asyncio.to_thread(command.process.wait, 30) == 0


async def test_an_error_or_a_redirect_of_the_target_is_shown_and_not_followed(
    door: Door, history: History, tmp_path: Path
):
    with receiver() as shop:
        shop.status = 302
        history.add("evt_1")
        with running(
            tmp_path, *words(door, "--since", "1h", "--count", "1", "--forward-to", shop.url)
        ) as command:
            await ready(command)
            await asyncio.to_thread(command.line)
            assert await asyncio.to_thread(command.line) == f"<--  [302] POST {shop.url} [evt_1]"
            await asyncio.to_thread(shop.next)
            assert shop.received.empty()


async def test_a_secret_can_be_brought_along(door: Door, history: History, tmp_path: Path):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    history.add("evt_1")
    with (
        receiver() as shop,
        running(
            tmp_path,
            *words(door, "--since", "1h", "--secret", secret, "--forward-to", shop.url),
        ) as command,
    ):
        assert await ready(command) == secret
        check_signatures(await asyncio.to_thread(shop.next), secret)


async def test_whole_events_can_be_shown(door: Door, history: History, tmp_path: Path):
    history.add("evt_1")
    with running(
        tmp_path, *words(door, "--since", "1h", "--count", "1", "--print-json")
    ) as command:
        await ready(command)
        lines = [await asyncio.to_thread(command.line) for _ in range(2)]
        (shown,) = [line for line in lines if line.startswith("{")]
        assert msgspec.json.decode(shown)["id"] == "evt_1"


async def test_a_platform_that_is_away_is_waited_for(door: Door, history: History, tmp_path: Path):
    history.add("evt_1")
    with running(tmp_path, *words(door, "--since", "1h", "--count", "2")) as command:
        await ready(command)
        await asyncio.to_thread(command.line)
        port = door.port
        await door.server.drain()
        assert "is away" in await asyncio.to_thread(command.line)
        history.add("evt_2")
        server = await door.gateway.serve("127.0.0.1", port)
        assert "is back" in await asyncio.to_thread(command.line)
        assert await asyncio.to_thread(command.line) == "-->  payment_intent.succeeded [evt_2]"
        await server.drain()


async def test_a_wrong_key_is_told_in_one_line(door: Door, tmp_path: Path):
    with running(tmp_path, *words(door)[:-1], "sk_test_wrong") as command:
        line = await asyncio.to_thread(command.line)
        assert line.startswith("sycee: ")
        assert "401" in line
        assert await asyncio.to_thread(command.process.wait, 30) == 2


def test_a_payment_on_a_real_platform_is_forwarded_in_order(tmp_path: Path):
    """WH1. The key is the one that the dev profile keeps."""
    with platform_running(tmp_path / "data", "one") as platform, receiver() as shop:
        where = ["--url", platform.url, "--data", str(platform.data)]
        with running(tmp_path, "listen", *where, "--forward-to", shop.url) as command:
            secret = command.line().removeprefix(READY)
            platform.client().v1.payment_intents.create(
                {
                    "amount": 500,
                    "currency": "usd",
                    "payment_method": "pm_card_visa",
                    "confirm": True,
                }
            )
            events = [check_signatures(shop.next(), secret) for _ in range(3)]
    assert [event.type for event in events] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert events[2].data.object.amount_received == 500


def test_the_secret_follows_from_the_key_and_does_not_show_it():
    assert listen.own_secret("sk_test_1") == listen.own_secret("sk_test_1")
    assert listen.own_secret("sk_test_1") != listen.own_secret("sk_test_2")
    assert "sk_test_1" not in listen.own_secret("sk_test_1")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1700000000", 1_700_000_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000),
    ],
)
def test_since_takes_a_moment(text: str, seconds: int):
    assert listen._since(text) == seconds


def test_since_takes_an_age():
    now = datetime.now(UTC).timestamp()
    assert listen._since("2h") == pytest.approx(now - 7_200, abs=5)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (listen._since, "yesterday"),
        (listen._since, ""),
        (listen._count, "0"),
        (listen._count, "x"),
        (listen._secret, "sk_1"),
        (listen._secret, "whsec_?"),
        (listen._target, "ftp://127.0.0.1/"),
        (listen._target, "http://"),
    ],
)
def test_an_option_that_cannot_be_read_is_refused(read, text):
    with pytest.raises(ArgumentTypeError):
        read(text)


def test_an_address_without_a_scheme_is_http():
    assert listen._target("localhost:4242/webhook") == "http://localhost:4242/webhook"
