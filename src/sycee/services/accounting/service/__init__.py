"""Keeps the accounting contract: write down, ask the ledger, settle."""
