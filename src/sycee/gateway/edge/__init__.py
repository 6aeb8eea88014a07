"""In front of every public request: what may come in, how much of it, and how long it may take."""
