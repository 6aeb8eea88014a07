"""Returning results: events, and the webhooks that carry them."""
