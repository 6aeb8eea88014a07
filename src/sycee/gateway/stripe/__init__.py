"""The ``/v1`` doors: Stripe-compatible resources, one file each.

"Stripe-compatible" describes that Stripe's public SDKs work against them; there is no connection.
"""
