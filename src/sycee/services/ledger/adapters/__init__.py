<<<<<<< HEAD
"""Engines of the ledger: implementations of its contract."""
=======
"""The engines of the ledger."""
>>>>>>> container
