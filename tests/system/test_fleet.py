"""Processes: members that die come back, and nobody outlives the one that started them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import stripe

from tests.system.platform import Platform, running
from tests.system.shops import seen


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("fleet"), "processes") as platform:
        yield platform


def children(pid: int) -> dict[str, int]:
    """The members by service, and ``nats``."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        name = words[words.index("serve") + 1] if "serve" in words else "nats"
        found[name] = int(child)
    return found


def lives(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def pays(platform: Platform) -> bool:
    try:
        paid = platform.client().v1.payment_intents.create(
            {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        )
    except stripe.StripeError:
        return False
    return paid.status == "succeeded"


def test_every_service_has_a_process_of_its_own(fleet: Platform) -> None:
    assert set(children(fleet.pid)) == {
        *("identity", "validation", "fraud", "ledger", "accounting", "payments", "notify"),
        *("gateway", "nats", "vault", "checkout"),
    }


@pytest.mark.parametrize(
    "service",
    [
        "ledger",
        "accounting",
        "fraud",
        "vault",
        "payments",
        "checkout",
        "notify",
        "identity",
        "validation",
        "gateway",
    ],
)
def test_a_member_that_dies_comes_back(fleet: Platform, service: str) -> None:
    seen(lambda: service in children(fleet.pid))
    dead = children(fleet.pid)[service]
    os.kill(dead, signal.SIGKILL)
    seen(lambda: children(fleet.pid).get(service, dead) != dead)
    seen(lambda: pays(fleet))


def test_readiness_tells_that_a_service_is_away(fleet: Platform) -> None:
    """RE1."""

    def ready() -> int:
        return httpx.get(f"{fleet.url}/ready", trust_env=False).status_code

    assert ready() == 200
    ledger = children(fleet.pid)["ledger"]
    os.kill(ledger, signal.SIGSTOP)
    try:
        assert ready() == 503
        assert httpx.get(f"{fleet.url}/health", trust_env=False).status_code == 200
    finally:
        os.kill(ledger, signal.SIGCONT)
    assert seen(lambda: ready() == 200)


def test_payments_go_on_after_the_queue_died(fleet: Platform) -> None:
    """MS8."""
    dead = children(fleet.pid)["nats"]
    os.kill(dead, signal.SIGKILL)
    assert pays(fleet)
    seen(lambda: children(fleet.pid).get("nats", dead) != dead)
    paid = fleet.client().v1.payment_intents.create(
        {"amount": 777, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )

    def told() -> bool:
        events = fleet.client().v1.events.list({"type": "payment_intent.succeeded", "limit": 20})
        return any(event.data.object["id"] == paid.id for event in events.data)

    seen(told)


def test_the_books_are_right_after_all_that(fleet: Platform) -> None:
    """MS3."""
    proof = fleet.verify()
    assert proof.returncode == 0, proof.stdout + proof.stderr


@pytest.mark.parametrize("topology", ["one", "processes"])
def test_a_platform_drains_and_exits_with_0(tmp_path: Path, topology: str) -> None:
    """RE2."""
    with running(tmp_path, topology) as platform:
        members = children(platform.pid)
        assert pays(platform)
        assert platform.stop() == 0, platform.log_tail()
        assert not any(lives(pid) for pid in members.values())


def test_nobody_outlives_the_starter(tmp_path: Path) -> None:
    with running(tmp_path, "processes") as platform:
        members = children(platform.pid)
        queue = members.pop("nats")
        os.kill(platform.pid, signal.SIGKILL)
        seen(lambda: not any(lives(pid) for pid in members.values()))
        with running(tmp_path, "processes") as again:
            assert not lives(queue), "the next start ends the server that was left behind"
            assert pays(again)


def test_a_second_platform_on_the_same_data_is_refused_by_name(tmp_path: Path) -> None:
    with running(tmp_path, "one") as platform:
        second = platform.command("up", "--json", "--port", "0")
        assert second.returncode == 2
        assert "is in use" in second.stderr
        assert pays(platform)
