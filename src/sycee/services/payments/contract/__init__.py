"""What the payments service can be asked: payments and their money, customers and their methods."""

from __future__ import annotations

from typing import Protocol

from sycee.services.payments.contract.customers import Customers
from sycee.services.payments.contract.disputes import Disputes
from sycee.services.payments.contract.intents import Intents
from sycee.services.payments.contract.maturing import Maturing
from sycee.services.payments.contract.searches import Searches
from sycee.services.payments.contract.velocity import Velocity


class Payments(Intents, Customers, Disputes, Maturing, Searches, Velocity, Protocol):
    """The whole contract."""
