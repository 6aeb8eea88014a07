"""Scripts as they are written: what is refused, what is matched."""

from pathlib import Path

import msgspec
import pytest

from sycee.kernel.money import Money
from sycee.runtime.config import ConfigurationInvalid
from sycee.services.payments.adapters.chaos.script import (
    BUILT_IN,
    Asked,
    Fault,
    Phase,
    Rule,
    Script,
    script_of,
)
from sycee.services.payments.adapters.rail import Operation, Order

PAY = Order("att_1", Operation.PAY, "visa.card_1", Money(500, "USD"))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_script_is_found_by_its_name_and_can_be_written_as_json(name):
    written = msgspec.json.encode(script_of(name))
    assert msgspec.json.decode(written, type=Script) == BUILT_IN[name]


def test_a_script_is_read_from_a_file(tmp_path):
    file = tmp_path / "script.json"
    file.write_text('{"seed": "s", "phases": [{"for_s": 2, "rules": [{"fault": "down"}]}]}')
    assert script_of(str(file)) == Script((Phase((Rule(Fault.DOWN),), for_s=2),), "s")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "lossy, outage, slow, storm"),
        ('{"phases": [{"rules": [{"fault": "rain"}]}]}', "rain"),
        ('{"phases": [{"rules": [{"fault": "down", "per_mille": 1001}]}]}', "1000"),
        ('{"phases": [{"rules": [{"fault": "down", "when": 1}]}]}', "when"),
        ('{"phases": [{"for_orders": 0}]}', "for_orders"),
        ('{"phases": [{"rules": [{"fault": "twice", "asked": ["query"]}]}]}', "but down"),
        ("no json", "malformed"),
    ],
)
def test_a_script_that_cannot_be_taken_is_refused_with_the_reason(tmp_path, text, says):
    file = tmp_path / "script.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationInvalid, match=says):
        script_of(str(file))


@pytest.mark.parametrize(
    ("aim", "is_hit"),
    [
        ({}, True),
        ({"asked": (Asked.PAY,)}, True),
        ({"asked": (Asked.CAPTURE, Asked.VOID)}, False),
        ({"cards": ("visa",)}, True),
        ({"cards": ("amex",)}, False),
        ({"amount_minor_min": 500, "amount_minor_max": 500}, True),
        ({"amount_minor_min": 501}, False),
        ({"amount_minor_max": 499}, False),
    ],
)
def test_a_rule_is_about_what_it_names(aim, is_hit):
    assert Rule(Fault.DOWN, **aim).matches(Asked.PAY, PAY) is is_hit


def test_only_a_rule_that_names_queries_is_about_them():
    assert not Rule(Fault.DOWN).matches(Asked.QUERY, None)
    assert Rule(Fault.DOWN, asked=(Asked.QUERY,)).matches(Asked.QUERY, None)


def test_the_script_in_the_guide_can_be_taken():
    guide = Path(__file__).parents[5] / "docs" / "guides" / "chaos.md"
    written = guide.read_text().split("```json\n")[1].split("```")[0]
    assert [phase.for_orders for phase in msgspec.json.decode(written, type=Script).phases] == [
        None,
        100,
    ]
