"""Payment methods: brought by a request, settled in a unit, attached to customers; their verbs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from sycee.kernel.clock import seconds
from sycee.kernel.refusal import NotFound, Refusal, Unavailable
from sycee.runtime.cache import Cache
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.adapters.rail import NewCard, Verdict
from sycee.services.payments.contract.customers import (
    AttachMethod,
    Card,
    CreateMethod,
    DetachMethod,
    ListMethods,
    Method,
    MethodPage,
    MethodQuery,
    NewMethod,
    RawCardsRefused,
    SetupDeclined,
    UpdateMethod,
)
from sycee.services.payments.contract.shared import BillingDetails, CustomerId, MethodId, Origin
from sycee.services.payments.domain import customers as customer_rules
from sycee.services.payments.domain import methods as rules
from sycee.services.payments.domain.texts import changed_metadata
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.prepared import prepared
from sycee.services.payments.service.verification import UNANSWERED, verify
from sycee.services.payments.store import customers as customer_rows
from sycee.services.payments.store import methods as rows
from sycee.services.validation.contract import (
    CardFacts,
    CardNumber,
    CardNumberInvalid,
    CheckCard,
)
from sycee.services.vault.contract import KeptNumber, Tokenize

_REMEMBER_S = 300.0


class Brought(msgspec.Struct, frozen=True):
    """A method named or brought by a request, before it is looked at in a unit."""

    wanted: MethodId
    fresh: Method | None
    """Made from a card number or a test token; not stored yet."""


class Methods:
    """Makes methods of what requests bring, outside of units, and keeps them, inside."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._test_kept: Cache[tuple[MerchantId, str], KeptNumber] = Cache(
            parts.clock.monotonic_s, _REMEMBER_S
        )
        """Which are no secret, and come thousands of times a second."""
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

    def detach(self, session: Session, method: Method, origin: Origin) -> Method:
        """Inside a unit: take an owned method from its customer, for good."""
        detached = msgspec.structs.replace(method, customer=None)
        rows.detach(session, detached)
        self._parts.events.publish(
            session, "payment_method.detached", detached, origin, {"customer": method.customer}
        )
        return detached

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
        vaulted = await self._vaulted(origin.merchant, card, new.token is not None)
        kept = await parts.rail.keep_card(NewCard(origin.merchant, vaulted.token, card.cvc))
        id = MethodId(parts.ids.new("pm"))
        known = Card(
            brand=facts.brand,
            last4=facts.last4,
            bin=facts.bin,
            exp_month=facts.exp_month,
            exp_year=facts.exp_year,
            fingerprint=vaulted.fingerprint,
            funding=kept.funding,
            country=kept.country,
            cvc_check=kept.cvc_check,
            rail=parts.rail.name,
            rail_token=kept.token,
            vault_token=vaulted.token,
        )
        method = Method(
            id=id,
            merchant=origin.merchant,
            created=parts.clock.now(),
            livemode=origin.livemode,
            type=new.type,
            card=known,
            billing=rules.changed_billing(BillingDetails(), new.billing),
            metadata=changed_metadata({}, new.metadata),
            allow_redisplay=new.allow_redisplay,
        )
        return Brought(id, method)

    async def _vaulted(self, merchant: MerchantId, card: CardNumber, is_test: bool) -> KeptNumber:
        """The number in the vault's keeping; of documented test cards its token is remembered."""
        known = self._test_kept.get((merchant, card.number)) if is_test else None
        if known is not None:
            return known
        look = self._test_kept.look()
        vault = self._parts.vault
        (kept,) = (await vault.tokenize(Tokenize(merchant, (card.number,)))).cards
        if is_test:
            self._test_kept.remember((merchant, card.number), kept, look)
        return kept


class MethodOperations:
    """The part of the contract about methods."""

    _parts: Parts
    methods: Methods

    async def create_method(self, command: CreateMethod) -> Method:
        origin = command.origin

        async def prepare() -> Callable[[Session], Method]:
            brought = await self.methods.bring(origin, None, command.method)
            assert brought is not None, "a method was described"
            return lambda session: self.methods.settle(session, brought, origin.merchant, None)

        return await prepared(self._parts, origin, Method, prepare)

    async def update_method(self, command: UpdateMethod) -> Method:
        origin = command.origin

        def unit(session: Session) -> Method:
            before = _found(session, origin.merchant, command.id).method
            after = rules.changed(before, command)
            if after.card != before.card:
                rules.check_expiry(after.card, *self._month())
            former = rules.previous(before, after)
            if former:
                rows.replace(session, after)
                self._parts.events.publish(session, "payment_method.updated", after, origin, former)
            return after

        return await self._parts.once.do(origin, Method, unit)

    async def get_method(self, query: MethodQuery) -> Method:
        if not rules.is_test_method(query.id):
            return await self._parts.database.read(
                lambda session: _found(session, query.merchant, query.id).method
            )
        brought = await self.methods.bring(Origin(query.merchant), query.id, None)
        assert brought is not None and brought.fresh is not None, "a test method is made afresh"
        return msgspec.structs.replace(brought.fresh, id=query.id)

    async def attach_method(self, command: AttachMethod) -> Method:
        origin, customer = command.origin, command.customer

        async def prepare() -> Callable[[Session], Method | Refusal]:
            brought = await self.methods.bring(origin, command.id, None)
            assert brought is not None, "a method was named"
            seen = await self._parts.database.read(
                lambda session: self._attachable(session, brought, origin.merchant, customer)
            )
            if seen.customer != customer:
                await self._check_with_rail(seen)
            return lambda session: self.methods.attach(
                session,
                self.methods.settle(session, brought, origin.merchant, customer),
                customer,
                origin,
            )

        return await prepared(self._parts, origin, Method, prepare)

    async def detach_method(self, command: DetachMethod) -> Method:
        origin = command.origin

        def unit(session: Session) -> Method:
            kept = _found(session, origin.merchant, command.id)
            owner = rules.check_owned(kept.method, kept.is_detached)
            detached = self.methods.detach(session, kept.method, origin)
            self._forget_default(session, owner, detached, origin)
            return detached

        return await self._parts.once.do(origin, Method, unit)

    async def list_methods(self, query: ListMethods) -> MethodPage:
        merchant, customer = query.merchant, query.customer

        def read(session: Session) -> MethodPage:
            customer_rules.living(customer_rows.find(session, merchant, customer), customer)
            return rows.page_of(session, merchant, customer, query.type, query.page)

        return await self._parts.database.read(read)

    def _attachable(
        self, session: Session, brought: Brought, merchant: MerchantId, customer: CustomerId
    ) -> Method:
        customer_rules.living(customer_rows.find(session, merchant, customer), customer)
        return self._payable(session, brought, merchant, customer)

    def _payable(
        self,
        session: Session,
        brought: Brought,
        merchant: MerchantId,
        customer: CustomerId | None,
    ) -> Method:
        if brought.fresh is not None:
            return brought.fresh
        return self.methods.usable(session, brought.wanted, merchant, customer)

    async def _check_with_rail(self, method: Method) -> None:
        """Refuse a card that its bank declines. One that will be challenged may be attached."""
        answer = await verify(self._parts, method)
        if answer is UNANSWERED:
            raise Unavailable("The card's bank does not answer; try again in a moment.")
        if answer.verdict is Verdict.DECLINED:
            raise SetupDeclined(
                answer.message or "Your card was declined.",
                facts={
                    "error_code": answer.code or "card_declined",
                    "decline_code": answer.decline_code or "generic_decline",
                },
            )

    def _forget_default(
        self, session: Session, owner: CustomerId, method: Method, origin: Origin
    ) -> None:
        before = customer_rows.find(session, method.merchant, owner)
        assert before is not None, "who owns a method is known"
        after = customer_rules.without(before, method.id)
        former = customer_rules.previous(before, after)
        if former:
            customer_rows.replace(session, after)
            self._parts.events.publish(session, "customer.updated", after, origin, former)

    def _month(self) -> tuple[int, int]:
        now = datetime.fromtimestamp(seconds(self._parts.clock.now()), UTC)
        return now.year, now.month


def _found(session: Session, merchant: MerchantId, method: MethodId) -> rows.Kept:
    kept = rows.find(session, merchant, method)
    rules.existing(kept.method if kept else None, method)
    assert kept is not None, "what is unknown was refused"
    return kept
