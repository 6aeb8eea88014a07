"""Each fence is silent on the real tree, and catches whoever climbs over it."""

import pytest
from tools.check.__main__ import CHECKS
from tools.check.circles import circles, fence_circles
from tools.check.exceptions import unexcused
from tools.check.plan import fence_assembly, fence_contracts, fence_insides, fence_plan
from tools.check.programs import fence_floors
from tools.check.purity import fence_purity
from tools.check.tree import Tree

from tests.fences.plot import ROOT, Plot

FENCES = [
    fence_floors,
    fence_plan,
    fence_contracts,
    fence_insides,
    fence_assembly,
    fence_purity,
    fence_circles,
]


@pytest.fixture
def plot(tmp_path):
    return Plot(tmp_path)


@pytest.mark.parametrize("fence", FENCES)
def test_the_product_and_an_untouched_copy_break_no_fence(fence, plot):
    name = next(name for name, check in CHECKS.items() if check is fence)
    assert unexcused(name, fence(Tree(ROOT))) == []
    assert plot.found(fence) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("kernel/money.py", "import sycee.runtime.database"),
        ("runtime/database.py", "from sycee.services.identity.contract import MerchantId"),
        ("services/fraud/service.py", "from sycee import gateway"),
        ("gateway/__init__.py", "from sycee import assembly"),
        ("assembly.py", "from sycee import cli"),
    ],
)
def test_1_a_lower_floor_may_not_use_a_higher_one(plot, path, text):
    plot.add("assembly.py", '"""Assembly."""').add("cli.py", '"""Commands."""')
    (complaint,) = plot.add(path, text).found(fence_floors)
    assert "is not allowed to import" in complaint


def test_1_a_part_on_no_floor_is_refused(plot):
    (complaint,) = plot.add("plumbing/__init__.py", '"""Pipes."""').found(fence_floors)
    assert "sycee.plumbing" in complaint


@pytest.mark.parametrize(
    ("path", "text", "complaint"),
    [
        ("services/fraud/helpers.py", "", "no file of this name is in the plan"),
        ("services/fraud/notes/idea.py", "", "no file of this name is in the plan"),
        ("services/loose.py", "", "no file of this name is in the plan"),
        (
            "services/fraud/contract.py",
            "from sycee.services.fraud.domain import judge",
            "contract may not import sycee.services.fraud.domain",
        ),
        (
            "services/fraud/domain.py",
            "from sycee.services.fraud import store",
            "domain may not import sycee.services.fraud.store",
        ),
        (
            "services/fraud/domain/velocity.py",
            "from sycee.runtime.database import Session",
            "domain may not import sycee.runtime.database",
        ),
        (
            "services/fraud/store.py",
            "from ..fraud import service",
            "store may not import sycee.services.fraud.service",
        ),
        (
            "services/fraud/store.py",
            "from sycee.runtime import logs",
            "store may not import sycee.runtime",
        ),
        (
            "services/fraud/service.py",
            "def late():\n    import sycee.services.fraud.app",
            "service may not import sycee.services.fraud.app",
        ),
        (
            "services/fraud/__init__.py",
            "from sycee.services.fraud.contract import Fraud",
            "__init__ may not import sycee.services.fraud.contract",
        ),
    ],
)
def test_2_a_service_keeps_to_its_plan(plot, path, text, complaint):
    (found,) = plot.add(path, text).found(fence_plan)
    assert complaint in found


@pytest.mark.parametrize("part", ["domain", "store", "service", "app"])
def test_3_services_meet_only_at_contracts(plot, part):
    plot.add("services/fraud/service.py", f"from sycee.services.identity import {part}")
    (found,) = plot.found(fence_contracts)
    assert f"not sycee.services.identity.{part}" in found


def test_3_a_service_may_not_take_another_as_a_whole(plot):
    plot.add("services/fraud/service.py", "import sycee.services.identity")
    assert len(plot.found(fence_contracts)) == 1


@pytest.mark.parametrize("part", ["domain", "store", "service"])
@pytest.mark.parametrize("path", ["gateway/door.py", "assembly.py", "cli.py"])
def test_4_the_inside_of_a_service_is_private(plot, path, part):
    plot.add(path, f"from sycee.services.identity.{part} import anything")
    assert plot.found(fence_insides) == [f"sycee.services.identity.{part} is private to identity"]


def test_5_only_the_assembly_builds_services(plot):
    build = "from sycee.services.identity import app as identity_app"
    plot.add("assembly.py", build).add("services/fraud/adapters/list/app.py", "")
    plot.add("services/fraud/app.py", "from sycee.services.fraud.adapters.list.app import build")
    assert plot.found(fence_assembly) == []
    for path in ("gateway/door.py", "cli.py", "services/fraud/app.py"):
        plot.add(path, build)
    assert len(plot.found(fence_assembly)) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("import time", "may not import time"),
        ("from datetime import datetime", "may not import datetime"),
        ("import random", "may not import random"),
        ("from secrets import token_bytes", "may not import secrets"),
        ("import os.path", "may not import os"),
        ("import asyncio", "may not import asyncio"),
        ("from sycee.runtime import database", "may not import sycee.runtime"),
        ("KEPT = open('/etc/hosts')", "may not call open()"),
        ("async def late(call):\n    await call()", "may not wait"),
    ],
)
@pytest.mark.parametrize(
    "path", ["kernel/money.py", "services/fraud/domain.py", "services/identity/contract.py"]
)
def test_6_pure_code_only_computes(plot, path, text, complaint):
    (found,) = plot.add(path, text).found(fence_purity)
    assert complaint in found


def test_7_two_modules_may_not_import_each_other(plot):
    plot.add("kernel/clock.py", "from sycee.kernel import ids")
    assert plot.found(fence_circles) == [
        "circle: sycee.kernel.clock > sycee.kernel.ids > sycee.kernel.clock"
    ]


def test_7_an_import_for_type_checking_counts(plot):
    plot.add("kernel/clock.py", "if TYPE_CHECKING:\n    from sycee.kernel.ids import Ids")
    assert len(plot.found(fence_circles)) == 1


def test_7_two_services_may_not_need_each_other_although_no_module_does(plot):
    plot.add("services/identity/service.py", "from sycee.services.fraud.contract import Fraud")
    assert plot.found(fence_circles) == [
        "circle: sycee.services.fraud > sycee.services.identity > sycee.services.fraud"
    ]


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({}, []),
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"a"}}, [["a"]]),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, [["b", "c"]]),
        ({"a": {"b"}, "b": {"a"}, "c": {"d"}, "d": {"c", "a"}}, [["a", "b"], ["c", "d"]]),
        ({"a": {"b", "c"}, "b": {"a"}, "c": {"a"}}, [["a", "b"]]),
    ],
)
def test_circles_are_found_once_per_knot(graph, found):
    assert circles(graph) == found
