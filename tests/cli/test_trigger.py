"""Every built-in fixture makes its event happen, on a real platform."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from sycee.assembly.failures import CannotStart
from sycee.cli import fixtures, trigger
from sycee.cli.fixtures.changes import place, place_and_value
from sycee.cli.fixtures.walk import StepFailed
from sycee.cli.fixtures.written import FixtureInvalid, built_in
from sycee.services.notify.domain.types import TYPES
from tests.cli.ran import Receiver, receiver
from tests.system.platform import Platform, running

OUT_OF_REACH = {
    "charge.expired": "takes days",
    "charge.pending": "no rail of ours leaves a charge pending",
    "payment_intent.processing": "depends on how fast the rail answers",
    "payment_method.automatically_updated": "no network updates test cards",
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("trigger"), "one") as platform:
        yield platform


@pytest.fixture(scope="module")
def shop(platform: Platform) -> Iterator[Receiver]:
    with receiver() as shop:
        platform.client().v1.webhook_endpoints.create({"url": shop.url, "enabled_events": ["*"]})
        yield shop


def options(platform: Platform, **more: object) -> Namespace:
    assert platform.ready is not None
    given: dict[str, object] = {"url": platform.url, "key": platform.ready.secret_key}
    lists: dict[str, object] = {"override": [], "add": [], "remove": [], "skip": []}
    return Namespace(**{"edit": False, "list": False} | given | lists | more)


def last(platform: Platform, type: str) -> str:
    events = platform.client().v1.events.list({"type": type, "limit": 1}).data
    return events[0].id if events else ""


def wait_for(shop: Receiver, type: str, former: str) -> None:
    """Take webhooks until there is one of this type that is younger than the former one."""
    while True:
        event = msgspec.json.decode(shop.next().body)
        if event["type"] == type and event["id"] > former:
            return


def test_there_is_a_fixture_for_every_type_within_reach():
    assert set(built_in()) == TYPES - OUT_OF_REACH.keys()


@pytest.mark.parametrize("event", built_in())
def test_a_built_in_fixture_makes_its_event_happen(platform: Platform, shop: Receiver, event: str):
    former = last(platform, event)
    assert trigger.run(options(platform, event=event)) == 0
    wait_for(shop, event, former)


def test_the_command_line_changes_the_steps(platform: Platform):
    trigger.run(
        options(
            platform,
            event="customer.updated",
            override=[place_and_value("customer:name=Grace Hopper")],
            add=[
                place_and_value("customer:address[city]=Arlington"),
                place_and_value("customer:email=not@taken.example"),
            ],
            remove=[place("customer:description")],
            skip=["customer_updated"],
        )
    )
    customer = platform.client().v1.customers.list({"limit": 1}).data[0]
    assert customer.address is not None
    assert (customer.name, customer.address.city) == ("Grace Hopper", "Arlington")
    assert (customer.email, customer.description) == ("ada@example.com", None)
    assert customer.metadata is not None
    assert customer.metadata.to_dict() == {}


def test_a_file_refers_to_answers_and_to_the_environment(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SHOE", "left")
    step = {
        "name": "changed",
        "path": "/v1/customers/${customer:id}",
        "params": {
            "metadata": {
                "shoe": "${.env:SHOE}",
                "other": "${.env:NO_SUCH_SHOE|right}",
                "test": "is live: ${customer:livemode}",
            }
        },
    }
    listed = {
        "name": "listed",
        "method": "get",
        "path": "/v1/customers",
        "params": {"limit": 1},
    }
    again = {"name": "again", "path": "/v1/customers/${listed:data.0.id}", "method": "get"}
    path = tmp_path / "shoes.json"
    path.write_bytes(
        msgspec.json.encode(
            {"_meta": {"template_version": 0}, "begin_with": "customer.created"}
            | {"fixtures": [step, listed, again]}
        )
    )
    assert fixtures.run(options(platform, file=path)) == 0
    customer = platform.client().v1.customers.list({"limit": 1}).data[0]
    assert customer.metadata is not None
    assert customer.metadata.to_dict() == {
        "shoe": "left",
        "other": "right",
        "test": "is live: false",
    }


def test_steps_can_be_edited_first(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace('Ada Lovelace', 'Edited'))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
    trigger.run(options(platform, event="customer.created", edit=True))
    assert platform.client().v1.customers.list({"limit": 1}).data[0].name == "Edited"


def test_a_step_that_is_refused_ends_it_with_the_platforms_words(platform: Platform):
    wrong = [place_and_value("payment_intent:amount=-1")]
    with pytest.raises(StepFailed, match=r"^payment_intent: \[400\] "):
        trigger.run(options(platform, event="charge.refunded", override=wrong))


def test_a_refusal_that_was_expected_and_did_not_come_fails(platform: Platform):
    good = [place_and_value("payment_intent:payment_method=pm_card_visa")]
    with pytest.raises(StepFailed, match="although card_error was expected"):
        trigger.run(options(platform, event="charge.failed", override=good))


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1", "whatever"])
def test_only_test_keys_are_taken(platform: Platform, key: str):
    given = options(platform, event="customer.created")
    given.key = key
    with pytest.raises(CannotStart, match="test keys only"):
        trigger.run(given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no fixture"),
        ("{}", "has no steps"),
        ('{"begin_with": "no.such"}', "There is no fixture for no.such"),
        ('{"fixtures": [{"name": "a", "path": "/", "method": "put"}]}', "is no fixture"),
        ('{"fixtures": [{"name": "a", "path": "/"}, {"name": "a", "path": "/"}]}', "two steps"),
        ('{"fixtures": [{"name": "a", "path": "/${b:id}"}]}', r"\$\{b:id\} leads nowhere"),
    ],
)
def test_a_file_that_cannot_be_walked_is_refused(
    platform: Platform, tmp_path: Path, text: str, says: str
):
    path = tmp_path / "wrong.json"
    path.write_text(text)
    with pytest.raises(FixtureInvalid, match=says):
        fixtures.run(options(platform, file=path))


def test_a_step_that_is_not_there_is_told(platform: Platform):
    with pytest.raises(FixtureInvalid, match="no step nobody; there are customer"):
        trigger.run(options(platform, event="customer.created", skip=["nobody"]))
