"""The twin's create: all of it in one transaction."""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from typing import NamedTuple

from bench.twin.checks import TestCard, card_of, check_merchant, shown_card
from bench.twin.shapes import Creating, PaymentIntent, PaymentMethod
from bench.twin.store import ADD_METHOD, ADD_PAYMENT, Store
from bench.twin.visit import Answer, Visit, new_id


class Create(NamedTuple):
    """One create."""

    store: Store
    visit: Visit
    given: Creating

    async def answer(self) -> Answer:
        """The payment intent, or what was answered to the same request before."""
        store, visit, given = self.store, self.visit, self.given
        check_merchant(visit.merchant, given.amount, given.currency)
        method = _method(card_of(given.payment_method), given.customer)
        payment = _payment(given, method)
        body = payment.model_dump_json()
        answer = Answer(200, body.encode())
        async with store.transaction():
            earlier = await visit.earlier(store)
            if earlier is not None:
                return earlier
            merchant = visit.merchant.id
            kept = method.model_dump_json()
            await store.run(ADD_METHOD, method.id, merchant, given.payment_method, kept)
            await store.run(
                ADD_PAYMENT,
                payment.id,
                merchant,
                payment.created,
                payment.customer,
                method.id,
                payment.status,
                body,
            )
            await visit.publish(store, visit.tell("payment_intent.created", payment))
            await visit.keep(store, answer)
        return answer


def _method(card: TestCard, customer: str | None) -> PaymentMethod:
    fingerprint = sha256(card.number.encode()).hexdigest()[:16]
    shown = shown_card(card, fingerprint, time.gmtime().tm_year)
    return PaymentMethod(id=new_id("pm"), card=shown, created=int(time.time()), customer=customer)


def _payment(given: Creating, method: PaymentMethod) -> PaymentIntent:
    id = new_id("pi")
    return PaymentIntent(
        id=id,
        amount=given.amount,
        client_secret=f"{id}_secret_{secrets.token_hex(16)}",
        created=int(time.time()),
        currency=given.currency,
        customer=given.customer,
        description=given.description,
        payment_method=method.id,
        receipt_email=given.receipt_email,
    )
