"""A small piece of the real tree, in which boundaries may be broken."""

import shutil
from pathlib import Path

from tools.check.tree import Tree

ROOT = Path(__file__).resolve().parents[2]
KEPT = (
    "__init__.py",
    "kernel",
    "gateway/__init__.py",
    "runtime/__init__.py",
    "runtime/database.py",
    "services/__init__.py",
    "services/identity",
    "services/fraud",
)


class Plot:
    """A copy of two services and what they stand on."""

    def __init__(self, root):
        self.root = root
        shutil.copy(ROOT / "pyproject.toml", root / "pyproject.toml")
        for name in KEPT:
            source, target = ROOT / "src/sycee" / name, root / "src/sycee" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not source.exists():
                source = source.with_suffix("")  # a file may have become a folder
            if source.is_dir():
                shutil.copytree(source, target.with_suffix(""))
            else:
                shutil.copy(source, target)

    def add(self, path, text):
        """Add lines to a file of the product, which need not exist."""
        file = self.root / "src" / "sycee" / path
        if not file.exists() and file.with_suffix("").is_dir():
            file = file.with_suffix("") / "__init__.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text() if file.exists() else ""
        file.write_text(f"{before}\n{text}\n")
        return self

    def found(self, fence):
        """What a fence says of the copy."""
        return [finding.text for finding in fence(Tree(self.root))]
