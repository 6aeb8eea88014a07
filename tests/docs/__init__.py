"""Documents are tests too."""
