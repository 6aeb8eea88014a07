"""Engines of other makes behind the ledger's contract."""
