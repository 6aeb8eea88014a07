"""The rail of the simulated acquirer: knows cards by tokens, orders by a book, and misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from sycee.kernel.clock import Clock, Instant
from sycee.kernel.ids import Ids, derived_number
from sycee.runtime.cache import Cache
from sycee.runtime.database import Database, Session
from sycee.services.payments.adapters.rail import (
    Answer,
    KeptCard,
    NewCard,
    NoAnswer,
    Notice,
    Operation,
    Order,
    RailDown,
    Verdict,
)
from sycee.services.payments.adapters.testcard import bank, book, disputes
from sycee.services.payments.adapters.testcard.cards import (
    BY_NUMBER,
    ORDINARY,
    Fault,
    TestCard,
    by_token,
)
from sycee.services.validation.contract import CardNumber
from sycee.services.vault.contract import CardToken, Detokenize, Vault

_REMEMBER_S = 600.0
"""For how long it is remembered which test card a number was; the number is not."""
_TEST_CARD_YEARS = 8
_YEAR_NS = 31_556_952_000_000_000
"""Nanoseconds of a Gregorian year."""

Pause = Callable[[float], Awaitable[None]]


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the acquirer misbehaves towards every card.

    Which orders are lost follows from ``seed`` and their ids alone: a run can be repeated.
    """

    latency_s: float = 0.0
    """Seconds that every answer takes."""
    slow_s: float = 3.0
    """Seconds that an answer for the slow test card takes."""
    lost_requests_per_mille: int = 0
    """Of a thousand orders, how many never arrive."""
    lost_answers_per_mille: int = 0
    """Of a thousand orders, how many are done and not answered."""
    outage: bool = False
    """Whether the acquirer is away."""
    seed: str = "sycee"
    """Chooses which orders are lost."""
    script: str = ""
    """What goes wrong and when: `lossy`, `outage`, `slow`, `storm`, or a JSON file. For tests."""


class SimulatedAcquirer:
    """Keeps the promise of a rail, with test cards."""

    name = "testcard"

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        vault: Vault,
        behaviour: Behaviour,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._vault = vault
        self._known: Cache[CardToken, TestCard] = Cache(clock.monotonic_s, _REMEMBER_S)
        self._behaviour = behaviour
        self._pause = pause

    def test_card(self, token: str, now: Instant) -> CardNumber | None:
        """The card behind ``pm_card_…`` or ``tok_…``, valid for years."""
        card = by_token(token)
        if card is None:
            return None
        cvc = "1234" if card.brand == "amex" else "123"
        return CardNumber(card.number, 12, 1970 + now // _YEAR_NS + _TEST_CARD_YEARS, cvc)

    async def keep_card(self, card: NewCard) -> KeptCard:
        """Name the card's behaviour and forget its number."""
        known = self._known.get(card.token) or await self._look_up(card)
        return KeptCard(
            token=f"{known.name}.{self._ids.new('card')}",
            funding=known.funding,
            country=known.country,
            cvc_check=known.cvc_check if card.cvc else None,
        )

    async def _look_up(self, card: NewCard) -> TestCard:
        look = self._known.look()
        asked = Detokenize(card.merchant, (card.token,), self.name, "enrol")
        (number,) = (await self._vault.detokenize(asked)).numbers
        known = BY_NUMBER.get(number, ORDINARY)
        self._known.remember(card.token, known, look)
        return known

    async def perform(self, order: Order) -> Answer:
        """Do what is ordered, unless the card or the settings say that it goes wrong."""
        card = bank.card_of(order.token)
        fault = self._fault(card, order)
        if fault is Fault.OUTAGE:
            raise RailDown("The acquirer is away.")
        if fault is Fault.LOST_REQUEST:
            raise NoAnswer("The order was lost on its way.")
        answer = await self._database.write(lambda session: self._do(session, card, order))
        await self._take_time(fault)
        if fault is Fault.LOST_ANSWER:
            raise NoAnswer("The answer was lost on its way.")
        return answer

    async def query(self, order: str) -> Answer | None:
        """What the book says."""
        if self._behaviour.outage:
            raise RailDown("The acquirer is away.")
        entry = await self._database.read(lambda session: book.find(session, order))
        return bank.final(bank.card_of(entry.token), entry.answer) if entry else None

    async def notices(self, after: str, limit: int) -> Sequence[Notice]:
        """What the payers' banks said of late."""
        self._check_up()
        return await self._database.read(lambda session: book.untold(session, after, limit))

    async def acknowledge(self, notices: Sequence[str]) -> None:
        """Tell these no more."""
        self._check_up()
        await self._database.write(lambda session: book.acknowledge(session, notices))

    async def contest(self, case: str, statement: str | None) -> None:
        """Let the bank decide, as Stripe's documented texts tell it to."""
        self._check_up()
        await self._database.write(lambda session: disputes.decide(session, case, statement))

    def _check_up(self) -> None:
        if self._behaviour.outage:
            raise RailDown("The acquirer is away.")

    def _do(self, session: Session, card: TestCard, order: Order) -> Answer:
        if not bank.is_first_step(order):
            return self._go_on(session, card, order)
        answer = bank.begin(card, order, self._is_set_up(session, card, order))
        if answer.verdict is Verdict.CHALLENGED:
            return answer
        if bank.sets_up(card, order, answer):
            book.note_set_up(session, order.token)
        return self._entered(session, card, order, answer)

    def _go_on(self, session: Session, card: TestCard, order: Order) -> Answer:
        assert order.original is not None, "who goes on names what with"
        entry = book.find(session, order.original)
        original = entry.answer if entry else None
        if bank.takes_back(order, original):
            refused = bank.declined(bank.TAKEN_BACK)
            taken_back = msgspec.structs.replace(order, id=order.original, original=None)
            book.enter(session, taken_back, refused, self._clock.now())
        answer = bank.go_on(card, order, original)
        return self._entered(session, card, order, answer)

    def _entered(self, session: Session, card: TestCard, order: Order, answer: Answer) -> Answer:
        """What is recorded of the order, which may have been taken back; disputes follow that."""
        recorded = book.enter(session, order, answer, self._clock.now())
        disputes.follow(session, card, order, recorded)
        return recorded

    def _is_set_up(self, session: Session, card: TestCard, order: Order) -> bool:
        return bank.may_be_set_up(card, order) and book.is_set_up(session, order.token)

    def _fault(self, card: TestCard, order: Order) -> Fault:
        behaviour = self._behaviour
        if behaviour.outage:
            return Fault.OUTAGE
        if behaviour.lost_requests_per_mille or behaviour.lost_answers_per_mille:
            lot = derived_number(behaviour.seed, order.id) % 1000
            if lot < behaviour.lost_requests_per_mille:
                return Fault.LOST_REQUEST
            if lot >= 1000 - behaviour.lost_answers_per_mille:
                return Fault.LOST_ANSWER
        # What never arrived can only be taken back if that order does arrive.
        return Fault.NONE if order.operation is Operation.VOID else card.fault

    async def _take_time(self, fault: Fault) -> None:
        latency_s = self._behaviour.slow_s if fault is Fault.SLOW else self._behaviour.latency_s
        if latency_s:
            await self._pause(latency_s)
