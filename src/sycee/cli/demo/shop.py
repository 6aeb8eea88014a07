"""A shop that takes payments through the official SDK, and writes down what it is told."""

from __future__ import annotations

import time

import stripe
from stripe.params import PaymentIntentCreateParams, RefundCreateParams

from sycee.cli.demo.browser import PageUnexpected, answer_bank
from sycee.cli.demo.till import Till
from sycee.cli.demo.visits import DECLINED_CARDS, REGULARS, Visit, part
from sycee.cli.exchange import NoAnswer
from sycee.kernel.money import Money

RETURN_URL = "https://shop.example/thanks"
SETTLES_WITHIN_S = 30.0
"""How long the shop waits for a payment whose outcome nobody knows yet."""


class Surprise(Exception):
    """The platform did something that a shop does not expect."""


FAULTS = (Surprise, PageUnexpected, NoAnswer, stripe.StripeError)


class Shop:
    """One day's business: each visit is a method, named as its kind."""

    def __init__(self, client: stripe.StripeClient, till: Till, day: str) -> None:
        self._v1 = client.v1
        self._till = till
        self._day = day
        self._regulars: list[tuple[str, str]] = []

    def open(self) -> bool:
        """Bring the regulars in; False, and a problem written down, when that is not possible."""
        try:
            self._bring_regulars()
        except FAULTS as fault:
            self._till.wrong(f"the shop could not open: {type(fault).__name__}: {fault}")
            return False
        return True

    def serve(self, visit: Visit) -> None:
        """Serve one visit; what goes wrong is written down and does not end the day."""
        try:
            getattr(self, visit.kind.value)(visit)
        except FAULTS as fault:
            self._till.wrong(
                f"visit {visit.number}, {visit.kind.value}, {visit.amount}:"
                f" {type(fault).__name__}: {fault}"
            )

    def pay(self, visit: Visit) -> None:
        """Somebody pays, and goes."""
        self._banked(self._create(visit, self._order(visit, visit.card)), visit.amount)

    def pay_in_two_steps(self, visit: Visit) -> None:
        """The basket is known first, the card later."""
        basket = self._order(visit, visit.card)
        basket["confirm"] = False
        created = self._create(visit, basket)
        _expect("status", created.status, "requires_confirmation")
        options = self._once(f"{visit.number}-confirm")
        self._banked(self._v1.payment_intents.confirm(created.id, {}, options), visit.amount)

    def pay_with_saved_card(self, visit: Visit) -> None:
        """A regular's subscription is due; nobody is there to be asked."""
        customer, card = self._regulars[visit.customer]
        order = self._order(visit, card)
        order["customer"], order["off_session"] = customer, True
        self._banked(self._create(visit, order), visit.amount)

    def save_card_while_paying(self, visit: Visit) -> None:
        """A regular pays with a new card, and has it remembered."""
        customer, _ = self._regulars[visit.customer]
        order = self._order(visit, visit.card)
        order["customer"], order["setup_future_usage"] = customer, "off_session"
        paid = self._create(visit, order)
        self._banked(paid, visit.amount)
        kept = self._v1.customers.payment_methods.retrieve(customer, str(paid.payment_method))
        _expect("the card's owner", kept.customer, customer)

    def declined_then_other_card(self, visit: Visit) -> None:
        """The card is declined; another one pays the same payment."""
        payment = self._declined(visit)
        options = self._once(f"{visit.number}-other")
        paid = self._v1.payment_intents.confirm(payment, {"payment_method": visit.card}, options)
        self._banked(paid, visit.amount)

    def declined_and_gone(self, visit: Visit) -> None:
        """The card is declined, and the payer leaves."""
        self._given_up(visit, self._declined(visit))

    def bank_asks_and_agrees(self, visit: Visit) -> None:
        """The payer proves who they are on the page of their bank."""
        payment = self._asked(visit, "complete", "succeeded")
        self._banked(self._v1.payment_intents.retrieve(payment), visit.amount)

    def bank_asks_and_refuses(self, visit: Visit) -> None:
        """The payer cannot prove who they are."""
        payment = self._asked(visit, "fail", "failed")
        failed = self._v1.payment_intents.retrieve(payment)
        _expect("status", failed.status, "requires_payment_method")
        self._given_up(visit, payment)

    def hold_and_capture(self, visit: Visit) -> None:
        """The goods go out a little later; only then is the money taken."""
        held = self._held(visit)
        options = self._once(f"{visit.number}-capture")
        self._banked(self._v1.payment_intents.capture(held, {}, options), visit.amount)

    def hold_and_capture_part(self, visit: Visit) -> None:
        """Not all of the goods were there."""
        held, amount = self._held(visit), part(visit)
        options = self._once(f"{visit.number}-capture")
        taken = self._v1.payment_intents.capture(held, {"amount_to_capture": amount.minor}, options)
        self._banked(taken, amount)

    def hold_and_release(self, visit: Visit) -> None:
        """The goods were not there at all."""
        self._given_up(visit, self._held(visit))

    def refund_all(self, visit: Visit) -> None:
        """Everything comes back."""
        paid = self._create(visit, self._order(visit, visit.card))
        self._banked(paid, visit.amount)
        self._refund(visit, paid.id, visit.amount, "all")
        self._refund_refused(visit, paid.id, 1)

    def refund_parts(self, visit: Visit) -> None:
        """Some comes back, then somebody wants more than is left, then gets the rest."""
        paid = self._create(visit, self._order(visit, visit.card))
        self._banked(paid, visit.amount)
        first = part(visit)
        rest = visit.amount - first
        self._refund(visit, paid.id, first, "part")
        self._refund_refused(visit, paid.id, rest.minor + 1)
        self._refund(visit, paid.id, rest, "rest")

    def retry(self, visit: Visit) -> None:
        """The answer is lost on the way to the shop, which asks again; then it makes a mistake."""
        order = self._order(visit, visit.card)
        first, again = self._create(visit, order), self._create(visit, order)
        _expect("the second answer", _body(again), _body(first))
        order["amount"] += 1
        try:
            self._create(visit, order)
        except stripe.IdempotencyError:
            self._till.ended("reuse of an idempotency key refused")
        else:
            raise Surprise("another amount was taken under the same idempotency key")
        self._banked(again, visit.amount)

    def answer_lost(self, visit: Visit) -> None:
        """The bank takes the money and its answer is lost: the platform finds out."""
        payment = self._create(visit, self._order(visit, "pm_card_sycee_lost_answer"))
        until = time.monotonic() + SETTLES_WITHIN_S
        while payment.status == "processing" and time.monotonic() < until:
            time.sleep(0.25)
            payment = self._v1.payment_intents.retrieve(payment.id)
        self._banked(payment, visit.amount)

    def _bring_regulars(self) -> None:
        """Make customers, each with a card that the shop may charge later."""
        for name, card in REGULARS.items():
            customer = self._v1.customers.create(
                {"name": name, "email": f"{name.lower()}@example.com"},
                self._once(f"customer-{name}"),
            )
            setup = self._v1.setup_intents.create(
                {
                    "customer": customer.id,
                    "payment_method": f"pm_card_{card}",
                    "confirm": True,
                    "return_url": RETURN_URL,
                },
                self._once(f"setup-{name}"),
            )
            _expect("the set-up's status", setup.status, "succeeded")
            self._regulars.append((customer.id, str(setup.payment_method)))

    def _order(self, visit: Visit, card: str) -> PaymentIntentCreateParams:
        return {
            "amount": visit.amount.minor,
            "currency": visit.amount.currency.lower(),
            "payment_method": card,
            "confirm": True,
            "description": f"Order {visit.number}",
            "metadata": {"order": str(visit.number)},
        }

    def _create(self, visit: Visit, order: PaymentIntentCreateParams) -> stripe.PaymentIntent:
        return self._v1.payment_intents.create(order, self._once(f"{visit.number}-create"))

    def _declined(self, visit: Visit) -> str:
        """Try the bad card; the payment that is left to be paid."""
        try:
            self._create(visit, self._order(visit, visit.bad_card))
        except stripe.CardError as error:
            told = error.error
            if told is None or told.payment_intent is None:
                raise Surprise("a declined card comes without its payment") from None
            wanted = DECLINED_CARDS[visit.bad_card.removeprefix("pm_card_")]
            _expect("the decline", (told.code, told.decline_code), wanted)
            self._till.ended(f"declined: {told.decline_code}")
            return told.payment_intent.id
        raise Surprise(f"{visit.bad_card} was not declined")

    def _asked(self, visit: Visit, outcome: str, told: str) -> str:
        """Let the bank ask, and the payer answer; the payment."""
        order = self._order(visit, "pm_card_authenticationRequired")
        order["return_url"] = RETURN_URL
        asked = self._create(visit, order)
        _expect("status", asked.status, "requires_action")
        action = asked.next_action
        if action is None or action.redirect_to_url is None or not action.redirect_to_url.url:
            raise Surprise("the payer is asked nowhere")
        _expect("redirect_status", answer_bank(action.redirect_to_url.url, outcome), told)
        self._till.ended(f"3-D Secure: {told}")
        return asked.id

    def _held(self, visit: Visit) -> str:
        """Have the amount held; the payment."""
        order = self._order(visit, visit.card)
        order["capture_method"] = "manual"
        held = self._create(visit, order)
        _expect("status", held.status, "requires_capture")
        _expect("the amount held", held.amount_capturable, visit.amount.minor)
        return held.id

    def _given_up(self, visit: Visit, payment: str) -> None:
        options = self._once(f"{visit.number}-cancel")
        gone = self._v1.payment_intents.cancel(
            payment, {"cancellation_reason": "abandoned"}, options
        )
        _expect("status", gone.status, "canceled")
        _expect("the amount received", gone.amount_received, 0)
        self._till.ended("canceled")

    def _banked(self, paid: stripe.PaymentIntent, amount: Money) -> None:
        """Write a captured payment down, once everything that was told of it agrees."""
        _expect("status", paid.status, "succeeded")
        _expect("currency", paid.currency, amount.currency.lower())
        _expect("the amount received", paid.amount_received, amount.minor)
        charge = self._v1.charges.retrieve(
            str(paid.latest_charge), {"expand": ["balance_transaction"]}
        )
        _expect("the charge's amount", charge.amount_captured, amount.minor)
        entry = charge.balance_transaction
        if not isinstance(entry, stripe.BalanceTransaction):
            raise Surprise(f"{charge.id} shows no balance transaction")
        _expect("the balance transaction's amount", entry.amount, amount.minor)
        _expect("its net", entry.net, amount.minor - entry.fee)
        self._till.took(amount, entry.fee)
        self._till.ended("paid")

    def _refund(self, visit: Visit, payment: str, amount: Money, which: str) -> None:
        wanted: RefundCreateParams = {"payment_intent": payment, "amount": amount.minor}
        wanted["expand"] = ["balance_transaction"]
        options = self._once(f"{visit.number}-refund-{which}")
        refund = self._v1.refunds.create(wanted, options)
        _expect("the refund's status", refund.status, "succeeded")
        _expect("the refund's amount", refund.amount, amount.minor)
        entry = refund.balance_transaction
        if not isinstance(entry, stripe.BalanceTransaction):
            raise Surprise(f"{refund.id} shows no balance transaction")
        _expect("its net", entry.net, -amount.minor)
        self._till.gave_back(amount)
        self._till.ended("refunded")

    def _refund_refused(self, visit: Visit, payment: str, minor: int) -> None:
        options = self._once(f"{visit.number}-too-much")
        try:
            self._v1.refunds.create({"payment_intent": payment, "amount": minor}, options)
        except stripe.InvalidRequestError:
            self._till.ended("refund over the rest refused")
        else:
            raise Surprise(f"{minor} more than was left was refunded")

    def _once(self, step: str) -> stripe.RequestOptions:
        """A key under which a step is done once, however often it is asked for."""
        return {"idempotency_key": f"{self._day}-{step}"}


def _body(answer: stripe.PaymentIntent) -> str | None:
    return None if answer.last_response is None else answer.last_response.body


def _expect(what: str, told: object, wanted: object) -> None:
    if told != wanted:
        raise Surprise(f"{what} is {told!r}, not {wanted!r}")
