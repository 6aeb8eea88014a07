"""The words every service speaks. No I/O, no clock reads, no randomness, no policy."""
