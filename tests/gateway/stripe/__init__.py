"""The Stripe-compatible doors."""
