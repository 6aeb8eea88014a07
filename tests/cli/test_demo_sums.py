import msgspec

from sycee.cli.demo import report, tie
from sycee.cli.demo.platform import Proof
from sycee.cli.demo.tie import Column
from sycee.cli.demo.till import Till
from sycee.cli.demo.visits import Kind, part, visits
from sycee.kernel.money import Currency, Money

USD, JPY, KWD = Currency("USD"), Currency("JPY"), Currency("KWD")


def till_of_a_day() -> Till:
    till = Till()
    till.took(Money(20_00, USD), 88)
    till.took(Money(5_00, USD), 45)
    till.gave_back(Money(3_00, USD))
    till.took(Money(1_234, KWD), 336)
    return till


def test_net_is_what_was_captured_less_fees_and_refunds():
    assert tie.net(till_of_a_day().takings) == {USD: 20_00 + 5_00 - 88 - 45 - 3_00, KWD: 898}


def test_turnover_counts_payments_and_refunds_twice_and_fees_once():
    assert tie.turnover(till_of_a_day().takings)[USD] == 2 * 25_00 + 133 + 2 * 3_00


def test_a_column_that_agrees_has_nothing_wrong():
    assert list(Column("balance", {USD: 10, JPY: 0}, {USD: 10}).wrong()) == []


def test_a_cent_of_difference_is_named_with_both_amounts():
    (problem,) = Column("balance", {USD: 10_00, JPY: 7}, {USD: 10_01, JPY: 7}).wrong()
    assert problem == "balance: 10.00 USD, but by the shop's own books 10.01 USD"


def test_a_currency_that_only_one_side_knows_is_wrong():
    assert len(list(Column("balance", {}, {JPY: 1}).wrong())) == 1
    assert len(list(Column("balance", {KWD: 1}, {}).wrong())) == 1


def test_a_used_platform_is_compared_by_what_rose():
    assert tie.risen({USD: 100, JPY: 5}, {USD: 130, KWD: 7}) == {USD: 30, JPY: -5, KWD: 7}


def test_a_proof_with_a_finding_or_uneven_sums_is_wrong():
    assert list(_proof(debits=5, credits=5).wrong()) == []
    assert len(list(_proof(debits=5, credits=4).wrong())) == 1
    assert list(_proof(5, 5, "account 7").wrong()) == ["verify: account 7: is off by one"]


def test_the_report_names_every_problem_and_never_praises_then():
    columns = [Column("balance", {USD: 1}, {USD: 2})]
    text = report.day(till_of_a_day(), columns, True, ["balance: 0.01 USD"])
    assert "WRONG balance: 0.01 USD" in text
    assert text.endswith("1 wrong.\n")
    assert "ties" not in text


def test_amounts_are_shown_with_the_digits_of_their_currency():
    text = report.day(till_of_a_day(), [Column("balance", {JPY: 300, KWD: 898}, {})], True, [])
    assert "1.234" in text
    assert "25.00" in text
    assert " 300\n" in text


def test_the_same_seed_brings_the_same_day():
    assert visits(7, 60) == visits(7, 60)
    assert visits(7, 60) != visits(8, 60)


def test_a_day_has_every_kind_of_visit_and_every_currency():
    day = visits(1, 40)
    assert {visit.kind for visit in day} == set(Kind)
    assert {visit.amount.currency for visit in day} == {"USD", "EUR", "GBP", "JPY", "KWD"}


def test_a_part_is_less_than_the_whole_and_more_than_nothing():
    assert all(0 < part(visit).minor < visit.amount.minor for visit in visits(3, 200))


def _proof(debits: int, credits: int, row: str = "") -> Proof:
    findings = [{"row": row, "problem": "is off by one"}] if row else []
    lines = [{"currency": "USD", "debits": debits, "credits": credits}]
    return msgspec.convert({"lines": lines, "findings": findings}, Proof)
