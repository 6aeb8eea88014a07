"""The rules of webhooks: who wants which event, where it may go, when again, and signed how."""
