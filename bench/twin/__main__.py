"""Serves the twin, or with ``--lean`` the one that keeps few promises, on a database at a path."""

from __future__ import annotations

import argparse

import uvicorn

from bench.twin import app, lean


def main() -> None:
    """Serve on the given port until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--key", default="sk_test_twin", help="the secret key of its merchant")
    parser.add_argument("--lean", action="store_true")
    options = parser.parse_args()
    path = options.database
    served = lean.build(path) if options.lean else app.build(path, options.key)
    uvicorn.run(served, port=options.port, log_level="error", access_log=False, loop="uvloop")


if __name__ == "__main__":
    main()
