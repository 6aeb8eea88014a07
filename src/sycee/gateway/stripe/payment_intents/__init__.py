"""``/v1/payment_intents``: create, retrieve, update, confirm, capture, cancel, list."""
