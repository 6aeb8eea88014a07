"""Puts things together, and sees what holds."""
