"""Keeps the contract about customers; methods and set-ups have files of their own."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sycee.runtime.database import Session
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import (
    CreateCustomer,
    Customer,
    CustomerPage,
    CustomerQuery,
    DeleteCustomer,
    ListCustomers,
    UpdateCustomer,
)
from sycee.services.payments.contract.shared import CustomerId
from sycee.services.payments.domain import customers as rules
from sycee.services.payments.service.methods import Brought, MethodOperations, Methods
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.prepared import prepared
from sycee.services.payments.service.setups import SetupOperations
from sycee.services.payments.store import customers as rows
from sycee.services.payments.store import methods as method_rows


class CustomersService(MethodOperations, SetupOperations):
    """All of ``Customers``."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.methods = Methods(parts)

    async def create_customer(self, command: CreateCustomer) -> Customer:
        async def prepare() -> Callable[[Session], Customer]:
            rules.check_fields(command.fields)
            brought = await self.methods.bring(command.origin, command.method, None)
            if brought is not None:
                await self._check_newcomers(brought, command.origin.merchant)
            return lambda session: self._create(session, command, brought)

        return await prepared(self._parts, command.origin, Customer, prepare)

    async def update_customer(self, command: UpdateCustomer) -> Customer:
        return await self._parts.once.do(
            command.origin, Customer, lambda session: self._update(session, command)
        )

    async def get_customer(self, query: CustomerQuery) -> Customer:
        found = await self._parts.database.read(
            lambda session: rows.find(session, query.merchant, query.id)
        )
        return rules.existing(found, query.id)

    async def delete_customer(self, command: DeleteCustomer) -> Customer:
        return await self._parts.once.do(
            command.origin, Customer, lambda session: self._delete(session, command)
        )

    async def list_customers(self, query: ListCustomers) -> CustomerPage:
        return await self._parts.database.read(
            lambda session: rows.page_of(session, query.merchant, query.email, query.page)
        )

    async def _check_newcomers(self, brought: Brought, merchant: MerchantId) -> None:
        """Refuse a method that could not be attached to somebody who is new."""
        seen = await self._parts.database.read(
            lambda session: self._payable(session, brought, merchant, None)
        )
        await self._check_with_rail(seen)

    def _create(
        self, session: Session, command: CreateCustomer, brought: Brought | None
    ) -> Customer:
        origin = command.origin
        blank = Customer(
            id=CustomerId(self._parts.ids.new("cus")),
            merchant=origin.merchant,
            created=self._parts.clock.now(),
            livemode=origin.livemode,
        )
        customer = rules.changed(blank, command.fields)
        method = None
        if brought is not None:
            method = self.methods.settle(session, brought, origin.merchant, customer.id)
        if customer.default_method is not None:
            # A customer's only method is the one that comes along, under the name it came by.
            if method is None or customer.default_method != command.method:
                rules.check_default(customer.id, None, customer.default_method)
            customer = msgspec.structs.replace(customer, default_method=method and method.id)
        rows.add(session, customer)
        self._parts.events.publish(session, "customer.created", customer, origin)
        if method is not None:
            self.methods.attach(session, method, customer.id, origin)
        return customer

    def _update(self, session: Session, command: UpdateCustomer) -> Customer:
        origin, fields = command.origin, command.fields
        rules.check_fields(fields)
        before = rules.living(rows.find(session, origin.merchant, command.id), command.id)
        after = rules.changed(before, fields)
        if fields.default_method:
            kept = method_rows.find(session, origin.merchant, fields.default_method)
            rules.check_default(before.id, kept.method if kept else None, fields.default_method)
        former = rules.previous(before, after)
        if former:
            rows.replace(session, after)
            self._parts.events.publish(session, "customer.updated", after, origin, former)
        return after

    def _delete(self, session: Session, command: DeleteCustomer) -> Customer:
        origin = command.origin
        before = rules.living(rows.find(session, origin.merchant, command.id), command.id)
        for method in method_rows.all_of(session, origin.merchant, before.id):
            self.methods.detach(session, method, origin)
        after = rules.deleted(before)
        rows.replace(session, after)
        self._parts.events.publish(session, "customer.deleted", after, origin)
        return after
