"""Requests as octets: good ones to begin with, and what chance makes of them."""

from __future__ import annotations

import random

from tests.system.wire import head, whole

FORM = b"amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&metadata[a]=b"
TOKENS = [
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"\xff",
        b":",
        b" ",
        b"\t",
        b"%",
        b"%00",
        b"[",
        b"]",
    ),
    *(b"{", b"}", b'"', b"\\u0000", b"\\ud800", b"NaN", b"1e400", b"-0", b"9" * 400, b"&", b"="),
    *(b"chunked", b"transfer-encoding: chunked\r\n", b"content-length: 0\r\n", b"0\r\n\r\n"),
    *(
        b"expect: 100-continue\r\n",
        b"upgrade: h2c\r\n",
        b"HTTP/2.0",
        b"HTTP/1.0",
        b"TRACE ",
        b"/../",
    ),
]


def corpus(key: str) -> list[bytes]:
    """Good requests to begin with."""
    json = b'{"amount":2000,"currency":"usd","payment_method":"pm_card_visa","metadata":{"a":"b"}}'
    form = "application/x-www-form-urlencoded"
    return [
        whole("POST /payment/create", key, json),
        whole("POST /v1/payment_intents", key, FORM, media_type=form),
        whole("POST /v1/customers", key, b"name=Jenny&address[city]=Berlin", media_type=form),
        head("GET /v1/payment_intents?limit=3&expand[]=data.customer", key),
        head("GET /payment/query?id=1", key),
        head("POST /payment/create", key, "transfer-encoding: chunked")
        + b"%x\r\n%b\r\n0\r\n\r\n" % (len(json), json),
    ]


def mutated(draw: random.Random, octets: bytes) -> bytes:
    """A few changes: octets turned, cut, doubled, tokens put in."""
    changed = bytearray(octets)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([draw.randrange(256)])
            case 1:
                changed[at:at] = draw.choice(TOKENS)
            case 2:
                del changed[at : at + draw.randrange(1, 20)]
            case 3:
                changed[at:at] = changed[at : at + draw.randrange(1, 40)]
            case _:
                changed[at : at + draw.randrange(1, 9)] = draw.choice(TOKENS)
    return bytes(changed)
