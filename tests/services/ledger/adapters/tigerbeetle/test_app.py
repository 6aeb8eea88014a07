"""The engine as a setting."""

from __future__ import annotations

import msgspec
import pytest
from tests.services.floor import FakeHost

from sycee.services.ledger import app
from sycee.services.ledger.adapters.tigerbeetle.ledger import TigerBeetleLedger


async def test_the_setting_chooses_the_engine_and_the_host_closes_it(tmp_path_factory):
    pytest.importorskip("tigerbeetle")
    host = FakeHost(tmp_path_factory.mktemp("data"))
    settings = app.Settings(engine="tigerbeetle", tigerbeetle_addresses="127.0.0.1:1")
    ledger = await app.build(host, settings)
    assert isinstance(ledger, TigerBeetleLedger)
    await host.close()
    assert ledger.is_closed


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"engine": "tigerbeetle"}, "takes tigerbeetle_addresses"),
        ({"tigerbeetle_cluster_id": -1}, "128 bits"),
        ({"tigerbeetle_cluster_id": 2**128}, "128 bits"),
        ({"tigerbeetle_deadline_s": 0}, "above zero"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, wrong):
    with pytest.raises(msgspec.ValidationError, match=wrong):
        msgspec.convert(settings, app.Settings)
