"""``python -m sycee.gateway.openapi [file]``: write the document to a file, or to the screen."""

from __future__ import annotations

import sys
from pathlib import Path

from sycee.gateway.app import documented_routes
from sycee.gateway.openapi.document import encoded


def main(arguments: list[str]) -> None:
    """Write the document."""
    octets = encoded(documented_routes())
    if arguments:
        Path(arguments[0]).write_bytes(octets)
    else:
        sys.stdout.buffer.write(octets)


if __name__ == "__main__":
    main(sys.argv[1:])
