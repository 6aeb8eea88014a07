"""``python -m tools.faults [campaign] [arguments]``: list the fault campaigns, or run one."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools import programs

FOLDER = "tests/faults"


def main(arguments: Sequence[str]) -> int:
    """Run the campaign that is named with the arguments that follow."""
    known = programs.found(FOLDER)
    if not arguments:
        print(f"campaigns:\n{programs.listing(known)}")
        return 0
    name, *rest = arguments
    if name not in known:
        print(f"no such campaign: {name}\n{programs.listing(known)}", file=sys.stderr)
        return 2
    return programs.run(FOLDER, name, rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
