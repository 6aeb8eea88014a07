"""Payment methods as other verbs use them: brought by a request, then settled, then attached."""

from __future__ import annotations

import msgspec

from sycee.kernel.refusal import NotFound
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import (
    Card,
    Method,
    NewMethod,
    RawCardsRefused,
)
from sycee.services.payments.contract.shared import CustomerId, MethodId, Origin
from sycee.services.payments.domain import customers as customer_rules
from sycee.services.payments.domain import methods as rules
from sycee.services.payments.domain.texts import changed_metadata
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.store import customers as customer_rows
from sycee.services.payments.store import methods as rows
from sycee.services.validation.contract import (
    CardFacts,
    CardNumber,
    CardNumberInvalid,
    CheckCard,
)


class Brought(msgspec.Struct, frozen=True):
    """A method named or brought by a request, before it is looked at in a unit."""

    wanted: MethodId
    fresh: Method | None
    """Made from a card number or a test token; not stored yet."""


class Methods:
    """Makes methods of what requests bring, outside of units, and keeps them, inside."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._test_facts: dict[CardNumber, CardFacts] = {}
        """Facts of test cards, which are few and come thousands of times a second."""

    async def bring(
        self, origin: Origin, named: MethodId | None, new: NewMethod | None
    ) -> Brought | None:
        """What a request means by a method: one that it describes, else one that it names.

        None when neither is given. May ask validation and the rail; nothing is stored. Raises
        ``CARD_REFUSALS``, ``MetadataInvalid``, and ``NotFound`` for an unknown test method.
        """
        if new is not None:
            return await self._described(origin, new)
        if named is None:
            return None
        if not rules.is_test_method(named):
            return Brought(named, None)
        card, facts = await self._test_card(origin, named)
        return await self._fresh(origin, NewMethod(), card, facts)

    def settle(
        self,
        session: Session,
        brought: Brought,
        merchant: MerchantId,
        customer: CustomerId | None,
    ) -> Method:
        """Inside a unit: keep a fresh method, or find one that this customer may pay with.

        ``NotFound`` for an unknown or foreign method, ``MethodUnusable`` for a detached one and
        for one that belongs to another customer.
        """
        if brought.fresh is not None:
            assert brought.fresh.merchant == merchant, "a method is made for who asked for it"
            rows.add(session, brought.fresh)
            return brought.fresh
        return self.usable(session, brought.wanted, merchant, customer)

    def usable(
        self,
        session: Session,
        wanted: MethodId,
        merchant: MerchantId,
        customer: CustomerId | None,
    ) -> Method:
        """A kept method that this customer may pay with."""
        kept = rows.find(session, merchant, wanted)
        method = rules.existing(kept.method if kept else None, wanted)
        rules.check_usable(method, kept is not None and kept.is_detached, customer)
        return method

    def attach(
        self, session: Session, method: Method, customer: CustomerId, origin: Origin
    ) -> Method:
        """Inside a unit: give a settled method to a customer; again is the same.

        ``NotFound`` when there is no such customer (any more), ``MethodUnusable`` when the method
        belongs to another.
        """
        customer_rules.living(customer_rows.find(session, method.merchant, customer), customer)
        rules.check_usable(method, is_detached=False, customer=customer)
        if method.customer == customer:
            return method
        attached = msgspec.structs.replace(method, customer=customer)
        rows.replace(session, attached)
        self._parts.events.publish(session, "payment_method.attached", attached, origin)
        return attached

    async def _described(self, origin: Origin, new: NewMethod) -> Brought:
        changed_metadata({}, new.metadata)
        if new.token is not None:
            card, facts = await self._test_card(origin, new.token)
            return await self._fresh(origin, new, card, facts)
        if new.card is None:
            raise CardNumberInvalid("A card number is missing.", param="number")
        if not self._parts.takes_raw_cards:
            raise RawCardsRefused(
                "This installation does not take raw card numbers.", param="number"
            )
        card = rules.plain(new.card)
        facts = await self._parts.validation.check_card(CheckCard(card))
        return await self._fresh(origin, new, card, facts)

    async def _test_card(self, origin: Origin, token: str) -> tuple[CardNumber, CardFacts]:
        parts = self._parts
        card = None if origin.livemode else parts.rail.test_card(token, parts.clock.now())
        if card is None:
            raise NotFound(f"No such payment method: '{token}'", param="payment_method")
        facts = self._test_facts.get(card)
        if facts is None:
            facts = await parts.validation.check_card(CheckCard(card))
            self._test_facts[card] = facts
        return card, facts

    async def _fresh(
        self, origin: Origin, new: NewMethod, card: CardNumber, facts: CardFacts
    ) -> Brought:
        parts = self._parts
        kept = await parts.rail.keep_card(card)
        id = MethodId(parts.ids.new("pm"))
        known = Card(
            brand=facts.brand,
            last4=facts.last4,
            bin=facts.bin,
            exp_month=facts.exp_month,
            exp_year=facts.exp_year,
            fingerprint=kept.fingerprint,
            funding=kept.funding,
            country=kept.country,
            cvc_check=kept.cvc_check,
            rail=parts.rail.name,
            rail_token=kept.token,
        )
        method = Method(
            id=id,
            merchant=origin.merchant,
            created=parts.clock.now(),
            livemode=origin.livemode,
            type=new.type,
            card=known,
            billing=new.billing,
            metadata=changed_metadata({}, new.metadata),
            allow_redisplay=new.allow_redisplay,
        )
        return Brought(id, method)
