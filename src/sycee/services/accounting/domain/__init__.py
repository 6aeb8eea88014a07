"""The rules of accounting: names, bounds, chains, splits, templates, seals. All of it computes."""
