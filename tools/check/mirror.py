"""The mirror: the shape of the code in numbers, beside code that is admired. It is no limit."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tools.check.tree import Module, Tree

SAME_LINES = 6
"""So many equal lines in a row, without blanks, count as copied."""

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


class Function(msgspec.Struct, frozen=True):
    """One function, measured; its docstring does not count."""

    place: str
    lines: int
    parameters: int
    depth: int


def report(tree: Tree) -> str:
    """All figures of the product, as a table."""
    modules = [module for module in tree.modules if module.path.startswith("src/")]
    functions = [one for module in modules for one in functions_of(module)]
    sizes = [len(module.text.splitlines()) for module in modules]
    longest = max(functions, key=lambda one: one.lines)
    largest = max(modules, key=lambda one: len(one.text.splitlines()))
    widest = max(functions, key=lambda one: one.parameters)
    deepest = max(functions, key=lambda one: one.depth)
    rows = [
        ("the mirror", "p50", "p90", "max", "admired", "the largest"),
        ("lines in a function", *spread([one.lines for one in functions]), "5-8, 24-31",
         longest.place),
        ("lines in a file", *spread(sizes), "< 400", largest.path),
        ("parameters", *spread([one.parameters for one in functions]), "<= 5", widest.place),
        ("nesting", *spread([one.depth for one in functions]), "<= 2", deepest.place),
    ]  # fmt: skip
    copied = f"copied lines: {duplicated_percent(modules):.1f} % (admired: about 1 %)"
    total = f"{len(modules)} files, {len(functions)} functions, {sum(sizes)} lines"
    return "\n".join([*_columns(rows), f"{copied}; {total}", coverage(tree.root)])


def functions_of(module: Module) -> Iterator[Function]:
    """Every function and method of a module."""
    for node in ast.walk(module.syntax):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(
                place=f"{module.path}:{node.lineno} {node.name}",
                lines=_lines(node),
                parameters=len([*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]),
                depth=_depth(node),
            )


def spread(values: Sequence[int]) -> tuple[str, str, str]:
    """Median, ninetieth percentile and maximum."""
    ordered = sorted(values)
    middle, high = ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10]
    return str(middle), str(high), str(ordered[-1])


def duplicated_percent(modules: Sequence[Module]) -> float:
    """How many of a hundred lines stand, with their neighbours, somewhere else too."""
    seen: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    texts = [_significant(module) for module in modules]
    for number, text in enumerate(texts):
        for start in range(len(text) - SAME_LINES + 1):
            window = tuple(text[start : start + SAME_LINES])
            seen.setdefault(window, []).append((number, start))
    copied = {
        (number, start + step)
        for places in seen.values()
        if len(places) > 1
        for number, start in places
        for step in range(SAME_LINES)
    }
    return 100 * len(copied) / max(1, sum(map(len, texts)))


def coverage(root: Path) -> str:
    """What the last whole run of the tests covered, if its record is there."""
    record = root / ".coverage"
    if not record.exists():
        return "coverage: not measured yet (./sycee test measures it)"
    from coverage import Coverage

    measured = Coverage(data_file=str(record), config_file=str(root / "pyproject.toml"))
    measured.load()
    kept = [name for name in measured.get_data().measured_files() if Path(name).exists()]
    if not kept:
        return "coverage: of other code than this"
    percent = measured.report(morfs=kept, file=io.StringIO())
    return f"coverage: {percent:.1f} % of lines and branches, when last measured"


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    text = node.body[0] if ast.get_docstring(node) else None
    described = (text.end_lineno or text.lineno) - text.lineno + 1 if text else 0
    return end - node.lineno + 1 - described


def _depth(node: ast.AST) -> int:
    inner = [_depth(child) for child in ast.iter_child_nodes(node)]
    return max(inner, default=0) + isinstance(node, _BLOCKS)


def _significant(module: Module) -> list[str]:
    stripped = (line.strip() for line in module.text.splitlines())
    return [line for line in stripped if line and not line.startswith(("#", "import ", "from "))]


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
