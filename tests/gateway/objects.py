"""Contract objects with every field set, to be shown at the doors."""

from __future__ import annotations

from sycee.kernel.clock import Instant
from sycee.kernel.money import Currency, Money
from sycee.services.identity.contract import MerchantId
from sycee.services.payments.contract.customers import Card, Customer, Method, Setup, SetupStatus
from sycee.services.payments.contract.disputes import (
    Dispute,
    DisputeId,
    DisputeStatus,
    Evidence,
)
from sycee.services.payments.contract.intents import (
    BalanceTransaction,
    Charge,
    NextAction,
    Outcome,
    Payment,
    PaymentError,
    PaymentStatus,
    Refund,
)
from sycee.services.payments.contract.shared import (
    Address,
    AttemptId,
    BalanceTransactionId,
    BillingDetails,
    ChargeId,
    CustomerId,
    MethodId,
    PaymentId,
    RefundId,
    SetupId,
    Shipping,
)

NOON = Instant(1_798_718_400_000_000_000)
SHOP = MerchantId("acct_SHOP")
LUNCH = Money(2000, Currency("USD"))
HOME = Address("Berlin", "DE", "Linienstr. 1", None, "10119", None)
BILLING = BillingDetails(HOME, "jenny@example.com", "Jenny", "+4930123")
SHIPPING = Shipping(HOME, "Jenny", "+4930123", "DHL", "00340434")
CARD = Card("visa", "4242", "424242", 12, 2034, "fp_1", "credit", "US", "pass", "testcard", "t")
METHOD = Method(
    MethodId("pm_1"), SHOP, NOON, False, "card", CARD, BILLING, CustomerId("cus_1"), {"a": "b"}
)
CUSTOMER = Customer(
    CustomerId("cus_1"),
    SHOP,
    NOON,
    False,
    "Jenny",
    "jenny@example.com",
    "+4930123",
    "regular",
    HOME,
    SHIPPING,
    {"tier": "gold"},
    MethodId("pm_1"),
)
PAYMENT = Payment(
    id=PaymentId("pi_1"),
    number=7,
    merchant=SHOP,
    created=NOON,
    livemode=False,
    status=PaymentStatus.SUCCEEDED,
    amount=LUNCH,
    amount_capturable_minor=0,
    amount_received_minor=2000,
    client_secret="pi_1_secret_x",
    customer=CustomerId("cus_1"),
    method=MethodId("pm_1"),
    automatic_methods="always",
    description="lunch",
    receipt_email="jenny@example.com",
    statement_descriptor="SHOP",
    statement_descriptor_suffix="LUNCH",
    setup_future_usage="off_session",
    shipping=SHIPPING,
    metadata={"order": "1"},
    latest_charge=ChargeId("ch_1"),
    return_url="https://shop.example/",
)
DECLINED = PaymentError(
    "card_declined", "Your card was declined.", "generic_decline", ChargeId("ch_1"), METHOD
)
CHALLENGE = NextAction("/testcard/3ds/pi_1?client_secret=x", "https://shop.example/")
OUTCOME = Outcome("approved_by_network", "authorized", "Payment complete.", "normal", 12)
CHARGE = Charge(
    id=ChargeId("ch_1"),
    merchant=SHOP,
    created=NOON,
    livemode=False,
    payment=PaymentId("pi_1"),
    attempt=AttemptId("att_1"),
    amount=LUNCH,
    status="succeeded",
    captured=True,
    amount_captured_minor=2000,
    amount_refunded_minor=500,
    outcome=OUTCOME,
    method=METHOD,
    billing=BILLING,
    customer=CustomerId("cus_1"),
    description="lunch",
    receipt_email="jenny@example.com",
    statement_descriptor="SHOP",
    shipping=SHIPPING,
    metadata={"order": "1"},
    fraud_details={"user_report": "safe"},
    balance_transaction=BalanceTransactionId("txn_1"),
    authorization_code="123456",
    capture_before=NOON,
)
REFUND = Refund(
    RefundId("re_1"),
    SHOP,
    NOON,
    False,
    ChargeId("ch_1"),
    PaymentId("pi_1"),
    Money(500, Currency("USD")),
    "succeeded",
    "requested_by_customer",
    {"why": "cold"},
    BalanceTransactionId("txn_2"),
)
TRANSACTION = BalanceTransaction(
    BalanceTransactionId("txn_1"), SHOP, NOON, NOON, "charge", LUNCH, 88, "pending", "ch_1", "lunch"
)
WITHDRAWAL = BalanceTransaction(
    BalanceTransactionId("txn_3"),
    SHOP,
    NOON,
    NOON,
    "adjustment",
    -LUNCH,
    1500,
    "pending",
    "dp_1",
    "Chargeback withdrawal for ch_1",
    "dispute",
)
DISPUTE = Dispute(
    DisputeId("dp_1"),
    SHOP,
    NOON,
    False,
    ChargeId("ch_1"),
    PaymentId("pi_1"),
    LUNCH,
    "fraudulent",
    DisputeStatus.NEEDS_RESPONSE,
    NOON,
    "visa",
    "case.att_1",
    evidence=Evidence(customer_name="Jenny"),
    submissions=1,
    metadata={"a": "b"},
    balance_transactions=(WITHDRAWAL,),
    network_reason_code="10.4",
)
SETUP = Setup(
    SetupId("seti_1"),
    SHOP,
    NOON,
    False,
    SetupStatus.SUCCEEDED,
    "seti_1_secret_x",
    customer=CustomerId("cus_1"),
    method=MethodId("pm_1"),
    description="later",
    metadata={"a": "b"},
)
