"""The gRPC door through a client that is generated from the published file, as a shop would."""

from __future__ import annotations

import importlib
import itertools
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
import msgspec
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.system.platform import ROOT, Platform
from tests.system.shops import Shop, open_shop

TIMEOUT_S = 20
SERVICES = {"sycee.v1.Payments", "sycee.v1.Ledger", "grpc.health.v1.Health"}

_keys = itertools.count(1)


@pytest.fixture(scope="module")
def proto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Messages, made from ``api/sycee.proto`` and from nothing else."""
    out = tmp_path_factory.mktemp("client")
    outputs = [f"--python_out={out}", f"--grpc_python_out={out}"]
    made = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT / "api", *outputs, "sycee.proto"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    yield from _imported(out)


def _imported(folder: Path) -> Iterator[ModuleType]:
    sys.path.insert(0, str(folder))
    try:
        importlib.import_module("sycee_pb2")
        yield importlib.import_module("sycee_pb2_grpc")
    finally:
        sys.path.remove(str(folder))
        for name in ("sycee_pb2", "sycee_pb2_grpc"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def channel(platform: Platform) -> Iterator[grpc.Channel]:
    assert platform.ready is not None
    with grpc.insecure_channel(platform.ready.grpc) as channel:
        yield channel


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Shop:
    return open_shop(platform)


class Client:
    """The generated stubs with one key."""

    def __init__(self, proto: ModuleType, channel: grpc.Channel, key: str) -> None:
        self.pb = sys.modules["sycee_pb2"]
        self.payments = proto.PaymentsStub(channel)
        self.ledger = proto.LedgerStub(channel)
        self._key = key

    def call(self, method: str, request: object, **metadata: str) -> object:
        """``payments.CreatePayment`` and the like, under a fresh idempotency key."""
        service, name = method.split(".")
        told = {"authorization": f"Bearer {self._key}", "idempotency-key": f"grpc-{next(_keys)}"}
        pairs = tuple({**told, **metadata}.items())
        return getattr(getattr(self, service), name)(request, metadata=pairs, timeout=TIMEOUT_S)

    def pay(self, method: str = "pm_card_visa", **more: object) -> object:
        """A lunch, tried at once."""
        metadata = more.pop("metadata", {})
        fields = self.pb.PaymentFields(method=method, **more)
        money = self.pb.Money(minor=2000, currency="USD")
        request = self.pb.CreatePayment(amount=money, fields=fields, confirm=True)
        return self.call("payments.CreatePayment", request, **metadata)


@pytest.fixture
def client(proto: ModuleType, channel: grpc.Channel, shop: Shop) -> Client:
    return Client(proto, channel, shop.secret_key)


@pytest.fixture
def operator(proto: ModuleType, channel: grpc.Channel, platform: Platform) -> Client:
    assert platform.ready is not None
    return Client(proto, channel, platform.ready.operator_key)


def refusal(call) -> tuple[grpc.StatusCode, dict[str, object], str]:
    """The status, what is told to programs, and the words."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    return error.code(), dict(error.trailing_metadata() or ()), error.details()


@pytest.mark.parametrize("field", ["statement_descriptor", "statement_descriptor_suffix"])
def test_a_descriptor_that_cannot_be_printed_is_refused(client: Client, field: str) -> None:
    status, told, words = refusal(lambda: client.pay(**{field: "LUNCH <1>"}))
    assert status is grpc.StatusCode.INVALID_ARGUMENT
    assert (told["sycee-code"], told["sycee-param"]) == ("statement_descriptor_invalid", field)
    assert words.startswith(f"{field} may hold Latin letters")


def test_a_payment_is_created_confirmed_captured_and_refunded(client: Client, shop: Shop) -> None:
    pb = client.pb
    money = pb.Money(minor=2000, currency="USD")
    made = client.call("payments.CreatePayment", pb.CreatePayment(amount=money))
    assert made.status == "requires_payment_method" and made.id.startswith("pi_")
    held = client.call(
        "payments.ConfirmPayment",
        pb.ConfirmPayment(
            id=made.id,
            fields=pb.PaymentFields(method="pm_card_visa", capture_method="manual"),
        ),
    )
    assert (held.status, held.amount_capturable_minor) == ("requires_capture", 2000)
    taken = client.call("payments.CapturePayment", pb.CapturePayment(id=made.id, amount_minor=1500))
    assert (taken.status, taken.amount_received_minor) == ("succeeded", 1500)
    refund = client.call(
        "payments.CreateRefund", pb.CreateRefund(payment=made.id, amount_minor=500)
    )
    assert (refund.status, refund.amount.minor, refund.charge) == (
        "succeeded",
        500,
        taken.latest_charge,
    )
    again = client.call("payments.GetRefund", pb.RefundQuery(id=refund.id))
    assert again == refund
    seen = shop.client.v1.charges.retrieve(taken.latest_charge)
    assert (seen.amount_captured, seen.amount_refunded) == (1500, 500)


def test_a_payment_is_canceled_and_found_by_both_ids(client: Client) -> None:
    pb = client.pb
    held = client.pay(capture_method="manual")
    gone = client.call("payments.CancelPayment", pb.CancelPayment(id=held.id, reason="abandoned"))
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    for query in (pb.PaymentQuery(id=held.id), pb.PaymentQuery(number=held.number)):
        assert client.call("payments.GetPayment", query) == gone


def test_a_repeated_key_pays_once(client: Client) -> None:
    """MS2."""
    key = {"idempotency-key": "one lunch"}
    first = client.pay(metadata=key)
    assert client.pay(metadata=key) == first
    status, told, _ = refusal(lambda: client.pay(metadata=key, description="another"))
    assert (status, told["sycee-code"]) == (grpc.StatusCode.ABORTED, "idempotency_conflict")


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "card_declined", "expired_card"),
    ],
)
def test_a_decline_tells_code_words_and_facts(
    client: Client, method: str, code: str, decline_code: str
) -> None:
    status, told, words = refusal(lambda: client.pay(method))
    assert (status, told["sycee-code"]) == (grpc.StatusCode.FAILED_PRECONDITION, code)
    facts = msgspec.json.decode(bytes(told["sycee-facts-bin"]))
    assert facts["decline_code"] == decline_code and facts["payment"].startswith("pi_")
    assert words


def test_a_bad_request_names_its_field(client: Client) -> None:
    pb = client.pb
    for amount, currency, param in (
        (0, "USD", "amount"),
        (5, "USD", "amount"),
        (5, "ZZZ", "currency"),
    ):
        request = pb.CreatePayment(amount=pb.Money(minor=amount, currency=currency))
        status, told, _ = refusal(
            lambda asked=request: client.call("payments.CreatePayment", asked)
        )
        assert status is grpc.StatusCode.INVALID_ARGUMENT
        assert told["sycee-param"] == param
    status, told, _ = refusal(lambda: client.call("payments.CreatePayment", pb.CreatePayment()))
    assert status is grpc.StatusCode.INVALID_ARGUMENT


def test_what_rest_refuses_is_refused_here_too(client: Client) -> None:
    """AE1, AE2: and a long name of nothing is still a clean no."""
    pb, paid = client.pb, client.pay()
    invalid, missing = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
    for method, request, expected in (
        ("CreateRefund", pb.CreateRefund(payment=paid.id, reason="bored"), invalid),
        ("CreateRefund", pb.CreateRefund(payment=paid.id, amount_minor=-1), invalid),
        ("CreateRefund", pb.CreateRefund(), missing),
        ("CancelPayment", pb.CancelPayment(id=paid.id, reason="bored"), invalid),
        ("GetPayment", pb.PaymentQuery(id="pi_\0"), invalid),
        ("GetPayment", pb.PaymentQuery(id="x" * 100_000), missing),
        ("GetPayment", pb.PaymentQuery(number=-(2**63)), missing),
        ("GetPayment", pb.PaymentQuery(), missing),
    ):
        status, _, words = refusal(
            lambda name=method, asked=request: client.call(f"payments.{name}", asked)
        )
        assert status is expected, (method, request, words)


def test_a_decline_of_a_payment_with_much_metadata_is_told(client: Client) -> None:
    metadata = {f"{number:040d}": "ß" * 500 for number in range(50)}
    decline = "pm_card_chargeDeclined"
    request = client.pb.CreatePayment(
        amount=client.pb.Money(minor=2000, currency="USD"),
        fields=client.pb.PaymentFields(method=decline, metadata=metadata),
        confirm=True,
    )
    status, told, _ = refusal(lambda: client.call("payments.CreatePayment", request))
    assert (status, told["sycee-code"]) == (grpc.StatusCode.FAILED_PRECONDITION, "card_declined")


def test_a_foreign_payment_is_as_unknown_as_one_that_is_not_there(
    client: Client, proto: ModuleType, channel: grpc.Channel, platform: Platform
) -> None:
    """IA1."""
    pb = client.pb
    paid = client.pay()
    other = Client(proto, channel, open_shop(platform).secret_key)
    told = set()
    for id in (paid.id, "pi_nobody"):
        for method, request in (
            ("payments.GetPayment", pb.PaymentQuery(id=id)),
            ("payments.ConfirmPayment", pb.ConfirmPayment(id=id)),
            ("payments.CapturePayment", pb.CapturePayment(id=id)),
            ("payments.CancelPayment", pb.CancelPayment(id=id)),
            ("payments.CreateRefund", pb.CreateRefund(payment=id)),
        ):
            status, metadata, words = refusal(
                lambda name=method, asked=request: other.call(name, asked)
            )
            assert status is grpc.StatusCode.NOT_FOUND
            told.add((method, metadata["sycee-code"], words.replace(id, "<id>")))
    assert len(told) == 5


@pytest.mark.parametrize(
    "method",
    ["payments.CreatePayment", "payments.GetPayment", "ledger.LookupAccounts"],
)
def test_a_call_without_a_valid_key_is_refused(client: Client, method: str) -> None:
    """IA1."""
    pb, name = client.pb, method.split(".")[1]
    request = getattr(pb, {"GetPayment": "PaymentQuery"}.get(name, name))()
    for shown in ("Bearer nonsense", "Bearer sk_test_" + "0" * 43, "Digest x"):
        status, told, _ = refusal(
            lambda header=shown: client.call(method, request, authorization=header)
        )
        assert status is grpc.StatusCode.UNAUTHENTICATED
        assert told["sycee-code"] in ("api_key_invalid", "api_key_missing")
    stub = getattr(getattr(client, method.split(".")[0]), name)
    status, told, _ = refusal(lambda: stub(request, timeout=TIMEOUT_S))
    assert (status, told["sycee-code"]) == (grpc.StatusCode.UNAUTHENTICATED, "api_key_missing")


@pytest.mark.parametrize("role", ["publishable", "read_only", "narrowed"])
def test_a_key_of_another_role_takes_no_money(
    proto: ModuleType, channel: grpc.Channel, shop: Shop, role: str
) -> None:
    """IA1."""
    key = shop.key("secret", "payments:read") if role == "narrowed" else shop.key(role)
    status, told, _ = refusal(Client(proto, channel, key).pay)
    assert status is grpc.StatusCode.PERMISSION_DENIED
    assert told["sycee-code"] == "api_key_not_allowed"


def test_only_operators_look_into_the_ledger_and_nobody_writes_unasked(
    client: Client, operator: Client
) -> None:
    """IA1."""
    pb = client.pb
    query = pb.LookupAccounts(ids=[bytes(15) + b"\x01"])
    assert list(operator.call("ledger.LookupAccounts", query).accounts) == []
    transfers = pb.LookupTransfers(ids=[bytes(15) + b"\x01"])
    assert list(operator.call("ledger.LookupTransfers", transfers).transfers) == []
    status, told, _ = refusal(lambda: client.call("ledger.LookupAccounts", query))
    assert status is grpc.StatusCode.PERMISSION_DENIED
    for method, request in (
        ("ledger.CreateTransfers", pb.Transfers()),
        ("ledger.CreateAccounts", pb.Accounts()),
    ):
        status, told, _ = refusal(lambda name=method, asked=request: operator.call(name, asked))
        assert (status, told["sycee-code"]) == (
            grpc.StatusCode.PERMISSION_DENIED,
            "api_key_not_allowed",
        )
    status, _, _ = refusal(operator.pay)
    assert status is grpc.StatusCode.PERMISSION_DENIED


def test_a_message_beyond_the_bound_is_refused(client: Client) -> None:
    """AE6."""
    status, _, _ = refusal(lambda: client.pay(description="x" * (5 << 20)))
    assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert client.pay().status == "succeeded"


def test_octets_that_are_no_message_are_refused(channel: grpc.Channel, shop: Shop) -> None:
    """AE1."""
    raw = channel.unary_unary("/sycee.v1.Payments/CreatePayment")
    pairs = (("authorization", f"Bearer {shop.secret_key}"),)
    for octets in (b"\xff\xff", b"\x0a\xff", bytes(100)):
        status, _, _ = refusal(lambda sent=octets: raw(sent, metadata=pairs, timeout=TIMEOUT_S))
        assert status is grpc.StatusCode.INVALID_ARGUMENT
    unknown = channel.unary_unary("/sycee.v1.Payments/StealPayment")
    assert refusal(lambda: unknown(b"", timeout=TIMEOUT_S))[0] is grpc.StatusCode.UNIMPLEMENTED


def test_health_is_told(channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", "sycee.v1.Payments", "sycee.v1.Ledger"):
        told = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S)
        assert told.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_shows_what_is_published(channel: grpc.Channel, proto: ModuleType) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    ask = reflection_pb2.ServerReflectionRequest
    (listed,) = stub.ServerReflectionInfo(iter([ask(list_services="")]), timeout=TIMEOUT_S)
    assert {each.name for each in listed.list_services_response.service} >= SERVICES
    wanted = ask(file_containing_symbol="sycee.v1.Payments")
    (file,) = stub.ServerReflectionInfo(iter([wanted]), timeout=TIMEOUT_S)
    (octets,) = file.file_descriptor_response.file_descriptor_proto
    assert b"CreatePayment" in octets
    published = sys.modules["sycee_pb2"].DESCRIPTOR.services_by_name["Payments"].methods_by_name
    assert all(name.encode() in octets for name in published)


def test_an_operator_keeps_books_of_its_own_by_batch_stream_and_records(
    proto: ModuleType, channel: grpc.Channel, platform: Platform
) -> None:
    """A program reserves in one message of a stream, posts in the next, and asks what happened."""
    assert platform.ready is not None
    writer = Client(proto, channel, platform.ready.ledger_key)
    pb, first = writer.pb, uuid.uuid4().int
    alice, bob, *ids = [((first + n) % 2**128).to_bytes(16, "big") for n in range(6)]
    accounts = pb.Accounts(accounts=[pb.Account(id=id, ledger=99, code=1) for id in (alice, bob)])
    assert list(writer.call("ledger.CreateAccounts", accounts).codes) == [0, 0]
    amount = (500).to_bytes(16, "big")
    parties = {"debit_account_id": alice, "credit_account_id": bob}
    kind = {"amount": amount, "ledger": 99, "code": 1}
    batch = pb.Transfers(transfers=[pb.Transfer(id=id, **parties, **kind) for id in ids[:2]])
    created = writer.call("ledger.CreateTransfers", batch)
    assert list(created.codes) == [0, 0]
    held = pb.Transfer(id=ids[2], flags=2, timeout_s=60, **parties, **kind)
    post = pb.Transfer(id=ids[3], flags=4, pending_id=ids[2], amount=amount)
    messages = [pb.Transfers(transfers=[each]) for each in (held, post, held)]
    answers = list(writer.call("ledger.StreamTransfers", iter(messages)))
    assert [list(answer.codes) for answer in answers] == [[0], [0], [46]]
    packed = b"".join(
        [
            *(octets[::-1] for octets in (ids[0], alice, bob, amount)),
            bytes(48),
            (99).to_bytes(4, "little") + b"\1\0\0\0" + bytes(8),
        ]
    )
    repeated = writer.call("ledger.RecordTransfers", pb.Records(records=packed))
    assert repeated.codes == bytes([46])
    listed = writer.call("ledger.ListTransfers", pb.ListTransfers(account=alice))
    assert [each.id for each in listed.transfers] == ids
    (line,) = writer.call("ledger.TrialBalance", pb.TrialBalanceQuery(ledger=99)).lines
    assert line.debits_posted == line.credits_posted
    past = pb.BalancesAt(ids=[bob], timestamp=created.timestamp)
    (before,) = writer.call("ledger.BalancesAt", past).accounts
    assert before.credits_posted == (1000).to_bytes(16, "big")
    assert ids[3] in set(_recorded(writer))


def _recorded(client: Client) -> Iterator[bytes]:
    """Ids of all transfers in the change feed, page by page."""
    after = 0
    while changes := client.call(
        "ledger.ListChanges", client.pb.ListChanges(after=after, limit=50)
    ).changes:
        yield from (each.transfer.id for each in changes if each.kind == "transfer_recorded")
        after = changes[-1].sequence
