"""Books for every test of accounting."""

from __future__ import annotations

import pytest
from tests.services.accounting.books import open_books


@pytest.fixture
async def books(tmp_path):
    return await open_books(tmp_path)
