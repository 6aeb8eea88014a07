"""The world outside: the resolver of names, and receivers of webhooks."""
