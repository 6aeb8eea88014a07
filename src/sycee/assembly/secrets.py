"""The secrets of an installation, by the names under which services ask for them."""

from __future__ import annotations

NAMES = ("api-keys", "card-fingerprint", "ledger-receipts", "vault-seal", "webhook-secrets")
SIZE = 32
"""Random bytes in each."""
