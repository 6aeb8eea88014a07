"""Every check of our own catches what it is for, and lets pass what it should."""

import ast

import pytest
from tools.check import contracts, generated, lines, mirror, money, names, programs
from tools.check.__main__ import CHECKS
from tools.check.exceptions import EXCEPTIONS, Exempt, unexcused
from tools.check.tree import Finding, Module, Tree

from tests.fences.plot import ROOT

CONTRACT = "src/sycee/services/lunch/contract.py"
DOMAIN = "src/sycee/services/ledger/domain/move.py"
DOOR = "src/sycee/gateway/door.py"
TEST = "tests/test_door.py"


def planted(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return Tree(root)


def module(text):
    return Module("src/sycee/one.py", "sycee.one", text, ast.parse(text))


PROTOCOL = 'class Lunch(Protocol):\n    """Eat."""\n\n'


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (contracts.contracts_documented, CONTRACT, "class Dish: ..."),
        (
            contracts.contracts_documented,
            CONTRACT,
            'class Dish:\n    """Food."""\n    fee: int\n    """In minor units."""\n    tip: int\n'
            "    timeout: float | None = None\n",
        ),
        (
            contracts.contracts_documented,
            CONTRACT,
            f"{PROTOCOL}    @refuses(NotHungry)\n    async def eat(self, it: Dish) -> Dish: ...",
        ),
        (
            contracts.contracts_documented,
            CONTRACT,
            f'{PROTOCOL}    async def eat(self, command: Dish) -> Dish:\n        """Eat."""',
        ),
        (Tree.broken, DOOR, "def door(:"),
        (names.names_sensible, "src/sycee/gateway/door_utils.py", ""),
        (names.names_sensible, "tests/common/test_door.py", ""),
        (names.names_sensible, "tools/ledger_v2.py", ""),
        (names.names_sensible, DOOR, "class DoorManager: ..."),
        (names.names_sensible, DOOR, "class HTTPBase: ..."),
        (names.names_sensible, DOOR, "async def process(request): ..."),
        (money.no_float_near_money, DOMAIN, "HALF = 0.5"),
        (money.no_float_near_money, DOMAIN, "def half(number):\n    return number / 2"),
        (money.no_float_near_money, DOMAIN, "def half(number):\n    number /= 2"),
        (money.no_float_near_money, DOMAIN, "def half(number):\n    return float(number)"),
        (money.no_float_near_money, "src/sycee/kernel/money.py", "rate: float"),
        (money.no_float_near_money, DOOR, "def show(amount_minor: float): ..."),
        (money.no_float_near_money, DOOR, "fee = 0.3"),
        (money.no_float_near_money, DOOR, "total_amount = float(text)"),
        (money.no_float_near_money, DOOR, "charge(amount=1.5)"),
        (money.no_float_near_money, DOOR, "class A:\n    price: float | None = None"),
        (lines.sql_at_home, DOOR, 'FIND = "SELECT id FROM merchants"'),
        (lines.sql_at_home, DOOR, 'run("UPDATE merchants SET body = ?", 1)'),
        (lines.sql_at_home, "src/sycee/services/fraud/service.py", 'A = """\nDELETE FROM a"""'),
        (lines.no_forbidden_line, "docs/start.md", "pip install -i https://py" + "pi.org/simple"),
        (
            lines.no_forbidden_line,
            "requirements.lock",
            "# from https://files.python" + "hosted.org",
        ),
        (lines.no_forbidden_line, ".ci/run", "cd /ro" + "ot/sycee"),
        (lines.no_forbidden_line, TEST, 'PATH = "/wo' + 'rk/main"'),
        (lines.no_forbidden_line, DOOR, '"PRAGMA synchronous=' + 'NORMAL"'),
        (lines.no_forbidden_line, DOOR, '"PRAGMA synchronous' + ' = off"'),
        (lines.no_sleep_in_tests, TEST, "time.sleep(0.1)"),
        (lines.no_sleep_in_tests, TEST, "async def test():\n    await sleep(delay)"),
        (lines.no_sleep_in_tests, "tests/faults/test_disk.py", "time.sleep(0.1)"),
        (lines.no_sleep_in_tests, "tests/faults/lab/test_disk.py", "time.sleep(0.1)"),
        (lines.no_any, DOOR, "from typing import Any\nX: Any = 1"),
        (lines.no_any, "tools/one.py", "import typing\nX: typing.Any = 1"),
    ],
)
def test_a_violation_is_found(tmp_path, check, path, text):
    (finding,) = check(planted(tmp_path, path, text))
    assert finding.path == path


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (
            contracts.contracts_documented,
            CONTRACT,
            'class Dish:\n    """Food, with a ``score`` 0-10."""\n    score: int\n'
            "    timeout_s: int\n    amount: Money\n\n\n"
            f"{PROTOCOL}"
            '    async def eat(self, command: Dish) -> Dish:\n        """Eat. Never refuses."""\n',
        ),
        (names.names_sensible, "src/sycee/runtime/database.py", "class Database: ..."),
        (names.names_sensible, DOOR, "def process_tree(root): ..."),
        (money.no_float_near_money, DOMAIN, "def half(number):\n    return number // 2"),
        (money.no_float_near_money, DOOR, "timeout_s: float = 0.5"),
        (lines.sql_at_home, "src/sycee/services/fraud/store.py", 'A = "DELETE FROM a"'),
        (lines.sql_at_home, DOOR, '"""Select a door from the list; update it, set it."""'),
        (lines.no_forbidden_line, DOOR, '"PRAGMA synchronous = FULL"'),
        (lines.no_forbidden_line, DOOR, '"https://example.com/home/page"'),
        (lines.no_sleep_in_tests, TEST, "async def test():\n    await asyncio.sleep(0)"),
        (lines.no_sleep_in_tests, "tests/faults/lab/crowd.py", "time.sleep(0.1)"),
        (lines.no_any, "src/sycee/runtime/rpc/wire.py", "X: Any = 1"),
    ],
)
def test_what_is_right_passes(tmp_path, check, path, text):
    assert check(planted(tmp_path, path, text)) == []


def test_a_generated_file_that_differs_is_found(tmp_path):
    tree = planted(tmp_path, "api/a.json", "old")
    files = {"api/a.json": lambda: b"new", "api/absent.json": lambda: b""}
    assert [finding.path for finding in generated.compare(tree, files)] == list(files)
    assert generated.compare(tree, {"api/a.json": lambda: b"old"}) == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (programs.ruff_lint, '"""One."""\n\nimport os\n'),
        (programs.ruff_format, '"""One."""\n\nA  =  1\n'),
        (programs.mypy, '"""One."""\n\nA: int = "one"\n'),
    ],
)
def test_what_another_program_finds_is_found(tmp_path, check, text):
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    planted(tmp_path, "tools/__init__.py", '"""Tools."""\n')
    tree = planted(tmp_path, "src/sycee/__init__.py", text)
    findings = check(tree)
    assert findings
    assert "sycee/__init__.py" in str(findings[0])
    assert check(planted(tmp_path, "src/sycee/__init__.py", '"""One."""\n')) == []


def test_a_file_that_cannot_be_parsed_is_left_to_one_check(tmp_path):
    planted(tmp_path, DOOR, "def door(:")
    tree = planted(tmp_path, "src/sycee/gateway/wall.py", "class WallManager: ...")
    assert [finding.path for finding in names.names_sensible(tree)] == ["src/sycee/gateway/wall.py"]


def test_an_exception_excuses_its_own_finding_alone():
    finding, other = Finding("a.py", 1, "waits"), Finding("b.py", 1, "waits")
    exempt = Exempt("sleep", "a.py", "because")
    assert unexcused("sleep", [finding, other], [exempt]) == [other]
    assert unexcused("names", [finding], [exempt]) == [finding]


def test_an_exception_that_excuses_nothing_is_a_finding():
    (finding,) = unexcused("sleep", [], [Exempt("sleep", "a.py", "because")])
    assert "not needed any more" in finding.text


def test_every_exception_names_a_check_and_a_reason():
    assert all(exempt.check in CHECKS and exempt.reason for exempt in EXCEPTIONS)


def test_the_mirror_measures_functions():
    text = (
        'def f(a, *, b):\n    """Text.\n\n    More."""\n'
        "    if a:\n        for c in b:\n            pass\n"
    )
    (function,) = mirror.functions_of(module(text))
    assert (function.lines, function.parameters, function.depth) == (4, 2, 2)


def test_the_mirror_sees_what_was_copied():
    once = "\n".join(f"a{number} = {number}" for number in range(6))
    other = "\n".join(f"b{number} = {number}" for number in range(12))
    assert mirror.duplicated_percent([module(once), module(other)]) == 0
    assert mirror.duplicated_percent([module(once), module(f"{once}\n{other}")]) == 50


def test_the_mirror_reports_on_the_product():
    report = mirror.report(Tree(ROOT))
    assert "lines in a function" in report
    assert "copied lines" in report


def test_relative_imports_are_resolved(tmp_path):
    planted(tmp_path, "src/sycee/__init__.py", "")
    planted(tmp_path, "src/sycee/gateway/__init__.py", "from . import door")
    tree = planted(tmp_path, DOOR, "from .. import gateway\nfrom . import door as same")
    targets = {
        name: [found.target for found in tree.imports(one)] for name, one in tree.product.items()
    }
    assert targets["sycee.gateway"] == ["sycee.gateway.door"]
    assert targets["sycee.gateway.door"] == ["sycee.gateway", "sycee.gateway.door"]
