"""Keeps the payments contract, one file per verb."""
