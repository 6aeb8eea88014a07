"""Mutants of the money rules: each changes one rule, and the tests of that rule must notice."""
