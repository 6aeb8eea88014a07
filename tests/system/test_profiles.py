"""What the production profile refuses (SE7, SE4, WH2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.system.platform import Platform, running

PRODUCTION = "profile=production"
CARD = {
    "type": "card",
    "card[number]": "4242424242424242",
    "card[exp_month]": "12",
    "card[exp_year]": "2034",
    "card[cvc]": "123",
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("production")
    assert Platform(data, "one").command("secrets").returncode == 0
    with running(data, "one", PRODUCTION) as platform:
        yield platform


def post(platform: Platform, path: str, form: dict[str, str]) -> httpx.Response:
    assert platform.ready is not None
    return httpx.post(
        platform.url + path,
        data=form,
        headers={"authorization": f"Bearer {platform.ready.secret_key}"},
        trust_env=False,
    )


def test_production_does_not_start_without_secrets(tmp_path: Path) -> None:
    """SE7."""
    refused = Platform(tmp_path, "one").command("up", "--json", "--port", "0", "--set", PRODUCTION)
    assert refused.returncode == 2
    assert "secret" in refused.stderr and "does not exist" in refused.stderr


def test_production_does_not_start_with_a_secret_that_strangers_can_read(tmp_path: Path) -> None:
    """SE7."""
    platform = Platform(tmp_path, "one")
    assert platform.command("secrets").returncode == 0
    (tmp_path / "secrets" / "api-keys").chmod(0o644)
    refused = platform.command("up", "--json", "--port", "0", "--set", PRODUCTION)
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr


def test_production_takes_no_raw_card_numbers(production: Platform) -> None:
    """SE4."""
    refused = post(production, "/v1/payment_methods", CARD)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "raw_cards_refused")


def test_production_sends_no_webhooks_inside(production: Platform) -> None:
    """WH2."""
    form = {"url": "http://127.0.0.1:9/hook", "enabled_events[]": "*"}
    refused = post(production, "/v1/webhook_endpoints", form)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "url_invalid")


def test_keys_are_told_at_the_first_start_only(tmp_path: Path) -> None:
    """IA5."""
    assert Platform(tmp_path, "one").command("secrets").returncode == 0
    with running(tmp_path, "one", PRODUCTION) as first:
        assert first.ready is not None and first.ready.secret_key.startswith("sk_test_")
        assert first.stop() == 0
    with running(tmp_path, "one", PRODUCTION) as second:
        assert second.ready is not None and second.ready.secret_key == ""


def test_dev_takes_raw_card_numbers_and_shows_the_same_keys_again(tmp_path: Path) -> None:
    with running(tmp_path, "one") as first:
        assert post(first, "/v1/payment_methods", CARD).status_code == 200
        assert first.stop() == 0
    with running(tmp_path, "one") as second:
        assert first.ready is not None and second.ready is not None
        assert first.ready.secret_key == second.ready.secret_key
