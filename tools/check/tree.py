"""The source tree as the checks see it: files, parsed modules, and who imports whom."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

import msgspec

FOLDERS = ("src", "tools", "tests", "bench", "docs", "deploy", "api", "console", ".ci")
PACKAGE = "sycee"


class Finding(msgspec.Struct, frozen=True, order=True):
    """One place that breaks a rule, and how."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Import(msgspec.Struct, frozen=True):
    """A module that another names; imports for type checking count like all others."""

    target: str
    line: int


class Module(msgspec.Struct, frozen=True):
    """One Python file; ``path`` is relative to the root, ``name`` is dotted."""

    path: str
    name: str
    text: str
    syntax: ast.Module

    def finding(self, node: ast.AST | int, text: str) -> Finding:
        """Something wrong at this node or line."""
        line = node if isinstance(node, int) else int(getattr(node, "lineno", 1))
        return Finding(self.path, line, text)


class Tree:
    """A checkout, read once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every file of ours, relative to the root."""
        top = [path for path in self.root.iterdir() if path.is_file()]
        inner = [path for folder in FOLDERS for path in (self.root / folder).rglob("*")]
        names = {str(path.relative_to(self.root)) for path in [*top, *inner] if path.is_file()}
        return tuple(sorted(name for name in names if _is_ours(name)))

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """Every Python file that can be parsed."""
        read = (self._read(name) for name in self.files if name.endswith(".py"))
        return tuple(module for module in read if isinstance(module, Module))

    def broken(self) -> list[Finding]:
        """The Python files that cannot be parsed, of which no other check says anything."""
        read = (self._read(name) for name in self.files if name.endswith(".py"))
        return [finding for finding in read if isinstance(finding, Finding)]

    @cached_property
    def product(self) -> dict[str, Module]:
        """The modules of the product, by dotted name."""
        return {module.name: module for module in self.modules if module.path.startswith("src/")}

    def within(self, *folders: str) -> Iterator[Module]:
        """The modules below these folders."""
        return (module for module in self.modules if module.path.startswith(folders))

    def imports(self, module: Module) -> Iterator[Import]:
        """What a module imports, as full module names where they are ours."""
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from self._from(module, node)

    def _from(self, module: Module, node: ast.ImportFrom) -> Iterator[Import]:
        source = node.module or ""
        if node.level:
            package = module.name.split(".")
            is_package = module.path.endswith("/__init__.py")
            upwards = package[: len(package) - node.level + is_package]
            source = ".".join([*upwards, *filter(None, [source])])
        for alias in node.names:
            longer = f"{source}.{alias.name}"
            yield Import(longer if longer in self.product else source, node.lineno)

    def _read(self, name: str) -> Module | Finding:
        try:
            return self._module(name)
        except SyntaxError as error:
            return Finding(name, error.lineno or 1, error.msg)

    def _module(self, name: str) -> Module:
        text = (self.root / name).read_text()
        parts = list(Path(name).with_suffix("").parts)
        dotted = parts[1:] if parts[0] == "src" else parts
        if dotted[-1] == "__init__":
            dotted.pop()
        return Module(name, ".".join(dotted), text, ast.parse(text, name))


def below(name: str, parents: Iterable[str]) -> bool:
    """Whether a dotted name is one of these, or lies inside one."""
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def _is_ours(name: str) -> bool:
    parts = Path(name).parts
    if len(parts) == 1:
        return not name.startswith(".") or name == ".gitignore"
    hidden = any(part.startswith(".") for part in parts[1:])
    return not hidden and "__pycache__" not in parts and not any("egg-info" in p for p in parts)
