"""What the payments service remembers, as SQL."""
