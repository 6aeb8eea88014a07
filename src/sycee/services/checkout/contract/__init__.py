"""What can be asked of checkout."""

from __future__ import annotations

from typing import Protocol

from sycee.services.checkout.contract.catalog import Catalog


class Checkout(Catalog, Protocol):
    """What is sold, and for how much."""
