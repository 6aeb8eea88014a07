"""Puts the platform together: which services live in this process, and how the rest is reached."""
