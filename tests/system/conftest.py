"""One platform per topology, shared by the stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.platform import Platform, running


@pytest.fixture(scope="session", params=["one", "processes"])
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Every service in one process, then each in its own."""
    with running(tmp_path_factory.mktemp(request.param), request.param) as platform:
        yield platform
