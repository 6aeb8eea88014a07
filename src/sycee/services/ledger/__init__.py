"""The books: double entry, two-phase."""
