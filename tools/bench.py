"""``python -m tools.bench [name…]``: list the benchmarks, or run some; one JSON document each."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools import programs

FOLDER = "bench"
REPORT = "import report"
"""What a program imports that prints figures; the others are servers and loads for it."""


def main(arguments: Sequence[str]) -> int:
    """Run what is named, in order; arguments after ``--`` go to every one."""
    known = programs.found(FOLDER, using=REPORT)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    names, rest = arguments[:end], arguments[end + 1 :]
    unknown = [name for name in names if name not in known]
    if not names or unknown:
        print(f"benchmarks, each printing one JSON document:\n{programs.listing(known)}")
        for name in unknown:
            print(f"no such benchmark: {name}", file=sys.stderr)
        return 2 if unknown else 0
    failed = [name for name in names if programs.run(FOLDER, name, rest) != 0]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
