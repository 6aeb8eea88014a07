"""A shop on the whole payments service: real neighbours, real databases, the simulated acquirer."""

import itertools

import msgspec
from tests.services.floor import FakeHost

from sycee.kernel.money import Money
from sycee.services.fraud import app as fraud_app
from sycee.services.identity import app as identity_app
from sycee.services.identity.contract import CreateMerchant
from sycee.services.ledger import app as ledger_app
from sycee.services.notify.contract import Event
from sycee.services.payments import app, jobs
from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.contract.customers import Customer, Method, Setup
from sycee.services.payments.contract.disputes import Dispute
from sycee.services.payments.contract.intents import (
    BalanceQuery,
    CancelPayment,
    CaptureMethod,
    CapturePayment,
    Charge,
    ChargeQuery,
    ConfirmPayment,
    CreatePayment,
    CreateRefund,
    ListBalanceTransactions,
    Payment,
    PaymentFields,
    PaymentQuery,
    Refund,
    RefundQuery,
)
from sycee.services.payments.contract.shared import Origin
from sycee.services.payments.service.parts import Settings
from sycee.services.validation import app as validation_app
from sycee.services.vault import app as vault_app

SHOP, OTHER = "acct_shop", "acct_other"
LUNCH = Money(20_00, "USD")
SUBJECTS = {
    "customer": Customer,
    "method": Method,
    "setup": Setup,
    "payment": Payment,
    "charge": Charge,
    "refund": Refund,
    "dispute": Dispute,
}
CALM = Settings(sweep_every_s=0.001, answer_within_s=5.0)


class Shop:
    """One merchant's view of an installation in a folder."""

    def __init__(self, folder, clock=None, settings=CALM, behaviour=None, wrap=None):
        self.host = FakeHost(folder, clock)
        self.settings = settings
        self.behaviour = behaviour or Behaviour()
        self.wrap = wrap or (lambda part, _: part)
        self._keys = itertools.count(1)

    async def open(self, *merchants):
        """Build every service that payments stands on, and payments."""
        host, wrap = self.host, self.wrap
        self.identity = await identity_app.build(host, identity_app.Settings())
        for merchant in (SHOP, OTHER, *merchants):
            await self.identity.create_merchant(CreateMerchant(merchant, merchant))
        validation = await validation_app.build(host, validation_app.Settings(), self.identity)
        self.fraud = await fraud_app.build(host, fraud_app.Settings())
        self.ledger = await ledger_app.build(host, ledger_app.Settings())
        self.vault = await vault_app.build(host, vault_app.Settings())
        self.rail = await testcard.build(host, self.vault, self.behaviour)
        self.service = await app.build_over(
            Wrapped(host, wrap),
            self.settings,
            wrap(self.rail, "rail"),
            self.vault,
            validation,
            self.fraud,
            wrap(self.ledger, "ledger"),
        )
        return self

    @property
    def parts(self):
        return self.service._parts

    async def close(self):
        for database in self.host.databases.values():
            await database.close()

    async def create(self, card="visa", key=None, amount=LUNCH, confirm=False, **more):
        fields, rest = _split(more)
        if card is not None:
            fields.setdefault("method", f"pm_card_{card}")
        command = CreatePayment(
            origin(key), amount, PaymentFields(**fields), confirm=confirm, **rest
        )
        return await self.service.create_payment(command)

    async def pay(self, card="visa", key=None, **more):
        return await self.create(card, key, confirm=True, **more)

    async def hold(self, card="visa", key=None, **more):
        return await self.pay(card, key, capture_method=CaptureMethod.MANUAL, **more)

    async def confirm(self, payment, key=None, **more):
        fields, rest = _split(more)
        return await self.service.confirm_payment(
            ConfirmPayment(origin(key), payment, PaymentFields(**fields), **rest)
        )

    async def capture(self, payment, amount=None, key=None, is_final=True):
        command = CapturePayment(origin(key), payment, amount, is_final=is_final)
        return await self.service.capture_payment(command)

    async def cancel(self, payment, key=None, reason=None):
        return await self.service.cancel_payment(CancelPayment(origin(key), payment, reason))

    async def refund(self, payment, amount=None, key=None, **more):
        return await self.service.create_refund(
            CreateRefund(origin(key), payment, amount_minor=amount, **more)
        )

    async def payment(self, id):
        return await self.service.get_payment(PaymentQuery(SHOP, id))

    async def charge(self, id):
        return await self.service.get_charge(ChargeQuery(SHOP, id))

    async def refunded(self, id):
        return await self.service.get_refund(RefundQuery(SHOP, id))

    async def balance(self, currency="USD"):
        """What is available and pending, in minor units."""
        found = await self.service.get_balance(BalanceQuery(SHOP))
        for funds in found.funds:
            if funds.available.currency == currency:
                return funds.available.minor, funds.pending.minor
        return 0, 0

    async def transactions(self):
        found = await self.service.list_balance_transactions(ListBalanceTransactions(SHOP))
        return found.items

    async def sweep(self):
        await jobs.sweep(self.service, self.parts)

    async def mature(self):
        await jobs.mature(self.service, self.parts)

    async def lapse(self):
        await jobs.lapse(self.service, self.parts)

    async def verify(self):
        """What is wrong, with the platform at rest."""
        return await jobs.verify(self.host.databases["payments"], self.ledger, lambda *_: None)

    def events(self):
        """What was published: type and subject, oldest first."""
        published = self.host.databases["payments"].published
        return [_told(payload) for _, _, payload in published]

    def types(self):
        return [type for type, _ in self.events()]


class Wrapped:
    """A host whose databases a test may cut."""

    def __init__(self, host, wrap):
        self._host, self._wrap = host, wrap

    def __getattr__(self, name):
        return getattr(self._host, name)

    async def database(self, service):
        return self._wrap(await self._host.database(service), service)


def origin(key=None, merchant=SHOP, parameters=b"same"):
    return Origin(
        merchant,
        request="req_1",
        idempotency_key=key,
        request_hash=parameters if key else b"",
    )


def _split(more):
    names = set(PaymentFields.__struct_fields__)
    fields = {name: value for name, value in more.items() if name in names}
    return fields, {name: value for name, value in more.items() if name not in names}


def _told(payload):
    event = msgspec.msgpack.decode(payload, type=Event)
    return event.type, msgspec.msgpack.decode(event.subject, type=SUBJECTS[event.subject_kind])
