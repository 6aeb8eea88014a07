"""What stands above the ledger: names, bounds, transactions, templates, statements, seals."""
