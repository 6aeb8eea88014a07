"""The corpus of bad heads, bodies and clients: a clean 4xx or a closed connection, never a 5xx."""

from __future__ import annotations

import asyncio

import pytest

from sycee.gateway.edge.limits import Limits
from tests.gateway.door import opened
from tests.gateway.edge.wire import head, status, talk
from tests.gateway.objects import PAYMENT

LUNCH = b'{"amount":2000,"currency":"usd","payment_method":"pm_card_visa"}'
LENGTH = b"content-length: %d" % len(LUNCH)
CLOSE = b"connection: close"


async def test_a_good_request_passes():
    async with opened(create_payment=PAYMENT) as door:
        assert status(await talk(door.port, head(LENGTH, CLOSE) + LUNCH)) == 201


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(
            head(LENGTH, b"transfer-encoding: chunked") + b"0\r\n\r\n" + LUNCH, id="CL and TE"
        ),
        pytest.param(
            head(b"transfer-encoding: chunked", LENGTH) + b"0\r\n\r\n" + LUNCH, id="TE and CL"
        ),
        pytest.param(head(LENGTH, b"content-length: 5") + LUNCH, id="two lengths"),
        pytest.param(head(b"content-length: 5, 5") + b"{}   ", id="a list of lengths"),
        pytest.param(head(b"content-length: +2") + b"{}", id="a signed length"),
        pytest.param(head(b"content-length: -2") + b"{}", id="a negative length"),
        pytest.param(head(b"content-length: 0x2") + b"{}", id="a hexadecimal length"),
        pytest.param(head(b"content-length: " + b"9" * 30) + b"{}", id="an endless length"),
        pytest.param(head(b"transfer-encoding: gzip, chunked") + b"0\r\n\r\n", id="two codings"),
        pytest.param(head(b"transfer-encoding: xchunked") + b"0\r\n\r\n", id="not chunked"),
        pytest.param(head(b"x: a\rb", LENGTH) + LUNCH, id="a bare CR in a value"),
        pytest.param(head(b"x : a", LENGTH) + LUNCH, id="a space before the colon"),
        pytest.param(head(b"x: a\0b", LENGTH) + LUNCH, id="NUL in a value"),
        pytest.param(head(b" folded: x", LENGTH) + LUNCH, id="a folded line"),
        pytest.param(head(b"host: y", LENGTH) + LUNCH, id="two hosts"),
        pytest.param(head(b"authorization: Bearer y", LENGTH) + LUNCH, id="two keys"),
        pytest.param(head(b"content-type: x/y", LENGTH) + LUNCH, id="two media types"),
        pytest.param(
            head(b"idempotency-key: a", b"idempotency-key: a", LENGTH) + LUNCH,
            id="two idempotency keys",
        ),
        pytest.param(b"GET /health HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET /health HTTP/9.9\r\nhost: x\r\n\r\n", id="an unknown version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /health\r\n\r\n", id="HTTP/0.9"),
        pytest.param(
            head(b"transfer-encoding: chunked") + b"FFFFFFFFFFFFFFFFF\r\n", id="an endless chunk"
        ),
        pytest.param(head(b"transfer-encoding: chunked") + b"-1\r\n\r\n", id="a negative chunk"),
        pytest.param(head(b"transfer-encoding: chunked") + b"2\n{}\n0\n\n", id="bare LF in chunks"),
    ],
)
async def test_what_reads_in_two_ways_is_refused_and_closed(octets):
    """AE4."""
    async with opened(create_payment=PAYMENT) as door:
        answer = await talk(door.port, octets)
        assert status(answer) in (0, 400)
        assert answer.count(b"HTTP/1.1 ") <= 1
        assert not door.payments.asked


async def test_an_announced_body_beyond_the_cap_is_refused_unread():
    """AE2."""
    async with opened() as door:
        answer = await talk(door.port, head(b"content-length: 300000000"))
        assert status(answer) == 413 and b'"body_too_large"' in answer


async def test_an_unannounced_body_is_counted():
    """AE2."""
    async with opened() as door:
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        answer = await talk(door.port, head(b"transfer-encoding: chunked"), *[chunk] * 5)
        assert status(answer) == 413


async def test_a_body_of_mere_framing_is_refused():
    """AE2."""
    async with opened() as door:
        chunk = b"1;" + b"x" * 1000 + b"\r\nx\r\n"
        answer = await talk(door.port, head(b"transfer-encoding: chunked"), chunk * 1500)
        assert status(answer) in (0, 400, 413)


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"deflate", b"identity, gzip", b"x"])
async def test_a_compressed_body_is_refused(coding):
    """AE4."""
    async with opened() as door:
        answer = await talk(door.port, head(b"content-encoding: " + coding, LENGTH) + LUNCH)
        assert status(answer) == 415


async def test_a_head_without_end_is_refused():
    """AE2."""
    async with opened() as door:
        octets = b"GET /health HTTP/1.1\r\nhost: x\r\n" + b"x: " + b"y" * 40_000
        assert status(await talk(door.port, octets)) == 431


async def test_a_long_head_is_refused_also_in_one_piece():
    """AE2."""
    async with opened() as door:
        many = [b"x%d: y" % number for number in range(150)]
        assert status(await talk(door.port, head(*many, LENGTH) + LUNCH)) == 431
        long_target = b"GET /" + b"x" * 40_000 + b" HTTP/1.1"
        assert status(await talk(door.port, head(request=long_target))) == 431


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        pytest.param(b"", 0, id="silence"),
        pytest.param(b"GET /health HTTP/1.1\r\nhos", 408, id="half a head"),
        pytest.param(head(LENGTH) + LUNCH[:10], 408, id="half a body"),
    ],
)
async def test_who_does_not_go_on_is_put_out(octets, expected):
    """AE3."""
    limits = Limits(head_timeout_s=0.2, body_idle_timeout_s=0.2, body_timeout_s=0.3)
    async with opened(limits) as door:
        assert status(await talk(door.port, octets)) == expected


async def test_half_sent_heads_do_not_keep_others_waiting():
    """AE3."""
    async with opened() as door:
        opened_halves = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(200)]
        for _, writer in opened_halves:
            writer.write(b"GET /health HTTP/1.1\r\nhost")
        assert (await door.client.get("/health")).status_code == 200
        for _, writer in opened_halves:
            writer.close()


async def test_an_idle_connection_is_closed_after_its_time():
    async with opened(Limits(keep_alive_s=0.2)) as door:
        answer = await talk(door.port, b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert status(answer) == 200


async def test_connections_of_one_address_are_capped():
    """AE3."""
    async with opened(Limits(connections_per_ip_max=3)) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(3)]
        answer = await talk(door.port)
        assert status(answer) == 503 and b"retry-after: 1" in answer
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        assert status(await talk(door.port, b"GET /health HTTP/1.0\r\n\r\n")) == 200


async def test_a_refused_second_request_does_not_answer_for_the_first():
    """AE4: an answer must never be taken for another request's."""
    release = asyncio.Event()

    async def slow(_):
        await release.wait()
        return PAYMENT

    async with opened(create_payment=slow) as door:
        answer = await talk(door.port, head(LENGTH) + LUNCH, b"nonsense\r\n\r\n")
        assert answer == b""
        release.set()


@pytest.mark.parametrize("broken", [b"nonsense\r\n\r\n", head(b"content-length: 9999999")])
async def test_what_waits_behind_a_broken_request_is_dropped_without_a_fault(broken, caplog):
    """AE1, AE4: nobody hears the answers, so none is begun, and none is written."""
    started, release = asyncio.Event(), asyncio.Event()
    created = []

    async def slow(command):
        created.append(command)
        started.set()
        await release.wait()
        return PAYMENT

    async with opened(create_payment=slow) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(head(LENGTH) + LUNCH)
        await started.wait()
        writer.write(head(LENGTH) + LUNCH + broken)
        assert await reader.read() == b""
        release.set()
        writer.close()
    assert len(created) == 1
    assert "Exception in ASGI application" not in caplog.text


async def test_who_was_answered_early_gets_no_second_answer(caplog):
    """AE4: a body that goes on and on after a 401 is not answered once more."""
    stranger = b"POST /payment/create HTTP/1.1\r\nhost: x\r\n"
    async with opened() as door:
        endless = b"1000\r\n" + b" " * 4096 + b"\r\n"
        answer = await talk(
            door.port, stranger + b"transfer-encoding: chunked\r\n\r\n", *[endless] * 200
        )
        assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"401"]
    assert "Exception in ASGI application" not in caplog.text


async def test_requests_in_one_piece_are_answered_in_order():
    async with opened(create_payment=PAYMENT) as door:
        octets = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" + head(LENGTH, CLOSE) + LUNCH
        answer = await talk(door.port, octets)
        assert [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]] == [b"200", b"201"]


async def test_an_upgrade_is_ignored_and_the_connection_ends():
    async with opened() as door:
        fields = (b"connection: Upgrade", b"upgrade: websocket")
        answer = await talk(door.port, head(*fields, request=b"GET /health HTTP/1.1"))
        assert status(answer) == 200


async def test_draining_finishes_what_is_in_flight():
    """RE2."""
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(_):
        started.set()
        await release.wait()
        return PAYMENT

    async with opened(create_payment=slow) as door:
        asking = asyncio.ensure_future(talk(door.port, head(LENGTH) + LUNCH))
        await started.wait()
        draining = asyncio.ensure_future(door.server.drain())
        release.set()
        answer = await asking
        await draining
        assert status(answer) == 201 and b"connection: close" in answer
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", door.port)


async def test_a_request_without_room_is_refused_before_its_key_and_the_connection_stays():
    """RE4."""
    async with opened(create_payment=PAYMENT) as door:
        admission = door.gateway.app.admission
        admission.in_flight = admission.limit
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        for _ in range(3):
            writer.write(head(LENGTH) + LUNCH)
            refused = await reader.readuntil(b"\r\n\r\n")
            assert status(refused) == 503 and b"retry-after: 1" in refused
            assert b"connection: keep-alive" in refused
            length = int(refused.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert b"overloaded" in await reader.readexactly(length)
        assert door.identity.authenticated == 0
        admission.in_flight = 0
        writer.write(head(LENGTH, CLOSE) + LUNCH)
        assert status(await reader.readuntil(b"\r\n\r\n")) == 201
        writer.close()


async def test_without_room_a_caller_that_closes_anyway_is_refused_the_long_way():
    async with opened(create_payment=PAYMENT) as door:
        admission = door.gateway.app.admission
        admission.in_flight = admission.limit
        assert status(await talk(door.port, head(LENGTH, CLOSE) + LUNCH)) == 503
        health = head(CLOSE, request=b"GET /health HTTP/1.1")
        assert status(await talk(door.port, health)) == 200


async def test_without_room_health_and_unknown_paths_are_answered_as_ever():
    async with opened() as door:
        admission = door.gateway.app.admission
        admission.in_flight = admission.limit
        assert (await door.client.get("/health")).status_code == 200
        assert (await door.client.get("/nowhere")).status_code == 404


async def test_an_endless_body_of_a_request_without_room_is_not_read_for_ever():
    async with opened(Limits(body_bytes_max=1000)) as door:
        admission = door.gateway.app.admission
        admission.in_flight = admission.limit
        answer = await talk(
            door.port, head(b"transfer-encoding: chunked"), b"3e9\r\n" + b"x" * 1001
        )
        assert answer.count(b"HTTP/1.1") == 1 and status(answer) == 503
