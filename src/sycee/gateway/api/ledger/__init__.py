"""The ``/api/ledger`` doors: books of a merchant's own, one file for each kind of thing in them."""
