"""Keeps the notify contract: takes events in, answers for them, and sees them delivered."""
