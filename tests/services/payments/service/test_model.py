"""Payments against a plain model of what a merchant expects, over random histories."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.services.payments.shop import Shop

from sycee.kernel.money import Money
from sycee.kernel.refusal import Refusal
from sycee.services.payments.contract.intents import AnswerChallenge, CaptureMethod
from sycee.services.payments.domain.fees import fee_minor

PAYS = ("visa", "mastercard", "amex", "pendingRefund", "refundFail")
DECLINES = ("chargeDeclined", "chargeDeclinedExpiredCard", "radarBlock", "sycee_outage")
ASKS = ("authenticationRequired", "threeDSecureRequiredChargeDeclined")
LOSES = ("sycee_lost_answer", "sycee_lost_request")
CARDS = PAYS + DECLINES + ASKS + LOSES
AMOUNTS = st.integers(100, 5000)


class Expected:
    """One payment as a merchant's ledger sheet would have it."""

    def __init__(self, card, amount, is_manual):
        self.card, self.amount, self.is_manual = card, amount, is_manual
        self.status = "requires_confirmation"
        self.captured = 0
        self.refunded = 0
        self.waiting = []
        """Refunds whose outcome is to be told."""

    def tried(self):
        """Where a confirmation leads."""
        if self.card in DECLINES:
            self.status = "requires_payment_method"
        elif self.card in ASKS:
            self.status = "requires_action"
        elif self.card in LOSES:
            self.status = "processing"
        else:
            self.taken()

    def taken(self):
        self.status = "requires_capture" if self.is_manual else "succeeded"
        if not self.is_manual:
            self.captured = self.amount

    def net(self):
        """What the payment comes to for the merchant."""
        return self.captured - fee(self.captured) - self.refunded


def fee(captured):
    return fee_minor(Money(captured, "USD"), 290, 30) if captured else 0


class PaymentsAndModel(RuleBasedStateMachine):
    """Every rule does the same to both; the invariant compares all there is."""

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.shop = self.run(Shop(self.folder).open())
        self.expected = {}
        self.keys = []
        self.is_matured_once = False

    def teardown(self):
        self.run(self.shop.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    def run(self, work):
        return self.loop.run_until_complete(work)

    def ask(self, work):
        """The answer, or the refusal."""
        try:
            return self.run(work)
        except Refusal as refusal:
            return refusal

    def those(self, *statuses):
        return [id for id, each in self.expected.items() if each.status in statuses]

    def one_of(self, data, *statuses):
        return data.draw(st.sampled_from(self.those(*statuses)))

    @rule(card=st.sampled_from(CARDS), amount=AMOUNTS, is_manual=st.booleans())
    def create(self, card, amount, is_manual):
        method = CaptureMethod.MANUAL if is_manual else CaptureMethod.AUTOMATIC
        created = self.run(
            self.shop.create(card, amount=Money(amount, "USD"), capture_method=method)
        )
        self.expected[created.id] = Expected(card, amount, is_manual)

    @rule(card=st.sampled_from(CARDS), amount=AMOUNTS)
    def pay_at_once_and_again_with_the_same_key(self, card, amount):
        key = f"key-{len(self.keys)}"
        self.keys.append(key)
        answers = [
            self.ask(self.shop.pay(card, key, amount=Money(amount, "USD"))) for _ in range(2)
        ]
        outcome = [getattr(each, "facts", None) or each for each in answers]
        assert outcome[0] == outcome[1]
        first = answers[0]
        id = first.facts["payment"] if isinstance(first, Refusal) else first.id
        self.expected[id] = Expected(card, amount, is_manual=False)
        self.expected[id].tried()

    @precondition(lambda self: self.those("requires_confirmation"))
    @rule(data=st.data())
    def confirm(self, data):
        id = self.one_of(data, "requires_confirmation")
        self.ask(self.shop.confirm(id))
        self.expected[id].tried()

    @precondition(lambda self: self.those("requires_payment_method"))
    @rule(data=st.data(), card=st.sampled_from(CARDS))
    def try_another_card(self, data, card):
        id = self.one_of(data, "requires_payment_method")
        self.ask(self.shop.confirm(id, method=f"pm_card_{card}"))
        self.expected[id].card = card
        self.expected[id].tried()

    @precondition(lambda self: self.those("requires_action"))
    @rule(data=st.data(), is_proved=st.booleans())
    def answer_the_challenge(self, data, is_proved):
        id = self.one_of(data, "requires_action")
        each = self.expected[id]
        secret = self.run(self.shop.payment(id)).client_secret
        self.run(self.shop.service.answer_challenge(AnswerChallenge(id, secret, is_proved)))
        if is_proved and each.card == "authenticationRequired":
            each.taken()
        else:
            each.status = "requires_payment_method"

    @precondition(lambda self: self.those("requires_capture"))
    @rule(data=st.data(), part=st.integers(0, 6000))
    def capture(self, data, part):
        id = self.one_of(data, "requires_capture")
        each = self.expected[id]
        answer = self.ask(self.shop.capture(id, part))
        if 0 < part <= each.amount:
            each.status, each.captured = "succeeded", part
        else:
            assert isinstance(answer, Refusal)

    @precondition(lambda self: self.expected)
    @rule(data=st.data())
    def cancel(self, data):
        id = data.draw(st.sampled_from(sorted(self.expected)))
        each = self.expected[id]
        answer = self.ask(self.shop.cancel(id))
        if each.status in ("succeeded", "canceled", "processing"):
            assert isinstance(answer, Refusal)
        else:
            each.status = "canceled"

    @precondition(lambda self: self.expected)
    @rule(data=st.data(), part=st.integers(0, 6000))
    def refund(self, data, part):
        id = data.draw(st.sampled_from(sorted(self.expected)))
        each = self.expected[id]
        answer = self.ask(self.shop.refund(id, part))
        if not 0 < part <= each.captured - each.refunded:
            assert isinstance(answer, Refusal)
            return
        each.refunded += part
        if each.card in ("pendingRefund", "refundFail"):
            each.waiting.append((answer.id, part))

    @rule()
    def sweep(self):
        self.run(self.shop.sweep())
        self.told()

    @rule()
    def sweep_much_later(self):
        self.shop.host.clock.pass_s(self.shop.settings.lost_after_s)
        self.run(self.shop.sweep())
        self.told()
        for id in self.those("processing"):
            self.expected[id].status = "requires_payment_method"

    @rule()
    def mature(self):
        self.shop.host.clock.pass_s(self.shop.settings.available_after_s)
        self.run(self.shop.mature())

    def told(self):
        """What the rail tells when it is asked."""
        for id in self.those("processing"):
            if self.expected[id].card == "sycee_lost_answer":
                self.expected[id].taken()
        for each in self.expected.values():
            if each.card == "refundFail":
                each.refunded -= sum(part for _, part in each.waiting)
            each.waiting.clear()

    @invariant()
    def the_service_says_what_the_model_says(self):
        for id, each in self.expected.items():
            payment = self.run(self.shop.payment(id))
            assert payment.status.value == each.status, each.card
            assert payment.amount_received_minor == each.captured
            if each.captured:
                charge = self.run(self.shop.charge(payment.latest_charge))
                assert charge.amount_refunded_minor == each.refunded

    @invariant()
    def the_balance_is_what_the_model_says(self):
        assert sum(self.run(self.shop.balance())) == sum(
            each.net() for each in self.expected.values()
        )

    @invariant()
    def the_books_are_right(self):
        """MS3."""
        assert self.run(self.shop.verify()) == ()


TestPaymentsAndModel = PaymentsAndModel.TestCase
TestPaymentsAndModel.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
