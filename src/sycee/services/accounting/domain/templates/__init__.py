"""Templates: which make sense, what arguments make of them, and a run's steps in the ledger."""
