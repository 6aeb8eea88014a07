"""Engines of the ledger: implementations of its contract."""
