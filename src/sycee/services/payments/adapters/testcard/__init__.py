"""A simulated acquirer behind the rail that real acquirers use: test cards, test answers."""
