"""What checkout remembers, as SQL."""
