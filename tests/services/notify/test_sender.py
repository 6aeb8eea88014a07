"""Where webhooks connect to, and what they take from an answer; on real sockets."""

import asyncio
import ssl

import pytest
import trustme
from tests.services.notify.conftest import SHOP, endpoint, start
from tests.services.notify.receiver import OK, Receiver, answer
from tests.services.notify.urls import REFUSED_URLS

from sycee.runtime.host import Profile
from sycee.services.notify.adapters.resolver import system_resolver
from sycee.services.notify.adapters.sender import ANSWER_BYTES_MAX, Sender
from sycee.services.notify.app import Settings
from sycee.services.notify.contract import DeliveryStatus, ListDeliveries
from sycee.services.notify.domain.urls import Rules

PUBLIC = "2000::1"
"""Global unicast by its form, and never assigned: nobody is bothered by this test."""
TRUST = ssl.create_default_context()
NEAR = Rules(hosts=frozenset({"127.0.0.1", "shop.example"}))


class Names:
    """A name server that answers as it is told, and counts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host):
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def sender(rules=NEAR, names=None, trust=None, connect_s=1.0, total_s=1.0):
    return Sender(
        names or Names(["127.0.0.1"]), rules, trust or TRUST, connect_s,
        total_s,
    )  # fmt: skip


async def post(url, **options):
    return await sender(**options).post(url, [("X-Test", "1")], b"{}")


@pytest.fixture
async def inner():
    """A service of the inside that must never be reached."""
    async with Receiver() as listener:
        yield listener


async def test_no_url_of_the_corpus_reaches_the_inside(inner):
    """WH2: neither at its usual ports nor at the listener's."""
    rules = Rules(ports=frozenset({80, 443, inner.port}))
    names = Names(["127.0.0.1"])
    urls = [*REFUSED_URLS, f"http://127.0.0.1:{inner.port}/", f"https://127.0.0.1:{inner.port}/"]
    urls += [url.rstrip("/") + f":{inner.port}/" for url in REFUSED_URLS if url.count(":") == 1]
    for url in urls:
        attempt = await post(url, rules=rules, names=names)
        assert attempt.status is None
    assert inner.connections == 0
    assert names.asked == 0


@pytest.mark.parametrize(
    "resolved",
    [
        ["127.0.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["10.0.0.1"],
        ["169.254.169.254"],
        [PUBLIC, "127.0.0.1"],
        ["fe80::1%lo"],
        ["nonsense"],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_not_connected_to(inner, resolved):
    """WH2: one bad address among good ones is enough."""
    rules = Rules(ports=frozenset({inner.port}))
    attempt = await post(f"https://shop.example:{inner.port}/", rules=rules, names=Names(resolved))
    assert attempt.status is None
    assert inner.connections == 0
    assert not any(address in attempt.error for address in resolved)


async def test_a_name_is_resolved_once_and_again_at_each_retry(tmp_path, inner):
    """WH2: a name server that answers well first and then leads inside gains nothing."""
    names = Names([PUBLIC], ["127.0.0.1"])
    settings = Settings(allowed_ports=(inner.port,), connect_timeout_s=0.05)
    host, notify = await start(tmp_path, settings=settings, resolve=names)
    await endpoint(notify, f"https://rebinding.example:{inner.port}/")
    await host.happen()
    for asked in (1, 2, 3):
        due = await notify.deliver_due()
        assert names.asked == asked
        host.pass_to(due)
    assert inner.connections == 0
    (tried,) = (await notify.list_deliveries(ListDeliveries(SHOP))).deliveries
    assert (tried.status, tried.attempts) == (DeliveryStatus.PENDING, 3)
    assert tried.last_error == "The URL's host is not on the internet."


async def test_an_endpoint_made_in_development_is_not_served_in_production(tmp_path, inner):
    """WH2: what was allowed once is asked again."""
    host, notify = await start(tmp_path)
    await endpoint(notify, inner.url)
    host, notify = await start(tmp_path, host.clock, profile=Profile.PRODUCTION)
    await host.happen()
    await notify.deliver_due()
    assert inner.connections == 0


async def test_the_receiver_proves_that_it_is_the_urls_host(tmp_path):
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("shop.example").configure_cert(served)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with Receiver(ssl=served) as receiver:
        url = f"https://shop.example:{receiver.port}/"
        assert (await post(url, trust=trust)).status == 200
        assert receiver.got[0].headers["host"] == f"shop.example:{receiver.port}"
        stranger = await post(url)
        assert stranger.status is None
        assert stranger.error.startswith("TLS: ")
        wrong = Rules(hosts=frozenset({"other.example"}))
        other = await post(f"https://other.example:{receiver.port}/", trust=trust, rules=wrong)
        assert (other.status, other.error[:5]) == (None, "TLS: ")
    async with Receiver() as plain:
        attempt = await post(f"https://shop.example:{plain.port}/", trust=trust)
        assert attempt.status is None
        assert plain.got == []


async def test_authorities_can_be_added_by_a_file(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(served)
    settings = Settings(ca_file=str(tmp_path / "ca.pem"))
    host, notify = await start(tmp_path, settings=settings)
    async with Receiver(ssl=served) as receiver:
        await endpoint(notify, f"https://localhost:{receiver.port}/")
        await host.happen()
        await notify.deliver_due()
    assert len(receiver.got) == 1


async def test_the_next_address_is_tried_when_one_does_not_answer():
    async with Receiver() as receiver:
        names = Names(["127.0.0.2", "127.0.0.1"])
        attempt = await post(f"http://shop.example:{receiver.port}/", names=names)
    assert attempt.status == 200


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", "The connection was closed without an answer."),
        (b"HTTP/1.1 2", "The connection was closed without an answer."),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "The answer is not HTTP/1.1."),
        (b"HTTP/1.1 101 Switching\r\n\r\n", "The answer is not HTTP/1.1."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, "The answer is not HTTP/1.1."),
    ],
)
async def test_what_is_no_answer_is_a_failure(reply, error):
    async with Receiver(last=reply) as receiver:
        attempt = await post(receiver.url)
    assert (attempt.status, attempt.error) == (None, error)


async def test_nobody_listening_is_a_failure():
    async with Receiver() as receiver:
        url = receiver.url
    attempt = await post(url)
    assert (attempt.status, attempt.error) == (None, "The connection was refused.")


async def test_a_receiver_that_says_nothing_is_left_in_time():
    """RE3."""
    async with Receiver() as receiver:
        receiver.gate.clear()
        attempt = await post(receiver.url, connect_s=0.1, total_s=0.1)
    assert (attempt.status, attempt.error) == (None, "No answer in time.")


async def test_a_name_server_that_says_nothing_is_left_in_time():
    """RE3."""

    async def silent(host):
        await asyncio.Event().wait()

    attempt = await post("https://shop.example/", names=silent, total_s=0.1)
    assert attempt.error == "No answer in time."


@pytest.mark.parametrize(
    "reply",
    [
        OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK,
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbroken off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_BYTES_MAX * 20),
    ],
)
async def test_a_status_counts_however_its_body_ends(reply):
    async with Receiver(last=reply) as receiver:
        attempt = await post(receiver.url)
    assert attempt.status == 200


async def test_an_endless_body_is_not_read_to_its_end():
    sent = 0

    async def flood(reader, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while sent < 2**26:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            pass

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    attempt = await post(f"http://127.0.0.1:{port}/", total_s=30)
    server.close()
    assert attempt.status == 200
    assert sent < 2**26


async def test_the_beginning_of_an_answer_is_kept_without_secrets():
    """SE6."""
    body = b"no\x00\r\n\x1b[31m  whsec_" + b"A" * 44 + b" 4242 4242 4242 4242 \xff" + b"tea " * 100
    async with Receiver(last=answer(500, body)) as receiver:
        attempt = await post(receiver.url)
    assert attempt.error.startswith("HTTP 500 no [31m whsec_[secret] [card number] ")
    assert len(attempt.error) <= len("HTTP 500 ") + 200


async def test_the_systems_resolver_answers_with_addresses():
    assert "127.0.0.1" in await system_resolver(1)("localhost")


async def test_a_name_that_does_not_exist_is_a_failure():
    attempt = await post("https://shop.example/", names=system_resolver(1), total_s=20)
    assert attempt.status is None
    assert attempt.error in {"The host could not be reached.", "No answer in time."}
