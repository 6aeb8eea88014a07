"""Every fence bites."""
