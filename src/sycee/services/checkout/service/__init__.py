"""Keeps checkout's contract."""
