"""The doors of the books, before real books."""
