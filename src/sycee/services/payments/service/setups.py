"""Set-ups: prepare a method for later use, without money."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from sycee.kernel.refusal import Refusal
from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.adapters.rail import Answer, Verdict
from sycee.services.payments.contract.customers import (
    CancelSetup,
    ConfirmSetup,
    CreateSetup,
    ListSetups,
    Method,
    Setup,
    SetupFields,
    SetupPage,
    SetupQuery,
    SetupStatus,
    UpdateSetup,
)
from sycee.services.payments.contract.shared import Origin, SetupId
from sycee.services.payments.domain import customers as customer_rules
from sycee.services.payments.domain import setups as rules
from sycee.services.payments.domain.setups import Act
from sycee.services.payments.service import outcomes
from sycee.services.payments.service.methods import Brought, Methods
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.prepared import Stale, prepared
from sycee.services.payments.service.verification import verify
from sycee.services.payments.store import customers as customer_rows
from sycee.services.payments.store import setups as rows

SECRET_BYTES = 16


Unit = Callable[[Session], Setup | Refusal]


class Draft(msgspec.Struct, frozen=True):
    """A set-up about to be confirmed: as it is kept, and as it is once the rail agrees to it."""

    before: Setup | None
    """None when the set-up is made by this same request."""
    setup: Setup
    brought: Brought
    method: Method
    origin: Origin


class SetupOperations:
    """The part of the contract about set-ups.

    A confirmation asks the rail first and then writes everything in one unit, if the set-up is
    still as it was. A crash in between leaves it as it was, so the repetition starts afresh.
    """

    _parts: Parts
    methods: Methods

    async def create_setup(self, command: CreateSetup) -> Setup:
        return await prepared(
            self._parts, command.origin, Setup, lambda: self._prepare_create(command)
        )

    async def update_setup(self, command: UpdateSetup) -> Setup:
        return await prepared(
            self._parts, command.origin, Setup, lambda: self._prepare_update(command)
        )

    async def confirm_setup(self, command: ConfirmSetup) -> Setup:
        return await prepared(
            self._parts, command.origin, Setup, lambda: self._prepare_confirm(command)
        )

    async def cancel_setup(self, command: CancelSetup) -> Setup:
        origin = command.origin

        def unit(session: Session) -> Setup:
            before = _found(session, origin.merchant, command.id)
            rules.check(before, Act.CANCEL)
            after = rules.canceled(before, command.reason)
            rows.replace(session, after)
            self._parts.events.publish(session, "setup_intent.canceled", after, origin)
            return after

        return await self._parts.once.do(origin, Setup, unit)

    async def get_setup(self, query: SetupQuery) -> Setup:
        return await self._parts.database.read(
            lambda session: _found(session, query.merchant, query.id)
        )

    async def list_setups(self, query: ListSetups) -> SetupPage:
        return await self._parts.database.read(
            lambda session: rows.page_of(session, query.merchant, query.customer, query.page)
        )

    async def _prepare_create(self, command: CreateSetup) -> Unit:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        brought = await self.methods.bring(origin, fields.method, fields.new_method)
        blank = self._blank(origin)
        if command.confirm:
            draft = await self._parts.database.read(
                lambda session: self._draft(session, origin, None, blank, fields, brought)
            )
            return await self._judged(draft)

        def unit(session: Session) -> Setup:
            setup = self._changed(session, blank, fields, brought)
            rows.add(session, setup)
            self._parts.events.publish(session, "setup_intent.created", setup, origin)
            return setup

        return unit

    async def _prepare_update(self, command: UpdateSetup) -> Unit:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        brought = await self.methods.bring(origin, fields.method, fields.new_method)

        def unit(session: Session) -> Setup:
            before = _found(session, origin.merchant, command.id)
            rules.check(before, Act.UPDATE)
            after = self._changed(session, before, fields, brought)
            rows.replace(session, after)
            return after

        return unit

    async def _prepare_confirm(self, command: ConfirmSetup) -> Unit:
        origin, authenticated = command.origin, command.authenticated
        # Who answers a challenge may not put another card in the place of the one challenged.
        fields = command.fields if authenticated is None else SetupFields()
        rules.check_fields(fields)
        brought = await self.methods.bring(origin, fields.method, fields.new_method)

        def read(session: Session) -> Draft:
            before = _found(session, origin.merchant, command.id)
            rules.check(before, Act.CONFIRM if authenticated is None else Act.ANSWER)
            return self._draft(session, origin, before, before, fields, brought)

        draft = await self._parts.database.read(read)
        return await self._judged(draft, authenticated)

    def _blank(self, origin: Origin) -> Setup:
        id = SetupId(self._parts.ids.new("seti"))
        return Setup(
            id=id,
            merchant=origin.merchant,
            created=self._parts.clock.now(),
            livemode=origin.livemode,
            status=SetupStatus.REQUIRES_PAYMENT_METHOD,
            client_secret=f"{id}_secret_{secrets.token_hex(SECRET_BYTES)}",
        )

    def _changed(
        self, session: Session, before: Setup, fields: SetupFields, brought: Brought | None
    ) -> Setup:
        """The set-up after an update; what it newly names must be there, and go together."""
        after = self._said(session, before, fields, brought)
        if brought is not None:
            self.methods.settle(session, brought, after.merchant, after.customer)
        elif fields.customer is not None and after.method is not None:
            self.methods.usable(session, after.method, after.merchant, after.customer)
        return after

    def _draft(
        self,
        session: Session,
        origin: Origin,
        before: Setup | None,
        current: Setup,
        fields: SetupFields,
        brought: Brought | None,
    ) -> Draft:
        setup = self._said(session, current, fields, brought)
        method = rules.method_of(setup)
        if brought is not None and brought.fresh is not None:
            return Draft(before, setup, brought, brought.fresh, origin)
        kept = self.methods.usable(session, method, setup.merchant, setup.customer)
        return Draft(before, setup, Brought(method, None), kept, origin)

    def _said(
        self, session: Session, before: Setup, fields: SetupFields, brought: Brought | None
    ) -> Setup:
        wanted = fields.customer
        if wanted is not None:
            customer_rules.living(customer_rows.find(session, before.merchant, wanted), wanted)
        return rules.changed(before, fields, brought.wanted if brought else None)

    async def _judged(self, draft: Draft, authenticated: bool | None = None) -> Unit:
        if authenticated is False:
            judged = rules.unauthenticated(draft.setup)
        else:
            answer = await verify(self._parts, draft.method, authenticated is True)
            judged = _after(draft.setup, answer)
        return lambda session: self._conclude(session, draft, judged)

    def _conclude(self, session: Session, draft: Draft, judged: Setup) -> Setup | Refusal:
        self._begin(session, draft)
        if judged.method is not None:
            method = self.methods.settle(session, draft.brought, judged.merchant, judged.customer)
            if judged.status is SetupStatus.SUCCEEDED and judged.customer is not None:
                self.methods.attach(session, method, judged.customer, draft.origin)
        rows.replace(session, judged)
        self._parts.events.publish(session, rules.EVENTS[judged.status], judged, draft.origin)
        refusal = rules.refusal(judged)
        if refusal is None:
            return judged
        refusal.facts["setup_snapshot"] = outcomes.snapshot(judged)
        return refusal

    def _begin(self, session: Session, draft: Draft) -> None:
        setup = draft.setup
        if draft.before is None:
            rows.add(session, setup)
            self._parts.events.publish(session, "setup_intent.created", setup, draft.origin)
        elif rows.find(session, setup.merchant, setup.id) != draft.before:
            raise Stale(setup.id)


def _after(setup: Setup, answer: Answer) -> Setup:
    if answer.verdict is Verdict.APPROVED:
        return rules.succeeded(setup)
    if answer.verdict is Verdict.CHALLENGED:
        return rules.challenged(setup)
    return rules.declined(
        setup, answer.code or "card_declined", answer.decline_code, answer.message
    )


def _found(session: Session, merchant: MerchantId, setup: SetupId) -> Setup:
    return rules.existing(rows.find(session, merchant, setup), setup)
