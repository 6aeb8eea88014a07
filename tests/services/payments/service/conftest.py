"""The counter where customers are served: a floor, a rail, the service."""

import pytest
from tests.services.floor import FakeHost
from tests.services.payments.counter import Rail, parts_on, vault_on

from sycee.services.payments.adapters.testcard import app as testcard
from sycee.services.payments.adapters.testcard.rail import Behaviour
from sycee.services.payments.service.customers import CustomersService


@pytest.fixture
def host(tmp_path):
    return FakeHost(tmp_path)


@pytest.fixture
async def rail(host):
    return Rail(await testcard.build(host, await vault_on(host), Behaviour()))


@pytest.fixture
async def parts(host, rail):
    return await parts_on(host, rail)


@pytest.fixture
async def service(parts):
    return CustomersService(parts)
