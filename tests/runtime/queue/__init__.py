"""Tests of the way events take."""
