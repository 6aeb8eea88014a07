"""The rules of accounts, told to the compiled kernel beside the model: it must do the same."""

from __future__ import annotations

import pytest

pytest.importorskip("numba", reason="the compiled engine needs Numba")

from tests.services.ledger.adapters.embedded.pair import Pair
from tests.services.ledger.notation import Desk
from tests.services.ledger.test_account_rules import *  # noqa: F403 - these are the tests


@pytest.fixture(autouse=True)
def kernel_beside_the_model(monkeypatch):
    monkeypatch.setattr(Desk, "beside", lambda: Pair(cache_bytes=0).follow)
