"""Whatever comes in ends in a clean no or a closed door; the platform stays well."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Iterator

import pytest

from tests.system.platform import Platform
from tests.system.shops import Shop, bearer, open_shop, stranger
from tests.system.wire import connected, conversation, head, statuses, talk, whole

CREATE = "POST /payment/create"
INTENTS = "POST /v1/payment_intents"
FORM = "application/x-www-form-urlencoded"
LUNCH = b'{"amount":2000,"currency":"usd","payment_method":"pm_card_visa"}'
CHUNKED = "transfer-encoding: chunked"


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


@pytest.fixture(autouse=True)
def well(platform: Platform) -> Iterator[None]:
    """After each attack the platform answers as before."""
    yield
    with stranger(platform) as client:
        began = time.monotonic()
        assert client.get("/health").status_code == 200
        assert time.monotonic() - began < 1


def with_amount(amount: bytes) -> bytes:
    return LUNCH.replace(b"2000", amount)


def test_the_good_request_that_the_bad_ones_are_made_of_passes(shop: Shop) -> None:
    answer = talk(shop.platform, whole(CREATE, shop.secret_key, LUNCH))
    assert statuses(answer) == [201]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(with_amount(b"NaN"), id="NaN"),
        pytest.param(with_amount(b"Infinity"), id="Infinity"),
        pytest.param(with_amount(b"1e400"), id="1e400"),
        pytest.param(with_amount(b"1e3"), id="1e3"),
        pytest.param(with_amount(b"20.5"), id="a fraction"),
        pytest.param(with_amount(b"-0"), id="minus zero"),
        pytest.param(with_amount(b"-2000"), id="negative"),
        pytest.param(with_amount(b"9" * 5000), id="5,000 digits"),
        pytest.param(with_amount(b"9223372036854775808"), id="2^63"),
        pytest.param(with_amount(b'"2000"'), id="a text"),
        pytest.param(with_amount(b"true"), id="a truth"),
        pytest.param(with_amount(b"[2000]"), id="a list"),
        pytest.param(with_amount(b'{"minor":2000}'), id="an object"),
        pytest.param(with_amount(b"02000"), id="a leading zero"),
        pytest.param(with_amount(b"0x7d0"), id="hexadecimal"),
        pytest.param(with_amount("٢٠٠٠".encode()), id="Arabic digits"),
        pytest.param(LUNCH[:-1] + b',"amount":1}', id="a key twice"),
        pytest.param(LUNCH[:-1] + b',"description":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(LUNCH[:-1] + b',"description":"\\u0000"}', id="an escaped NUL"),
        pytest.param(LUNCH[:-1] + b',"description":"\0"}', id="NUL"),
        pytest.param(LUNCH[:-1] + b',"description":"\xff"}', id="not UTF-8"),
        pytest.param(LUNCH[:-1] + b',"description":"\xed\xa0\x80"}', id="UTF-8 surrogate"),
        pytest.param(LUNCH[:-1] + b',"description":1e400}', id="a number for a text"),
        pytest.param(LUNCH[:-1] + b',"metadata":{"a":{"b":"c"}}}', id="deep metadata"),
        pytest.param(LUNCH[:-1] + b',"metadata":{"a":null}}', id="nothing in metadata"),
        pytest.param(LUNCH[:-1] + b',"x":' + b"[" * 50_000, id="50,000 open brackets"),
        pytest.param(LUNCH[:-1] + b',"x":' + b"[" * 99 + b"]" * 99 + b"}", id="99 levels"),
        pytest.param(LUNCH[:-1] + b',"__proto__":{"a":1}}', id="__proto__"),
        pytest.param(LUNCH[:-1], id="cut off"),
        pytest.param(LUNCH + LUNCH, id="two"),
        pytest.param(b"[" + LUNCH + b"]", id="in a list"),
        pytest.param(b"\xef\xbb\xbf" + LUNCH, id="a byte order mark"),
        pytest.param(LUNCH.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b"null", id="null"),
    ],
)
def test_bad_json_is_a_400_that_says_nothing_of_the_inside(shop: Shop, body: bytes) -> None:
    """AE1, AE2, AE5, MS6."""
    answer = talk(shop.platform, whole(CREATE, shop.secret_key, body))
    assert statuses(answer) == [400]
    assert b"application/problem+json" in answer and b'"code":"' in answer
    for inside in (b"Traceback", b"sqlite", b".py", b"msgspec"):
        assert inside not in answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"amount=2000&amount=1&currency=usd", id="a field twice"),
        pytest.param(b"&".join(b"a%d=1" % number for number in range(5000)), id="5,000 fields"),
        pytest.param(b"a" + b"[b]" * 500 + b"=1", id="500 levels"),
        pytest.param(b"a[" * 20_000 + b"=1", id="open brackets"),
        pytest.param(b"metadata[a]=1&metadata=2", id="two shapes"),
        pytest.param(b"metadata[a]=1&metadata[a][b]=2", id="two shapes below"),
        pytest.param(b"metadata[]=1&metadata[a]=2", id="list and hash"),
        pytest.param(b"expand[99999999999999999999]=customer", id="a far index"),
        pytest.param(b"amount=%zz", id="a bad escape"),
        pytest.param(b"description=%00", id="NUL"),
        pytest.param(b"description=%ff", id="not UTF-8"),
        pytest.param(b"description=%ed%a0%80", id="a surrogate"),
        pytest.param(b"=1", id="no name"),
        pytest.param(b"amount=1e3&currency=usd", id="1e3"),
        pytest.param(b"amount=%D9%A2&currency=usd", id="Arabic digits"),
        pytest.param(b"amount=+5&currency=usd", id="a plus"),
        pytest.param(b"amount=1_000&currency=usd", id="an underscore"),
        pytest.param(b"amount=" + b"9" * 5000 + b"&currency=usd", id="5,000 digits"),
        pytest.param(b"amount=2000&currency=usd&confirm=True%00", id="a truth with NUL"),
        pytest.param(LUNCH, id="JSON as a form"),
    ],
)
def test_a_bad_form_is_a_400(shop: Shop, body: bytes) -> None:
    """AE1, AE2."""
    answer = talk(shop.platform, whole(INTENTS, shop.secret_key, body, media_type=FORM))
    assert statuses(answer) == [400]
    assert b'"error"' in answer


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(["content-length: 5", CHUNKED], id="CL and TE"),
        pytest.param([CHUNKED, "content-length: 5"], id="TE and CL"),
        pytest.param(["content-length: 64", "content-length: 5"], id="two lengths"),
        pytest.param(["content-length: 64, 64"], id="a list of lengths"),
        pytest.param(["content-length: +64"], id="a signed length"),
        pytest.param(["content-length: 0x40"], id="a hexadecimal length"),
        pytest.param(["content-length : 64"], id="a space before the colon"),
        pytest.param(["transfer-encoding: xchunked"], id="not quite chunked"),
        pytest.param(["transfer-encoding: chunked, identity"], id="chunked, then more"),
        pytest.param(["transfer-encoding:\x0bchunked", "content-length: 64"], id="a tab"),
        pytest.param(["x: a\rtransfer-encoding: chunked", "content-length: 64"], id="bare CR"),
        pytest.param(["x: a\0b", "content-length: 64"], id="NUL"),
        pytest.param([" folded", "content-length: 64"], id="a folded line"),
        pytest.param(["host: y", "content-length: 64"], id="two hosts"),
        pytest.param(["authorization: Bearer x", "content-length: 64"], id="two keys"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(
    shop: Shop, request_: list[str]
) -> None:
    """AE4: the smuggled request behind is never answered."""
    smuggled = head("GET /health")
    attack = head(CREATE, shop.secret_key, *request_).replace(b"connection: close\r\n", b"")
    answer = talk(shop.platform, attack + b"0\r\n\r\n" + LUNCH + smuggled)
    assert statuses(answer) in ([], [400])


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
        pytest.param(b"GET /health\r\n\r\n", id="HTTP/0.9"),
        pytest.param(b"GET /health HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"\r\n" * 3 + b"nonsense\r\n\r\n", id="nonsense"),
        pytest.param(b"\0" * 1000, id="NULs"),
        pytest.param(b"GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n", id="half an address"),
    ],
)
def test_what_is_not_http_is_refused(platform: Platform, octets: bytes) -> None:
    """AE4."""
    assert statuses(talk(platform, octets)) in ([], [400])


@pytest.mark.parametrize("target", ["/%00", "/%ff", "//", "/../etc/passwd", "/v1/%2e%2e/x", "*"])
def test_a_strange_path_is_not_there(shop: Shop, target: str) -> None:
    answer = talk(shop.platform, head(f"GET {target}", shop.secret_key))
    assert statuses(answer) in ([400], [404])


@pytest.mark.parametrize(
    ("id", "expected"),
    [("%00", (400, 404)), ("%ff", (400, 404)), ("x" * 3000, (404,)), ("%F0%9F%92%B3", (404,))],
)
def test_a_strange_id_is_not_there(shop: Shop, id: str, expected: tuple[int, ...]) -> None:
    for path in ("/v1/payment_intents", "/v1/customers", "/v1/events", "/v1/webhook_endpoints"):
        answer = talk(shop.platform, head(f"GET {path}/{id}", shop.secret_key))
        assert statuses(answer)[0] in expected, (path, answer)


def test_an_announced_body_of_300_mb_is_refused_unread(shop: Shop) -> None:
    """AE2."""
    announced = head(CREATE, shop.secret_key, "content-length: 300000000")
    answer = talk(shop.platform, announced)
    assert statuses(answer) == [413] and b'"body_too_large"' in answer


@pytest.mark.parametrize("announced", ["content-length: 300000000", CHUNKED])
def test_a_body_of_300_mb_that_comes_anyway_is_cut_off(shop: Shop, announced: str) -> None:
    """AE2."""

    async def flood() -> tuple[int, bytes]:
        line = await connected(shop.platform)
        await line.say(head(CREATE, shop.secret_key, announced))
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        sent = 0
        while sent < 300 and await line.say(chunk):
            sent += 1
        return sent, await line.end(5)

    sent, answer = asyncio.run(flood())
    assert sent < 100
    assert statuses(answer) in ([], [413])


def test_a_compressed_body_is_refused(shop: Shop) -> None:
    """AE4: a bomb of 10 MB in 10 kB."""
    body = gzip.compress(b" " * 10_000_000 + LUNCH)
    fields = (f"content-length: {len(body)}", "content-encoding: gzip")
    answer = talk(shop.platform, head(CREATE, shop.secret_key, *fields) + body)
    assert statuses(answer) == [415]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["x: " + "y" * 100_000], 431),
        ([f"x{number}: y" for number in range(200)], 431),
        (["cookie: " + "a=b; " * 8_000], 431),
    ],
)
def test_a_huge_head_is_refused(platform: Platform, fields: list[str], expected: int) -> None:
    """AE2."""
    assert statuses(talk(platform, head("GET /health", "", *fields))) == [expected]


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("TRACE", "/v1/balance", {}, 405),
        ("DELETE", "/v1/payment_intents", {}, 405),
        ("PUT", "/v1/payment_intents/pi_1", {}, 405),
        ("GET", "/payment/create", {}, 405),
        ("PATCH", "/payment/query", {}, 405),
        ("GET", "/v1/balance", {"accept": "text/html"}, 406),
        ("GET", "/payment/query?id=1", {"accept": "application/xml;q=1, */*;q=0"}, 406),
        ("POST", "/payment/create", {"content-type": "text/plain"}, 415),
        ("POST", "/payment/create", {"content-type": "application/xml"}, 415),
        ("POST", "/v1/customers", {"content-type": "multipart/form-data; boundary=x"}, 415),
        ("GET", "/v1/tokens", {}, 404),
        ("GET", "/nothing", {}, 404),
    ],
)
def test_what_is_not_offered_is_said_in_the_right_status(
    shop: Shop, method: str, path: str, headers: dict[str, str], expected: int
) -> None:
    """AE5."""
    with bearer(shop.platform, shop.secret_key) as client:
        body = LUNCH if method == "POST" else None
        answer = client.request(method, path, content=body, headers=headers)
    assert answer.status_code == expected
    if expected == 405:
        assert method not in answer.headers["allow"].split(", ") and answer.headers["allow"]
    if method == "TRACE":
        assert b"Bearer" not in answer.content


def test_a_head_alone_and_an_expectation_are_answered_as_http_wants(shop: Shop) -> None:
    answer = talk(shop.platform, head("HEAD /v1/balance", shop.secret_key))
    assert statuses(answer) == [200]
    assert answer.endswith(b"\r\n\r\n") and b"content-length: 0" not in answer
    fields = ("expect: 100-continue", f"content-length: {len(LUNCH)}")
    answer = talk(shop.platform, head(CREATE, shop.secret_key, *fields), LUNCH)
    assert statuses(answer) == [100, 201]


def test_requests_in_one_piece_are_answered_in_order(shop: Shop) -> None:
    lasting = whole(CREATE, shop.secret_key, LUNCH).replace(b"connection: close\r\n", b"")
    last = head("GET /payment/query?id=0", shop.secret_key)
    assert statuses(talk(shop.platform, lasting * 3 + last)) == [201, 201, 201, 404]


def test_an_upgrade_is_not_taken(shop: Shop) -> None:
    fields = ("upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__")
    answer = talk(shop.platform, head("GET /v1/balance", shop.secret_key, *fields))
    assert statuses(answer) == [200]


def test_slow_senders_are_put_out_and_keep_nobody_waiting(platform: Platform, shop: Shop) -> None:
    """AE3: half a head, half a body, and a head that trickles."""

    async def trickle() -> bytes:
        line = await connected(platform)
        for octet in head("GET /health") + b"x" * 100:
            if not await line.say(bytes([octet])):
                break
            await asyncio.wait([asyncio.ensure_future(line.closed.wait())], timeout=0.5)
        return await line.end(5)

    async def all_at_once() -> list[bytes]:
        half_head = head("GET /health")[:-4]
        half_body = whole(CREATE, shop.secret_key, LUNCH)[:-9]
        slow = [conversation(platform, half_head) for _ in range(200)]
        slow += [conversation(platform, half_body) for _ in range(50)]
        gathered = asyncio.gather(*slow, trickle())
        await asyncio.to_thread(lambda: [healthy() for _ in range(20)])
        return await gathered

    def healthy() -> None:
        with stranger(platform) as client:
            began = time.monotonic()
            assert client.get("/health").status_code == 200
            assert time.monotonic() - began < 1

    began = time.monotonic()
    answers = asyncio.run(all_at_once())
    assert time.monotonic() - began < 15
    assert {tuple(statuses(answer)) for answer in answers} == {(408,)}
