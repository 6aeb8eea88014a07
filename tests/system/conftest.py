"""One platform per topology, shared by the stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.platform import Platform, running

FAULT = '"level":"error"'
"""No story may end in a fault, not even in one that nobody was told of (AE1)."""


@pytest.fixture(scope="session", params=["one", "processes"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Every service in one process, then each in its own."""
    with running(tmp_path_factory.mktemp(request.param), request.param) as platform:
        yield platform
        faults = [line for line in platform.log.read_text().splitlines() if FAULT in line]
        assert not faults, "\n".join(faults[:5])
