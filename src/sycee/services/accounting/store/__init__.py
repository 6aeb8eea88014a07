"""Accounting as rows."""
