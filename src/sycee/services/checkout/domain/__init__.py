"""The rules of the catalogue: pure functions."""
