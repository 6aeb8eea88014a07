"""The whole contract in one object."""

from __future__ import annotations

from sycee.services.payments.service.customers import CustomersService
from sycee.services.payments.service.disputes import DisputesService
from sycee.services.payments.service.intents import IntentsService
from sycee.services.payments.service.maturing import MaturingService
from sycee.services.payments.service.parts import Parts
from sycee.services.payments.service.searching import SearchingService
from sycee.services.payments.service.velocity import VelocityService


class PaymentsService(
    IntentsService,
    CustomersService,
    DisputesService,
    MaturingService,
    SearchingService,
    VelocityService,
):
    """Payments and their money, customers and their methods, disputes, searches, limits."""

    def __init__(self, parts: Parts) -> None:
        CustomersService.__init__(self, parts)
        IntentsService.__init__(self, parts, self.methods)
        DisputesService.__init__(self, parts, self.books)
        VelocityService.__init__(self, parts, self.allowance)
