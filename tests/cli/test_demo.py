import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from sycee.cli.demo import tie
from sycee.cli.demo.shop import Shop
from sycee.cli.demo.till import Till
from sycee.cli.demo.visits import Kind, Visit, visits
from sycee.cli.exchange import NoAnswer, exchange
from tests.cli.ran import ROOT, ran
from tests.cli.ran import running as ran_on
from tests.system.platform import Platform, running


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("demo") / "data", "one") as platform:
        yield platform


def test_a_day_on_a_platform_of_its_own_ties_to_the_cent(tmp_path: Path):
    """MS3."""
    done = ran(tmp_path, "demo", "--payments", "40", "--data", "kept")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every sum ties: the net to the balance, the ledger's turnover" in done.stdout
    assert "WRONG" not in done.stdout
    assert "40 visits to a shop at http://127.0.0.1:" in done.stderr
    assert "seed 20260501" in done.stderr
    assert [line for line in done.stderr.splitlines() if " of 40" in line][-1] == "40 of 40"
    assert (tmp_path / "kept" / "ledger.sqlite").exists()


def test_a_day_on_a_process_per_service_ties_and_all_of_them_stop_in_order(tmp_path: Path):
    """MS3."""
    done = ran(tmp_path, "demo", "--payments", "15", "--topology", "processes")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_shows_a_true_day(tmp_path: Path):
    page = (ROOT / "docs" / "guides" / "demo.md").read_text()
    (shown,) = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    done = ran(tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout in shown


def test_a_temporary_platform_leaves_nothing_behind(tmp_path: Path):
    done = ran(tmp_path, "demo", "--payments", "3", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_used_platform_is_compared_by_what_the_day_added(platform: Platform, tmp_path: Path):
    words = ["demo", "--payments", "15", "--url", platform.url, "--data", str(platform.data)]
    for _ in range(2):
        done = ran(tmp_path, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "and the books are right." in done.stdout


def test_money_that_the_shop_does_not_know_of_is_found(platform: Platform):
    client, till = platform.client(), Till()
    before = tie.balance(client)
    shop = Shop(client, till, "day-with-a-secret")
    assert shop.open()
    for visit in visits(1, 5):
        shop.serve(visit)
    client.v1.payment_intents.create(
        {"amount": 50_00, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    assert till.problems == []
    column = tie.Column("balance", tie.risen(before, tie.balance(client)), tie.net(till.takings))
    (problem,) = column.wrong()
    assert "USD" in problem


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_visit_goes_as_a_shop_expects(platform: Platform, kind: Kind):
    till = Till()
    shop = Shop(platform.client(), till, f"day-of-{kind.value}")
    assert shop.open()
    shop.serve(next(visit for visit in visits(5, 40) if visit.kind is kind))
    assert till.problems == []
    assert till.outcomes


def test_an_unexpected_answer_is_written_down_and_the_day_goes_on(platform: Platform):
    till = Till()
    shop = Shop(platform.client(), till, "day-of-surprises")
    visit = visits(1, 1)[0]
    bad = Visit(1, Kind.PAY, visit.amount, "pm_card_chargeDeclined", "pm_card_visa", 0, 50)
    shop.serve(bad)
    shop.serve(Visit(2, Kind.DECLINED_AND_GONE, visit.amount, "x", "pm_card_visa", 0, 50))
    assert [problem.partition(":")[0] for problem in till.problems] == [
        f"visit 1, pay, {visit.amount}",
        f"visit 2, declined_and_gone, {visit.amount}",
    ]


def test_a_platform_that_does_not_answer_is_told_in_one_line(tmp_path: Path):
    done = ran(tmp_path, "demo", "--url", "http://127.0.0.1:9", "--key", "sk_test_1")
    assert (done.returncode, done.stderr) == (2, "sycee: http://127.0.0.1:9 does not answer.\n")


def test_a_wrong_key_is_told_in_one_line(platform: Platform, tmp_path: Path):
    done = ran(tmp_path, "demo", "--url", platform.url, "--key", "sk_test_wrong")
    assert done.returncode == 2
    assert "does not let us in: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_day_on_which_nothing_works_ends_with_its_problems(tmp_path: Path):
    with running(tmp_path / "data", "one", "testcard.outage=true") as away:
        done = ran(tmp_path, "demo", "--url", away.url, "--key", away.ready.secret_key)
    assert done.returncode == 1
    assert "WRONG the shop could not open: " in done.stdout
    assert "Traceback" not in done.stderr


def test_a_demo_that_is_ended_ends_its_platform(tmp_path: Path):
    with ran_on(tmp_path, "demo", "--payments", "5000", "--data", "kept") as demo:
        while "visits to a shop at" not in (line := demo.line()):
            assert line
        url = line.partition(" at ")[2].partition(",")[0]
        assert exchange("GET", f"{url}/healthz").status
        assert demo.stop(signal.SIGTERM) == 130
    with pytest.raises(NoAnswer):
        exchange("GET", f"{url}/healthz")
