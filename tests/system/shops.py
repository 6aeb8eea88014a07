"""Merchants of their own for stories that count, and the words that stories share."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
import msgspec
import stripe

from tests.system.platform import Platform

Seen = TypeVar("Seen")
Params = dict[str, object]

PATIENCE_S = 30
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}

_numbers = itertools.count(1)


class Shop(msgspec.Struct, frozen=True):
    """A merchant that nobody else uses."""

    platform: Platform
    id: str
    secret_key: str

    @property
    def client(self) -> stripe.StripeClient:
        """The official SDK with the shop's key."""
        return self.platform.client(self.secret_key)

    def key(self, role: str = "secret", *scopes: str) -> str:
        """Another key of this shop."""
        return issued_key(self.platform, self.id, role, *scopes)["secret"]


def open_shop(platform: Platform, **fields: object) -> Shop:
    """A new merchant with a secret key, made by the operator."""
    id = f"acct_shop_{os.getpid()}_{next(_numbers)}"
    with operator(platform) as desk:
        made = desk.post("/api/merchants", json={"id": id, "name": "A shop", **fields})
    assert made.status_code == 200, made.text
    return Shop(platform, id, issued_key(platform, id)["secret"])


def issued_key(
    platform: Platform, merchant: str, role: str = "secret", *scopes: str
) -> dict[str, str]:
    """A new key: its id and its secret."""
    with operator(platform) as desk:
        path = f"/api/merchants/{merchant}/keys"
        issued = desk.post(path, json={"role": role, "scopes": list(scopes)})
    assert issued.status_code == 200, issued.text
    return issued.json()


def operator(platform: Platform) -> httpx.Client:
    """The installation's operator."""
    assert platform.ready is not None
    return bearer(platform, platform.ready.operator_key)


def bearer(platform: Platform, key: str) -> httpx.Client:
    """Plain HTTP with a key."""
    headers = {"authorization": f"Bearer {key}"}
    return httpx.Client(base_url=platform.url, headers=headers, trust_env=False, timeout=30)


def stranger(platform: Platform) -> httpx.Client:
    """Plain HTTP without a key, as a payer's browser."""
    return httpx.Client(base_url=platform.url, trust_env=False, timeout=30)


def lunch(**more: object) -> Params:
    """A payment of 20.00 USD, tried at once."""
    return {
        "amount": 2000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        **more,
    }


def seen(look: Callable[[], Seen | None], patience_s: float = PATIENCE_S) -> Seen:
    """Look until something is there; fail when it does not come in time."""
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
