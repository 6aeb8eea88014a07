"""Which templates make sense."""

import pytest
from tests.services.accounting.books import SHOP, move, parameter

from sycee.services.accounting.contract import (
    DefineTemplate,
    NameInvalid,
    ParameterKind,
    Rounding,
    Share,
    Source,
    TemplateInvalid,
)
from sycee.services.accounting.domain.templates.definition import check_template

AMOUNT = parameter("amount", ParameterKind.AMOUNT)
TEXT = parameter("text", ParameterKind.TEXT)
ACCOUNT = parameter("account", ParameterKind.ACCOUNT)
PERCENT = parameter("percent", ParameterKind.PERCENT)
CURRENCY = parameter("currency", ParameterKind.CURRENCY)
ALL = (AMOUNT, TEXT, ACCOUNT, PERCENT, CURRENCY)
GOOD = move(["a"], ["b"], "5")
HALVES = [Share("b", percent="50"), Share("c", percent="50")]


def template(*moves, name="t", version=1, currency="USD", parameters=ALL, description=""):
    return DefineTemplate(SHOP, name, version, currency, parameters, moves, description)


@pytest.mark.parametrize(
    "command",
    [
        template(GOOD),
        template(GOOD, currency="{currency}"),
        template(*[GOOD] * 20),
        template(move(["{account}", "x:{text}:y{text}"], ["{account}"], "{amount}")),
        template(move(["a"], HALVES, "5")),
        template(move(["a"], HALVES, complete=False)),
        template(move(["a"], [Share("b", percent="{percent}"), Share("c", percent="1")], "5")),
        template(move(["a"], [Share("b", percent="5"), Share("c")], "5", rounding=Rounding.FLOOR)),
        template(move(["a"], [Share("b", fixed="5"), Share("c")], "5")),
        template(move([Source("a", up_to="{amount}"), Source("b", unlimited=True)], ["c"], "5")),
    ],
)
def test_what_makes_sense_is_taken(command):
    check_template(command)


@pytest.mark.parametrize(
    ("command", "param"),
    [
        (template(GOOD, version=0), "version"),
        (template(GOOD, version=2**31), "version"),
        (template(GOOD, description="x" * 501), "description"),
        (template(GOOD, parameters=(AMOUNT,) * 51), "parameters"),
        (template(GOOD, parameters=(parameter("A", ParameterKind.TEXT),)), "parameters[0].name"),
        (template(GOOD, parameters=(AMOUNT, AMOUNT)), "parameters[1].name"),
        (template(GOOD, currency="ZZZ"), "currency"),
        (template(GOOD, currency="{amount}"), "currency"),
        (template(GOOD, currency="{nothing}"), "currency"),
        (template(), "moves"),
        (template(*[GOOD] * 21), "moves"),
        (template(move([], ["b"], "5")), "moves[0].sources"),
        (template(move(["a"] * 51, ["b"], "5")), "moves[0].sources"),
        (template(move(["a"], [], "5")), "moves[0].shares"),
        (template(move(["a"], [Share("b")] * 201, "5")), "moves[0].shares"),
        (template(move(["a"], ["b"])), "moves[0].amount"),
        (template(move(["a"], ["b"], "-5")), "moves[0].amount"),
        (template(move(["a"], ["b"], "5.0")), "moves[0].amount"),
        (template(move(["a"], ["b"], str(2**127))), "moves[0].amount"),
        (template(move(["a"], ["b"], "{percent}")), "moves[0].amount"),
        (template(move(["a b"], ["b"], "5")), "moves[0].sources[0].account"),
        (template(move(["{amount}"], ["b"], "5")), "moves[0].sources[0].account"),
        (template(move(["x{account}"], ["b"], "5")), "moves[0].sources[0].account"),
        (template(move(["a:{text"], ["b"], "5")), "moves[0].sources[0].account"),
        (template(move([Source("a", up_to="x")], ["b"], "5")), "moves[0].sources[0].up_to"),
        (
            template(move([Source("a", unlimited=True)], ["b"], "5", complete=False)),
            "moves[0].sources[0].unlimited",
        ),
        (template(move(["a"], [Share("b", "1", "1")], "5")), "moves[0].shares[0]"),
        (template(move(["a"], [Share("b", fixed="x")], "5")), "moves[0].shares[0].fixed"),
        (template(move(["a"], [Share("b", percent="101")], "5")), "moves[0].shares[0].percent"),
        (
            template(move(["a"], [Share("b", percent="1.0000001")], "5")),
            "moves[0].shares[0].percent",
        ),
        (template(move(["a"], ["b", "c"], "5")), "moves[0].shares"),
        (template(move(["a"], [Share("b", fixed="5")], "5")), "moves[0].shares"),
        (template(move(["a"], [Share("b", percent="99")], "5")), "moves[0].shares"),
        (
            template(move(["a"], [Share("b", percent="5"), Share("c")], "5")),
            "moves[0].rounding",
        ),
        (template(move(["a"], HALVES, "5", rounding=Rounding.FLOOR)), "moves[0].rounding"),
        (template(GOOD, move(["a"], HALVES, complete=False)), "moves[1]"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(command, param):
    with pytest.raises(TemplateInvalid) as refusal:
        check_template(command)
    assert refusal.value.param == param


def test_a_template_needs_a_name():
    with pytest.raises(NameInvalid):
        check_template(template(GOOD, name=""))
