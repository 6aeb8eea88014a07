"""Tests of the house around the code: starter, lock files."""
