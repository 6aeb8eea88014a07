"""Programs outside call payments and ledger, as who their key says they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import grpc
import msgspec
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sycee.gateway.access import Access
from sycee.gateway.grpc.door import Door
from sycee.gateway.rates import Rates, Turnstile
from sycee.kernel.clock import Instant
from sycee.kernel.ids import Ids
from sycee.kernel.money import Currency, Money
from sycee.kernel.refusal import NotFound, Refusal
from sycee.kernel.u128 import U128
from sycee.runtime.clock import SystemClock
from sycee.services.ledger.contract import Account, AccountId, Accounts, LookupAccounts
from sycee.services.payments.contract.intents import (
    CardDeclined,
    CreatePayment,
    Payment,
    PaymentQuery,
    PaymentStatus,
)
from sycee.services.payments.contract.shared import PaymentId
from tests.gateway.grpc.client import SHOP, FakeIdentity, key, message, refused

LARGE = AccountId(U128(2**127 + 1))

Ask = Callable[..., Awaitable[Message]]


class FakePayments:
    """Answers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[msgspec.Struct] = []
        self.refusal: Refusal | None = None

    async def create_payment(self, command: CreatePayment) -> Payment:
        self.asked.append(command)
        if self.refusal is not None:
            raise self.refusal
        if command.fields.description == "a bug":
            raise ValueError("secret detail")
        if command.fields.method == "pm_card_chargeDeclined":
            raise CardDeclined("declined", param="method", facts={"decline_code": "错"})
        return payment(command.amount)

    async def get_payment(self, query: PaymentQuery) -> Payment:
        self.asked.append(query)
        if query.id != "pi_1":
            raise NotFound("no such payment", param="id")
        return payment(Money(1, Currency("USD")))

    def __getattr__(self, name: str) -> object:
        return self.get_payment


class FakeLedger:
    """Has the account that is asked for."""

    async def lookup_accounts(self, query: LookupAccounts) -> Accounts:
        return Accounts(tuple(Account(id, 840, 1, user_data_64=2**64 - 1) for id in query.ids))

    async def create_accounts(self, command: Accounts) -> Accounts:
        raise NotFound("reached")

    def __getattr__(self, name: str) -> object:
        return self.create_accounts


def payment(amount: Money) -> Payment:
    return Payment(
        id=PaymentId("pi_1"),
        number=1,
        merchant=SHOP,
        created=Instant(2**62),
        livemode=False,
        status=PaymentStatus.SUCCEEDED,
        amount=amount,
        amount_capturable_minor=0,
        amount_received_minor=amount.minor,
        client_secret="pi_1_secret_x",
        metadata={"order": "7"},
    )


@pytest.fixture
def payments() -> FakePayments:
    return FakePayments()


@pytest.fixture
def turnstile() -> Turnstile:
    """One without limits."""
    return Turnstile(lambda: 0.0, Rates())


@pytest.fixture
async def channel(payments: FakePayments, turnstile: Turnstile) -> AsyncIterator[grpc.aio.Channel]:
    ids = Ids(SystemClock(), lambda size: bytes(size))
    access = Access(FakeIdentity(), SystemClock())  # type: ignore[arg-type]
    door = Door(access, turnstile, {"payments": payments, "ledger": FakeLedger()}, ids)
    await door.open("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{door.port}") as channel:
        yield channel
    await door.drain()


def method(channel: grpc.aio.Channel, path: str, reply: str) -> Ask:
    return channel.unary_unary(
        f"/sycee.v1.{path}",
        request_serializer=lambda request: (
            request if isinstance(request, bytes) else request.SerializeToString()
        ),
        response_deserializer=message(reply).FromString,
    )


def new_payment(**fields: str) -> Message:
    create = message("CreatePayment")()
    create.amount.minor, create.amount.currency = 2000, "USD"
    create.confirm = True
    for name, value in fields.items():
        setattr(create.fields, name, value)
    return create


async def test_a_payment_is_created_for_the_keys_merchant(
    channel: grpc.aio.Channel, payments: FakePayments
) -> None:
    create = method(channel, "Payments/CreatePayment", "Payment")
    answer = await create(new_payment(method="pm_card_visa"), metadata=key())
    assert answer.id == "pi_1"
    assert answer.status == "succeeded"
    assert answer.created == 2**62
    assert answer.metadata == {"order": "7"}
    assert not answer.HasField("customer")
    (command,) = payments.asked
    assert isinstance(command, CreatePayment)
    assert command.origin.merchant == SHOP
    assert command.amount == Money(2000, Currency("USD"))
    assert command.confirm
    assert command.confirmation_method == "automatic"
    assert command.fields.method == "pm_card_visa"
    assert command.fields.metadata is None
    assert command.fields.customer is None


async def test_a_repetition_has_the_same_hash_and_another_request_has_not(
    channel: grpc.aio.Channel, payments: FakePayments
) -> None:
    """MS2."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    metadata = (*key(), ("idempotency-key", "order 7"))
    for request in (new_payment(), new_payment(), new_payment(description="other")):
        await create(request, metadata=metadata)
    origins = [each.origin for each in payments.asked if isinstance(each, CreatePayment)]
    assert {origin.idempotency_key for origin in origins} == {"order 7"}
    first, again, other = (origin.request_hash for origin in origins)
    assert first == again != other


async def test_a_refusal_tells_its_code_param_and_facts(channel: grpc.aio.Channel) -> None:
    create = method(channel, "Payments/CreatePayment", "Payment")
    status, told = await refused(
        create(new_payment(method="pm_card_chargeDeclined"), metadata=key())
    )
    assert status is grpc.StatusCode.FAILED_PRECONDITION
    assert told["sycee-code"] == "card_declined"
    assert told["sycee-param"] == "method"
    assert msgspec.json.decode(bytes(told["sycee-facts-bin"])) == {"decline_code": "错"}


@pytest.mark.parametrize("turnstile", [Turnstile(lambda: 0.0, Rates(1, 1))])
async def test_calls_over_the_rate_of_their_class_are_refused(channel: grpc.aio.Channel) -> None:
    """AE7."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    capture = method(channel, "Payments/CapturePayment", "Payment")
    await create(new_payment(), metadata=key())
    status, told = await refused(create(new_payment(), metadata=key()))
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert told["sycee-code"] == "rate_limit"
    facts = msgspec.json.decode(bytes(told["sycee-facts-bin"]))
    assert facts == {"retry_after_s": "1", "limit": "1", "reset_s": "1"}
    assert (await capture(message("CapturePayment")(id="pi_1"), metadata=key())).id == "pi_1"


async def test_an_unknown_payment_is_not_found(channel: grpc.aio.Channel) -> None:
    get = method(channel, "Payments/GetPayment", "Payment")
    status, _ = await refused(get(message("PaymentQuery")(id="pi_2"), metadata=key()))
    assert status is grpc.StatusCode.NOT_FOUND


async def test_a_fault_tells_nothing_of_the_inside(channel: grpc.aio.Channel) -> None:
    """AE5."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    with pytest.raises(grpc.aio.AioRpcError) as fault:
        await create(new_payment(description="a bug"), metadata=key())
    assert fault.value.code() is grpc.StatusCode.INTERNAL
    assert "secret detail" not in str(fault.value)


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), "api_key_missing"),
        ((("authorization", "Digest c2VjcmV0"),), "api_key_missing"),
        (key("nonsense"), "api_key_invalid"),
        (key("read_only"), "api_key_not_allowed"),
        (key("publishable"), "api_key_not_allowed"),
        (key("operator"), "api_key_not_allowed"),
        (key("secret payments:read"), "api_key_not_allowed"),
        ((*key(), ("idempotency-key", "")), "idempotency_key_invalid"),
        ((*key(), ("idempotency-key", "x" * 256)), "idempotency_key_invalid"),
    ],
)
async def test_everything_is_denied_by_default(
    channel: grpc.aio.Channel,
    payments: FakePayments,
    metadata: tuple[tuple[str, str], ...],
    code: str,
) -> None:
    """IA1."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    _, told = await refused(create(new_payment(), metadata=metadata))
    assert told["sycee-code"] == code
    assert not payments.asked


@pytest.mark.parametrize(
    ("request_", "code"),
    [(b"\xff\xff", "body_invalid"), (b"", "parameter_missing")],
)
async def test_a_bad_request_is_refused(
    channel: grpc.aio.Channel, request_: bytes, code: str
) -> None:
    """AE1."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    status, told = await refused(create(request_, metadata=key()))
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert told["sycee-code"] == code


async def test_money_is_of_a_currency_that_exists(
    channel: grpc.aio.Channel, payments: FakePayments
) -> None:
    create = method(channel, "Payments/CreatePayment", "Payment")
    request = new_payment()
    request.amount.currency = "ZZZ"
    _, told = await refused(create(request, metadata=key()))
    assert (told["sycee-code"], told["sycee-param"]) == ("currency_unknown", "currency")
    request.amount.currency = "usd"
    await create(request, metadata=key())
    (command,) = payments.asked
    assert isinstance(command, CreatePayment) and command.amount.currency == "USD"


@pytest.mark.parametrize(
    ("path", "name", "field"),
    [
        ("CreatePayment", "CreatePayment", "confirmation_method"),
        ("CreatePayment", "CreatePayment", "automatic_methods"),
        ("CancelPayment", "CancelPayment", "reason"),
        ("CreateRefund", "CreateRefund", "reason"),
    ],
)
async def test_a_text_of_a_few_is_one_of_them(
    channel: grpc.aio.Channel, path: str, name: str, field: str
) -> None:
    call = method(channel, f"Payments/{path}", "Payment")
    request = new_payment() if name == "CreatePayment" else message(name)()
    setattr(request, field, "nonsense")
    _, told = await refused(call(request, metadata=key()))
    assert (told["sycee-code"], told["sycee-param"]) == ("parameter_invalid", field)


@pytest.mark.parametrize("field", ["description", "metadata"])
async def test_nul_is_refused(channel: grpc.aio.Channel, field: str) -> None:
    """AE2."""
    create = method(channel, "Payments/CreatePayment", "Payment")
    request = new_payment(description="a\0b") if field == "description" else new_payment()
    if field == "metadata":
        request.fields.metadata["a"] = "b\0"
    _, told = await refused(create(request, metadata=key()))
    assert (told["sycee-code"], told["sycee-param"]) == ("parameter_invalid", field)


async def test_a_no_fits_into_its_headers_whatever_it_is_about(
    channel: grpc.aio.Channel, payments: FakePayments
) -> None:
    """AE1."""
    facts = {"decline_code": "lost_card", "snapshot": "x" * 100_000}
    payments.refusal = CardDeclined("错" * 100_000, param="größe", facts=facts)
    create = method(channel, "Payments/CreatePayment", "Payment")
    status, told = await refused(create(new_payment(), metadata=key()))
    assert status is grpc.StatusCode.FAILED_PRECONDITION
    assert told["sycee-param"] == "gr\\xf6\\xdfe"
    assert msgspec.json.decode(bytes(told["sycee-facts-bin"])) == {"decline_code": "lost_card"}


async def test_an_unknown_choice_is_refused(channel: grpc.aio.Channel) -> None:
    create = method(channel, "Payments/CreatePayment", "Payment")
    _, told = await refused(create(new_payment(capture_method="later"), metadata=key()))
    assert (told["sycee-code"], told["sycee-param"]) == ("parameter_invalid", "capture_method")


async def test_the_ledger_answers_operators_with_128_bit_numbers(
    channel: grpc.aio.Channel,
) -> None:
    lookup = method(channel, "Ledger/LookupAccounts", "Accounts")
    query = message("LookupAccounts")(ids=[LARGE.encode()])
    (account,) = (await lookup(query, metadata=key("operator"))).accounts
    assert account.id == LARGE.encode()
    assert account.user_data_64 == 2**64 - 1
    _, told = await refused(lookup(query, metadata=key("secret")))
    assert told["sycee-code"] == "api_key_not_allowed"


async def test_writing_the_ledger_takes_the_scope_by_name(channel: grpc.aio.Channel) -> None:
    create = method(channel, "Ledger/CreateAccounts", "AccountResults")
    accounts = message("Accounts")()
    _, told = await refused(create(accounts, metadata=key("operator")))
    assert told["sycee-code"] == "api_key_not_allowed"
    _, told = await refused(create(accounts, metadata=key("operator ledger:write")))
    assert told["sycee-code"] == "not_found"


async def test_a_number_of_the_wrong_size_is_refused(channel: grpc.aio.Channel) -> None:
    lookup = method(channel, "Ledger/LookupAccounts", "Accounts")
    query = message("LookupAccounts")(ids=[b"short"])
    _, told = await refused(lookup(query, metadata=key("operator")))
    assert told["sycee-code"] == "parameter_invalid"


async def test_reflection_and_health_are_standard(channel: grpc.aio.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    async for answer in stub.ServerReflectionInfo(iter([request])):
        names = {service.name for service in answer.list_services_response.service}
    assert {"sycee.v1.Payments", "sycee.v1.Ledger", "grpc.health.v1.Health"} <= names
    symbol = reflection_pb2.ServerReflectionRequest(file_containing_symbol="sycee.v1.Payments")
    async for answer in stub.ServerReflectionInfo(iter([symbol])):
        assert answer.file_descriptor_response.file_descriptor_proto
    check = health_pb2.HealthCheckRequest(service="sycee.v1.Payments")
    health = await health_pb2_grpc.HealthStub(channel).Check(check)
    assert health.status == health_pb2.HealthCheckResponse.SERVING
