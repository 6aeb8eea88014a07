"""Who calls, for which merchant, with what rights."""
