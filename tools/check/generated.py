"""What is generated and committed is what would be generated now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tools.check.tree import Finding, Tree

Generate = Callable[[], bytes]
ROOT = Path(__file__).resolve().parents[2]


def registry() -> Mapping[str, Generate]:
    """Every generated file and what makes its contents. Add a line for a new one."""
    # Imported here, so that checks which need no product run although it cannot be imported.
    from sycee.assembly import reference
    from sycee.gateway.app import documented_routes
    from sycee.gateway.grpc import generate, schema
    from sycee.gateway.openapi.document import encoded

    files: dict[str, Generate] = {
        "api/openapi.json": lambda: encoded(documented_routes()),
        str(reference.FILE.relative_to(ROOT)): lambda: reference.page().encode(),
    }
    for path, contents in generate.generated(schema.known_numbers()).items():
        files[str(path.relative_to(ROOT))] = partial(bytes, contents)
    return files


def generated_up_to_date(tree: Tree) -> list[Finding]:
    """Every generated file of the registry."""
    return compare(tree, registry())


def compare(tree: Tree, files: Mapping[str, Generate]) -> list[Finding]:
    """Which committed files differ from what is generated."""
    return [
        Finding(name, 1, "differs from what is generated: generate it again and commit")
        for name, generate in files.items()
        if not (tree.root / name).exists() or (tree.root / name).read_bytes() != generate()
    ]
