"""All of ``Intents``, put together from one class per verb."""

from __future__ import annotations

from sycee.services.payments.service.allowance import Allowance
from sycee.services.payments.service.attempts import Attempts
from sycee.services.payments.service.books import Books
from sycee.services.payments.service.capture import Capture
from sycee.services.payments.service.challenge import Challenge
from sycee.services.payments.service.confirm import Confirm
from sycee.services.payments.service.create import Create
from sycee.services.payments.service.endings import Endings
from sycee.services.payments.service.methods import Methods
from sycee.services.payments.service.notes import Notes
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.reading import Reading
from sycee.services.payments.service.refund import Refunds
from sycee.services.payments.service.trying import Trying


class IntentsService(Create, Confirm, Challenge, Capture, Refunds, Notes, Reading):
    """Payments, charges, refunds, balances."""

    def __init__(self, parts: Parts, methods: Methods) -> None:
        self._parts = parts
        self.methods = methods
        self._books = Books(parts.ledger)
        self._endings = Endings(parts, methods)
        self._attempts = Attempts(parts, self._books, self._endings)
        self._trying = Trying(parts)

    @property
    def attempts(self) -> Attempts:
        """What the sweeper finishes attempts with."""
        return self._attempts

    @property
    def allowance(self) -> Allowance:
        """What limits leave."""
        return self._endings.allowance

    @property
    def books(self) -> Books:
        """What the maturing run writes with."""
        return self._books
