"""Fences 2 to 5: every service follows the plan, and meets others only at their contracts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

import msgspec

from tools.check.tree import Finding, Import, Module, Tree, below

SERVICES = "sycee.services"
KERNEL = "sycee.kernel"
RUNTIME = "sycee.runtime"
ASSEMBLY = "sycee.assembly"


class Part(msgspec.Struct, frozen=True):
    """What one file of the plan (or the folder of that name) may import beside kernel and
    contracts: files of its own service, and parts of the runtime."""

    own: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()


_ALL = (RUNTIME,)
PLAN: dict[str, Part] = {
    "__init__": Part(),
    "contract": Part(own=("contract",)),
    "domain": Part(own=("contract", "domain")),
    "store": Part(own=("contract", "domain", "store"), runtime=(f"{RUNTIME}.database",)),
    "adapters": Part(own=("contract", "domain", "adapters"), runtime=_ALL),
    "service": Part(
        own=("contract", "domain", "store", "adapters", "service", "jobs"), runtime=_ALL
    ),
    "jobs": Part(own=("contract", "domain", "store", "adapters", "service", "jobs"), runtime=_ALL),
    "app": Part(
        own=("contract", "domain", "store", "adapters", "service", "jobs", "app"), runtime=_ALL
    ),
}
"""The plan of every service (architecture, "The plan of every service")."""

_FOLDERS_OF_SQL = ("migrations",)


def _place(name: str) -> tuple[str, str] | None:
    """The service and the part that a module of a service belongs to."""
    parts = name.split(".")
    if parts[:2] != SERVICES.split(".") or len(parts) < 3:
        return None
    return parts[2], parts[3] if len(parts) > 3 else "__init__"


def _walls(tree: Tree) -> Iterator[tuple[Module, Import]]:
    """Every import of the product by the product."""
    for module in tree.product.values():
        for found in tree.imports(module):
            if below(found.target, ["sycee"]):
                yield module, found


def fence_plan(tree: Tree) -> list[Finding]:
    """Fence 2: a service consists of the plan's files, and each imports what the plan lets it."""
    findings = [*_strangers(tree)]
    for module, found in _walls(tree):
        here, there = _place(module.name), _place(found.target)
        if here is None or below(found.target, [KERNEL]):
            continue
        service, part = here
        allowed = PLAN.get(part, Part())
        if there is not None and there[0] == service:
            is_allowed = there[1] in allowed.own
        elif there is not None:
            is_allowed = part != "__init__"  # fence 3 says where
        else:
            is_allowed = below(found.target, allowed.runtime)
        if not is_allowed:
            findings.append(module.finding(found.line, f"{part} may not import {found.target}"))
    return findings


def _strangers(tree: Tree) -> Iterator[Finding]:
    home = PurePath("src", *SERVICES.split("."))
    for name in tree.files:
        path = PurePath(name)
        if not path.is_relative_to(home) or path == home / "__init__.py":
            continue
        first = path.relative_to(home).parts[1:2]
        part = first[0].removesuffix(".py") if first else path.name
        is_sql = path.name == "schema.sql" or (part in _FOLDERS_OF_SQL and path.suffix == ".sql")
        if part not in PLAN and not is_sql:
            yield Finding(name, 1, "no file of this name is in the plan of a service")


def fence_contracts(tree: Tree) -> list[Finding]:
    """Fence 3: a service imports nothing of another but its contract."""
    findings = []
    for module, found in _walls(tree):
        here, there = _place(module.name), _place(found.target)
        if here is None or there is None or here[0] == there[0]:
            continue
        if there[1] != "contract":
            text = f"{here[0]} may only import the contract of {there[0]}, not {found.target}"
            findings.append(module.finding(found.line, text))
    return findings


def fence_insides(tree: Tree) -> list[Finding]:
    """Fence 4: outside of services nothing is seen of one but its contract and how it is built."""
    findings = []
    for module, found in _walls(tree):
        there = _place(found.target)
        if there is None or _place(module.name) is not None:
            continue
        if there[1] != "contract" and not found.target.endswith(".app"):
            text = f"{found.target} is private to {there[0]}"
            findings.append(module.finding(found.line, text))
    return findings


def fence_assembly(tree: Tree) -> list[Finding]:
    """Fence 5: only the assembly builds services; a service may build its own adapters."""
    findings = []
    for module, found in _walls(tree):
        there = _place(found.target)
        if there is None or not found.target.endswith(".app"):
            continue
        own = f"{SERVICES}.{there[0]}"
        if not below(module.name, [ASSEMBLY, own]):
            text = f"only the assembly builds services, not {module.name}"
            findings.append(module.finding(found.line, text))
    return findings
