"""What has no Stripe equivalent: health, documentation, the test rail's bank page."""
