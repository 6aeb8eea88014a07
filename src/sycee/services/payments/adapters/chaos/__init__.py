"""A layer over any rail that misbehaves as a script says."""
