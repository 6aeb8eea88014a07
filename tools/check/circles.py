"""Fence 7: no circles, neither between modules nor between services."""

from __future__ import annotations

from tools.check.tree import Finding, Tree, below

Graph = dict[str, set[str]]


def fence_circles(tree: Tree) -> list[Finding]:
    """Fence 7: modules, and services as wholes, import each other in one direction only."""
    modules: Graph = {name: set() for name in tree.product}
    services: Graph = {}
    for name, module in tree.product.items():
        for found in tree.imports(module):
            if found.target not in modules or found.target == name:
                continue
            modules[name].add(found.target)
            here, there = _service(name), _service(found.target)
            if here and there and here != there:
                services.setdefault(here, set()).add(there)
    return [
        Finding(_path(tree, circle[0]), 1, "circle: " + " > ".join([*circle, circle[0]]))
        for graph in (modules, services)
        for circle in circles(graph)
    ]


def circles(graph: Graph) -> list[list[str]]:
    """One circle of each knot, in order of names: an empty list means the graph has none."""
    remaining = _knots(graph)
    found = []
    while remaining:
        circle = _walk(remaining, min(remaining))
        found.append(circle)
        for name in circle:
            remaining.pop(name)
        remaining = _knots(remaining)
    return found


def _walk(graph: Graph, start: str) -> list[str]:
    """Follow imports until a name comes again; every name in ``graph`` leads on."""
    path = [start]
    while (following := min(graph[path[-1]])) not in path:
        path.append(following)
    return path[path.index(following) :]


def _knots(graph: Graph) -> Graph:
    """What is left of a graph when all that leads to no circle is taken away."""
    while True:
        kept = {name: targets & graph.keys() for name, targets in graph.items()}
        alive = {name: targets for name, targets in kept.items() if targets}
        if alive == graph:
            return alive
        graph = alive


def _service(name: str) -> str | None:
    parts = name.split(".")
    return ".".join(parts[:3]) if below(name, ["sycee.services"]) and len(parts) > 3 else None


def _path(tree: Tree, name: str) -> str:
    return tree.product[name].path if name in tree.product else name
